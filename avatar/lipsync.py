"""What the mouth does at one sample of a segment: from phones, else from words, else from sound.

Pure in time: the answer depends on what was heard and on the position, never on the frame rate or
on a wall clock, so that the same speech gives the same mouth live and offline. It refuses to move
a mouth over silence, whatever the timings say. The picture leads the sound by 30 ms on purpose:
lips move before they are heard, and a late mouth is noticed much sooner than an early one.
"""

import math
from collections import OrderedDict
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.coarticulation import MOUTH, Note, Score
from avatar.frames import CLOCK_RATE, AudioChunk, Phone, SpeechEnd, Timings, Word
from avatar.params import INDEX
from avatar.sound import Sound
from avatar.speech.features import Voice
from avatar.speech.follower import JOIN_S, PLOSIVES, STRESSED, Follower
from avatar.speech.net import shipped
from avatar.spelling import visemes_of
from avatar.visemes import SHAPES, VOWELS, Share, from_phone

Floats = NDArray[np.float32]

LEAD_S: Final = 0.030
"""How far the picture runs ahead of the sound."""

MAX_SEGMENTS: Final = 8
"""Segments known at a time; when a ninth begins, the first is forgotten."""

MAX_AHEAD_S: Final = 600.0
"""Speech further than this ahead of the position is not followed: about 12 MB of features."""

_KEEP_S = 3.0  # what lies further behind the position is dropped
_TRIM_S = 1.0  # how often that is done
_MAX_HOLE_S = 0.35  # a longer hole in the timings is left to the sound
_GAP_S = 0.03  # a longer gap between two phones is a pause
_MIN_PHONE_S = 0.004
_VISEME_S = 0.085  # for a word whose end nobody told


