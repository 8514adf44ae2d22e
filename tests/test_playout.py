"""The playout on a real source, heard sample by sample on its own track: no server is needed."""

import asyncio
import gc
import random
import threading
import time

import numpy as np
import psutil
import pytest
from ears import BLOCK, EDGE, NOISE, Ear, ear, face_forgot, level_db, losses, places
from faces import BrokenFace, PlainFace
from livekit import rtc
from livekit.agents import AgentSession
from livekit.plugins import visavis

from avatar.frames import CLOCK_RATE, AudioChunk, SpeechEnd, VideoFrame
from avatar.timeline import Finished, Started

pytestmark = pytest.mark.realtime


async def test_speech_is_sent_whole_and_its_clock_is_right() -> None:
    async with ear() as on:
        on.say(1, 1.0)
        assert (await on.finished(1)).position == CLOCK_RATE
        sent = np.concatenate(on.blocks)
        first = int(np.flatnonzero(sent)[0])
        assert (sent[first : first + CLOCK_RATE] == NOISE[:CLOCK_RATE]).all()
        assert on.events == [Started(1), Finished(1, CLOCK_RATE, interrupted=False)]
        voice = on.playout.voice
        assert voice is not None
        assert voice.underruns == 0


async def test_speech_that_trickles_in_has_no_holes() -> None:
    async with ear() as on:
        for start in range(0, CLOCK_RATE, 2_400):
            on.playout.hear(AudioChunk(1, start, NOISE[start : start + 2_400]))
            await on.hear(3)  # 50 ms every 30 ms
        on.playout.hear(SpeechEnd(1))
        await on.finished(1)
        assert set(losses(on.voiced())) == {0}
        assert (await on.finished(1)).position == CLOCK_RATE


async def test_a_pause_loses_and_repeats_no_sample() -> None:
    chance = random.Random(5)
    async with ear() as on:
        on.say(1, 3.0)
        for _ in range(8):
            await on.hear(chance.randrange(8, 20))
            on.playout.pause()
            on.playout.pause()
            await on.hear(chance.randrange(0, 12))
            on.playout.resume()
            on.playout.resume()
        assert (await on.finished(1)).position == 3 * CLOCK_RATE
        found = losses(on.voiced())
        # a cut block holds the end of the sound, falling, and then silence
        assert set(found) == {0, EDGE - BLOCK}
        assert found.count(EDGE - BLOCK) >= 6
        sent = np.concatenate(on.blocks)
        assert np.count_nonzero(sent) >= 3 * CLOCK_RATE - 8 * 8  # a fade may end in zeros


async def test_a_listener_who_leaves_and_returns_misses_no_sample() -> None:
    async with ear() as on:
        on.say(1, 1.5)
        await on.hear(20)
        on.playout.set_heard(False)
        await on.hear(10)
        on.playout.pause()
        on.playout.resume()  # the turns go on: still nobody hears
        await on.hear(10)
        assert not on.blocks[-1].any()
        on.playout.set_heard(True)
        assert (await on.finished(1)).position == 1.5 * CLOCK_RATE
        assert set(losses(on.voiced())) == {0, EDGE - BLOCK}
        assert level_db(on.voiced()[-2]) == pytest.approx(level_db(NOISE), abs=0.7)


async def test_ducking_is_softer_at_once_and_comes_back_without_a_gap() -> None:
    chance = random.Random(6)
    async with ear() as on:
        on.say(1, 3.0)
        await on.hear(30)
        for _ in range(6):
            on.playout.duck()
            on.playout.duck(gain_db=-15.0)
            await on.hear(10)
            assert level_db(on.blocks[-1]) == pytest.approx(level_db(NOISE) - 15, abs=0.7)
            on.playout.unduck()
            on.playout.unduck()
            await on.hear(10 + chance.randrange(0, 8))
            assert level_db(on.blocks[-1]) == pytest.approx(level_db(NOISE), abs=0.7)
        assert (await on.finished(1)).position == 3 * CLOCK_RATE
        assert set(losses(on.voiced())) == {0}
        first = next(n for n, block in enumerate(on.blocks) if block.any())
        holes = [n for n, block in enumerate(on.blocks[first : first + 300]) if not block.any()]
        assert holes == []


async def test_a_clear_ends_softly_and_the_next_speech_is_loud_again() -> None:
    async with ear() as on:
        on.say(1, 3.0)
        await on.hear(30)
        on.playout.duck()
        on.playout.pause()
        await on.hear(5)
        on.playout.resume()
        await on.hear(10)
        on.playout.clear()
        cut = await on.finished(1)
        assert cut.interrupted
        await on.hear(10)
        assert not on.blocks[-1].any()
        assert cut.position == pytest.approx(len(on.voiced()) * BLOCK, abs=4 * BLOCK)
        assert face_forgot(on, 1)
        given = on.given
        on.say(2, 0.5)
        await on.finished(2)
        assert places(on.voiced())[-1] == given + CLOCK_RATE // 2 - BLOCK


