"""How neighbouring sounds share the mouth: dominance for each articulator, and closures that hold.

After Cohen and Massaro (1993): every sound pulls each articulator towards its own shape, strongest
inside its time and fading outside, and the mouth is the weighted mean. Two additions make it
readable at video rates. Every articulator has its own time constants: rounding is prepared 90 ms
ahead, lips close in 35. And p b m f v get a hard window of 44 ms, a frame at 24 fps: without it
sampling loses short closures, and nothing looks more wrong than a "b" with an open mouth.
It knows no clock and no sound: a score of visemes in, the mouth at one moment out.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.params import INDEX
from avatar.visemes import SHAPES, VISEMES

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Note:
    """One viseme and its time. `stress` scales the jaw; `plosive` puts the closure at the start.

    A plosive's time spans its closure and its release, the release at its end.
    """

    viseme: str
    start_s: float
    end_s: float
    stress: float = 1.0
    plosive: bool = False


_ARTICULATORS: Final[tuple[tuple[str, ...], ...]] = (
    ("jawOpen",),
    ("mouthStretchLeft", "mouthStretchRight"),
    ("mouthFunnel", "mouthPucker"),
    (
        *("mouthPressLeft", "mouthPressRight"),
        *("mouthRollLower", "mouthRollUpper", "mouthShrugLower"),
    ),
    (
        *("mouthUpperUpLeft", "mouthUpperUpRight"),
        *("mouthLowerDownLeft", "mouthLowerDownRight"),
    ),
    ("tongueUp",),
)
# jaw, width, rounding, closure, lips, tongue; before the sound and after it
_ANTICIPATION = np.array([0.095, 0.075, 0.090, 0.035, 0.060, 0.040], np.float32)
_CARRY_OVER = np.array([0.095, 0.080, 0.075, 0.035, 0.060, 0.040], np.float32)
_RATE_BEFORE = 2.2 / _ANTICIPATION  # at its time constant a pull has fallen to a ninth
_RATE_AFTER = 2.2 / _CARRY_OVER

# How strongly a viseme insists on each articulator. Tongue consonants leave rounding to the vowels.
_DOMINANCE: Final[dict[str, tuple[float, ...]]] = {
    "sil": (0.6, 0.5, 0.5, 0.4, 0.6, 0.5),
    "PP": (1.3, 0.2, 0.25, 1.2, 1.2, 0.1),
    "FF": (1.2, 0.3, 0.3, 1.2, 1.2, 0.2),
    "TH": (0.8, 0.3, 0.2, 1.0, 0.8, 2.0),
    "DD": (0.6, 0.25, 0.15, 1.0, 0.5, 1.5),
    "kk": (0.5, 0.2, 0.15, 1.0, 0.3, 0.5),
    "CH": (0.9, 0.4, 1.3, 1.0, 1.0, 1.0),
    "SS": (1.1, 0.7, 0.3, 1.0, 1.0, 1.0),
    "nn": (0.6, 0.2, 0.15, 1.0, 0.4, 1.4),
    "RR": (0.7, 0.4, 0.9, 1.0, 0.5, 1.0),
    "aa": (1.2, 0.8, 0.8, 1.0, 0.8, 1.0),
    "E": (1.0, 0.9, 0.8, 1.0, 0.8, 1.0),
    "ih": (1.0, 1.1, 0.9, 1.0, 0.9, 1.0),
    "oh": (1.1, 1.0, 1.4, 1.0, 0.9, 1.0),
    "ou": (1.1, 1.1, 2.0, 1.0, 1.1, 1.0),
}

MOUTH: Final[NDArray[np.intp]] = np.array(
    [INDEX[name] for names in _ARTICULATORS for name in names], np.intp
)
"""Where the mouth's channels are in a vector of params.CHANNELS; the order of `Score.mouth`."""

_GROUP = np.repeat(np.arange(len(_ARTICULATORS)), [len(names) for names in _ARTICULATORS])
_TARGETS = np.ascontiguousarray(SHAPES[:, MOUTH])
_PULL = np.array([_DOMINANCE[name] for name in VISEMES], np.float32)
_AT_REST = np.float32(0.02)  # pulls to rest where no sound is near
_JAW = 0
_FUNNEL = MOUTH.tolist().index(INDEX["mouthFunnel"])
_HELD = np.flatnonzero((_GROUP == 3) | (_GROUP == 4))  # what a closure window takes over

_REACH_S = 0.35  # a pull from further away is below a thousandth
CLOSURE_S: Final = 0.044
"""The least time for which the lips of p b m f v are fully closed: one frame at 24 fps."""
_LIPS_RAMP_S = 0.035
_TEETH_RAMP_S = 0.055  # a raised lip that snaps looks like a sneer
_JAW_RAMP_S = 0.090  # the jaw is heavier than the lips
_CLOSED_JAW = 0.06
_RELEASE_S = 0.015
_INSET_S = 0.014  # the ramps reach into the phone, so that half shut falls on its borders


