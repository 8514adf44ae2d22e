"""Written words to phones by simple letter rules, for voices that only say when each word sounds.

English first, bearable for other languages in Latin or Cyrillic letters; it refuses to be a
pronunciation dictionary. Mouth shapes forgive much: "though" and "tough" differ by one lip.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from avatar.visemes import VOWELS, Share, from_phone

_RULES: Final[tuple[tuple[str, str], ...]] = (
    *(("tion", "ʃ ə n"), ("sion", "ʒ ə n"), ("ough", "oʊ"), ("augh", "ɔ"), ("eigh", "eɪ")),
    *(("igh", "aɪ"), ("sch", "ʃ"), ("tch", "tʃ"), ("dge", "dʒ"), ("ing", "ɪ ŋ"), ("que", "k")),
    *(("ear", "i ɹ"), ("eau", "oʊ"), ("sh", "ʃ"), ("ch", "tʃ"), ("th", "θ"), ("ph", "f")),
    *(("wh", "w"), ("ck", "k"), ("qu", "k w"), ("ng", "ŋ"), ("gh", ""), ("oo", "u"), ("ee", "i")),
    *(("ea", "i"), ("ie", "i"), ("ei", "eɪ"), ("ey", "i"), ("ou", "aʊ"), ("ow", "oʊ")),
    *(("oa", "oʊ"), ("oi", "ɔɪ"), ("oy", "ɔɪ"), ("ai", "eɪ"), ("ay", "eɪ"), ("au", "ɔ")),
    *(("aw", "ɔ"), ("ew", "u"), ("ue", "u"), ("ui", "u"), ("er", "ɚ"), ("ir", "ɚ"), ("ur", "ɚ")),
    *(("or", "ɔ ɹ"), ("ar", "ɑ ɹ"), ("ce", "s ə"), ("ci", "s ɪ"), ("cy", "s i")),
)
_LETTERS: Final[dict[str, str]] = {
    **dict(zip("abcdefghij", ("æ", "b", "k", "d", "ɛ", "f", "ɡ", "h", "ɪ", "dʒ"), strict=True)),
    **dict(zip("klmnopqrst", ("k", "l", "m", "n", "ɒ", "p", "k", "ɹ", "s", "t"), strict=True)),
    **dict(zip("uvwxyz", ("ʌ", "v", "w", "k s", "i", "z"), strict=True)),
    **dict(zip("абвгдеёжзи", ("a", "b", "v", "g", "d", "e", "o", "ʒ", "z", "i"), strict=True)),
    **dict(zip("йклмнопрст", ("j", "k", "l", "m", "n", "o", "p", "r", "s", "t"), strict=True)),
    **dict(zip("уфхцчшщыэ", ("u", "f", "x", "ts", "tʃ", "ʃ", "ʃ", "ɨ", "e"), strict=True)),
    **dict(zip("юяьъ", ("u", "a", "", ""), strict=True)),
    **dict(zip("01234", ("z i ɹ oʊ", "w ʌ n", "t u", "θ ɹ i", "f ɔ ɹ"), strict=True)),
    **dict(zip("56789", ("f aɪ v", "s ɪ k s", "s ɛ v n", "eɪ t", "n aɪ n"), strict=True)),
}  # fmt: skip
_MAGIC: Final[dict[str, str]] = {"a": "eɪ", "i": "aɪ", "o": "oʊ", "u": "u", "y": "aɪ"}
_UMLAUTS: Final[dict[str, str]] = {"ä": "ɛ", "ö": "ø", "ü": "y", "ß": "s", "ç": "s", "ñ": "ɲ"}
_MAX_LETTERS = 64


@lru_cache(maxsize=4096)
def visemes_of(word: str) -> tuple[Share, ...]:
    """Visemes of a written word in order, with their shares of its time; () if nothing is sayable.

    Vowels get 1.6 times the time of consonants. Letters beyond the 64th are left out.
    """
    found: list[tuple[str, float]] = []
    for phone in _phones(unicodedata.normalize("NFC", word.lower())[:_MAX_LETTERS]):
        for viseme, share in from_phone(phone):
            if not found or found[-1][0] != viseme:
                found.append((viseme, share * (1.6 if viseme in VOWELS else 1.0)))
    total = sum(time for _, time in found)
    return tuple((viseme, time / total) for viseme, time in found)


def _phones(word: str) -> list[str]:
    bare = "".join(letter for letter in word if letter.isalnum())
    phones: list[str] = []
    at = 0
    while at < len(bare):
        taken, sounds = _rule(bare, at)
        phones += sounds.split()
        at += taken
    return phones


def _rule(word: str, at: int) -> tuple[int, str]:
    """How many letters the next rule takes, and what they sound like."""
    rest = word[at:]
    if rest == "e" and re.search("[aiouyäöü]", word[:at]):
        return 1, ""  # silent at the end, unless it is the only vowel
    if rest == "o" and at:
        return 1, "oʊ"
    if rest.startswith("y") and at == 0:
        return 1, "j"
    if at == 0 and rest.startswith(("kn", "wr")):
        return 1, ""
    if re.fullmatch(r"[aiouy][bcdfgklmnpstvz]e", rest):
        return 1, _MAGIC[rest[0]]
    for letters, sounds in _RULES:
        if rest.startswith(letters):
            return len(letters), sounds
    letter = rest[0]
    if letter in _UMLAUTS:
        return 1, _UMLAUTS[letter]
    plain = unicodedata.normalize("NFD", letter)[0]
    if letter in _LETTERS:
        return 1, _LETTERS[letter]
    return 1, _LETTERS.get(plain, letter)
