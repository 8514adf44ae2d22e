"""A stream from outside in a room, and both ways through a real worker: real nginx, real server."""

import asyncio
import collections
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc
from servers import Worker, agent_token
from streams import Beacon, Watched, needs_nginx, nginx, watch

from agent.bridges.anchor import Anchor
from agent.bridges.errors import BridgeError
from agent.bridges.feed import Feed, Picture
from agent.bridges.guest import Guest
from agent.bridges.rtmp_in import StreamIn
from agent.bridges.rtmp_out import RtmpOut
from agent.bridges.urls import IN_SCHEMES, OUT_SCHEMES, parse
from agent.config import Settings, child_environment
from agent.processes import Child

ROOM = "stream-in"


def test_the_first_stamp_waits_for_the_buffer_and_the_rest_keep_their_distance() -> None:
    anchor = Anchor(0.1)
    assert anchor.due(5.0, 100.0) == pytest.approx(100.1)
    assert anchor.due(5.5, 100.45) == pytest.approx(100.6)
    assert anchor.moves == 0


def test_a_late_stamp_moves_the_line_once() -> None:
    anchor = Anchor(0.1)
    anchor.due(0.0, 10.0)
    assert anchor.due(1.0, 11.3) == pytest.approx(11.3)
    assert anchor.due(1.1, 11.35) == pytest.approx(11.4)
    assert anchor.moves == 1


def test_a_line_that_is_early_for_a_while_moves_back() -> None:
    anchor = Anchor(0.1)
    anchor.due(0.0, 10.0)
    anchor.due(1.0, 11.5)  # a hiccup: late, and from now on half a second behind
    for number in range(1200):
        due = anchor.due(1.0 + number * 0.01, 11.0 + number * 0.01)
    assert due == pytest.approx(1.0 + 11.99 + 10.0 + 0.1, abs=0.02)


def test_what_had_piled_up_before_the_beginning_is_not_waited_for() -> None:
    anchor = Anchor(0.1)
    for number in range(50):
        due = anchor.due(5.0 + number * 0.02, 10.0 + number * 0.001)
    assert due == pytest.approx(10.05 + 0.1, abs=0.07)
    assert anchor.due(7.0, 11.07) == pytest.approx(11.17, abs=0.07)


def test_a_publisher_that_began_anew_is_a_new_line() -> None:
    anchor = Anchor(0.1)
    anchor.due(500.0, 10.0)
    assert anchor.due(0.0, 11.0) == pytest.approx(11.1)
    assert anchor.moves == 1


@pytest.mark.parametrize(
    "text",
    [
        "file:///etc/passwd",
        "http://host/app/key",
        "rtmp:///app/key",
        "rtmp://host",
        "rtmp://host/app/key word",
        "rtmp://host:70000/app/key",
        "concat:rtmp://host/app/key",
        "rtmp://host/" + "x" * 3000,
    ],
)
def test_an_address_that_is_no_stream_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BridgeError) as refused:
        parse(text, OUT_SCHEMES)
    assert "key" not in str(refused.value).replace("stream-key", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "[::1]", "169.254.169.254", "localhost"])
def test_an_internal_address_is_refused(host: str) -> None:
    with pytest.raises(BridgeError, match="internal address"):
        parse(f"rtmp://{host}/app/key", OUT_SCHEMES).refuse_internal()


def test_an_address_shows_neither_key_nor_password() -> None:
    url = parse("rtmps://me:pass@host.example/app/key?token=t", OUT_SCHEMES)
    assert str(url) == repr(url) == "rtmps://host.example:443/…"


class Listener:
    """Subscribes to a guest; what it hears and sees is kept."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.sound: list[np.ndarray] = []
        self.voices: dict[str, list[np.ndarray]] = {}
        self.pictures = 0
        self.seen: collections.Counter[str] = collections.Counter()
        self.changed = asyncio.Event()
        self.streams: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.room.on("track_subscribed", self._on_track)

    def _on_track(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        voice = self.voices.setdefault(participant.identity, [])
        picture = track.kind == rtc.TrackKind.KIND_VIDEO
        task = asyncio.create_task(
            self._see(track, participant.identity) if picture else self._hear(track, voice)
        )
        self._tasks.add(task)

    async def _hear(self, track: rtc.Track, voice: list[np.ndarray]) -> None:
        async for event in rtc.AudioStream(track, sample_rate=48_000, num_channels=1):
            block = np.frombuffer(event.frame.data, np.int16).copy()
            self.sound.append(block)
            voice.append(block)
            self.changed.set()

    async def _see(self, track: rtc.Track, identity: str) -> None:
        async for _ in rtc.VideoStream(track):
            self.pictures += 1
            self.seen[identity] += 1
            self.changed.set()

    async def until_heard(self, blocks: int) -> None:
        """Until so many blocks of 10 ms with the tone in them, and a picture, have come."""
        while self.loud() < blocks or self.pictures == 0:
            self.changed.clear()
            await self.changed.wait()

    def loud(self) -> int:
        return sum(int(np.abs(block).max()) > 3000 for block in self.sound)

    def loud_from(self, identity: str) -> int:
        blocks = self.voices.get(identity, [])
        return sum(int(np.abs(block).max()) > 3000 for block in blocks)

    def pitch_from(self, identity: str) -> float:
        """The strongest frequency (Hz) in the last second that was heard of somebody."""
        sound = np.concatenate(self.voices[identity])[-48_000:].astype(float)
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4 * 48_000))
        return float(spectrum.argmax() / 4)

    async def until_pitch(self, identity: str, hz: float, *, within: float = 1.0) -> None:
        """Until a second of somebody's sound has this pitch: a busy machine spoils some."""
        while abs(self.pitch_from(identity) - hz) > within:
            heard = len(self.voices[identity])
            while len(self.voices[identity]) < heard + 50:
                self.changed.clear()
                await self.changed.wait()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.room.disconnect()


