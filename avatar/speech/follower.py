"""A text followed through its sound: which notes the mouth plays around a moment, and how sure.

Words come with or without times, as text or as phones, before, with or after their sound. The
follower listens 300 ms ahead of the picture and no further, so that live and offline agree. Where
the voice says something else than the text it covers nothing, and the next source speaks.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from avatar.coarticulation import Note, Score
from avatar.frames import Timings, Word
from avatar.sound import HOP_S, Sound
from avatar.speech.aligner import FILLER, Aligner, Expected, Step
from avatar.speech.net import AHEAD, shipped
from avatar.speech.sounds import VISEME_OF
from avatar.spelling import phones_of
from avatar.visemes import VISEMES, VOWELS

LOOK_AHEAD_S: Final = 0.300
"""How far beyond the picture's position the sound is used, the net's own hearing included."""

JOIN_S: Final = 0.06
"""Crossing over from one source to the next."""

STRESSED: Final = 1.12
"""How much further the jaw goes in a stressed vowel."""

PLOSIVES: Final = ("p", "b")

_BEHIND_S = 0.40  # sounds further back no longer pull
_NEAR_WORDS = 8  # among so many words a told time is looked for
_FRONTIER_S = 0.05  # the sound at the frontier goes on for a while


class Follower:
    """One segment's text. `score` and `cover` are of the last `look`."""

    def __init__(self) -> None:
        self.score = Score()
        self._aligner: Aligner | None = None
        self._waiting: list[Expected] = []
        self._times: list[tuple[int, Word]] = []
        self._texts: list[str] = []
        self._next = 0  # the first word that may still be told a time
        self._by_words = False
        self._since = 0.0
        self._stretches: list[tuple[float, float]] = []

    def tell(self, timings: Timings, position: float) -> None:
        """Take words of the text. position: of the last picture, -inf before the first."""
        fresh = not self._texts
        if timings.text and not self._by_words:
            self._expect(timings.text.split(), timings.pronunciation)
        for word in timings.words:
            self._take(word)
        if fresh and self._texts:
            self._since = position

    def look(self, sound: Sound, seen: float, position: float) -> None:
        """Follow the sound up to LOOK_AHEAD_S after `position` and read the notes around `seen`."""
        aligner = self.listen(sound, position)
        if aligner is not None:
            self._read(aligner, seen)

    def listen(self, sound: Sound, position: float) -> Aligner | None:
        """Follow the sound and read nothing. In silence too: what waits for the next word to be
        heard costs a whole frame at once. None: there is no text."""
        aligner = self._aligner
        if not self._texts:
            return None
        if aligner is None:
            aligner = self._aligner = Aligner(shipped(), start=sound.first)
        self._pass_on(aligner)
        until = min(sound.judged, round((position + LOOK_AHEAD_S) / HOP_S) - AHEAD)
        if until > aligner.heard:
            if sound.first > aligner.heard:
                aligner.leap(sound.first)
            aligner.advance(sound.logs(aligner.heard, until))
        return aligner

    def cover(self, second: float) -> float:
        """0..1: how far the score is to be believed at this moment."""
        best = 0.0
        for begin, end in self._stretches:
            rising = (second - begin) / JOIN_S + 1
            falling = 1 - (second - end) / JOIN_S
            best = max(best, min(1.0, rising, falling))
        return min(best, max(0.0, (second - self._since) / JOIN_S))

    def _expect(self, words: Sequence[str], known: tuple[tuple[str, ...], ...]) -> None:
        if len(known) != len(words):
            known = tuple(phones_of(word) for word in words)
        self._texts += [_bare(word) for word in words]
        self._waiting += [Expected(phones) for phones in known]

    def _take(self, word: Word) -> None:
        """A word with its time, or a whole sentence with that of its first word."""
        tokens = word.text.split()
        if not tokens or not math.isfinite(word.start_s):
            return
        timed = word if len(tokens) == 1 else replace(word, end_s=None)
        if not self._texts:
            self._by_words = True
        if self._by_words:
            self._times.append((len(self._texts), timed))
            self._expect(tokens, ())
            return
        bare, near = _bare(tokens[0]), self._texts[self._next : self._next + _NEAR_WORDS]
        if bare and bare in near:
            found = self._next + near.index(bare)
            self._times.append((found, timed))
            self._next = found + len(tokens)

    def _pass_on(self, aligner: Aligner) -> None:
        aligner.expect(self._waiting)
        self._waiting = []
        for number, word in self._times:
            aligner.time(number, word.start_s, word.end_s)
        self._times = []

    def _read(self, aligner: Aligner, seen: float) -> None:
        hops = max(0, aligner.heard - int((seen - _BEHIND_S) / HOP_S))
        steps = aligner.path(hops)
        at = aligner.heard - len(steps)
        notes: list[Note] = []
        self._stretches = []
        for lost, part in groupby(steps, key=lambda step: step.sound == FILLER):
            inside = list(part)
            if not lost:
                self._stretches.append((at * HOP_S, (at + len(inside)) * HOP_S))
                notes += _notes(inside, at)
            at += len(inside)
        self.score = Score()
        self.score.add(notes)


def _notes(steps: list[Step], at: int) -> list[Note]:
    notes = []
    for _, part in groupby(steps, key=lambda step: step.part):
        inside = list(part)
        first = inside[0]
        viseme = VISEMES[VISEME_OF[first.sound]]
        end = at + len(inside)
        stressed = first.symbol.startswith("ˈ") and viseme in VOWELS
        notes.append(
            Note(
                viseme,
                at * HOP_S,
                end * HOP_S,
                STRESSED if stressed else 1.0,
                plosive=first.symbol.startswith(PLOSIVES),
            )
        )
        at = end
    return notes


def _bare(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())
