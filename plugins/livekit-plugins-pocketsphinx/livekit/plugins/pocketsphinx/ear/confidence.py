"""How far a transcript can be believed, from two facts about it: how well the sound fits, and how
usual the words are.

A logistic curve, fitted on synthetic voices. The fact you would not guess: the sound alone does not
tell; forced to choose among a few hundred words, the decoder finds a fair fit for anything, but
only as a word salad that the language model finds very unlikely.
"""

import math
from collections.abc import Sequence

_BIAS, _ACOUSTIC, _LANGUAGE = 4.0, 1.0, 2.0


def features(scores: Sequence[tuple[float, int]], log_prob: float) -> tuple[float, float]:
    """(natural log of the acoustic fit per frame, log10 probability per word with the end).

    scores: (log acoustic score, frames) of each word.
    """
    frames = sum(length for _, length in scores)
    return sum(score for score, _ in scores) / frames, log_prob / (len(scores) + 1)


def of(scores: Sequence[tuple[float, int]], log_prob: float) -> float:
    """0..1: the chance that the sentence is about right."""
    acoustic, language = features(scores, log_prob)
    return 1.0 / (1.0 + math.exp(-(_BIAS + _ACOUSTIC * acoustic + _LANGUAGE * language)))
