"""Avatar workers in processes of their own, and an agent whose face they draw."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import psutil
from faces import PlainFace
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.io import PlaybackFinishedEvent
from livekit.plugins import visavis
from numpy.typing import NDArray
from servers import Worker, agent_token

from agent.config import Settings
from agent.probe.run import Plan, create_room, participant_token

RATE = 48_000
_FRAME = RATE // 10
_rooms = itertools.count(1)


def make_worker(settings: Settings, name: str) -> Worker:
    """`python -m agent avatar-worker`, which takes one call."""
    extra = {
        "VISAVIS_AVATAR_WORKER": name,
        "VISAVIS_AVATAR_SESSIONS": "1",
        "VISAVIS_IDLE_PROCESSES": "1",
    }
    return Worker(settings, extra, command="avatar-worker")


def job_of(worker: Worker, after: int = 0) -> psutil.Process | None:
    """The process that got the worker's last call, if its log says so after that line."""
    pids = [line for line in worker.lines[after:] if '"avatar on"' in line]
    return psutil.Process(int(pids[-1].split('"pid": ')[1].split(",")[0])) if pids else None


async def speech(seconds: float) -> AsyncIterator[rtc.AudioFrame]:
    """Noise, so that no encoder takes it for silence."""
    chance = np.random.default_rng(1)
    for _ in range(round(seconds * 10)):
        samples = chance.integers(-8000, 8000, _FRAME).astype(np.int16)
        yield rtc.AudioFrame(samples.tobytes(), RATE, 1, _FRAME)


@dataclass
class Ear:
    """Who listens: what came, and from whom. The agent's own events queue behind its frames."""

    frame_ms: int = 50
    room: rtc.Room = field(default_factory=rtc.Room)
    sound: list[tuple[float, str, float]] = field(default_factory=list)
    """(moment, identity, loudness) of every `frame_ms` that came."""
    pictures: list[tuple[float, str]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def join(self, url: str, token: str) -> None:
        self.room.on("track_subscribed", self._on_track)
        await self.room.connect(url, token)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.room.disconnect()

    def keep(self, identity: str, samples: NDArray[np.int16]) -> None:
        """For those who want the sound itself."""

    async def voice_of(self, identity: str, after: float) -> float:
        """The first loud moment of this participant after that one."""
        while True:
            for moment, who, level in self.sound:
                if moment > after and who == identity and level > 500:
                    return moment
            await self._next()

    async def anybody(self, after: float) -> tuple[str, float]:
        """Who is first to be heard after that moment, and when."""
        while True:
            for moment, who, level in self.sound:
                if moment > after and level > 500:
                    return who, moment
            await self._next()

    async def face_of(self, identity: str, after: float) -> float:
        """The first picture of this participant after that moment."""
        while True:
            for moment, who in self.pictures:
                if moment > after and who == identity:
                    return moment
            await self._next()

    async def _next(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _on_track(
        self, track: rtc.Track, _: rtc.RemoteTrackPublication, sender: rtc.RemoteParticipant
    ) -> None:
        audio = track.kind == rtc.TrackKind.KIND_AUDIO
        follow = self._hear(track, sender.identity) if audio else self._see(track, sender.identity)
        task = asyncio.create_task(follow)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hear(self, track: rtc.Track, identity: str) -> None:
        stream = rtc.AudioStream(
            track, sample_rate=RATE, num_channels=1, frame_size_ms=self.frame_ms
        )
        async for event in stream:
            samples: NDArray[np.int16] = np.frombuffer(event.frame.data, np.int16)
            self.keep(identity, samples)
            level = float(np.sqrt(np.mean(np.square(samples.astype(np.float32)))))
            self.sound.append((time.monotonic(), identity, level))
            self._changed.set()

    async def _see(self, track: rtc.Track, identity: str) -> None:
        async for _ in rtc.VideoStream(track):
            self.pictures.append((time.monotonic(), identity))
            self._changed.set()


@dataclass
class Play:
    """An agent without ears and mind, its avatar, and a listener."""

    settings: Settings
    room: rtc.Room
    session: AgentSession[None]
    avatar: visavis.AvatarSession
    ear: Ear
    finished: list[PlaybackFinishedEvent] = field(default_factory=list)
    moments: list[tuple[float, str, str]] = field(default_factory=list)
    """(moment, placement, reason)"""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_placed(self, placement: str, count: int = 1) -> str:
        """Wait until the avatar came to this placement for the nth time; returns the reason."""
        while True:
            reasons = [reason for _, place, reason in self.moments if place == placement]
            if len(reasons) >= count:
                return reasons[count - 1]
            self._changed.clear()
            await self._changed.wait()

    async def until_reason(self, reason: str) -> None:
        """Wait until the avatar moved for this reason."""
        while not any(why == reason for _, _, why in self.moments):
            self._changed.clear()
            await self._changed.wait()

    def note_place(self, placement: str, reason: str) -> None:
        self.moments.append((time.monotonic(), placement, reason))
        self._changed.set()


@asynccontextmanager
async def play(
    settings: Settings,
    worker: visavis.RemoteWorker,
    *,
    ear: Ear | None = None,
    bring: Callable[[str], Awaitable[None]] | None = None,
) -> AsyncIterator[Play]:
    """A call whose face the worker draws, once it is wherever it is.

    bring: takes somebody else into the room of this name, before the avatar is looked for.
    """
    name = f"remote-{next(_rooms)}-{time.monotonic_ns()}"
    await create_room(settings, Plan(room=name))
    session = AgentSession[None](vad=None, turn_handling={"turn_detection": "manual"})
    avatar = visavis.AvatarSession(
        renderer=PlainFace(), portrait="imani", placement="remote", worker=worker
    )
    on = Play(settings, rtc.Room(), session, avatar, ear or Ear())
    avatar.on("placement_changed", on.note_place)
    try:
        await on.ear.join(settings.livekit_url, participant_token(settings, name, "ear"))
        await on.room.connect(settings.livekit_url, agent_token(settings, name))
        if bring is not None:
            await bring(name)
        await avatar.start(
            session,
            on.room,
            livekit_url=settings.http_url,
            livekit_api_key=settings.livekit_api_key,
            livekit_api_secret=settings.livekit_api_secret.get_secret_value(),
        )
        await session.start(Agent(instructions="none"), room=on.room)
        assert session.output.audio is not None
        session.output.audio.on("playback_finished", on.finished.append)
        yield on
    finally:
        await session.aclose()
        await avatar.aclose()
        await on.room.disconnect()
        await on.ear.aclose()