async def test_a_clear_in_a_pause_ends_the_pause() -> None:
    async with ear() as on:
        on.say(1, 1.0)
        await on.hear(20)
        on.playout.pause()
        on.playout.clear()
        assert (await on.finished(1)).interrupted
        on.say(2, 0.2)
        assert not (await on.finished(2)).interrupted


async def test_the_mouth_is_told_of_the_pause_with_the_sound() -> None:
    async with ear() as on:
        on.say(1, 2.0)
        await on.hear(30)
        assert on.face.cues[-1].segment == 1
        on.playout.pause()
        await on.hear(15)
        quiet = on.face.cues[-1]
        assert quiet.segment is None
        on.playout.resume()
        await on.finished(1)
        spoken = [cue.position for cue in on.face.cues if cue.segment == 1]
        assert spoken == sorted(spoken)
        assert max(np.diff(spoken)) <= 2 * CLOCK_RATE // 25


async def test_a_face_that_dies_in_speech_is_replaced_and_knows_the_speech() -> None:
    fresh = PlainFace()
    async with ear(BrokenFace(after=25), again=fresh) as on:
        on.say(1, 2.5)
        await on.finished(1)
        assert [state for state, _ in on.faces] == ["still", "live"]
        assert on.faces[0][1] == "the renderer died: the face broke"
        assert any(isinstance(item, AudioChunk) for item in fresh.heard)
        assert any(cue.segment == 1 for cue in fresh.cues)


async def test_nobody_there_to_watch_costs_one_picture_a_second() -> None:
    async with ear() as on:
        on.playout.set_watched(False)
        await on.hear(10)
        before = len(on.face.cues)
        await on.hear(100)
        assert len(on.face.cues) - before <= 2
        on.playout.set_watched(True)
        before = len(on.face.cues)
        await on.hear(20)
        assert len(on.face.cues) - before >= 3
        assert on.face.cues[-1].index > on.face.cues[before - 1].index


@pytest.mark.parametrize("seed", range(3))
async def test_each_segment_is_reported_once_whatever_happens(seed: int) -> None:
    """Random orders, a thread that stalls, and the end of it all in the middle."""
    chance = random.Random(seed)
    async with ear() as on:
        segment, opened = 0, False
        for _ in range(60):
            do = chance.choice(["say", "say", "more", "end", "clear", "pause", "resume", "duck"])
            if do in ("say", "more"):
                if not opened:
                    segment, opened = segment + 1, True
                part = NOISE[: chance.randrange(1, 9_600)]
                on.playout.hear(AudioChunk(segment, 0, part))
            elif do == "end" and opened:
                opened = False
                on.playout.hear(SpeechEnd(segment))
            elif do == "clear":
                on.playout.clear()
            elif do in ("pause", "resume"):
                chance.choice([on.playout.pause, on.playout.resume])()
            elif do == "duck":
                chance.choice([on.playout.duck, on.playout.unduck])()
            if chance.random() < 0.05:
                on.playout._call(time.sleep, 0.25)  # longer than the source's queue
            await on.hear(chance.randrange(0, 5))
        if chance.random() < 0.5:
            await on.playout.aclose()
        else:
            await crash(on)
        if opened:
            on.playout.hear(SpeechEnd(segment))
        await asyncio.sleep(0.05)  # what is told goes from loop to loop
        check_ledger(on.events, segment)


async def test_a_dead_playout_still_ends_what_comes_later() -> None:
    async with ear() as on:
        on.say(1, 2.0, end=False)
        await on.hear(30)
        await crash(on)
        assert not on.playout.alive
        assert not any(isinstance(event, Finished) for event in on.events)
        on.playout.hear(SpeechEnd(1))
        on.say(2, 0.1)
        await asyncio.sleep(0.05)
        check_ledger(on.events, 2)
        first, second = (event for event in on.events if isinstance(event, Finished))
        assert 0.2 * CLOCK_RATE < first.position < 0.4 * CLOCK_RATE
        assert second == Finished(2, 0, interrupted=True)
        assert on.failures == [True]
        async with asyncio.timeout(1):
            await on.playout.wait_for_space()


async def crash(on: Ear) -> None:
    """Let the source refuse a push, as it does when it is broken."""

    async def refuse(frame: rtc.AudioFrame) -> None:
        raise RuntimeError("no more sound")

    assert on.playout.voice is not None
    on.playout.voice.source.capture_frame = refuse  # type: ignore[method-assign]  # broken
    await asyncio.to_thread(on.playout._thread.join)


