"""What was said and how much of it was heard, wherever it is played. Pure bookkeeping.

When the avatar worker dies in the middle of a sentence, the rest of it must go on from the very
sample up to which it was heard; so everything given is kept until then. Each segment is reported
as started at most once, and as finished exactly once, after its end.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from avatar.frames import CLOCK_RATE, AudioChunk, Phone, SpeechEnd, Timings, Word
from avatar.timeline import Finished, Samples, Started

_MAX_HINTS = 4096
"""Hints kept of one segment; the oldest go."""


@dataclass(slots=True)
class Entry:
    """One segment that is not over. base: samples heard before it moved to where it is played."""

    id: int
    rest: deque[Samples] = field(default_factory=deque)  # from sample `heard` on
    hints: deque[tuple[int, Timings]] = field(default_factory=lambda: deque(maxlen=_MAX_HINTS))
    given: int = 0
    heard: int = 0
    base: int = 0
    ended: bool = False
    started: bool = False
    cleared: bool = False
    result: Finished | None = None  # reported before its end


class Ledger:
    """The segments that are not over, in order."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._over = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def last(self) -> int:
        """The newest segment ever given."""
        return max(self._entries, default=self._over)

    @property
    def ahead(self) -> int:
        """Samples given and not heard."""
        return sum(e.given - e.heard for e in self._entries.values() if not e.cleared)

    def find(self, segment: int) -> Entry | None:
        """The segment, while it is not over."""
        return self._entries.get(segment)

    def note(self, item: AudioChunk | SpeechEnd) -> tuple[bool, Finished | None]:
        """Keep what is given. Whether it is to be played, and the report that is due with it."""
        entry = self._entries.get(item.segment)
        if entry is None:
            if item.segment <= self._over:
                return False, None
            entry = self._entries[item.segment] = Entry(item.segment)
        if isinstance(item, SpeechEnd):
            entry.ended = True
            return not entry.cleared, self._settle(entry)
        if entry.cleared:
            return False, None
        if len(item.samples):
            entry.rest.append(item.samples)
            entry.given += len(item.samples)
        if item.timings != Timings():
            entry.hints.append((item.start, item.timings))
        return True, None

    def hear(self, segment: int, position: int) -> Samples:
        """Up to this sample the segment was heard; returns what of it is new."""
        entry = self._entries.get(segment)
        out: list[Samples] = []
        if entry is None:
            return np.zeros(0, np.int16)
        need = min(position, entry.given) - entry.heard
        while need > 0 and entry.rest:
            samples = entry.rest.popleft()
            if len(samples) > need:
                entry.rest.appendleft(samples[need:])
                samples = samples[:need]
            out.append(samples)
            need -= len(samples)
            entry.heard += len(samples)
        return np.concatenate(out) if out else np.zeros(0, np.int16)

    def begin(self, segment: int) -> Started | None:
        """The segment sounds: its Started, the first time."""
        entry = self._entries.get(segment)
        if entry is None or entry.started:
            return None
        entry.started = True
        return Started(segment)

    def finish(self, result: Finished) -> Finished | None:
        """It is over where it is played. The report, once it has ended here too."""
        entry = self._entries.get(result.segment)
        if entry is None or entry.result is not None:
            return None
        entry.result = result
        entry.cleared = True  # whatever else of it comes is not played
        return self._settle(entry)

    def clear(self) -> None:
        """What was not heard is dropped; reports come from where it is played, or `abandon`."""
        for entry in self._entries.values():
            entry.cleared = True
            entry.rest.clear()

    def abandon(self, segment: int) -> Finished | None:
        """Nobody else will report this segment: it stands where it was heard."""
        entry = self._entries[segment]
        over = entry.ended and entry.heard == entry.given and not entry.cleared
        return self.finish(Finished(segment, entry.heard, not over))

    def oldest(self) -> Entry | None:
        """The segment that the next report without a number is about."""
        return next((e for e in self._entries.values() if e.result is None), None)

    def moved(self, entry: Entry) -> list[AudioChunk | SpeechEnd]:
        """What of it is left, as a segment that begins where it was heard to."""
        entry.base = entry.heard
        out: list[AudioChunk | SpeechEnd] = [
            AudioChunk(entry.id, 0, np.zeros(0, np.int16), hints)
            for hints in (_later(timings, entry.base) for _, timings in entry.hints)
            if hints != Timings()
        ]
        at = 0
        for samples in entry.rest:
            out.append(AudioChunk(entry.id, at, samples))
            at += len(samples)
        if entry.ended:
            out.append(SpeechEnd(entry.id))
        return out

    def shifted(self, entry: Entry, chunk: AudioChunk) -> AudioChunk:
        """A chunk of a segment that moved, counted from where it moved."""
        hints = _later(chunk.timings, entry.base)
        return AudioChunk(entry.id, chunk.start - entry.base, chunk.samples, hints)

    def _settle(self, entry: Entry) -> Finished | None:
        if not entry.ended or entry.result is None:
            return None
        del self._entries[entry.id]
        self._over = max(self._over, entry.id)
        return entry.result


def rebased(event: Started | Finished, base: int) -> Started | Finished:
    """An event of a segment that moved, counted from its first sample."""
    if isinstance(event, Finished):
        return replace(event, position=event.position + base)
    return event


def _later(timings: Timings, base: int) -> Timings:
    """The hints for what comes after `base` samples. Text does not say where it sounds: it goes."""
    if not base:
        return timings
    by = base / CLOCK_RATE
    phones = tuple(
        Phone(p.symbol, max(0.0, p.start_s - by), p.end_s - by)
        for p in timings.phones
        if p.end_s > by
    )
    words = tuple(
        Word(w.text, max(0.0, w.start_s - by), None if w.end_s is None else w.end_s - by)
        for w in timings.words
        if (w.start_s if w.end_s is None else w.end_s) > by
    )
    return Timings(phones, words, timings.alphabet)
