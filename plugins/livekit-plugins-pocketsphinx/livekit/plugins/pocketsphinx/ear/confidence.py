"""How far a transcript can be believed: a logistic curve over three facts about it.

How well the sound fits the words, how much of the loud sound no word accounts for, and how often
the words follow one another as in no phrase. Fitted on two synthetic voices (262 sentences of the
domain, 44 of other topics and languages, 2026-11), so it is an order, not a promise about people.
The fact you would not guess: the sound alone tells little. Forced to choose among a few hundred
words the decoder finds a fair fit for anything, as a word salad or by leaving some out.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

_BIAS = 7.75
_FIT = 0.948  # per nat per frame: -5 is good, -6.5 is poor
_LOOSE = -3.96  # per back-off step per word
_UNEXPLAINED = -9.88  # per share of the loud frames

_FRAME = 160  # samples; the decoder's frames are 10 ms too
_BELOW_PEAK_DB = 25.0
_FLOOR_DB = 25.0  # above an int16 of 1: nobody speaks as softly as that


@dataclass(frozen=True, slots=True)
class Evidence:
    """fit: mean acoustic score in nats per frame; loose: back-off steps per word, 0..2;
    unexplained: share of the loud frames outside of every word, 0..1."""

    fit: float
    loose: float
    unexplained: float

    @property
    def confidence(self) -> float:
        """0..1: the chance that the words are about right."""
        score = _BIAS + _FIT * self.fit + _LOOSE * self.loose + _UNEXPLAINED * self.unexplained
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


class Loudness:
    """The level of every frame of an utterance, gathered as the sound comes."""

    def __init__(self) -> None:
        self._rest = array("h")
        self._levels_db: list[float] = []

    def push(self, sound: bytes) -> None:
        """(n,) int16 at 16 kHz."""
        self._rest.frombytes(sound)
        whole = len(self._rest) - len(self._rest) % _FRAME
        for at in range(0, whole, _FRAME):
            energy = sum(sample * sample for sample in self._rest[at : at + _FRAME]) / _FRAME
            self._levels_db.append(10.0 * math.log10(energy + 1.0))
        del self._rest[:whole]

    @property
    def loud(self) -> list[int]:
        """The frames that are loud beside the utterance's own peak, in order."""
        if not self._levels_db:
            return []
        limit = max(max(self._levels_db) - _BELOW_PEAK_DB, _FLOOR_DB)
        return [frame for frame, level in enumerate(self._levels_db) if level > limit]

    def unexplained(self, spans: Sequence[tuple[int, int]]) -> float:
        """The share of the loud frames that lie in none of `spans` (first frame, frame after)."""
        loud = set(self.loud)
        covered = {frame for first, after in spans for frame in range(first, after)}
        return len(loud - covered) / max(1, len(loud))
