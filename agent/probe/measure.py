"""Figures from a recording: onsets, gaps, freezes, and picture against sound. Pure numpy.

The offset between picture and sound is found without knowing the face: the pixels whose change goes
with the loudness are the mouth; their signal is slid along the sound's until both agree best.
"""

import bisect
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.probe.recording import Recording

LOUD = 10 ** (-45 / 20)
"""Sound above -45 dBFS is voice."""
NOTHING = 10 ** (-70 / 20)
ABRUPT = 10 ** (-20 / 20)
"""A voice fades; what falls from here to NOTHING within a block was cut."""
FREEZE_S = 0.2
HANGOVER_S = 0.35
"""Quiet shorter than this is a pause inside speech."""
_GRID_S = 0.005
_MAX_SHIFT_S = 0.4
_MOUTH_PIXELS = 24


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in monotonic seconds."""

    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Offset:
    """Picture against sound: positive is a late picture. `agreement` is the correlation, 0..1."""

    seconds: float
    agreement: float


def utterances(recording: Recording) -> list[Span]:
    """Stretches of voice, with pauses up to HANGOVER_S inside them."""
    spans: list[Span] = []
    for moment, level in zip(recording.audio_times, recording.audio_levels, strict=True):
        if level <= LOUD:
            continue
        if spans and moment - spans[-1].end <= HANGOVER_S:
            spans[-1] = Span(spans[-1].start, moment)
        else:
            spans.append(Span(moment, moment))
    return spans


def first_voice(recording: Recording, after: float) -> float | None:
    """The first moment of voice after a moment."""
    start = bisect.bisect_right(recording.audio_times, after)
    for index in range(start, len(recording.audio_times)):
        if recording.audio_levels[index] > LOUD:
            return recording.audio_times[index]
    return None


def last_voice(recording: Recording, after: float, before: float) -> float | None:
    """The last moment of voice between two moments."""
    end = bisect.bisect_left(recording.audio_times, before)
    for index in range(end - 1, -1, -1):
        if recording.audio_times[index] <= after:
            return None
        if recording.audio_levels[index] > LOUD:
            return recording.audio_times[index]
    return None


def first_quiet(recording: Recording, after: float, length: float) -> float | None:
    """The first moment after another from which there is no voice for `length` seconds."""
    quiet = after
    while True:
        voice = first_voice(recording, quiet)
        if voice is None:
            heard_to = recording.audio_times[-1] if recording.audio_times else after
            return quiet if heard_to - quiet >= length else None
        if voice - quiet >= length:
            return quiet
        quiet = voice


def frame_rate(recording: Recording, skip_s: float = 1.0) -> float:
    """Pictures a second, without the first moments of a call. 0 when there are too few."""
    times = np.array(recording.video_times)
    times = times[times > times[0] + skip_s] if len(times) else times
    return float((len(times) - 1) / (times[-1] - times[0])) if len(times) > 2 else 0.0


def freezes(recording: Recording, longer_than: float = FREEZE_S, skip_s: float = 1.0) -> list[Span]:
    """Gaps between pictures, without the first moments of a call."""
    times = np.array(recording.video_times)
    times = times[times > times[0] + skip_s] if len(times) else times
    return [Span(float(a), float(b)) for a, b in itertools.pairwise(times) if b - a > longer_than]


def mouth(recording: Recording, spans: list[Span]) -> NDArray[np.float64] | None:
    """One value a picture: how far the mouth is from its rest. None when nothing moves with sound.

    spans: utterances to learn the mouth from; they need a second of voice in all.
    """
    if len(recording.video_thumbs) < 10 or sum(span.length for span in spans) < 1.0:
        return None
    pixels = np.stack(recording.video_thumbs).reshape(len(recording.video_thumbs), -1)
    times = np.array(recording.video_times)
    inside = _inside(times, spans, pad=0.1)
    outside = ~_inside(times, spans, pad=0.5)
    if inside.sum() < 10:
        return None
    rest = np.median(pixels[outside] if outside.sum() >= 10 else pixels, axis=0)
    change = np.abs(pixels.astype(np.float64) - rest)
    change = _high_pass(change)
    envelope = _high_pass(_envelope(recording, times)[:, None])[:, 0]
    score = _best_over_shifts(change[inside], envelope, np.flatnonzero(inside))
    chosen = np.argsort(score)[-_MOUTH_PIXELS:]
    if score[chosen].mean() < 0.1:
        return None
    return np.asarray(change[:, chosen] @ score[chosen] / score[chosen].sum())


def offset(recording: Recording, spans: list[Span]) -> Offset | None:
    """Picture against sound over some utterances. None when the mouth cannot be told."""
    signal = mouth(recording, spans)
    if signal is None:
        return None
    times = np.array(recording.video_times)
    period = float(np.median(np.diff(times)))
    grid = np.arange(times[0], times[-1], _GRID_S)
    picture = np.interp(grid, times + period / 2, signal)  # a picture stands for its whole period
    sound = _envelope(recording, grid)
    keep = _inside(grid, spans, pad=0.15)
    shifts = np.arange(-_MAX_SHIFT_S, _MAX_SHIFT_S + _GRID_S / 2, _GRID_S)
    agreement = np.array([_correlation(picture, sound, keep, round(s / _GRID_S)) for s in shifts])
    best = int(np.argmax(agreement))
    return Offset(_peak(shifts, agreement, best), float(agreement[best]))


def mouth_moves_after(recording: Recording, spans: list[Span], after: float) -> float | None:
    """The first picture after a moment whose mouth is clearly away from rest."""
    signal = mouth(recording, spans)
    if signal is None:
        return None
    times = np.array(recording.video_times)
    found = times[(times > after) & (signal > _away(times, signal, spans))]
    return float(found[0]) if len(found) else None


def mouth_moves_before(
    recording: Recording, spans: list[Span], after: float, before: float
) -> float | None:
    """The last picture between two moments whose mouth moves; `after` when it does not."""
    signal = mouth(recording, spans)
    if signal is None:
        return None
    times = np.array(recording.video_times)
    limit = _away(times, signal, spans)
    found = times[(times > after) & (times < before) & (signal > limit)]
    return float(found[-1]) if len(found) else after


def holes(recording: Recording) -> list[Span]:
    """Sound that breaks off inside speech: loud, then nothing at all, then loud again."""
    levels, times = np.array(recording.audio_levels), recording.audio_times
    found: list[Span] = []
    silent = levels < NOTHING
    edges = np.flatnonzero(np.diff(silent.astype(np.int8)))
    for a, b in itertools.pairwise(edges):
        if silent[a + 1] and levels[a] > ABRUPT and levels[b + 1] > ABRUPT:
            found.append(Span(times[a], times[b]))
    return found


def _away(times: NDArray[np.float64], signal: NDArray[np.float64], spans: list[Span]) -> float:
    """From where on the mouth is clearly away from its rest."""
    quiet = signal[~_inside(times, spans, pad=0.5)]
    rest = float(np.percentile(quiet, 95)) if len(quiet) else 0.0
    return max(float(np.percentile(signal, 60)), rest)


def _inside(times: NDArray[np.float64], spans: list[Span], pad: float) -> NDArray[np.bool_]:
    result = np.zeros(len(times), bool)
    for span in spans:
        result |= (times > span.start - pad) & (times < span.end + pad)
    return result


def _envelope(recording: Recording, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Loudness in dB above LOUD at some moments; smoothed over 40 ms, as a mouth is."""
    levels = 20 * np.log10(np.maximum(np.array(recording.audio_levels), 1e-6) / LOUD)
    levels = np.convolve(np.maximum(levels, 0), np.ones(4) / 4, mode="same")
    return np.asarray(np.interp(at, np.array(recording.audio_times) + 0.005, levels))


