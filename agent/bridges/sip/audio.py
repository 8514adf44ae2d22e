"""Sound of a call: the avatar's samples to packets, packets to samples, and digits both ways.

Opus, G.722 and G.711 by FFmpeg. The fact you would not guess: G.722 sounds at 16 kHz and counts its
RTP time stamps at 8 kHz.
"""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from aiortc.rtp import RtpPacket
from numpy.typing import NDArray

from agent.bridges.feed import RATE, Sound
from agent.bridges.sip.info import DIGITS
from agent.bridges.sip.sdp import Format

FRAME_S = 0.02
_FRAME = round(FRAME_S * RATE)
_CODECS = {
    "OPUS": ("libopus", 48_000),
    "G722": ("g722", 16_000),
    "PCMU": ("pcm_mulaw", 8000),
    "PCMA": ("pcm_alaw", 8000),
}
_PATIENCE = 3
"""So many later packets (20 ms each) may wait for one that is missing."""
_ANEW = 100
"""A packet so far from its place begins a new count."""
_DIGIT_PACKETS = 8
_END_PACKETS = 3
_GAP_PACKETS = 4
_PAUSE_PACKETS = 25


class AudioEncoder:
    """Clock samples in, (first sample, payload) of every 20 ms out."""

    def __init__(self, chosen: Format) -> None:
        name, self._rate = _CODECS[chosen.name]
        self._codec = cast(Any, av.CodecContext.create(name, "w"))
        self._codec.sample_rate, self._codec.layout, self._codec.format = self._rate, "mono", "s16"
        self._codec.time_base = Fraction(1, self._rate)
        if name == "libopus":
            self._codec.bit_rate = 64_000
            self._codec.options = {"frame_duration": "20", "application": "audio", "fec": "1"}
        self._resampler = av.AudioResampler("s16", "mono", self._rate)
        self._size = round(FRAME_S * self._rate)
        self._ready = np.zeros(0, np.int16)
        self._next: int | None = None  # the clock sample of _ready[0]
        self._heard = 0
        self._pts = 0

    def encode(self, sound: Sound) -> Iterator[tuple[int, bytes]]:
        if self._next is None or sound.start < self._heard - RATE:
            self._next, self._ready = sound.start, np.zeros(0, np.int16)
        elif sound.start > self._heard:  # a gap: what follows keeps its place in time
            gap = sound.start - self._heard
            self._next += gap // _FRAME * _FRAME
        self._heard = sound.start + len(sound.samples)
        frame = av.AudioFrame.from_ndarray(sound.samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        for part in self._resampler.resample(frame):
            self._ready = np.concatenate([self._ready, part.to_ndarray().reshape(-1)])
        while len(self._ready) >= self._size:
            block, self._ready = self._ready[: self._size], self._ready[self._size :]
            payload = b"".join(self._packets(block))
            if payload:
                yield self._next, payload
            self._next += _FRAME

    def _packets(self, block: NDArray[np.int16]) -> Iterator[bytes]:
        frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = self._rate, self._pts
        frame.time_base = Fraction(1, self._rate)
        self._pts += len(block)
        for packet in self._codec.encode(frame):
            yield bytes(packet)


class AudioDecoder:
    """Packets in any order in, samples at RATE out, in order, what is lost left out."""

    def __init__(self, chosen: Format) -> None:
        name, rate = _CODECS[chosen.name]
        decoder = "opus" if name == "libopus" else name
        self._codec = cast(Any, av.CodecContext.create(decoder, "r"))
        self._codec.sample_rate = rate
        self._codec.layout = "mono"
        self._resampler = av.AudioResampler("s16", "mono", RATE)
        self._order = Order()
        self.errors = 0

    def decode(self, packet: RtpPacket) -> Iterator[NDArray[np.int16]]:
        for due in self._order.add(packet):
            if due.payload:
                yield from self._decode(due.payload)

    def _decode(self, payload: bytes) -> Iterator[NDArray[np.int16]]:
        try:
            frames = self._codec.decode(av.Packet(payload))
        except av.FFmpegError:
            self.errors += 1
            return
        for frame in frames:
            frame.pts = None
            for part in self._resampler.resample(frame):
                yield part.to_ndarray().reshape(-1).astype(np.int16)


class Order:
    """Packets in the order of their numbers, at once; only for a missing one some are held.

    To take up the jitter is left to whoever plays: a room's subscriber does, and is good at it.
    """

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, RtpPacket] = {}

    def add(self, packet: RtpPacket) -> Iterator[RtpPacket]:
        """What is due with this one. What comes twice, or after its place was given up, is not."""
        number = packet.sequence_number
        if self._next is None or _ANEW < (number - self._next) & 0xFFFF < 0x10000 - _ANEW:
            self._next = number
            self._held.clear()
        if (number - self._next) & 0xFFFF < 0x8000:
            self._held[number] = packet
        while self._next in self._held or len(self._held) > _PATIENCE:
            due = self._held.pop(self._next, None)
            self._next = (self._next + 1) & 0xFFFF
            if due is not None:
                yield due


class DigitReader:
    """RFC 4733: each key press is told once, at its first packet."""

    def __init__(self) -> None:
        self._last: int | None = None

    def read(self, packet: RtpPacket) -> str:
        """The digit that begins with this packet, or ""."""
        if len(packet.payload) < 4 or packet.timestamp == self._last:
            return ""
        event = packet.payload[0]
        if event >= len(_EVENTS):
            return ""
        self._last = packet.timestamp
        return _EVENTS[event]


_EVENTS = "0123456789*#ABCD"


class DigitWriter:
    """Digits to send, in the place of sound; w is a pause of half a second."""

    def __init__(self, clock: int) -> None:
        self._step = round(clock * FRAME_S)
        self._waiting: deque[tuple[bytes, bool] | None] = deque()

    def add(self, digits: str) -> None:
        """Raises ValueError for what is no digit."""
        for digit in digits.upper():
            if digit == "W":
                self._waiting.extend([None] * _PAUSE_PACKETS)
            elif digit in DIGITS:
                self._press(_EVENTS.index(digit))
            else:
                raise ValueError(f"{digit!r} is no digit: 0 to 9, *, #, A to D, or w for a pause")

    def next(self) -> tuple[bytes, bool] | None:
        """Payload, and whether a press begins with it, for the next 20 ms. None: sound."""
        return self._waiting.popleft() if self._waiting else None

    def _press(self, event: int) -> None:
        for number in range(_DIGIT_PACKETS + _END_PACKETS):
            held = min(number + 1, _DIGIT_PACKETS) * self._step
            end = 0x80 if number >= _DIGIT_PACKETS else 0
            payload = bytes([event, end | 10]) + held.to_bytes(2)
            self._waiting.append((payload, number == 0))
        self._waiting.extend([None] * _GAP_PACKETS)
