"""A number drawn into the picture, so that a subscriber knows which sound a picture was made for.

The bottom rows carry 32 squares of 16 by 16 pixels, dark or light: they survive VP8, and the
probe's small copy of a picture still shows them. Works for any publisher: the picture itself says.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.probe.recording import THUMB
from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame
from avatar.params import INDEX
from avatar.renderers.cpu import CpuRenderer

SQUARE = 16
SIZE = 512
_BITS = SIZE // SQUARE
_DARK, _LIGHT = 40, 215
_OPEN = 0.06
"""Of the jaw's whole way; below it the lips are shut to the eye."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a picture stands for. `position_ms` of the segment at its middle; None in silence."""

    position_ms: int | None
    mouth_open: bool


def stamp(luma: NDArray[np.uint8], mark: Mark) -> None:
    """Draw a mark into (SIZE, SIZE) luma."""
    luma[-SQUARE:] = np.repeat(np.where(_bits(mark), _LIGHT, _DARK).astype(np.uint8), SQUARE)


def read(thumb: NDArray[np.uint8]) -> Mark | None:
    """The mark of a THUMB x THUMB picture; None where there is none."""
    cell = THUMB // _BITS
    squares = thumb[-cell:].reshape(cell, _BITS, cell).mean(axis=(0, 2))
    if not ((squares < 90) | (squares > 165)).all():
        return None
    return _mark(squares > 128)


def _bits(mark: Mark) -> NDArray[np.bool_]:
    speaking = mark.position_ms is not None
    value = min(mark.position_ms or 0, 0xFFFF) | speaking << 16 | mark.mouth_open << 17
    value |= (value ^ value >> 6 ^ value >> 12) % 64 << 18
    bits = [bool(value >> n & 1) for n in range(24)]
    return np.array([*bits, *([True, False] * 4)])


def _mark(bits: NDArray[np.bool_]) -> Mark | None:
    value = sum(1 << n for n in range(18) if bits[n])
    mark = Mark(
        position_ms=value & 0xFFFF if value >> 16 & 1 else None, mouth_open=bool(value >> 17 & 1)
    )
    return mark if (_bits(mark) == bits).all() else None


class MarkedFace:
    """A CpuRenderer whose pictures carry marks; implements avatar.renderers.Renderer."""

    def __init__(self, face: CpuRenderer) -> None:
        if (face.width, face.height) != (SIZE, SIZE):
            raise ValueError(f"marks are for pictures of {SIZE} x {SIZE}")
        self._inner = face
        self.width, self.height, self.fps = face.width, face.height, face.fps

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        self._inner.hear(item)

    def forget(self, segment: int) -> None:
        self._inner.forget(segment)

    def draw(self, cue: Cue) -> VideoFrame:
        frame = self._inner.draw(cue)
        position = None if cue.segment is None else cue.position // 48
        opened = float(self._inner.face.params.weights[INDEX["jawOpen"]]) > _OPEN
        stamp(frame.data[: SIZE * SIZE].reshape(SIZE, SIZE), Mark(position, opened))
        return frame

    def close(self) -> None:
        self._inner.close()
