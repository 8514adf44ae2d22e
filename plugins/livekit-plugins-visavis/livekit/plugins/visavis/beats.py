"""Counts the clauses of a user who speaks: the moments at which a listener nods.

A pause that the voice detector heard is one, and so is a clause that ends in an interim transcript.
It waits for nothing and knows no language: a recogniser that writes no commas is counted by its
words. The avatar answers what is counted here, or not (avatar/gestures.py has its own manners).
"""

import re
from typing import Final

_WORDS: Final = 7  # about three seconds of speech; a clause is seldom longer
_MARKS: Final = re.compile(r"[,.;:?!\u2026\u3001\u3002\uff0c\uff1f\uff01](?=\s|$)")


class UserBeats:
    """One per call; `count` only rises."""

    def __init__(self) -> None:
        self.count = 0
        self._marks = 0
        self._words = 0

    def paused(self) -> None:
        """The user fell silent, for a moment or for good."""
        self.count += 1

    def heard(self, transcript: str, *, final: bool) -> None:
        """What has been recognised of the user's present utterance, all of it each time."""
        marks, words = len(_MARKS.findall(transcript)), len(transcript.split())
        if final or marks > self._marks or words - self._words >= _WORDS:
            self.count += 1
            self._marks, self._words = marks, words
        if final:
            self._marks = self._words = 0
