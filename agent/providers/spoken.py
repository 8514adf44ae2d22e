"""How far a voice came in its text, and what of the text is left to say.

Voices that time their words are followed word by word: a word counts once its end is in the sound.
Of others, which time whole sentences or nothing, letters are counted along the voiced sound of the
sentence that broke off, and it goes on at the word that this reaches.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.plugins.visavis import USERDATA_PHONEMES

from agent.heard import STEP_S, voicing

_WORD = re.compile(r"\S*\w\S*")
_PHRASE = 3
"""More words than these under one time are no timing."""
_LETTERS_A_SECOND = 15.0
_SLACK_S = 0.03
_BACK_S = 0.05
_NEAR = 48
"""Letters within which a timed word is looked for in the text."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A word (or a phrase) of the sound: where its text ends in the manuscript, and when."""

    start_s: float
    end_s: float | None
    begins: int
    ends: int


class Progress:
    """What one voice has said of a text that began at letter `begins` of the manuscript."""

    def __init__(self, begins: int = 0) -> None:
        self.begins = begins
        self.seconds = 0.0
        self.words: list[Timed] = []
        self.phrased = False
        self.strays = 0
        self._cursor = begins
        self._shift_s = self._latest_s = self._ends_s = 0.0
        self._done = (begins, 0.0)  # up to this letter all was said in so many seconds
        self._voiced: list[bool] = []
        self._rest = np.zeros(0, np.int16)

    def add_words(self, parts: Sequence[TimedString], manuscript: str) -> list[TimedString]:
        """Take timed words, in the order in which they sound; returns them as they are to be used.

        Some services count time anew in each piece of sound: then it goes on from the last word.
        Some send the timings of a sentence twice: what was there already is left out.
        """
        used: list[TimedString] = []
        for part in parts:
            start = part.start_time
            if not isinstance(start, int | float) or not _WORD.search(part):
                used.append(part)
                continue
            word = moved(part, self._shift_s)
            found = manuscript.find(part.strip(), self._cursor, self._cursor + len(part) + _NEAR)
            if start + self._shift_s < self._latest_s - _BACK_S:
                if found < 0:
                    continue
                self._shift_s = self._ends_s - start
                word = moved(part, self._shift_s)
            self._add(word, found)
            used.append(word)
        return used

    def _add(self, word: TimedString, found: int) -> None:
        start, end = _seconds(word.start_time), _seconds(word.end_time)
        assert start is not None
        if len(_WORD.findall(word)) > _PHRASE:
            self.phrased = True
        if end is not None and end < start:  # the end of a piece, told in the next one's time
            end = None
        guess = start + len(word.strip()) / _LETTERS_A_SECOND
        self._latest_s, self._ends_s = start, max(self._ends_s, guess if end is None else end)
        if found < 0:
            self.strays += 1
            return
        self._cursor = found + len(word.strip())
        self.words.append(Timed(start, end, found, self._cursor))

    def add_sound(self, frame: rtc.AudioFrame) -> None:
        self.seconds += frame.duration
        voiced, self._rest = voicing(frame, self._rest)
        self._voiced += voiced

    def complete_to(self, letter: int) -> None:
        """Everything before this letter is in the sound so far."""
        self._done = (letter, self.seconds)

    @property
    def timed(self) -> bool:
        """Word by word, and nearly every one was found in the text."""
        return bool(self.words) and not self.phrased and self.strays * 10 <= len(self.words)

    def reached(self, manuscript: str) -> int:
        """The letter of the manuscript from which on nothing was said."""
        if not self.seconds:
            return self.begins
        if self.timed:
            said = [word for word in self.words if self._end_of(word) <= self.seconds + _SLACK_S]
            return max(said[-1].ends if said else self.begins, self._done[0])
        return self._by_letters(manuscript)

    def cut_s(self, manuscript: str) -> float | None:
        """Where the sound of the words that count ends, and that of a broken one begins.

        None: not known, or the last word is whole.
        """
        if not self.timed:
            return None
        reached = self.reached(manuscript)
        broken = [w for w in self.words if w.ends > reached and w.start_s < self.seconds]
        return broken[0].start_s if broken else None

    def owes(self, manuscript: str) -> bool:
        """A word of the manuscript has not been spoken of."""
        at = max(self.words[-1].ends if self.words else self.begins, self._done[0])
        return _WORD.search(manuscript, at) is not None

    def _end_of(self, word: Timed) -> float:
        if word.end_s is not None:
            return word.end_s
        after = [w.start_s for w in self.words if w.begins >= word.ends]
        return min(after, default=word.start_s + (word.ends - word.begins) / _LETTERS_A_SECOND)

    def _by_letters(self, manuscript: str) -> int:
        begins, start_s = self._done
        for word in self.words:
            if word.start_s <= self.seconds and word.begins >= begins:
                begins, start_s = word.begins, word.start_s
        voiced_s = sum(self._voiced[round(start_s / STEP_S) :]) * STEP_S
        letters = begins + voiced_s * _LETTERS_A_SECOND
        ends = [m.end() for m in _WORD.finditer(manuscript, begins) if m.end() <= letters]
        return ends[-1] if ends else begins


def later(frame: rtc.AudioFrame, offset_s: float) -> rtc.AudioFrame:
    """The frame with the hints it carries moved to a later place in its segment."""
    if not offset_s:
        return frame
    timed = frame.userdata.get(USERDATA_TIMED_TRANSCRIPT)
    if timed:
        frame.userdata[USERDATA_TIMED_TRANSCRIPT] = [moved(word, offset_s) for word in timed]
    phonemes = frame.userdata.get(USERDATA_PHONEMES)
    if phonemes:
        frame.userdata[USERDATA_PHONEMES] = [
            {
                **entry,
                "phones": [[s, a + offset_s, b + offset_s] for s, a, b in entry["phones"]],
            }
            for entry in phonemes
        ]
    return frame


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def moved(word: TimedString, offset_s: float) -> TimedString:
    """The word, so much later."""
    start, end = _seconds(word.start_time), _seconds(word.end_time)
    if start is None or not offset_s:
        return word
    if end is None:
        return TimedString(str(word), start_time=start + offset_s)
    return TimedString(str(word), start_time=start + offset_s, end_time=end + offset_s)
