"""A call between the noise sender and a listener that knows the noise: what came, and when."""

import asyncio
import bisect
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from livekit import rtc
from livekit.plugins.visavis.trace import Trace
from numpy.typing import NDArray
from servers import livekit_server

from agent.config import Settings
from agent.probe import measure
from agent.probe.participant import Participant
from agent.probe.recording import RATE
from agent.probe.run import Plan, create_room, participant_token
from benches.noise import places

_LEVEL = RATE // 200
ROOM = "noise"
WHITE = 160
"""The face is white while it speaks."""


class Listener(Participant):
    """Keeps of each picture when it came, its trace, and how bright it is."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.pictures: list[tuple[float, Trace | None, float]] = []
        self._voice: rtc.Track | None = None
        self._buffered = (0.0, 0)

    async def buffer_ms(self) -> float | None:
        """How long our receiver has held the voice, on average since the last call."""
        if self._voice is None:
            return None
        for entry in await self._voice.get_stats():
            if entry.WhichOneof("stats") == "inbound_rtp":
                inbound = entry.inbound_rtp.inbound
                delay, count = inbound.jitter_buffer_delay, inbound.jitter_buffer_emitted_count
                before, self._buffered = self._buffered, (delay, count)
                held = max(1, count - before[1])
                return round((delay - before[0]) / held * 1000, 1)
        return None

    async def _listen(self, track: rtc.Track) -> None:
        self._voice = track
        await super()._listen(track)

    async def _watch(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream(track, format=rtc.VideoBufferType.I420)
        try:
            async for event in stream:
                now, frame = time.monotonic(), event.frame
                luma = np.frombuffer(frame.data, np.uint8, frame.width * frame.height)
                note = Trace.unpack(event.metadata.user_data) if event.metadata else None
                self.pictures.append((now, note, float(luma[::97].mean())))
        finally:
            await stream.aclose()


class Sender:
    """The sender's process."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    @property
    def pid(self) -> int:
        return self._child.pid

    async def do(self, what: str, **more: Any) -> float:
        """Give an order; returns when it was obeyed."""
        answer = await self.ask(what, **more)
        return float(answer["at"])

    async def ask(self, what: str, **more: Any) -> dict[str, Any]:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        async with asyncio.timeout(30):
            line = await self._child.stdout.readline()
        if not line:
            raise RuntimeError("the sender ended: its errors are above")
        told: dict[str, Any] = json.loads(line)
        return told


class Call(Sender):
    """The sender's process and the listener."""

    def __init__(self, child: asyncio.subprocess.Process, me: Listener) -> None:
        super().__init__(child)
        self.me = me

    def offsets(self, start: float, end: float) -> NDArray[np.float64]:
        """Rows of (moment, picture minus sound in s): a picture against its window's first sample.

        Positive: the picture is late. Exact: pictures say their samples, the noise says its own.
        """
        heard = places(self.me.recording, start - 0.5, end + 0.5)
        if len(heard) < 2:
            return np.zeros((0, 2))
        moments, samples = np.array(heard).T
        rising = np.concatenate([[True], np.diff(np.maximum.accumulate(samples)) > 0])
        rows = []
        for moment, note, _ in self.me.pictures:
            if not start <= moment < end or note is None or not note.segment:
                continue
            if samples[rising][0] <= note.position <= samples[rising][-1]:
                sound = float(np.interp(note.position, samples[rising], moments[rising]))
                rows.append((moment, moment - sound))
        return np.array(rows).reshape(-1, 2)

    def first_white(self, after: float) -> float | None:
        return next((t for t, _, light in self.me.pictures if t > after and light > WHITE), None)

    def last_white(self, after: float, before: float) -> float | None:
        found = [t for t, _, light in self.me.pictures if after < t < before and light > WHITE]
        return found[-1] if found else None

    def levels(self, start: float, end: float) -> list[tuple[float, float]]:
        """(moment, dB below full scale of the 5 ms from then on), for every ms between two."""
        recording = self.me.recording
        first = bisect.bisect_left(recording.audio_times, start)
        last = bisect.bisect_left(recording.audio_times, end)
        if first == last:
            return []
        sound = np.concatenate(recording.audio_blocks[first:last]).astype(np.float64)
        sums = np.concatenate(([0.0], np.cumsum(np.square(sound))))
        starts = np.arange(0, len(sound) - _LEVEL, RATE // 1000)
        rms = np.sqrt((sums[starts + _LEVEL] - sums[starts]) / _LEVEL)
        lengths = [len(block) for block in recording.audio_blocks[first:last]]
        begins = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        moments = np.array(recording.audio_times[first:last])
        block = np.searchsorted(begins, starts, side="right") - 1
        heard = moments[block] + (starts - begins[block]) / RATE
        decibels = 20 * np.log10(np.maximum(rms, 1e-3) / 32768)
        return list(zip(heard.tolist(), decibels.tolist(), strict=True))

    def first_sound(self, after: float) -> float | None:
        return measure.first_voice(self.me.recording, after)

    def last_sound(self, after: float, before: float) -> float | None:
        return measure.last_voice(self.me.recording, after, before)


@asynccontextmanager
async def call(
    *,
    extra: Mapping[str, str] | None = None,
    core: int | None = None,
    settings: Settings | None = None,
) -> AsyncIterator[Call]:
    """Sender and listener, ready, on a server of their own or on that of the settings.

    core: where the sender is pinned to.
    """
    if settings is None:
        async with (
            livekit_server() as server,
            call(extra=extra, core=core, settings=Settings(livekit_url=server.url)) as on,
        ):
            yield on
        return
    await create_room(settings, Plan(room=ROOM))
    async with sender(settings, extra=extra, core=core) as child:
        token = participant_token(settings, ROOM, "listener")
        async with Listener(settings.livekit_url, token) as me:
            made = Call(child, me)
            await made.answer()
            await me.audio_subscribed.wait()
            await me.video_subscribed.wait()
            await asyncio.sleep(1.5)
            yield made


@asynccontextmanager
async def sender(
    settings: Settings, *, extra: Mapping[str, str] | None = None, core: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A sender that is on its way into the room; it says a line when it is there."""
    environment = {
        **os.environ,
        "BENCH_URL": settings.livekit_url,
        "BENCH_TOKEN": participant_token(settings, ROOM, "sender"),
        **(extra or {}),
    }
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    child = await asyncio.create_subprocess_exec(
        *pinned,
        *(sys.executable, "-W", "ignore", "-m", "benches.sender"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        yield child
    finally:
        assert child.stdin is not None
        child.stdin.close()
        try:
            async with asyncio.timeout(5):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()
