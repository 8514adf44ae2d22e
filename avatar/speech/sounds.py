"""The classes of sound that the net tells apart, and what each of them looks like.

Finer than visemes, because `t` and `d` look alike but `n` and `l` do not sound alike; coarser than
phones, because the voice of a stop is heard in its neighbours. Never fails: a letter that is not
listed gets the plainest sound of its viseme.
"""

import unicodedata
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.visemes import VISEMES, from_phone

Share = tuple[int, float]
"""The index of a sound and its share of the phone's time."""

# sound: viseme, and the IPA letters that are it; the first listed of a viseme is its plainest
_TABLE: Final[dict[str, tuple[str, str]]] = {
    "sil": ("sil", ""),
    "p": ("PP", "p b ɓ"),
    "m": ("PP", "m"),
    "f": ("FF", "f v ɱ ʋ"),
    "θ": ("TH", "θ ð"),
    "t": ("DD", "t d ɾ ʈ ɖ ɗ"),
    "k": ("kk", "k g ɡ q ɢ c ɟ"),
    "ŋ": ("kk", "ŋ ɴ"),
    "h": ("kk", "h ɦ ħ ʕ ʔ"),
    "x": ("kk", "x ɣ χ ʁ ʀ ç ʝ"),
    "ʃ": ("CH", "ʃ ʒ ɕ ʑ ʂ ʐ"),
    "s": ("SS", "s z"),
    "n": ("nn", "n ɲ ɳ"),
    "l": ("nn", "l ɫ ɭ ʎ"),
    "r": ("nn", "r"),
    "j": ("nn", "j"),
    "ɹ": ("RR", "ɹ ɻ ɚ ɝ"),
    "a": ("aa", "a ɑ"),
    "æ": ("aa", "æ"),
    "ʌ": ("aa", "ʌ ɐ"),
    "ə": ("E", "ə ɘ ɜ"),
    "ɛ": ("E", "ɛ"),
    "e": ("E", "e"),
    "ɪ": ("ih", "ɪ ᵻ ɨ"),
    "i": ("ih", "i"),
    "ɔ": ("oh", "ɔ ɒ"),
    "o": ("oh", "o"),
    "ø": ("oh", "ø œ"),
    "u": ("ou", "u"),
    "ʊ": ("ou", "ʊ ᵿ"),
    "y": ("ou", "y ʏ ɥ"),
    "w": ("ou", "w ʍ"),
}

SOUNDS: Final[tuple[str, ...]] = tuple(_TABLE)
SILENCE: Final = 0

VISEME_OF: Final[NDArray[np.intp]] = np.array(
    [VISEMES.index(viseme) for viseme, _ in _TABLE.values()], np.intp
)
"""(len(SOUNDS),) the row in VISEMES of each sound."""

_LETTERS: Final[dict[str, int]] = {
    letter: at for at, (_, letters) in enumerate(_TABLE.values()) for letter in letters.split()
}
_PLAINEST: Final[dict[str, int]] = {
    viseme: at for at, (viseme, _) in reversed(list(enumerate(_TABLE.values())))
}


@lru_cache(maxsize=1024)
def sounds_of(symbol: str) -> tuple[Share, ...]:
    """The sounds of one phone in IPA, with their shares of its time. A pause is SILENCE."""
    found: list[Share] = []
    for viseme, share in from_phone(symbol):
        found.append((_closest(symbol, viseme, taken={at for at, _ in found}), share))
    return tuple(found)


def _closest(symbol: str, viseme: str, taken: set[int]) -> int:
    """The first letter of the phone that looks like this, not used before."""
    for letter in unicodedata.normalize("NFD", symbol):
        at = _LETTERS.get(letter)
        if at is not None and at not in taken and VISEMES[VISEME_OF[at]] == viseme:
            return at
    return _PLAINEST[viseme]
