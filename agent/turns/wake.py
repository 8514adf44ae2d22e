"""Whether words are meant for an avatar that answers only when it is called (wake phrases).

Pure. Without phrases it is always awake. After it has spoken
it listens to anything for a while; then the conversation is over, and it must be called again.
Recognisers write "comet" for "comment", so phrases are compared by their letters and their sound.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from rapidfuzz import fuzz

Strictness = Literal["low", "medium", "high"]
WINDOW_S = 10.0
"""For so long after our speech everything is for us."""
LEAST: dict[Strictness, float] = {"low": 74.0, "medium": 82.0, "high": 90.0}
"""The least likeness (0 to 100) of a phrase; tests/test_turns_wake.py holds what they mean."""
_LETTERS, _SOUND = 0.6, 0.4
_LENGTH_APART, _LENGTH_COST = 0.3, 15.0
_SOUNDS = (
    (r"ph", "f"),
    (r"[wh]h|gh", "h"),
    (r"[st]ion", "xn"),
    (r"tch|ch|sh|dge|j|g(?=[eiy])", "x"),
    (r"c(?=[eiy])|z", "s"),
    (r"ck|[cqg]", "k"),
    (r"x(?=s)", "ks"),
    (r"(?<!^)[aeiouyhw]+", ""),
    (r"^[aeiouy]+", "a"),
    (r"(.)\1+", r"\1"),
)


class Wake:
    """One call's decision. `at` is a moment in seconds; a conversation is from call to silence."""

    def __init__(self, phrases: Sequence[str] = (), strictness: Strictness = "medium") -> None:
        self.window_s = WINDOW_S
        self._open_until = float("-inf")
        self._began_open = False
        self._speaking = False
        self.set(phrases, strictness)

    def set(self, phrases: Sequence[str], strictness: Strictness) -> None:
        """Answer to these phrases from now on; none: to everything."""
        self.phrases, self.strictness = tuple(phrases), strictness
        self._wanted = [words for words in map(_words, phrases) if words]

    def on_speaking(self, at: float, speaking: bool) -> None:
        """Our speech began, or is over."""
        if self._speaking and not speaking:
            self._open_until = at + self.window_s
        self._speaking = speaking

    def on_voice(self, at: float) -> None:
        """Somebody began to speak: what they say is for us if we listened then."""
        self._began_open = self._speaking or at <= self._open_until

    def on_turn(self, text: str, at: float) -> Literal["answer", "begin", "ignore"]:
        """Somebody has said this. "begin": they called us into a new conversation."""
        if not self._wanted or self._speaking or self._began_open or at <= self._open_until:
            return "answer"
        return "begin" if self.likeness(text) >= LEAST[self.strictness] else "ignore"

    def likeness(self, text: str) -> float:
        """How much of 100 the words hold the phrase that they hold best."""
        said = _words(text)
        found = 0.0
        for wanted in self._wanted:
            for count in {max(1, len(wanted) - 1), len(wanted), len(wanted) + 1}:
                for start in range(max(1, len(said) - count + 1)):
                    found = max(found, _alike(said[start : start + count], wanted))
        return found


def _alike(said: Sequence[str], wanted: Sequence[str]) -> float:
    one, other = "".join(said), "".join(wanted)
    letters = fuzz.ratio(one, other)
    sound = fuzz.ratio("".join(map(_sound, said)), "".join(map(_sound, wanted)))
    apart = abs(len(one) - len(other)) > max(2, _LENGTH_APART * len(other))
    return _LETTERS * letters + _SOUND * sound - (_LENGTH_COST if apart else 0.0)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.lower())
    return re.findall(r"\w+", re.sub(r"['\u2019\u0300-\u036f]", "", plain))


def _sound(word: str) -> str:
    """Its consonants as an English ear has them."""
    for pattern, sound in _SOUNDS:
        word = re.sub(pattern, sound, word)
    return word
