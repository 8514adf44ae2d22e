"""From phrases as people write them to words as the recogniser knows them.

Lower case, letters and apostrophes; digits up to 9999 become words. Refuses nothing: what cannot be
said (emoji, other alphabets) is dropped. The general words are here because a paraphrase is mostly
made of them.
"""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def general() -> tuple[list[str], list[str]]:
    """The general words, and the phrases of small talk, from general.txt."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in Path(__file__).with_name("general.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            current.append(line)
    return " ".join(sections["words"]).split(), sections["phrases"]


def words_of(phrase: str) -> tuple[str, ...]:
    """The phrase's words: `"What's 12 + 3?"` is `("what's", "twelve", "three")`."""
    plain = unicodedata.normalize("NFKD", phrase.replace("\u2019", "'")).lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    found = re.findall(r"[a-z]+(?:'[a-z]+)*'?|\d+", plain)
    words: list[str] = []
    for token in found:
        words += _number(int(token)) if token.isdigit() and len(token) <= 4 else [token]
    return tuple(word for word in words if not word.isdigit())


def sentences_of(phrases: Iterable[str]) -> list[tuple[str, ...]]:
    """Every phrase once, in order, without the empty ones."""
    return list(dict.fromkeys(words for words in map(words_of, phrases) if words))


def _number(value: int) -> list[str]:
    if value < 20:
        return [_SMALL[value]]
    if value < 100:
        rest = [_SMALL[value % 10]] if value % 10 else []
        return [_TENS[value // 10 - 2], *rest]
    size, name = (1000, "thousand") if value >= 1000 else (100, "hundred")
    return [*_number(value // size), name, *(_number(value % size) if value % size else [])]
