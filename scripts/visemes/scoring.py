"""How right a track of visemes is against phones whose times are known.

Frames are compared where somebody speaks. A closure of p b m is found when a frame inside it (20 ms
of grace) is closed; a closed stretch is right when its middle lies in a closure (40 ms of grace).
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.coarticulation import Note, Score
from avatar.speech.net import Net
from avatar.speech.sounds import VISEME_OF
from avatar.visemes import VISEMES, from_phone
from visemes.corpus import Utterance

Floats = NDArray[np.float32]
Labels = NDArray[np.intp]
Span = tuple[float, float, int]
"""Start, end, and the row in VISEMES."""

_PP: Final = VISEMES.index("PP")
_GROUPS: Final = (
    *(("PP",), ("FF",), ("oh", "ou", "CH", "RR"), ("aa",), ("sil",)),
    ("E", "ih", "SS", "DD", "TH", "nn", "kk"),
)
_GROUP_OF: Final = np.array(
    [next(at for at, group in enumerate(_GROUPS) if name in group) for name in VISEMES]
)
_GRACE_S, _MARK_GRACE_S = 0.02, 0.04


@dataclass
class Tally:
    """Sums over utterances; `figures` says what they come to."""

    frames: list[float] = field(default_factory=list)
    groups: list[float] = field(default_factory=list)
    jaw: list[float] = field(default_factory=list)
    closures: int = 0
    found: int = 0
    marked: int = 0
    right: int = 0

    def add(self, utterance: Utterance, labels: Labels) -> None:
        """labels: a viseme for every 10 ms of the utterance."""
        truth = spans_of(utterance)
        frames = frames_of(truth, len(labels))
        speech = frames != 0
        self.frames.append(float((labels == frames)[speech].mean()))
        self.groups.append(float((_GROUP_OF[labels] == _GROUP_OF[frames])[speech].mean()))
        runs = runs_of(labels)
        one, other = jaw_of(runs, len(labels)), jaw_of(truth, len(labels))
        if one.std() > 0:
            self.jaw.append(float(np.corrcoef(one, other)[0, 1]))
        times = (np.arange(len(labels)) + 0.5) / 100
        shut = times[labels == _PP]
        closures = [(start, end) for start, end, viseme in truth if viseme == _PP]
        for start, end in closures:
            self.closures += 1
            self.found += bool(((shut >= start - _GRACE_S) & (shut <= end + _GRACE_S)).any())
        for middle in ((start + end) / 2 for start, end, viseme in runs if viseme == _PP):
            self.marked += 1
            self.right += any(
                start - _MARK_GRACE_S <= middle <= end + _MARK_GRACE_S for start, end in closures
            )

    def figures(self) -> dict[str, float]:
        return {
            "frames": round(float(np.mean(self.frames)), 3),
            "groups": round(float(np.mean(self.groups)), 3),
            "closures_found": round(self.found / max(1, self.closures), 3),
            "closures_right": round(self.right / max(1, self.marked), 3),
            "jaw": round(float(np.mean(self.jaw or [0.0])), 3),
        }


def spans_of(utterance: Utterance) -> list[Span]:
    """The visemes that the phones of an utterance stand for."""
    spans = []
    for phone in utterance.phones:
        at = phone.start_s
        for viseme, share in from_phone(phone.symbol, utterance.alphabet):
            until = at + share * (phone.end_s - phone.start_s)
            spans.append((at, until, VISEMES.index(viseme)))
            at = until
    return spans


def frames_of(spans: list[Span], count: int) -> Labels:
    """(count,) the viseme of every 10 ms; silence between spans."""
    labels = np.zeros(count, np.intp)
    for start, end, viseme in spans:
        labels[round(start * 100) : round(end * 100)] = viseme
    return labels


def runs_of(labels: Labels) -> list[Span]:
    """Stretches of one viseme."""
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return [(start / 100, end / 100, int(labels[start])) for start, end in pairwise(edges)]


def jaw_of(spans: list[Span], count: int) -> Floats:
    """(count,) the jaw that these visemes make, every 10 ms."""
    score = Score()
    score.add([Note(VISEMES[v], start, end) for start, end, v in spans if end - start > 0.004])
    return np.array([score.mouth((at + 0.5) / 100)[0] for at in range(count)], np.float32)


def loudest_visemes(logs: Floats) -> Labels:
    """(n,) the likeliest viseme of the net's log posteriors."""
    shares = np.zeros((len(logs), len(VISEMES)), np.float32)
    np.add.at(shares.T, VISEME_OF, np.exp(logs).T)
    best: Labels = shares.argmax(axis=1)
    return best


def stretched(sounds: list[int], voiced: NDArray[np.bool_], net: Net) -> Labels:
    """A text laid over the voiced hops by the usual lengths of its sounds, nothing listened to."""
    labels = np.zeros(len(voiced), np.intp)
    if sounds:
        lengths = net.lengths_s[sounds]
        edges = np.cumsum(lengths) / lengths.sum()
        places = (np.arange(voiced.sum()) + 0.5) / max(1, voiced.sum())
        labels[voiced] = VISEME_OF[np.array(sounds)[np.searchsorted(edges, places)]]
    return labels
