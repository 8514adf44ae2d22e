"""Which sample of a known speech is heard when: the exact half of comparing picture and sound.

Each stretch of received sound is looked up in the speech that was played, by correlation, at 16 kHz
(a sixteenth of a millisecond). The moments are those of the receiver's clock, smoothed: a decoder
hands out its blocks every 10 ms, whatever the thread that notes them was doing meanwhile.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.probe.recording import BLOCK, RATE
from benches.match import best

Floats = NDArray[np.float64]

_DOWN = 3
_RATE = RATE // _DOWN
_WINDOW = _RATE // 8
_STEP = _RATE // 20
_SURE = 0.75
_QUIET = 200.0
_NEAR = _RATE // 5
_SMOOTH = 41
"""Blocks over which a moment is smoothed: 0.4 s."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Moments, and the position of the speech (seconds) that was heard at each; in order.

    `gain`: how loud it was against the speech, 1.0 when it came as it was made.
    """

    moments: Floats
    positions: Floats
    gains: Floats

    def moment_of(self, position: float, near: float, within: float = 1.0) -> float | None:
        """When a position was heard, near a moment; None when it was not."""
        close = np.flatnonzero(np.abs(self.moments - near) < within)
        if len(close) < 2:
            return None
        estimates = self.moments[close] - self.positions[close] + position
        distance = np.abs(self.positions[close] - position)
        best = int(np.argmin(distance))
        return float(estimates[best]) if distance[best] < 0.15 else None


def heard(times: list[float], blocks: list[NDArray[np.int16]], speech: NDArray[np.int16]) -> Heard:
    """Look up every voiced stretch of the received blocks (10 ms each) in the speech.

    times: when each block's first sample is heard.
    """
    sound = _down(np.concatenate(blocks))
    reference = _down(speech)
    smooth = _smoothed(np.array(times))
    found: list[tuple[float, float, float]] = []
    last: tuple[int, int] | None = None
    for start in range(0, len(sound) - _WINDOW, _STEP):
        piece = sound[start : start + _WINDOW]
        if np.sqrt(np.mean(np.square(piece))) < _QUIET:
            continue
        guess = None if last is None else last[1] + start - last[0]
        place = _find(piece, reference, guess)
        if place is not None:
            last = start, place[0]
            middle = (start + _WINDOW / 2) / _RATE
            block = min(int(middle * RATE / BLOCK), len(smooth) - 1)
            moment = smooth[block] + middle - block * BLOCK / RATE
            found.append((moment, (place[0] + _WINDOW / 2) / _RATE, place[1]))
    rows = np.array(found).reshape(-1, 3)
    return Heard(rows[:, 0], rows[:, 1], rows[:, 2])


def _find(piece: Floats, reference: Floats, guess: int | None) -> tuple[int, float] | None:
    """Place in the reference and gain, or None when it is not in there.

    guess: where it should be; looked at first, for the whole reference takes long.
    """
    if guess is not None:
        first = max(0, guess - _NEAR)
        near = best(piece, reference[first : guess + _NEAR + _WINDOW], sure=_SURE)
        if near is not None:
            return first + near[0], near[1]
    return best(piece, reference, sure=_SURE)


def _down(samples: NDArray[np.int16]) -> Floats:
    cut = samples[: len(samples) // _DOWN * _DOWN].astype(np.float64)
    return np.asarray(cut.reshape(-1, _DOWN).mean(axis=1))


def _smoothed(times: Floats) -> Floats:
    """The moment of each block, without the jitter of whoever noted it."""
    even = np.arange(len(times)) * BLOCK / RATE
    late = times - even
    half = _SMOOTH // 2
    padded = np.pad(late, half, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTH)
    return np.asarray(np.median(windows, axis=1) + even)