@contextlib.asynccontextmanager
async def listening(livekit: Settings) -> AsyncIterator[Listener]:
    listener = Listener()
    await listener.room.connect(livekit.livekit_url, agent_token(livekit, ROOM, "listener"))
    try:
        yield listener
    finally:
        await listener.aclose()


@pytest.mark.server
@needs_nginx
async def test_a_stream_is_heard_and_seen_in_the_room_and_comes_back(
    tmp_path: Path, livekit: Settings
) -> None:
    states: list[str] = []
    async with nginx(tmp_path) as server, listening(livekit) as listener:

        def on_state(state: str, why: str) -> None:
            states.append(state)
            listener.changed.set()

        guest = Guest(livekit, room=ROOM, identity="guest", name="Guest")
        async with guest:
            feed = Feed(pictures=50)
            out = RtmpOut(parse(server.url("k"), OUT_SCHEMES), feed, on_state=lambda *_: None)
            into = StreamIn(parse(server.url("k"), IN_SCHEMES), guest, on_state=on_state)
            with Beacon(feed):
                out.start()
                into.start()
                async with asyncio.timeout(30):
                    await listener.until_heard(30)
                    await listener.until_pitch("guest", 1000, within=5)
                await server.stop()
                await server.start()
                async with asyncio.timeout(30):
                    while states.count("live") < 2:  # what is heard before was under way
                        listener.changed.clear()
                        await listener.changed.wait()
                    heard, listener.pictures = listener.loud(), 0
                    await listener.until_heard(heard + 20)
            await into.aclose()
            out.close()
    assert "lost" in states


@pytest.mark.server
async def test_the_guests_tracks_share_one_stream(livekit: Settings) -> None:
    async with Guest(livekit, room="guest-tracks", identity="guest", name="Guest") as guest:
        black = Picture(0, 64, 64, np.full(64 * 64 * 3 // 2, 128, np.uint8))
        async with asyncio.timeout(10):
            while guest.pictures == 0:
                guest.see(black)
                await asyncio.sleep(0.05)
        tracks = guest.room.local_participant.track_publications.values()
        assert sorted(track.source for track in tracks) == [
            rtc.TrackSource.SOURCE_CAMERA,
            rtc.TrackSource.SOURCE_MICROPHONE,
        ]


@pytest.mark.server
async def test_a_guest_that_leaves_at_its_first_picture_publishes_it_before(
    livekit: Settings,
) -> None:
    black = Picture(0, 64, 64, np.full(64 * 64 * 3 // 2, 128, np.uint8))
    async with asyncio.timeout(10):
        async with Guest(livekit, room="guest-leaves", identity="guest", name="Guest") as guest:
            guest.see(black)
        assert guest.left.is_set()
        assert guest._camera is not None


def spoke(seen: Watched) -> bool:
    """The face greeted, as both do."""
    return seen.loudest > 0.1 and seen.pictures > 25


@pytest.mark.server
@needs_nginx
async def test_the_command_listens_publishes_the_face_and_hides_the_keys(
    tmp_path: Path, livekit: Settings, worker: Worker
) -> None:
    lines: list[dict[str, str]] = []
    raw: list[str] = []
    listens = asyncio.Event()

    def take(line: str) -> None:
        raw.append(line)
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))
        if {"part": "in", "state": "live", "why": ""} in lines:
            listens.set()

    async with nginx(tmp_path) as server:
        feed = Feed(pictures=50)
        guest = RtmpOut(parse(server.url("secret-in"), OUT_SCHEMES), feed, on_state=lambda *_: None)
        environment = {
            **livekit.worker_environment(),
            "VISAVIS_RTMP_IN": server.url("secret-in"),
            "VISAVIS_RTMP_OUT": server.url("secret-out"),
        }
        command = [sys.executable, "-m", "agent", "bridge", "rtmp", "--json", "--persona", "jun"]
        child = await Child.start(
            "bridge", command, env=child_environment(environment), on_line=take
        )
        try:
            with Beacon(feed):
                guest.start()
                seen = await asyncio.to_thread(watch, server.url("secret-out"), spoke)
                async with asyncio.timeout(30):
                    await listens.wait()
        finally:
            code = await child.stop(10.0)
            guest.close()
    assert code == 0, raw
    assert seen.codecs == {"h264", "aac"}
    assert seen.pictures > 10
    assert not any("secret" in line for line in raw)
    assert {"part": "out", "state": "live", "why": ""} in lines
