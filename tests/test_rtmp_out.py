"""The avatar as an RTMP stream, through a real nginx: in time, marked, and back after a crash."""

import asyncio
import logging
import queue
from pathlib import Path

import av
import numpy as np
import pytest
from streams import FPS, Beacon, flashes, needs_nginx, nginx, watch

from agent.bridges.feed import RATE, Feed, Picture, Sound
from agent.bridges.mark import AI_MARK, MARK_ID, mark_container
from agent.bridges.rtmp_out import ClockLine, OutState, RtmpOut
from agent.bridges.urls import OUT_SCHEMES, parse

SECRET = "key-nobody-may-see"


def sound(start: int, count: int) -> Sound:
    return Sound(start, np.zeros(count, np.int16))


def picture(start: int) -> Picture:
    return Picture(start, 2, 2, np.zeros(6, np.uint8))


def test_a_full_feed_drops_pictures_and_keeps_the_sound() -> None:
    feed = Feed(pictures=2, sound_s=1.0)
    for number in range(10):
        feed.put(sound(number * 960, 960))
        feed.put(picture(number * 960))
    items = [feed.get(0) for _ in range(12)]
    assert [i.start for i in items if isinstance(i, Sound)] == [n * 960 for n in range(10)]
    assert [i.start for i in items if isinstance(i, Picture)] == [8 * 960, 9 * 960]
    assert feed.dropped_pictures == 8
    assert feed.dropped_samples == 0


def test_a_feed_nobody_empties_holds_the_newest_sound() -> None:
    feed = Feed(sound_s=0.1)
    for number in range(20):
        feed.put(sound(number * 960, 960))
    first = feed.get(0)
    assert first is not None
    assert first.start == 15 * 960
    assert feed.dropped_samples == 15 * 960


def test_a_closed_feed_gives_what_it_has_and_then_nothing() -> None:
    feed = Feed()
    feed.put(sound(0, 960))
    feed.close()
    feed.put(sound(960, 960))
    assert isinstance(feed.get(0), Sound)
    assert feed.get(5.0) is None


def test_time_goes_on_when_the_playout_began_again() -> None:
    line = ClockLine()
    assert line.sound(sound(0, 5 * RATE)) == 0
    assert line.sound(sound(5 * RATE, 960)) == 5 * RATE
    assert line.sound(sound(0, 960)) == 5 * RATE + 960
    assert line.at(480) == 5 * RATE + 1440


def test_a_stream_is_marked_as_generated(tmp_path: Path) -> None:
    path = str(tmp_path / "marked.flv")
    with av.open(path, "w", format="flv") as made:
        mark_container(made)
        sound_track = made.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), "s16", "mono")
        frame.sample_rate = RATE
        made.mux(sound_track.encode(frame))
        made.mux(sound_track.encode(None))
    with av.open(path) as found:
        assert found.metadata["comment"] == AI_MARK


@needs_nginx
async def test_picture_and_sound_arrive_together(tmp_path: Path) -> None:
    async with nginx(tmp_path) as server:
        feed = Feed(pictures=50)  # a busy machine drops none: speed is not the matter here
        url = parse(server.url(SECRET), OUT_SCHEMES)
        out = RtmpOut(url, feed, on_state=lambda state, why: None)
        with Beacon(feed):
            out.start()
            seen = await asyncio.to_thread(watch, server.url(SECRET), flashes(3))
        out.close()
    offsets = seen.offsets_ms()
    assert len(offsets) >= 3
    assert max(abs(offset) for offset in offsets) <= 20
    assert seen.codecs == {"h264", "aac"}
    assert seen.pictures >= 2 * FPS
    mark = MARK_ID.bytes + AI_MARK.encode()  # past a server that drops the metadata
    assert seen.notes
    assert all(mark in note for note in seen.notes)


@needs_nginx
async def test_a_stream_comes_back_after_its_server_crashed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    states: queue.SimpleQueue[OutState] = queue.SimpleQueue()
    caplog.set_level(logging.DEBUG)
    async with nginx(tmp_path) as server:
        feed = Feed(pictures=50)  # a busy machine drops none: speed is not the matter here
        url = parse(server.url(SECRET), OUT_SCHEMES)
        out = RtmpOut(url, feed, on_state=lambda state, why: states.put(state))
        with Beacon(feed):
            out.start()
            before = await asyncio.to_thread(watch, server.url(SECRET), flashes(1))
            await server.stop()
            while await asyncio.to_thread(states.get, timeout=20) != "lost":
                pass
            await server.start()
            while await asyncio.to_thread(states.get, timeout=20) != "live":
                pass
            after = await asyncio.to_thread(watch, server.url(SECRET), flashes(2))
        out.close()
    assert after.flashes[0][0] > before.flashes[-1][0]  # the time stamps went on
    assert max(abs(offset) for offset in after.offsets_ms()) <= 20
    assert SECRET not in caplog.text
    assert "stream lost" in caplog.text
