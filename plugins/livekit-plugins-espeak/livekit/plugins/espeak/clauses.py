"""Where running text may be cut so that speech can start before the text has ended.

Pure: text in, clauses out, nothing else. Nothing is ever lost or changed: the clauses joined are
the text. A full stop counts only when white space follows it, so a clause is complete one token
after its last character; `flush` ends the wait.
"""

import re
from dataclasses import dataclass
from enum import Enum

FIRST_MAX = 90
"""Characters after which the first clause is cut at a space: sound must start."""
CLAUSE_MAX = 240
"""Characters after which any clause is cut, at a space if there is one."""
FIRST_MIN = 2
PHRASE_MIN = 12
COMMA_MIN = 24
"""Fewest letters and digits before a mark that cuts: any mark in the first clause, then a
semicolon, colon or dash, then a comma. Fewer, and the melody of the sentence is chopped."""


class Break(Enum):
    """What ends a clause; the value is the pause after it in seconds at 175 words a minute."""

    NONE = 0.0
    COMMA = 0.15
    PHRASE = 0.225
    SENTENCE = 0.3
    LINE = 0.4


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of the text, white space and all, and how it ends."""

    text: str
    ends: Break


# Read as a whole word before the full stop, in lower case. Single letters need no entry.
_ENGLISH = "mr mrs ms dr prof sr jr st vs approx dept fig vol ed gen col lt sgt rev hon"
_GERMAN = "bzw ca nr hr str usw evtl ggf vgl"
_ROMANCE = "mme mlle mm av env sra ud uds dra avda pág dott sig"
_ABBREVIATIONS = frozenset(f"{_ENGLISH} {_GERMAN} {_ROMANCE}".split())
_CLOSERS = r"[\"'”’»)\]]*"
_ENDS = rf"""
    (?P<line>\s*\n\s*)
  | (?P<sentence>(?:[.!?…]+{_CLOSERS}(?=AFTER)|[。！？]+{_CLOSERS})\s*)
  | (?P<phrase>(?:[;:]{_CLOSERS}(?=AFTER)|\s[-–]+(?=\s)|—|[；：])\s*)
  | (?P<comma>(?:,{_CLOSERS}(?=AFTER)|[，、])\s*)
"""
_STREAMING = re.compile(_ENDS.replace("AFTER", r"\s"), re.VERBOSE)
_FINAL = re.compile(_ENDS.replace("AFTER", r"\s|\Z"), re.VERBOSE)
_BREAKS = {
    "line": Break.LINE,
    "sentence": Break.SENTENCE,
    "phrase": Break.PHRASE,
    "comma": Break.COMMA,
}
_LAST_WORD = re.compile(r"[^\W_]+$")


class ClauseSplitter:
    """Takes text as it is written and gives it back in clauses.

    `ordinal_dot`: the language writes ordinals as a number and a full stop (German "am 3. Mai").
    """

    def __init__(self, *, ordinal_dot: bool = False) -> None:
        self._ordinal_dot = ordinal_dot
        self._buffer = ""
        self._first = True

    def push(self, text: str) -> list[Clause]:
        """Add text; return what can be said now. Holds back at most CLAUSE_MAX characters."""
        self._buffer += text
        return self._take(_STREAMING)

    def flush(self) -> list[Clause]:
        """The text has ended: return the rest."""
        clauses = self._take(_FINAL)
        if self._buffer:
            clauses.append(Clause(self._buffer, Break.SENTENCE))
        self._buffer, self._first = "", True
        return clauses

    def _take(self, pattern: re.Pattern[str]) -> list[Clause]:
        clauses = []
        position = 0
        while (cut := self._next_cut(pattern, position)) is not None:
            end, ends = cut
            clauses.append(Clause(self._buffer[position:end], ends))
            position, self._first = end, False
        self._buffer = self._buffer[position:]
        return clauses

    def _next_cut(self, pattern: re.Pattern[str], start: int) -> tuple[int, Break] | None:
        limit = start + (FIRST_MAX if self._first else CLAUSE_MAX)
        window = self._buffer[start : limit + 1]
        for match in pattern.finditer(self._buffer, start, min(len(self._buffer), limit + 1)):
            kind = match.lastgroup or ""
            before = self._buffer[start : match.start()]
            # the end of the search window looks like the end of the text to \Z
            cut_short = match.end() > limit and match.end() < len(self._buffer)
            if not cut_short and self._counts(kind, before, match.group()):
                return match.end(), _BREAKS[kind]
        if len(window) <= limit - start:
            return None
        space = max(window.rfind(" ", 0, limit - start), window.rfind("\n", 0, limit - start))
        return start + (space + 1 if space > 0 else limit - start), Break.NONE

    def _counts(self, kind: str, before: str, mark: str) -> bool:
        spoken = sum(character.isalnum() for character in before)
        if spoken == 0:
            return False
        if kind in ("phrase", "comma"):
            later = PHRASE_MIN if kind == "phrase" else COMMA_MIN
            return spoken >= (FIRST_MIN if self._first else later)
        single_dot = kind == "sentence" and mark.startswith(".") and not mark.startswith("..")
        return not (single_dot and self._is_abbreviated(before))

    def _is_abbreviated(self, before: str) -> bool:
        """The full stop after `before` belongs to its last word."""
        found = _LAST_WORD.search(before)
        if found is None:
            return False
        word = found.group()
        if word.isdecimal():
            alone = not before[: found.start()].strip()  # "1. First": the number of a list
            return alone or (self._ordinal_dot and len(word) <= 2)
        initial = len(word) == 1 and word.isalpha() and word != "I" and word.isascii()
        return initial or word.lower() in _ABBREVIATIONS
