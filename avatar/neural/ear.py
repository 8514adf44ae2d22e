"""Speech, as it arrives in a call, becomes MuseTalk's tokens a block of frames at a time.

However the sound is cut into pieces, the tokens are the same to the last bit: everything is
computed on a grid that only the sound's own samples decide. A block is known when the sound that
it hears is there, or when there is no more.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.frames import CLOCK_RATE
from avatar.neural import mel
from avatar.neural.mel import F32
from avatar.neural.tokens import SAMPLES_A_STEP, Encode, first_step, gather, steps_needed

BLOCK: Final = 8
"""Frames that are said together."""
PAST_STEPS: Final = 100
"""What the encoder hears of before: 2 s."""

_THIRD: Final = CLOCK_RATE // mel.RATE
_REACH: Final = 8 * _THIRD
_STEP: Final = SAMPLES_A_STEP * _THIRD
assert _THIRD * mel.RATE == CLOCK_RATE


def _low_pass() -> F32:
    """Keeps what is below 7.6 kHz: a windowed sinc."""
    t = np.arange(-_REACH, _REACH + 1)
    cut = 2 * 7600 / CLOCK_RATE
    taps = np.sinc(cut * t) * np.kaiser(len(t), 8.0)
    return np.asarray(taps / taps.sum(), np.float32)


_TAPS: Final = _low_pass()


class Steps:
    """One segment's sound at 16 kHz in steps of 20 ms, however it was cut into pieces."""

    def __init__(self) -> None:
        self._waiting = np.zeros(_REACH, np.float32)  # at CLOCK_RATE, with the filter's reach
        self._kept: list[F32] = []
        self.dropped = 0
        """Steps that are forgotten."""
        self.ended = False

    def feed(self, samples: NDArray[np.int16]) -> None:
        """More of the segment's sound, at CLOCK_RATE."""
        sound = samples.astype(np.float32) / np.float32(32768)
        self._waiting = np.concatenate([self._waiting, sound])
        self._take()

    def finish(self) -> None:
        """There is no more sound; what is left of a step is not heard."""
        if not self.ended:
            self._waiting = np.concatenate([self._waiting, np.zeros(_REACH, np.float32)])
            self._take()
            self.ended = True

    def _take(self) -> None:
        while len(self._waiting) >= _STEP + 2 * _REACH:
            windows = np.lib.stride_tricks.sliding_window_view(
                self._waiting[: _STEP + 2 * _REACH], len(_TAPS)
            )[:_STEP:_THIRD]
            self._kept.append(np.asarray(windows @ _TAPS, np.float32))
            self._waiting = self._waiting[_STEP:]

    def __len__(self) -> int:
        """How many steps have been heard."""
        return self.dropped + len(self._kept)

    def sound(self, start: int, end: int) -> F32:
        """The steps from start on and before end that are there, one after the other."""
        part = self._kept[max(0, start - self.dropped) : max(0, end - self.dropped)]
        return np.concatenate(part) if part else np.zeros(0, np.float32)

    def forget(self, start: int) -> None:
        """Drop the steps before start."""
        if start > self.dropped:
            del self._kept[: start - self.dropped]
            self.dropped = start


class Ear:
    """Hears one segment. Feed it in order; ask for blocks in any order."""

    def __init__(self, encode: Encode, fps: int, block: int = BLOCK) -> None:
        self._encode, self._fps, self._block = encode, fps, block
        self.steps = Steps()
        self.feed, self.finish = self.steps.feed, self.steps.finish

    def block(self, number: int) -> Tensor | None:
        """The tokens of a block's frames, without positions; None while they are not known.

        What came long before the block is forgotten: ask in rising order.
        """
        first = number * self._block
        low = first_step(first, self._fps)
        high = steps_needed(first + self._block - 1, self._fps)
        if len(self.steps) < high and not self.steps.ended:
            return None
        start = max(0, low - PAST_STEPS)
        self.steps.forget(start)
        heard = self.steps.sound(start, high)
        if not len(heard):
            return None
        rows = self._encode(heard)
        return torch.stack(
            [gather(rows, start, first + i, self._fps) for i in range(self._block)]
        )  # (block, 50, 384)
