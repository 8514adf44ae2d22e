"""The avatar worker's ear: one sender's speech, and its orders.

A sender of ours numbers its segments, and sends sound and timings in data packets (outlet.py says
why); an official DataStreamAudioOutput opens a byte stream for each, and counts. The fact you would
not guess: a stream's end may be lost (an official sender's trailer), or be read after the next
one's beginning; so a segment that has a successor ends once nothing of it comes for a second.
"""

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator

import numpy as np
from avatar.frames import CLOCK_RATE, AudioChunk, SpeechEnd, Timings
from avatar.timeline import Finished, Samples, Started
from livekit.agents import utils

from livekit import rtc

from . import wire
from .playout import Playout

logger = logging.getLogger(__name__)

MAX_HELD_S = 600.0
"""Speech of one segment that waits here; an official sender sends a whole answer at once."""
_IDLE_S = 10.0
_SUCCEEDED_S = 1.0
_MAX_EARLY = 256
"""Hints that came before the stream they belong to."""
_TRIES = 3
_AGAIN_S = 0.1
_RATES = range(8_000, 192_001)
_OURS = {"sample_rate": str(CLOCK_RATE), "num_channels": "1"}


class _Incoming:
    """One segment on its way. number: the sender's, None from an official one, who has a reader."""

    def __init__(
        self, local: int, number: int | None, reader: rtc.ByteStreamReader | None = None
    ) -> None:
        self.local, self.number, self.reader = local, number, reader
        attributes = (reader.info.attributes or {}) if reader is not None else _OURS
        self.rate = int(attributes.get("sample_rate", ""))
        self.channels = int(attributes.get("num_channels", ""))
        if self.rate not in _RATES or self.channels not in (1, 2):
            raise ValueError(f"{self.rate} Hz, {self.channels} channels")
        self.data: deque[bytes] = deque()
        self.held = 0
        self.given = 0  # samples at CLOCK_RATE
        self.finished = self.cleared = self.succeeded = False
        self.changed = asyncio.Event()

    @property
    def patience_s(self) -> float | None:
        if self.succeeded:
            return _SUCCEEDED_S
        return _IDLE_S if self.number is None else None

    def take(self, data: bytes) -> None:
        """Keep what came, up to a bound."""
        if self.held + len(data) > MAX_HELD_S * self.rate * self.channels * 2:
            logger.warning("speech beyond the bound of one segment dropped")
            return
        self.data.append(data)
        self.held += len(data)
        self.changed.set()

    def finish(self) -> None:
        """Nothing more comes."""
        self.finished = True
        self.changed.set()

    async def pump(self, reader: rtc.ByteStreamReader) -> None:
        """Take what comes by a stream."""
        with contextlib.suppress(rtc.StreamError):  # the sender went away within it
            async for data in reader:
                self.take(data)
        self.finish()