def _high_pass(signals: NDArray[np.float64], width: int = 25) -> NDArray[np.float64]:
    """Take away what changes slower than about a second: sway, breath, light."""
    kernel = np.ones(width) / width
    padded = np.pad(signals, ((width // 2, width // 2), (0, 0)), mode="edge")
    sums = np.cumsum(np.vstack([np.zeros((1, signals.shape[1])), padded]), axis=0)
    slow = (sums[width:] - sums[:-width]) * kernel[0]
    return np.asarray(signals - slow[: len(signals)])


def _best_over_shifts(
    change: NDArray[np.float64], envelope: NDArray[np.float64], rows: NDArray[np.intp]
) -> NDArray[np.float64]:
    """For each pixel its best correlation with the sound over shifts of up to 10 pictures."""
    centred = change - change.mean(axis=0)
    norm = np.sqrt(np.square(centred).sum(axis=0)) + 1e-9
    best = np.zeros(change.shape[1])
    for shift in range(-10, 11):
        index = np.clip(rows - shift, 0, len(envelope) - 1)
        sound = envelope[index] - envelope[index].mean()
        score = sound @ centred / (norm * (np.linalg.norm(sound) + 1e-9))
        best = np.maximum(best, score)
    # a pixel that hardly moves correlates by chance: weigh by how much it moves
    return np.asarray(best * norm / (norm.max() + 1e-9))


def _correlation(
    picture: NDArray[np.float64],
    sound: NDArray[np.float64],
    keep: NDArray[np.bool_],
    steps: int,
) -> float:
    """Correlation when the picture is `steps` later than the sound."""
    rows = np.flatnonzero(keep)
    rows = rows[(rows - steps >= 0) & (rows - steps < len(sound))]
    if len(rows) < 50:
        return 0.0
    a, b = picture[rows], sound[rows - steps]
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-9))


def _peak(shifts: NDArray[np.float64], values: NDArray[np.float64], best: int) -> float:
    """The top of a parabola through the best shift and its neighbours."""
    if not 0 < best < len(values) - 1:
        return float(shifts[best])
    left, top, right = values[best - 1], values[best], values[best + 1]
    bend = left - 2 * top + right
    return float(shifts[best] + (0 if bend == 0 else 0.5 * (left - right) / bend * _GRID_S))
