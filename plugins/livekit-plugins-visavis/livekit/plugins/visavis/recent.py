"""The last seconds of what was played, to be asked for from any thread without waiting.

A ring indexed by clock sample: what was taken back and given anew overwrites itself. There is no
lock, on purpose: a reader that comes in the middle of a write gets a chunk of 20 ms that is half
old, which is nothing to those who compare sounds, and the writer never waits.
"""

import numpy as np
from avatar.frames import CLOCK_RATE
from avatar.timeline import Samples

KEPT_S = 4.0


class Recent:
    """Keeps KEPT_S of one audio clock."""

    def __init__(self) -> None:
        self._ring = np.zeros(round(KEPT_S * CLOCK_RATE), np.int16)

    def put(self, start: int, samples: Samples) -> None:
        """These samples were handed over for the clock samples from `start` on."""
        at = (start + np.arange(len(samples))) % len(self._ring)
        self._ring[at] = samples

    def between(self, start: int, end: int) -> Samples:
        """A copy of the sound from clock sample `start` to before `end`; KEPT_S of it at most."""
        return self._ring[np.arange(start, end) % len(self._ring)]

    def last(self, end: int, seconds: float, sample_rate: int) -> Samples:
        """The sound before clock sample `end`, mono, averaged down to a divisor of CLOCK_RATE.

        Raises ValueError for another rate, or for more than half of what is kept.
        """
        if CLOCK_RATE % sample_rate or seconds > KEPT_S / 2:
            raise ValueError(
                f"{seconds} s at {sample_rate} Hz: at most {KEPT_S / 2} s, at {CLOCK_RATE} Hz or "
                "a whole part of it"
            )
        step, count = CLOCK_RATE // sample_rate, round(seconds * sample_rate)
        at = (end - step * count + np.arange(step * count)) % len(self._ring)
        blocks = self._ring[at].reshape(count, step).astype(np.int32)
        return np.asarray(blocks.sum(axis=1) // step, np.int16)
