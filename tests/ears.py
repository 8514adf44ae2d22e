"""A playout on a real source, heard sample by sample on its own track, for tests."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from faces import PlainFace
from livekit import rtc
from livekit.plugins.visavis.playout import Playout

from avatar.frames import CLOCK_RATE, AudioChunk, SpeechEnd
from avatar.stream import AvatarStream
from avatar.timeline import Finished, Samples, Started

BLOCK = CLOCK_RATE // 100
EDGE = CLOCK_RATE // 200
NOISE = np.random.default_rng(1).integers(-8_000, 8_000, 8 * CLOCK_RATE).astype(np.int16)
NOISE[np.abs(NOISE) < 100] = 100
KEYS = {NOISE[i : i + 6].tobytes(): i for i in range(0, len(NOISE) - 6)}


@dataclass
class Ear:
    """A playout and what it sends, block by block."""

    playout: Playout
    face: PlainFace
    blocks: list[Samples] = field(default_factory=list)
    events: list[Started | Finished] = field(default_factory=list)
    faces: list[tuple[str, str]] = field(default_factory=list)
    failures: list[bool] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    given: int = 0

    def say(self, segment: int, seconds: float, *, end: bool = True) -> None:
        count = round(seconds * CLOCK_RATE)
        samples = NOISE[self.given : self.given + count]
        self.playout.hear(AudioChunk(segment, 0, samples))
        self.given += count
        if end:
            self.playout.hear(SpeechEnd(segment))

    async def hear(self, count: int) -> None:
        """Wait for that many blocks more."""
        goal = len(self.blocks) + count
        while len(self.blocks) < goal:
            self.came.clear()
            await self.came.wait()

    async def finished(self, segment: int) -> Finished:
        while True:
            for event in self.events:
                if isinstance(event, Finished) and event.segment == segment:
                    return event
            await self.hear(1)

    def voiced(self) -> list[Samples]:
        return [block for block in self.blocks if block.any()]


@asynccontextmanager
async def ear(face: PlainFace | None = None, again: PlainFace | None = None) -> AsyncIterator[Ear]:
    drawn = face or PlainFace()
    stream = AvatarStream(lambda: drawn, again=(lambda: again) if again else None)
    stream.start()
    events: list[Started | Finished] = []
    faces: list[tuple[str, str]] = []
    failures: list[bool] = []
    playout = Playout(
        stream,
        size=(64, 64),
        fps=25,
        on_event=events.append,
        on_face=lambda state, reason: faces.append((state, reason)),
        on_failure=lambda: failures.append(True),
    )
    await playout.start()
    assert playout.voice is not None
    track = rtc.LocalAudioTrack.create_audio_track("voice", playout.voice.source)
    sound = rtc.AudioStream(track, sample_rate=CLOCK_RATE, num_channels=1)
    made = Ear(playout, drawn, events=events, faces=faces, failures=failures)

    async def listen() -> None:
        async for event in sound:
            made.blocks.append(np.frombuffer(event.frame.data, np.int16).copy())
            made.came.set()

    listening = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(50):
            await made.hear(60)  # the clock is sure
            playout.open()
            yield made
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await sound.aclose()
        await playout.aclose()
        stream.close()


def places(blocks: list[Samples]) -> list[int | None]:
    """Where in NOISE each block begins; None when no part of it is as loud as it was given."""
    found: list[int | None] = []
    for block in blocks:
        keys = ((KEYS.get(block[at : at + 6].tobytes()), at) for at in range(0, BLOCK - 6, 9))
        found.append(next((place - at for place, at in keys if place is not None), None))
    return found


def losses(blocks: list[Samples]) -> list[int]:
    """Samples lost (or, negative, repeated) between blocks that are as loud as they were given."""
    known = [(n, place) for n, place in enumerate(places(blocks)) if place is not None]
    pairs = itertools.pairwise(known)
    return [(b - a) - BLOCK * (n - m) for (m, a), (n, b) in pairs]


def level_db(samples: Samples) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(samples.astype(float))))))


def face_forgot(on: Ear, segment: int) -> bool:
    return segment in on.face.forgotten