class Score:
    """The visemes of one segment in order of time; later notes replace what they begin before."""

    def __init__(self) -> None:
        self._notes: list[Note] = []
        self._build()

    @property
    def end_s(self) -> float:
        """The end of the last note, 0 when there is none."""
        return self._notes[-1].end_s if self._notes else 0.0

    def add(self, notes: Sequence[Note]) -> None:
        """Append notes in order of time."""
        if not notes:
            return
        start = notes[0].start_s
        while self._notes and self._notes[-1].start_s >= start - 1e-6:
            self._notes.pop()
        if self._notes and self._notes[-1].end_s > start:
            self._notes[-1] = replace(self._notes[-1], end_s=start)
        self._notes += notes
        self._build()

    def drop_before(self, second: float) -> None:
        """Forget what ended before this."""
        kept = [note for note in self._notes if note.end_s >= second]
        if len(kept) < len(self._notes):
            self._notes = kept
            self._build()

    def mouth(self, second: float, effort: float = 1.0) -> Floats:
        """(len(MOUTH),) weights at a moment; `effort` scales how far the jaw opens."""
        first = int(np.searchsorted(self._ends, second - _REACH_S))
        last = int(np.searchsorted(self._starts, second + _REACH_S))
        if first >= last:
            return np.zeros(len(MOUTH), np.float32)
        near = slice(first, last)
        before = np.maximum(self._starts[near] - second, 0)[:, None]
        after = np.maximum(second - self._ends[near], 0)[:, None]
        pull = self._pulls[near] * np.exp(-(before * _RATE_BEFORE + after * _RATE_AFTER))
        total = pull.sum(axis=0) + _AT_REST
        shares = (pull / total)[:, _GROUP]
        out: Floats = np.einsum("nc,nc->c", shares, self._shapes[near])
        out[_JAW] = min(1.0, out[_JAW] * effort)
        self._close(second, out)
        return out

    def _close(self, second: float, out: Floats) -> None:
        """Let the closures near this moment take over lips and jaw."""
        lips, teeth, jaw = 0.0, 0.0, 0.0
        # windows stretched to CLOSURE_S may end a little out of order
        at = bisect_left(self._closure_ends, second - _JAW_RAMP_S - CLOSURE_S)
        for start, end, bilabial in islice(self._closures, at, None):
            if start > second + _JAW_RAMP_S + CLOSURE_S:
                break
            away = max(start - second, second - end, 0.0)
            jaw = max(jaw, _smooth(1 - away / _JAW_RAMP_S))
            if bilabial:
                lips = max(lips, _smooth(1 - away / _LIPS_RAMP_S))
            else:
                teeth = max(teeth, _smooth(1 - away / _TEETH_RAMP_S))
        if jaw:
            out[_JAW] += (min(float(out[_JAW]), _CLOSED_JAW) - out[_JAW]) * jaw
        for viseme, share in ((_FF, teeth), (_PP, lips)):  # where both want the lips, they meet
            if share:
                out[_HELD] += (_TARGETS[viseme, _HELD] - out[_HELD]) * share
        out[_FUNNEL] *= 1 - 0.8 * lips  # a funnel is an opening; pouting may stay

    def _build(self) -> None:
        notes = self._notes
        rows = np.array([VISEMES.index(note.viseme) for note in notes], np.intp)
        self._starts = np.array([note.start_s for note in notes])
        self._ends = np.array([note.end_s for note in notes])
        self._pulls = _PULL[rows]
        self._shapes = _TARGETS[rows]
        self._shapes[:, _JAW] *= np.array([note.stress for note in notes], np.float32)
        self._closures = [_window(note) for note in notes if note.viseme in ("PP", "FF")]
        self._closure_ends = [end for _, end, _ in self._closures]


_PP = VISEMES.index("PP")
_FF = VISEMES.index("FF")


def _window(note: Note) -> tuple[float, float, bool]:
    """Start and end of the full closure, and whether it is the lips that close."""
    length = note.end_s - note.start_s
    if note.plosive:
        start, end = note.start_s + _INSET_S, note.end_s - min(_RELEASE_S, 0.25 * length)
        # a short one is held longer than it sounds: mostly after, since the picture leads
        missing = max(0.0, CLOSURE_S - (end - start))
        return start - missing / 3, end + missing * 2 / 3, note.viseme == "PP"
    middle = (note.start_s + note.end_s) / 2
    half = max(length / 2 - _INSET_S, CLOSURE_S / 2)
    return middle - half, middle + half, note.viseme == "PP"


def _smooth(x: float) -> float:
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)