def check_ledger(events: list[Started | Finished], segments: int) -> None:
    finished = [event.segment for event in events if isinstance(event, Finished)]
    started = [event.segment for event in events if isinstance(event, Started)]
    assert finished == list(range(1, segments + 1))
    assert started == sorted(set(started))
    for event in events:
        if isinstance(event, Finished) and event.position:
            assert events.index(Started(event.segment)) < events.index(event)


async def test_twenty_avatars_leave_nothing_behind() -> None:
    """No thread, task or descriptor; also when the room was never reached."""
    process = psutil.Process()
    before: tuple[int, int, int] | None = None
    for number in range(21):
        avatar = visavis.AvatarSession(renderer=PlainFace())
        session, room = AgentSession[None](vad=None), rtc.Room()
        await avatar.start(session, room)
        await avatar.aclose()
        await session.aclose()
        gc.collect()
        threads = [t for t in threading.enumerate() if not t.name.startswith("asyncio_")]  # a pool
        left = (len(asyncio.all_tasks()), len(threads), process.num_fds())
        if number == 0:
            before = left
    assert left == before
    assert not [t for t in threading.enumerate() if t.name.startswith("avatar-")]


async def test_pictures_go_on_at_once_when_the_thread_had_stalled() -> None:
    async with ear() as on:
        on.say(1, 2.0)
        await on.hear(30)
        on.playout._call(time.sleep, 1.0)  # 0.8 s longer than the source's queue
        await on.hear(110)  # LiveKit sends silence of its own before the thread is back
        before = len(on.face.cues)
        await on.hear(40)
        assert len(on.face.cues) - before >= 4
        indices = [cue.index for cue in on.face.cues]
        assert indices == sorted(set(indices))
        assert (await on.finished(1)).position == 2 * CLOCK_RATE
        assert set(losses(on.voiced())) == {0}


async def test_a_thread_kept_waiting_while_it_refills_leaves_no_hole() -> None:
    async with ear() as on:
        voice = on.playout.voice
        assert voice is not None
        voice._fade = lambda level, fade_s: time.sleep(0.035)  # type: ignore[method-assign]
        on.say(1, 3.0)
        for _ in range(8):
            await on.hear(20)
            on.playout.duck()
        assert (await on.finished(1)).position == 3 * CLOCK_RATE
        assert set(losses(on.voiced())) == {0}
        sent = np.concatenate(on.blocks)
        first = int(np.flatnonzero(sent)[0])
        assert (sent[first : first + 3 * CLOCK_RATE] == NOISE[: 3 * CLOCK_RATE]).all()


async def test_speech_waits_for_space_and_goes_on() -> None:
    async with ear() as on:
        on.say(1, 2.5, end=False)
        await on.hear(5)
        waiting = asyncio.create_task(on.playout.wait_for_space())
        await on.hear(5)
        assert not waiting.done()
        await waiting
        on.playout.clear()
        on.playout.hear(SpeechEnd(1))
        assert (await on.finished(1)).interrupted


async def test_closing_ends_what_was_open() -> None:
    async with ear() as on:
        on.say(1, 2.0)
        await on.hear(10)
        await on.playout.aclose()
        await on.playout.aclose()
        assert not on.playout.alive
        await asyncio.sleep(0)
        assert [type(event) for event in on.events] == [Started, Finished]


async def test_a_gain_above_full_is_refused() -> None:
    async with ear() as on:
        with pytest.raises(ValueError, match="gain_db is at most 0"):
            on.playout.duck(gain_db=3)
        with pytest.raises(ValueError, match="fade_ms is at least 0"):
            on.playout.unduck(fade_ms=-1)


class _Tapped:
    """Keeps what a tap is told."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.blocks: list[np.ndarray] = []
        self.pictures: list[int] = []

    def sound(self, start: int, samples: np.ndarray) -> None:
        self.starts.append(start)
        self.blocks.append(samples)

    def picture(self, start: int, picture: VideoFrame) -> None:
        self.pictures.append(start)


async def test_a_tap_gets_exactly_what_was_sent_also_around_an_interruption() -> None:
    tapped = _Tapped()
    async with ear() as on:
        on.playout.tap(tapped)
        on.say(1, 2.0)
        await on.hear(60)
        on.playout.clear()
        on.say(2, 0.5)
        await on.finished(2)
        await on.hear(20)
    ends = [start + len(b) for start, b in zip(tapped.starts, tapped.blocks, strict=True)]
    assert tapped.starts[1:] == ends[:-1]  # no gap, nothing twice
    told, sent = np.concatenate(tapped.blocks), np.concatenate(on.blocks)
    # NOISE holds no zeros: a source that ran dry adds silence that is not of the clock
    assert np.array_equal(told[told != 0], sent[sent != 0])
    assert len(tapped.pictures) > 10
    assert all(start % (CLOCK_RATE // 25) == 0 for start in tapped.pictures)
