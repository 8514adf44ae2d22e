"""Known noise, and where in it a received sound is: to the sample, through an audio codec."""

import functools

import numpy as np
from numpy.typing import NDArray

from agent.probe.recording import RATE, Recording
from benches.match import best

WINDOW = RATE // 25
"""40 ms are enough to tell the place."""
_SURE = 0.5
_FAR = 3 * RATE
"""How far from where it was expected a sound is looked for."""


@functools.cache
def _long() -> NDArray[np.int16]:
    white = np.random.default_rng(2024).standard_normal(130 * RATE)
    spectrum, frequency = np.fft.rfft(white), np.fft.rfftfreq(len(white), 1 / RATE)
    band = np.fft.irfft(np.where((frequency > 200) & (frequency < 6000), spectrum, 0.0))
    return np.asarray(band / np.abs(band).max() * 20_000, np.int16)


def noise(seconds: float) -> NDArray[np.int16]:
    """The first seconds (up to 130) of the same noise every time; between 200 Hz and 6 kHz."""
    return _long()[: round(seconds * RATE)]


def places(
    recording: Recording,
    start: float,
    end: float,
    *,
    step: int = RATE // 50,
    window: int = WINDOW,
) -> list[tuple[float, int]]:
    """(moment, sample of the noise heard then) for windows received between two moments."""
    inside = [
        (moment, block)
        for moment, block in zip(recording.audio_times, recording.audio_blocks, strict=True)
        if start <= moment < end
    ]
    if not inside:
        return []
    sound = np.concatenate([block for _, block in inside]).astype(np.float32)
    lengths = [len(block) for _, block in inside]
    ends = np.cumsum(lengths)
    moments = np.array([moment for moment, _ in inside])
    known = _long().astype(np.float32)
    out: list[tuple[float, int]] = []
    expected: int | None = None
    for at in range(0, len(sound) - window, step):
        place = _place(sound[at : at + window], known, expected)
        if place is None:
            continue
        expected = place + step
        block = int(np.searchsorted(ends, at, side="right"))
        into = at - (ends[block] - lengths[block])
        out.append((float(moments[block] + into / RATE), place))
    return out


def _place(
    part: NDArray[np.float32], known: NDArray[np.float32], expected: int | None
) -> int | None:
    if np.sqrt(np.mean(np.square(part))) < 20:
        return None
    if expected is None:
        found = best(part, known, sure=_SURE)
        return None if found is None else found[0]
    for reach in (RATE // 20, RATE // 2, _FAR):
        low = max(0, expected - reach)
        found = best(part, known[low : expected + reach + len(part)], sure=_SURE)
        if found is not None:
            return low + found[0]
    return None
