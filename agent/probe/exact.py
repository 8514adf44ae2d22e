"""Picture against sound to a few milliseconds, for avatars whose pictures say their sound: ours.

Each picture of ours carries the samples it belongs to and how loud they are, every 10 ms (the
plugin's trace). The loudness of two seconds of pictures is slid along the loudness that was heard;
where both agree, every sample's moment is known, and so is every picture's distance from it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from livekit.plugins.visavis.trace import LEVEL_STEP, Trace
from numpy.typing import NDArray

from agent.probe.recording import RATE, Recording

Floats = NDArray[np.float64]

_WINDOW_S: Final = 2.0
_STEP_S: Final = 0.5
_GRID_S: Final = 0.001
_REACH_S: Final = 0.5
_SURE: Final = 0.8
_FLOOR_DB: Final = -60.0


@dataclass(frozen=True, slots=True)
class Offsets:
    """Seconds, picture minus sound of every picture in speech; positive is a late picture."""

    p50: float
    p99: float
    """Of the distances from zero."""
    pictures: int


def exact_offsets(recording: Recording) -> Offsets | None:
    """None when the pictures carry no trace, or too little speech was heard."""
    rows = [
        (moment, trace)
        for moment, note in zip(recording.video_times, recording.video_notes, strict=True)
        if (trace := Trace.unpack(note)) is not None
    ]
    if not rows or not recording.audio_times:
        return None
    found: list[float] = []
    moment, end = rows[0][0], rows[-1][0]
    while moment < end:
        inside = [row for row in rows if moment <= row[0] < moment + _WINDOW_S]
        lag = _lag(recording, inside)
        if lag is not None:
            middle = [row for row in inside if moment <= row[0] < moment + _STEP_S]
            found += [_distance(at, trace, lag) for at, trace in middle if trace.segment]
        moment += _STEP_S
    if len(found) < 10:
        return None
    values = np.array(found)
    return Offsets(
        p50=float(np.median(values)),
        p99=float(np.percentile(np.abs(values), 99)),
        pictures=len(values),
    )


def _distance(at: float, trace: Trace, lag: float) -> float:
    """A picture stands for the middle of its window, from the moment it comes for as long."""
    return at - (trace.sample / RATE + lag)


def _lag(recording: Recording, rows: list[tuple[float, Trace]]) -> float | None:
    """Moment minus media time of the sound heard in a window, by agreement of loudness."""
    spoken = [trace for _, trace in rows if trace.segment]
    if len(spoken) < 0.5 * len(rows) or len(rows) < 10:
        return None
    media, sent = _sent([trace for _, trace in rows])
    guess = float(np.median([at - trace.sample / RATE for at, trace in rows]))
    first = media[0] + guess - _REACH_S
    last = media[-1] + guess + _REACH_S
    grid = np.arange(first, last, _GRID_S)
    received = _heard(recording, grid)
    even = np.arange(media[0], media[-1], _GRID_S)
    wanted = np.interp(even, media, sent)
    if len(received) <= len(wanted) or wanted.std() < 1.0:
        return None
    scores = _agreement(received, wanted)
    best = int(np.argmax(scores))
    return None if scores[best] < _SURE else float(grid[best] - even[0])


def _sent(traces: list[Trace]) -> tuple[Floats, Floats]:
    """Media times (middles of the 10 ms cells) and dB, in order."""
    cells: dict[int, float] = {}
    for trace in traces:
        for number, level in enumerate(trace.levels):
            cells[trace.sample + number * LEVEL_STEP] = max(_FLOOR_DB, level)
    samples = np.array(sorted(cells))
    return (samples + LEVEL_STEP / 2) / RATE, np.array([cells[int(s)] for s in samples])


def _heard(recording: Recording, grid: Floats) -> Floats:
    levels = 20 * np.log10(np.maximum(np.array(recording.audio_levels), 1e-3))
    # a block is heard from its moment on
    times = np.array(recording.audio_times) + LEVEL_STEP / RATE / 2
    return np.asarray(np.interp(grid, times, levels))


def _agreement(long: Floats, short: Floats) -> Floats:
    """Correlation of `short` with each stretch of `long` of its length."""
    count = len(short)
    length = 1 << int(np.ceil(np.log2(len(long) + count)))
    centred = short - short.mean()
    product = np.fft.rfft(long, length) * np.conj(np.fft.rfft(centred, length))
    dots = np.fft.irfft(product, length)[: len(long) - count]
    sums = np.concatenate(([0.0], np.cumsum(long)))
    squares = np.concatenate(([0.0], np.cumsum(np.square(long))))
    means = (sums[count:] - sums[:-count])[:-1] / count
    spread = np.maximum((squares[count:] - squares[:-count])[:-1] / count - means**2, 1e-9)
    return np.asarray(dots / (count * np.sqrt(spread) * max(float(centred.std()), 1e-9)))
