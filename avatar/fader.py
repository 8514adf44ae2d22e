"""How loud each sample of the clock is: short fades, so that nothing clicks.

Pure: it knows clock samples only, no time and no source. A fade lies at a clock sample, so sound
that is taken back and handed out again gets the very gain that its new place has.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from avatar.timeline import Samples


@dataclass(frozen=True, slots=True)
class _Fade:
    """From one gain to another over `length` samples from clock sample `at`; then it stays."""

    at: int
    length: int
    start: float
    end: float

    def gain(self, sample: int) -> float:
        if sample >= self.at + self.length:
            return self.end
        return self.start + (self.end - self.start) * (sample - self.at) / self.length


class Fader:
    """The gain of every clock sample, from 1.0 at the beginning."""

    def __init__(self) -> None:
        self._fades: deque[_Fade] = deque([_Fade(0, 0, 1.0, 1.0)])

    def fade(self, at: int, to: float, length: int) -> None:
        """From clock sample `at` on, go to gain `to` within `length` samples.

        Fades that were to begin later are dropped. Raises ValueError for a gain outside 0..1.
        """
        if not 0.0 <= to <= 1.0 or length < 0:
            raise ValueError(f"a gain lies in 0..1 and a length is not negative: {to}, {length}")
        start = self.gain(at)
        while len(self._fades) > 1 and self._fades[-1].at >= at:
            self._fades.pop()
        self._fades.append(_Fade(at, length, start, to))

    def gain(self, sample: int) -> float:
        """The gain at a clock sample."""
        return next((f for f in reversed(self._fades) if f.at <= sample), self._fades[0]).gain(
            sample
        )

    def apply(self, at: int, samples: Samples) -> Samples:
        """These samples, which begin at clock sample `at`, with their gains; full ones as is."""
        end = at + len(samples)
        lying = [f for f in self._fades if f.at < end]
        while len(lying) > 1 and lying[1].at <= at:
            lying.pop(0)
        if all(f.end == 1.0 and f.gain(max(at, f.at)) == 1.0 for f in lying):
            return samples
        gains = np.ones(len(samples), np.float32)
        for fade in lying:
            begin = max(at, fade.at)
            place = np.arange(begin - fade.at, end - fade.at, dtype=np.float32)
            gains[begin - at :] = (
                fade.end
                if fade.length == 0
                else fade.start + (fade.end - fade.start) * np.minimum(place / fade.length, 1.0)
            )
        return (samples * gains).astype(np.int16)

    def forget(self, before: int) -> None:
        """Nothing before this clock sample will be asked for again."""
        while len(self._fades) > 1 and self._fades[1].at <= before:
            self._fades.popleft()
