"""How speech goes from the agent to an avatar worker: to one of ours, or to an official runner.

An official AvatarRunner is spoken to by LiveKit's byte streams. The fact you would not guess:
their destination is that of the header alone, their bytes go to everybody in the room (livekit
1.1.21; half a megabit a second to each caller, and twice that at our rate). So a worker of ours
gets its speech in data packets, which go to nobody else.
"""

import asyncio
import time
from typing import Protocol

from avatar.frames import CLOCK_RATE, AudioChunk, SpeechEnd, Timings
from livekit.agents import utils

from livekit import rtc

from . import wire

_OFFICIAL_RATE = 24_000
"""The rate at which an official runner is spoken to; its own options must say the same."""
_AT_ONCE_S = 0.3
_TIMES = 4.0
"""So much speech goes without a pause, more of it this many times as fast as it is heard: seconds
in one go keep everybody's machine busy, and what the worker sends at that moment comes late."""


class Outlet(Protocol):
    """Speech goes in, in order; one task calls `say` and `settle`.

    cleared: no segment up to this one is said any more. opened: the last segment of which anything
    was sent; those after it are unknown to the worker.
    """

    cleared: int
    opened: int

    async def say(self, item: AudioChunk | SpeechEnd) -> None:
        """Send it. Raises what LiveKit raises in a room that is being left."""

    async def settle(self) -> None:
        """Give up what `cleared` has made idle."""


class Packets:
    """To a worker of ours: sound at CLOCK_RATE, and its timings beside it."""

    def __init__(self, room: rtc.Room, identity: str) -> None:
        self._room, self._to = room, [identity]
        self.cleared = self.opened = 0
        self._free_at = 0.0

    async def say(self, item: AudioChunk | SpeechEnd) -> None:
        self.opened = max(self.opened, item.segment)
        if isinstance(item, SpeechEnd):
            await self._send(wire.SPEECH_TOPIC, wire.pack_speech(item.segment, b""))
            return
        if item.timings != Timings():
            for hints in wire.pack_hints(item.segment, item.start, item.timings):
                await self._send(wire.HINTS_TOPIC, hints)
        for start in range(0, len(item.samples), wire.MAX_SAMPLES):
            if item.segment <= self.cleared:
                return
            part = item.samples[start : start + wire.MAX_SAMPLES]
            await self._send(wire.SPEECH_TOPIC, wire.pack_speech(item.segment, part.tobytes()))
            await self._pace(len(part) / CLOCK_RATE)

    async def settle(self) -> None:
        """Nothing stays open."""

    async def _pace(self, seconds: float) -> None:
        """Wait as long as that much speech is to take, if much of it has just gone."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now - _AT_ONCE_S / _TIMES) + seconds / _TIMES
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)

    async def _send(self, topic: str, payload: bytes | str) -> None:
        await self._room.local_participant.publish_data(
            payload, topic=topic, destination_identities=self._to
        )


class Stream:
    """To an official runner: a byte stream for each segment, sound alone."""

    def __init__(self, room: rtc.Room, identity: str) -> None:
        self._room, self._to = room, [identity]
        self.cleared = self.opened = 0
        self._writer: rtc.ByteStreamWriter | None = None
        self._resampler: rtc.AudioResampler | None = None

    async def say(self, item: AudioChunk | SpeechEnd) -> None:
        if self._resampler is None or self.opened != item.segment:
            await self._open(item.segment)
        assert self._resampler is not None
        if isinstance(item, SpeechEnd):
            await self._write(self._resampler.flush())
            await self._close()
        else:
            samples = item.samples
            frame = rtc.AudioFrame(samples.tobytes(), CLOCK_RATE, 1, len(samples))
            await self._write(self._resampler.push(frame))

    async def settle(self) -> None:
        if self._writer is not None and self.opened <= self.cleared:
            await self._close()

    async def _open(self, segment: int) -> None:
        await self._close()
        self.opened = segment
        self._resampler = rtc.AudioResampler(CLOCK_RATE, _OFFICIAL_RATE, num_channels=1)
        self._writer = await self._room.local_participant.stream_bytes(
            name=utils.shortuuid("AUDIO_"),
            topic=wire.AUDIO_TOPIC,
            destination_identities=self._to,
            attributes={"sample_rate": str(_OFFICIAL_RATE), "num_channels": "1"},
        )

    async def _close(self) -> None:
        self._resampler = None  # one for each segment: it takes nothing more once it was flushed
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.aclose()

    async def _write(self, frames: list[rtc.AudioFrame]) -> None:
        for frame in frames:
            if self._writer is None or self.opened <= self.cleared:
                return
            await self._writer.write(bytes(frame.data))