class LipSync:
    """Tracks of the segments being spoken. One thread uses it; nothing here blocks."""

    def __init__(self) -> None:
        self._tracks: OrderedDict[int, _Track] = OrderedDict()
        self._voice = shipped().voice()

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Take speech ahead of its being played. Timings may come before, with or after sound."""
        track = self._tracks.get(item.segment)
        if isinstance(item, SpeechEnd):
            if track is not None:
                track.finish()
            return
        if track is None:
            track = self._tracks[item.segment] = _Track(self._voice)
            if len(self._tracks) > MAX_SEGMENTS:
                self._tracks.popitem(last=False)
        track.hear(item)

    def forget(self, segment: int) -> None:
        """Drop everything known of a segment; unknown is fine."""
        self._tracks.pop(segment, None)

    def weights_at(self, segment: int, position_samples: int, out: Floats) -> None:
        """Write the mouth at a sample of the segment into `out`, (53,) float32; other channels 0.

        An unknown segment, and a position beyond the sound heard so far, is a mouth at rest.
        """
        out.fill(0)
        track = self._tracks.get(segment)
        if track is not None:
            out[MOUTH] = track.mouth(position_samples / CLOCK_RATE)

    def loudness_at(self, segment: int, position_samples: int) -> float:
        """How loud the speech is at a sample, 0..1 of the loudest of the last seconds."""
        track = self._tracks.get(segment)
        return 0.0 if track is None else track.sound.loudness(position_samples / CLOCK_RATE)


class _Track:
    """One segment: its phones, its text where there are no phones, and its sound."""

    def __init__(self, voice: Voice) -> None:
        self.sound = Sound(voice)
        self._follower = Follower()
        self._phones = _Timed()
        self._words = _Timed()
        self._open_word: Word | None = None
        self._position = -math.inf
        self._trimmed = 0.0
        self._full = False

    def hear(self, chunk: AudioChunk) -> None:
        horizon = max(0.0, self._position) + MAX_AHEAD_S
        self._full = self._full or chunk.start / CLOCK_RATE >= horizon
        if not self._full:
            self.sound.feed(chunk.samples, at=chunk.start)
            self._take(chunk.timings, horizon)

    def finish(self) -> None:
        self.sound.finish()

    def mouth(self, second: float) -> Floats:
        """(len(MOUTH),) weights at this second of the segment."""
        self._position = second
        if second - self._trimmed > _TRIM_S:
            self._trimmed = second
            for part in (self.sound, self._phones, self._words):
                part.drop_before(second - _KEEP_S)
        openness = self.sound.openness(second)
        if openness <= 0:
            if self._phones.cover(second + LEAD_S) < 1:
                self._follower.listen(self.sound, second)
            return np.zeros(len(MOUTH), np.float32)
        return openness * self._blend(second + LEAD_S, second)

    def _blend(self, seen: float, heard: float) -> Floats:
        """The best source that covers this moment, crossed over with the next best."""
        # louder speech opens the jaw further; the timings alone would make every syllable equal
        effort = 0.8 + 0.3 * self.sound.loudness(heard)
        mouth = np.zeros(len(MOUTH), np.float32)
        left = 1.0
        for source in (self._phones, self._follower, self._words):
            if left <= 0:
                break
            if source is self._follower:
                self._follower.look(self.sound, seen, heard)
            share = left * source.cover(seen)
            if share > 0:
                mouth += share * source.score.mouth(seen, effort)
                left -= share
        if left > 0:
            mix = left * (self.sound.mix(seen) @ _MOUTH_SHAPES)
            mix[_JAW] *= effort
            mouth += mix
        return mouth

    def _take(self, timings: Timings, horizon: float) -> None:
        notes: list[Note] = []
        for phone in _in_order(timings.phones, horizon):
            if notes:
                notes += _pause(notes[-1].end_s, phone.start_s)
            notes += _notes_of(phone, from_phone(phone.symbol, timings.alphabet))
        self._phones.add(notes, self._position)
        self._follower.tell(timings, self._position)
        for word in timings.words:
            # a whole sentence without an end is for the follower: its length is anybody's guess
            known = word.end_s is not None or len(word.text.split()) == 1
            if known and _usable(word.start_s, word.start_s + 1, horizon):
                self._take_word(word)

    def _take_word(self, word: Word) -> None:
        before, self._open_word = self._open_word, None
        if before is not None:
            guess = before.start_s + 1.5 * _guess_s(before)
            self._add_word(before, min(word.start_s, guess))
        if word.end_s is None:
            self._open_word = word
            self._add_word(word, word.start_s + _guess_s(word))
        else:
            self._add_word(word, word.end_s)

    def _add_word(self, word: Word, end_s: float) -> None:
        length = end_s - word.start_s
        if length >= _MIN_PHONE_S:
            notes = _spread(visemes_of(word.text), word.start_s, end_s, stress=1.0)
            self._words.add(notes, self._position)


class _Timed:
    """A score and the stretches of time for which it may be believed."""

    def __init__(self) -> None:
        self.score = Score()
        # [from, to]: growing from nothing to full belief; then until when
        self._stretches: list[list[float]] = []

    def add(self, notes: list[Note], position: float) -> None:
        """Add notes in order. Those that arrive too late to be seen coming are eased in."""
        if not notes:
            return
        start, end = notes[0].start_s, notes[-1].end_s
        last = self._stretches[-1] if self._stretches else None
        joined = last is not None and start - last[2] < _MAX_HOLE_S
        if joined:
            notes = [*_pause(self.score.end_s, start), *notes]
        self.score.add(notes)
        seen = position + LEAD_S
        if joined and last is not None and (start > seen or last[2] > seen):
            last[2] = max(end, start)
        else:
            begin = max(start - JOIN_S, seen)
            self._stretches.append([begin, begin + JOIN_S, end])

    def cover(self, second: float) -> float:
        """0..1: how far the score is to be believed at this moment."""
        best = 0.0
        for begin, full, until in self._stretches:
            rising = (second - begin) / (full - begin)
            falling = 1 - (second - until) / JOIN_S
            best = max(best, min(1.0, rising, falling))
        return best

    def drop_before(self, second: float) -> None:
        self.score.drop_before(second)
        self._stretches = [s for s in self._stretches if s[2] + JOIN_S > second]


_JAW = MOUTH.tolist().index(INDEX["jawOpen"])
_MOUTH_SHAPES = np.ascontiguousarray(SHAPES[:, MOUTH])


def _in_order(phones: tuple[Phone, ...], horizon: float) -> list[Phone]:
    """The usable phones by start, none reaching into the next."""
    known = [p for p in phones if _usable(p.start_s, p.end_s, horizon)]
    known.sort(key=lambda phone: phone.start_s)
    ends = [min(p.end_s, after.start_s) for p, after in pairwise(known)]
    cut = [replace(p, end_s=end) for p, end in zip(known, ends, strict=False)] + known[-1:]
    return [p for p in cut if p.end_s - p.start_s >= _MIN_PHONE_S]


def _usable(start_s: float, end_s: float, horizon: float) -> bool:
    """Timings come from outside: not-a-number, negative or reversed times are skipped."""
    return 0 <= start_s < horizon and start_s + _MIN_PHONE_S <= end_s < math.inf


def _notes_of(phone: Phone, shares: tuple[Share, ...]) -> list[Note]:
    symbol = phone.symbol
    stressed = shares[0][0] in VOWELS and (symbol.startswith("ˈ") or symbol.endswith("1"))
    stress = STRESSED if stressed else 1.0
    plosive = symbol.lower().startswith(PLOSIVES) and len(shares) == 1
    return _spread(shares, phone.start_s, phone.end_s, stress=stress, plosive=plosive)


def _spread(
    shares: tuple[Share, ...], start_s: float, end_s: float, *, stress: float, plosive: bool = False
) -> list[Note]:
    notes = []
    at = start_s
    for viseme, share in shares:
        until = at + share * (end_s - start_s)
        notes.append(Note(viseme, at, until, stress, plosive))
        at = until
    return notes


def _pause(start_s: float, end_s: float) -> list[Note]:
    return [Note("sil", start_s, end_s)] if end_s - start_s > _GAP_S else []


def _guess_s(word: Word) -> float:
    return _VISEME_S * max(2, len(visemes_of(word.text)))