class Receiver:
    """Plays what `sender` says into a playout, and reports to it.

    `listen` before the room is connected, `run` after; `handle` gets the playout's events.
    """

    def __init__(self, room: rtc.Room, sender: str) -> None:
        self._room, self._sender = room, sender
        self._playout: Playout | None = None
        self._numbers = itertools.count(1)
        self._known: dict[int, int | None] = {}  # the sender's number of each of our segments
        self._waiting: deque[_Incoming] = deque()  # bounded: the sender opens one at a time
        self._current: _Incoming | None = None
        self._arrived = asyncio.Event()
        self._cleared = self._newest = 0  # the sender's numbers
        self._seq = -1
        self._state = wire.State(seq=0)
        self._early: deque[wire.Hints] = deque(maxlen=_MAX_EARLY)
        self._reports: asyncio.Queue[Started | Finished] = asyncio.Queue(1024)
        self._tells_start = True

    def listen(self) -> None:
        """Take streams from now on: an official sender begins as soon as it sees the tracks."""
        self._room.register_byte_stream_handler(wire.AUDIO_TOPIC, self._on_stream)
        self._room.on("data_received", self._on_data)

    async def run(self, playout: Playout) -> None:
        """Play and report until cancelled."""
        self._playout = playout
        me = self._room.local_participant
        me.register_rpc_method(wire.RPC_CLEAR, self._on_clear)
        me.register_rpc_method(wire.RPC_STATE, self._on_state)
        tasks = [asyncio.create_task(self._play(playout), name="avatar-hear"),
                 asyncio.create_task(self._report(), name="avatar-report")]  # fmt: skip
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await utils.aio.cancel_and_wait(*tasks)

    def handle(self, event: Started | Finished) -> None:
        """Tell the sender what became of its speech."""
        with contextlib.suppress(asyncio.QueueFull):  # it has not answered for a thousand reports
            self._reports.put_nowait(event)

    def number(self, segment: int) -> int | None:
        """The sender's number of one of our segments."""
        return self._known.get(segment)

    # Speech

    def _on_stream(self, reader: rtc.ByteStreamReader, identity: str) -> None:
        if identity != self._sender:
            reader.close()
            return
        try:
            self._expect(_Incoming(next(self._numbers), None, reader))
        except ValueError as error:
            logger.warning("a stream that is no speech was refused", extra={"why": str(error)})
            reader.close()

    def _expect(self, incoming: _Incoming) -> None:
        """It is played after all that came before it."""
        number = incoming.number
        incoming.cleared = number is not None and number <= self._cleared
        self._known[incoming.local] = number
        for before in (self._current, *self._waiting):
            if before is not None:
                before.succeeded = True
                before.changed.set()
        self._waiting.append(incoming)
        self._arrived.set()

    async def _play(self, playout: Playout) -> None:
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            self._current = current = self._waiting.popleft()
            try:
                async with _pumped(current):
                    await self._play_one(playout, current)
            finally:
                self._current = None

    async def _play_one(self, playout: Playout, current: _Incoming) -> None:
        resampler = None
        if current.rate != CLOCK_RATE:
            resampler = rtc.AudioResampler(current.rate, CLOCK_RATE, num_channels=1)
        left = b""
        for hints in [h for h in self._early if h.segment == current.number]:
            self._early.remove(hints)
            playout.hear(AudioChunk(current.local, hints.offset, _NOTHING, hints.timings))
        while await self._more(current):
            data = left + current.data.popleft()
            current.held -= len(data) - len(left)
            whole = len(data) - len(data) % (2 * current.channels)
            data, left = data[:whole], data[whole:]
            await self._give(playout, current, _mono(data, current.channels), resampler)
        if resampler is not None and not current.cleared:
            self._put(playout, current, _samples(resampler.flush()))
        if current.given:
            playout.hear(SpeechEnd(current.local))
        else:  # the playout never heard of it
            self.handle(Finished(current.local, 0, current.cleared))

    async def _more(self, current: _Incoming) -> bool:
        """Wait for sound of this segment; False when there is none any more."""
        while not current.cleared:
            if current.data:
                return True
            if current.finished:
                return False
            current.changed.clear()
            try:
                async with asyncio.timeout(current.patience_s):
                    await current.changed.wait()
            except TimeoutError:
                logger.warning("the end of an audio stream was lost")
                return False
        return False

    async def _give(
        self,
        playout: Playout,
        current: _Incoming,
        samples: Samples,
        resampler: rtc.AudioResampler | None,
    ) -> None:
        if resampler is not None and len(samples):
            frame = rtc.AudioFrame(samples.tobytes(), current.rate, 1, len(samples))
            samples = _samples(resampler.push(frame))
        self._put(playout, current, samples)
        await playout.wait_for_space()

    def _put(self, playout: Playout, current: _Incoming, samples: Samples) -> None:
        if len(samples):
            playout.hear(AudioChunk(current.local, current.given, samples))
            current.given += len(samples)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        sender = packet.participant.identity if packet.participant else ""
        read = {wire.HINTS_TOPIC: self._on_hints, wire.SPEECH_TOPIC: self._on_speech}
        if sender == self._sender and packet.topic in read:
            try:
                read[packet.topic](packet.data)
            except wire.WireError as error:
                logger.debug("a packet was ignored: %s", error)

    def _on_speech(self, data: bytes) -> None:
        segment, sound = wire.read_speech(data)
        if segment > self._newest:
            self._newest = segment
            self._expect(_Incoming(next(self._numbers), segment))
        for incoming in (self._current, *self._waiting):
            if incoming is not None and incoming.number == segment:
                incoming.take(sound) if sound else incoming.finish()

    def _on_hints(self, data: bytes) -> None:
        hints = wire.read(wire.Hints, data)
        current = self._current
        if hints.segment <= self._cleared or hints.timings == Timings():
            return
        if self._playout is None or current is None or current.number != hints.segment:
            self._early.append(hints)
        elif not current.cleared:
            chunk = AudioChunk(current.local, hints.offset, _NOTHING, hints.timings)
            self._playout.hear(chunk)

    # Orders

    def _on_clear(self, call: rtc.RpcInvocationData) -> str:
        if call.caller_identity != self._sender:
            return "reject"
        if call.payload:
            order = _read(wire.Clear, call)
            self._cleared = max(self._cleared, order.segment)
            self._seq = max(self._seq, order.seq)
        for incoming in (self._current, *self._waiting):
            if incoming is None:
                continue
            if incoming.number is None or incoming.number <= self._cleared:
                incoming.cleared = True
                incoming.changed.set()
        self._state = self._state.model_copy(update={"paused": False, "gain_db": 0.0})
        if self._playout is not None:
            self._playout.clear()
        return "ok"

    def _on_state(self, call: rtc.RpcInvocationData) -> str:
        if call.caller_identity != self._sender:
            return "reject"
        state, playout = _read(wire.State, call), self._playout
        if state.seq <= self._seq or playout is None:
            return "ok"
        before, self._state, self._seq = self._state, state, state.seq
        if state.paused != before.paused:
            (playout.pause if state.paused else playout.resume)()
        if state.heard != before.heard:
            playout.set_heard(state.heard)
        if state.gain_db != before.gain_db:
            playout.duck(gain_db=state.gain_db, fade_ms=state.fade_ms)
        playout.manner, playout.mood = state.manner, state.mood
        playout.user_beat = state.user_beat
        return "ok"

    # Reports

    async def _report(self) -> None:
        """One after the other, so that they come in order."""
        while True:
            event = await self._reports.get()
            number = self._known.get(event.segment)
            if isinstance(event, Finished):
                self._known.pop(event.segment, None)
            await self._tell(*_report_of(event, number))

    async def _tell(self, method: str, payload: str) -> None:
        if method == wire.RPC_STARTED and not self._tells_start:
            return
        for _ in range(_TRIES):
            try:
                await self._room.local_participant.perform_rpc(
                    destination_identity=self._sender, method=method, payload=payload
                )
                return
            except rtc.RpcError as error:
                if error.code == rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD:
                    # an official sender registers it only when asked to
                    self._tells_start = self._tells_start and method != wire.RPC_STARTED
                    return
                logger.warning("a report did not arrive", extra={"rpc": method, "why": str(error)})
                await asyncio.sleep(_AGAIN_S)


