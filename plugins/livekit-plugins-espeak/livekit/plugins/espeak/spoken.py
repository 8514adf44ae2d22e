"""Text made safe and fit to be spoken, with the way back to the characters that were written.

espeak-ng has modes that text could switch (SSML, phonemes in double brackets, commands after a
control character). The child never turns them on; here the marks go too, so that nobody hears them.
The language is not known here and no word is translated: numbers, signs and abbreviations are left
to espeak-ng, which reads them in its own language.
"""

import re
import unicodedata
from dataclasses import dataclass

_SILENT = re.compile(
    r"""
    </?[A-Za-z][^<>]{0,200}>          # tags: SSML, HTML
  | !?\[(?=[^\]\n]{1,200}\]\()        # [text](address): the text stays
  | \]\([^)\s]{0,500}\)
  | \[\[|\]\]                         # espeak's brackets for phonemes
  | ^[ \t]*(?:\#{1,6}|[-+*>])[ \t]+   # marks at the start of a line: heading, list, quotation
  | ^[ \t]*(?:[-*_=]{3,}|`{3,}\w*)[ \t]*$
  | [`~|\\^{}]+ | \#{2,}
  | \*+(?!\s*\d) | (?<!\d)(?<!\d\ )\*+  # emphasis; between numbers it multiplies
  | (?<!\w)_+|_+(?!\w)                # emphasis; the _ of snake_case becomes a space below
    """,
    re.VERBOSE | re.MULTILINE,
)
_ADDRESS = re.compile(r"\b(?:https?://|www\.)([\w.-]+\w)(\S*)", re.IGNORECASE)
_PICTURES = frozenset({"So", "Cn", "Co", "Cs", "Me"})
_FIRST_PICTURE = 0x2190
"""Symbols below it are read aloud (degree, copyright, trade mark); arrows and all after are not."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """`text` is what is said; `origin[i]` is where its character i stands in the written text."""

    text: str
    origin: tuple[int, ...]

    @property
    def has_words(self) -> bool:
        """There is a letter or digit, so there can be sound."""
        return any(character.isalnum() for character in self.text)


def speakable(written: str) -> Spoken:
    """What to say for `written`: no mark-up, no emoji, no control characters; addresses by host."""
    silent = bytearray(len(written))
    for match in _SILENT.finditer(written):
        _blank(silent, *match.span())
    for match in _ADDRESS.finditer(written):
        _blank(silent, match.start(), match.start(1))
        path = match[2].rstrip(".,;:!?)\"'”»")  # what ends the sentence is not the address's
        _blank(silent, match.start(2), match.start(2) + len(path))
    said: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(written):
        sound = "" if silent[index] else _sound(character, said[-1] if said else " ")
        if sound and not (sound == " " and said and said[-1] == " "):
            said.append(sound)
            origin.append(index)
    return Spoken("".join(said), tuple(origin))


def _blank(silent: bytearray, start: int, end: int) -> None:
    silent[start:end] = b"\1" * (end - start)


def _sound(character: str, previous: str) -> str:
    """The one character to say for another, or none."""
    if character == "*":
        return "×"
    category = unicodedata.category(character)
    if category.startswith("Z") or category == "Cc" or character in "_<>":
        return " "
    if category == "Cf":  # joiners shape letters in Persian and Hindi; elsewhere they glue emoji
        return character if character in "\u200c\u200d" and previous.isalpha() else ""
    if category in _PICTURES and ord(character) >= _FIRST_PICTURE:
        return " "
    if 0x1F3FB <= ord(character) <= 0x1F3FF or 0xFE00 <= ord(character) <= 0xFE0F:
        return ""  # skin tones and variation selectors
    return character
