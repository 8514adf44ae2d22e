"""Which speech lies where on the media clock, and what of it was heard.

Pure bookkeeping: no time, no thread, no sound device. Speech comes in by segment, leaves in blocks
with silence where there is none, and can be taken back from the source's queue (rewind) to be given
again or dropped. Every segment is reported exactly once as finished, and at most once as started,
before that; positions count only what was played.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Started:
    """The first sample of the segment was played."""

    segment: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The segment is over: `position` samples of it were played."""

    segment: int
    position: int
    interrupted: bool


@dataclass(slots=True)
class _Segment:
    id: int
    waiting: deque[Samples] = field(default_factory=deque)
    unplaced: int = 0  # samples in `waiting`
    placed: int = 0  # samples handed out and not taken back
    first: int | None = None  # clock sample of its first sample
    last: int = 0  # clock sample after its last one handed out
    ended: bool = False
    started: bool = False
    cleared: bool = False


@dataclass(frozen=True, slots=True)
class _Block:
    """A stretch handed out at clock sample `at`: `samples` of `segment` (None: silence)."""

    at: int
    segment: _Segment | None
    offset: int
    samples: Samples


class Timeline:
    """The queue of speech in front of one audio source.

    keep: samples of the past that stay known, for rewinding and for looking up what sounds; more
    than the source's queue plus a frame.
    """

    def __init__(self, *, keep: int) -> None:
        self._keep = keep
        self._queue: deque[_Segment] = deque()  # not finished, in order of first arrival
        self._flushless: dict[int, _Segment] = {}  # cleared, waiting for their end
        self._blocks: deque[_Block] = deque()
        self._pushed = 0
        self._held = False
        self._events: deque[Started | Finished] = deque()
        self._done_to = -1  # ids up to this one are over: late items of theirs are ignored

    @property
    def pushed(self) -> int:
        """Samples handed out, silence included, less what was taken back."""
        return self._pushed

    @property
    def waiting(self) -> int:
        """Samples of speech not handed out yet."""
        return sum(s.unplaced for s in self._queue)

    def speech_ahead(self, played: int) -> bool:
        """Whether speech waits, or lies in what was handed out and has not been played."""
        if any(entry.unplaced for entry in self._queue):
            return True
        return any(b.segment and b.at + len(b.samples) > played for b in self._blocks)

    def silent_at_end(self) -> bool:
        """Whether the last sample handed out is silence, so that new speech would come after it."""
        return self.at(self._pushed - 1) is None

    def sound(self, start: int, count: int) -> Samples:
        """What was handed out for these clock samples; zeros where it is not known any more."""
        out = np.zeros(count, np.int16)
        for block in reversed(self._blocks):
            if block.at + len(block.samples) <= start:
                break
            first, last = max(start, block.at), min(start + count, block.at + len(block.samples))
            if first < last:
                out[first - start : last - start] = block.samples[
                    first - block.at : last - block.at
                ]
        return out

    def add(self, segment: int, samples: Samples) -> None:
        """Queue speech of a segment; ids rise. Speech of a cleared segment is dropped."""
        entry = self._find(segment)
        if entry is None or entry.ended:
            return
        if len(samples):
            entry.waiting.append(samples)
            entry.unplaced += len(samples)

    def end(self, segment: int) -> None:
        """No more speech will come for this segment."""
        cleared = self._flushless.pop(segment, None)
        if cleared is not None:
            self._finish(cleared, interrupted=True)
            return
        entry = self._find(segment)
        if entry is not None:
            entry.ended = True

    def clear(self) -> list[int]:
        """Drop all speech not played. Call after `rewind`, so that positions are what was heard.

        Returns the ids of the segments that were dropped.
        """
        dropped = [s.id for s in self._queue]
        for entry in self._queue:
            entry.cleared = True
            entry.waiting.clear()
            entry.unplaced = 0
            if entry.ended:
                self._finish(entry, interrupted=True)
            else:
                self._flushless[entry.id] = entry
        self._queue.clear()
        return dropped

    def hold(self, held: bool) -> None:
        """While held, hand out silence; speech stays where it is."""
        self._held = held

    def take(self, count: int) -> Samples:
        """The next `count` samples for the source: speech if there is some, else silence."""
        entry = None if self._held else next((s for s in self._queue if s.unplaced), None)
        speech = _take(entry, count) if entry else np.zeros(0, np.int16)
        if entry is not None:
            if entry.first is None:
                entry.first = self._pushed
            self._blocks.append(_Block(self._pushed, entry, entry.placed, speech))
            entry.placed += len(speech)
            entry.last = self._pushed + len(speech)
        if len(speech) < count:
            silence = np.zeros(count - len(speech), np.int16)
            self._blocks.append(_Block(self._pushed + len(speech), None, 0, silence))
            speech = np.concatenate([speech, silence]) if len(speech) else silence
        self._pushed += count
        while self._blocks and self._blocks[0].at < self._pushed - self._keep:
            self._blocks.popleft()
        return speech

    def rewind(self, pushed: int) -> None:
        """Everything handed out from clock sample `pushed` on was not played: speech goes back."""
        if not 0 <= pushed <= self._pushed:
            raise ValueError(f"cannot rewind from {self._pushed} to {pushed} samples")
        while self._blocks and self._blocks[-1].at + len(self._blocks[-1].samples) > pushed:
            block = self._blocks.pop()
            kept = max(0, pushed - block.at)
            if kept:
                self._blocks.append(
                    _Block(block.at, block.segment, block.offset, block.samples[:kept])
                )
            if block.segment is not None:
                _give_back(block.segment, block.samples[kept:], pushed)
            if kept:
                break
        self._pushed = pushed

    def at(self, sample: int) -> tuple[int, int] | None:
        """What sounds at a clock sample: (segment, sample of the segment), or None in silence."""
        for block in reversed(self._blocks):
            if block.at <= sample:
                if block.segment is None or sample >= block.at + len(block.samples):
                    return None
                return block.segment.id, block.offset + sample - block.at
        return None

    def events(self, played: int) -> list[Started | Finished]:
        """What became true when `played` clock samples had left the source; each is given once."""
        while self._queue:
            entry = self._queue[0]
            if not entry.started and entry.first is not None and played > entry.first:
                entry.started = True
                self._events.append(Started(entry.id))
            if not entry.ended or entry.unplaced or played < entry.last:
                break
            self._queue.popleft()
            self._finish(entry, interrupted=False)
        out = list(self._events)
        self._events.clear()
        return out

    def _find(self, segment: int) -> _Segment | None:
        for entry in reversed(self._queue):
            if entry.id == segment:
                return entry
        if segment <= self._done_to or segment in self._flushless:
            return None
        if self._queue and self._queue[-1].id > segment:
            raise ValueError(f"segment {segment} after segment {self._queue[-1].id}")
        entry = _Segment(segment)
        self._queue.append(entry)
        self._done_to = segment
        return entry

    def _finish(self, entry: _Segment, *, interrupted: bool) -> None:
        if entry.placed and not entry.started:
            entry.started = True
            self._events.append(Started(entry.id))
        self._events.append(Finished(entry.id, entry.placed, interrupted))


def _take(entry: _Segment, count: int) -> Samples:
    out: list[Samples] = []
    need = count
    while need and entry.waiting:
        samples = entry.waiting.popleft()
        if len(samples) > need:
            entry.waiting.appendleft(samples[need:])
            samples = samples[:need]
        out.append(samples)
        need -= len(samples)
    entry.unplaced -= count - need
    return np.concatenate(out)


def _give_back(entry: _Segment, samples: Samples, pushed: int) -> None:
    entry.placed -= len(samples)
    entry.last = min(entry.last, pushed)
    if entry.placed == 0:
        entry.first = None
    if not entry.cleared:
        entry.waiting.appendleft(samples)
        entry.unplaced += len(samples)