def _report_of(event: Started | Finished, number: int | None) -> tuple[str, str]:
    """Method and payload, in the sender's language."""
    if isinstance(event, Started):
        if number is None:
            return wire.RPC_STARTED, ""
        return wire.RPC_BEGUN, wire.Begun(segment=number).pack()
    if number is None:
        played = wire.PlaybackFinished(
            playback_position=event.position / CLOCK_RATE, interrupted=event.interrupted
        )
        return wire.RPC_FINISHED, played.pack()
    ended = wire.Ended(segment=number, position=event.position, interrupted=event.interrupted)
    return wire.RPC_ENDED, ended.pack()


def _read(kind: type[wire.M], call: rtc.RpcInvocationData) -> wire.M:
    try:
        return wire.read(kind, call.payload)
    except wire.WireError as error:
        raise rtc.RpcError(rtc.RpcError.ErrorCode.APPLICATION_ERROR, str(error)) from None


@contextlib.asynccontextmanager
async def _pumped(incoming: _Incoming) -> AsyncIterator[None]:
    """While it lasts, what comes by its stream, if it has one, is taken."""
    reader = incoming.reader
    if reader is None:
        yield
        return
    pump = asyncio.create_task(incoming.pump(reader), name="avatar-pump")
    try:
        yield
    finally:
        reader.close()
        await utils.aio.cancel_and_wait(pump)


_NOTHING: Samples = np.zeros(0, np.int16)


def _mono(data: bytes, channels: int) -> Samples:
    samples = np.frombuffer(data, np.int16)
    if channels == 1:
        return samples
    return np.asarray(samples.reshape(-1, channels).mean(axis=1), np.int16)


def _samples(frames: list[rtc.AudioFrame]) -> Samples:
    return np.concatenate([_NOTHING, *(np.frombuffer(f.data, np.int16) for f in frames)])
