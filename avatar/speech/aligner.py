"""Where in a known text the voice is, decided hop by hop and a fixed time behind what was heard.

A left-to-right model of the text's sounds, three states each, searched by Viterbi with the net's
scores. Between two words there may be silence, and there may be speech that is not in the text: a
filler that scores a little worse than the best guess of the net. The filler is what keeps wrong
text from doing harm: a voice that says something else, leaves words out or reads a number its own
way is lost in the filler and found again at a later word, and meanwhile nobody is told anything.
Text comes in pieces at any time; the past is never searched again, and only states that can still
win are looked at.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from avatar.speech.net import Net
from avatar.speech.sounds import SILENCE, SOUNDS, sounds_of

Floats = NDArray[np.float32]

HISTORY: Final = 100
"""Hops whose path is remembered."""

FILLER: Final = -1
"""The sound of a hop that is not in the text."""

MAX_STATES: Final = 600
"""States looked at in one hop: about five seconds of speech."""

MAX_WORDS: Final = 4000
"""Words of a segment; what is told beyond is left out, and is then filler."""

_STATES: Final = 3  # a sound lasts 30 ms at least
_STATES_OF_HALF: Final = 2  # of a diphthong or an affricate
_STAY: Final = -0.05  # in silence and filler, which have no usual length
_FLOOR: Final = 1e-3
_PRIOR_WEIGHT: Final = 0.6
_FILLER_COST: Final = 1.7  # a hop
_FILLER_HOPS: Final = 7
_ENTER_FILLER: Final = -35.0
_LEAVE_FILLER: Final = -5.0
_SKIP_WORD: Final = -3.0
_SKIP_PHONE: Final = -20.0
_PAUSE: Final = -0.7
_BEAM: Final = 60.0
_ROOM: Final = 40  # states beyond the furthest that is in the beam
_EARLY, _LATE = 8, 12  # hops by which a told time of a word may be wrong
_OFF_TIME: Final = -4.0  # a hop
_NEVER: Final = -1e9
_ARCS: Final = 5
_DROP: Final = 1000  # states behind, before they are forgotten


@dataclass(frozen=True, slots=True)
class Expected:
    """A word of the text: its phones in IPA."""

    phones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What one hop is: `sound` an index of SOUNDS or FILLER; hops of one `part` are one sound of
    the phone `symbol`."""

    part: int
    sound: int
    symbol: str


class Aligner:
    """One segment's text against its sound. start: the hop of the segment that is heard first."""

    def __init__(self, net: Net, *, start: int = 0) -> None:
        self._prior = _PRIOR_WEIGHT * np.log(np.maximum(net.priors, 1e-6))
        self._lengths = 100 * net.lengths_s  # hops
        self.heard = start
        """The hop that is expected next."""
        self._states = _States()
        self._scores = np.zeros(0)
        self._low = 0  # absolute number of the first state in _scores
        self._history: deque[tuple[int, NDArray[np.int64]]] = deque(maxlen=HISTORY)
        self._recent = np.zeros((_FILLER_HOPS - 1, len(SOUNDS)))
        self._part = 0
        self._spans: list[tuple[int, int]] = []  # the states of each word
        self._last = -1  # absolute number of the last state of the last word
        self._gap = -1  # the silence that ends the text so far; the filler follows it
        self._join(None)
        self._scores = np.array([0.0, _ENTER_FILLER])

    def expect(self, words: Sequence[Expected]) -> None:
        """Append words of the text in order."""
        for word in words:
            if len(self._spans) < MAX_WORDS:
                self._append(word)

    def time(self, word: int, start_s: float, end_s: float | None) -> None:
        """Say when a word sounds, counted from the first that was expected."""
        if word < len(self._spans):
            self._states.time(*self._spans[word], start_s, end_s)

    def leap(self, hop: int) -> None:
        """Go on at a later hop; what lies between is lost, and the filler bridges it."""
        self.heard = max(self.heard, hop)
        self._history.clear()

    def advance(self, logs: Floats) -> None:
        """Take the net's log posteriors of the next hops, (n, sounds)."""
        scores = np.log(np.exp(logs) + _FLOOR) - self._prior
        table = np.concatenate(
            [scores, self._filler(scores)[:, None] - _FILLER_COST], axis=1
        )  # the last column is FILLER = -1
        for row in table:
            self._hop(row)
        self._forget()

    def path(self, hops: int) -> list[Step]:
        """The best way through the last hops (at most HISTORY), oldest first."""
        state = self._low + int(self._scores.argmax())
        steps = []
        for low, before in islice(reversed(self._history), hops):
            steps.append(self._states.step(state))
            state = int(before[state - low])
        steps.reverse()
        return steps

    def _hop(self, row: NDArray[np.float64]) -> None:
        states = self._states
        alive = self._scores > self._scores.max() - _BEAM
        first, last = int(alive.argmax()), len(alive) - int(alive[::-1].argmax())
        low = self._low + first
        high = min(states.count, self._low + last + _ROOM, low + MAX_STATES)
        known = np.full(high - low + 1, _NEVER)  # the last stands for whatever is outside
        kept = self._scores[first : first + high - low]
        known[: len(kept)] = kept
        arcs = states.arcs(low, high) - low
        arcs[(arcs < 0) | (arcs > high - low)] = high - low
        ways = known[arcs] + states.costs(low, high)
        best = ways.argmax(axis=1)
        at = np.arange(high - low)
        self._scores = ways[at, best] + row[states.sounds(low, high)]
        if states.timed:
            self._scores += states.off_time(low, high, self.heard)
        self._scores -= self._scores.max()
        self._low = low
        self._history.append((low, arcs[at, best] + low))
        self.heard += 1

    def _filler(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) the score of whatever is said: one sound for 70 ms, as real sounds last."""
        recent = np.concatenate([self._recent, scores])
        self._recent = recent[len(recent) - _FILLER_HOPS + 1 :]
        sums = np.concatenate([np.zeros((1, recent.shape[1])), recent.cumsum(axis=0)])
        means = (sums[_FILLER_HOPS:] - sums[:-_FILLER_HOPS]) / _FILLER_HOPS
        best: NDArray[np.float64] = means.max(axis=1)
        return best

    def _forget(self) -> None:
        if self._history:
            self._states.drop_before(int(self._history[0][1].min()))

    def _append(self, word: Expected) -> None:
        """The states of a word, then the silence and the filler that may follow it."""
        entry = [(self._gap, 0.0), (self._gap + 1, _LEAVE_FILLER)]
        if self._last >= 0:
            entry.insert(0, (self._last, 0.0))
        first = self._states.count
        before: int | None = None  # the last state of the phone before this one
        last = -1
        for symbol in word.phones:
            shares = [(sound, share) for sound, share in sounds_of(symbol) if sound != SILENCE]
            skipped, before = before, last if last >= 0 else None
            if skipped is not None:
                entry = [*entry, (skipped, _SKIP_PHONE)]
            for sound, _ in shares:
                last = self._sound(sound, symbol, entry, half=len(shares) > 1)
                entry = [(last, 0.0)]
        self._spans.append((first, self._states.count))
        if last >= 0:
            self._last = last
            self._join(last)

    def _sound(self, sound: int, symbol: str, entry: list[tuple[int, float]], *, half: bool) -> int:
        """Append the states of one sound; entry: where it may come from. Returns its last state."""
        count = _STATES_OF_HALF if half else _STATES
        leave = float(np.clip(count / self._lengths[sound], 0.02, 0.7))
        stay, go = float(np.log(1 - leave)), float(np.log(leave))
        self._part += 1
        state = -1
        for at in range(count):
            came = [(state, 0.0)] if at else entry
            arcs = [(number, cost + go) for number, cost in came]
            state = self._states.add(self._part, sound, symbol, stay, arcs)
        return state

    def _join(self, last: int | None) -> None:
        """The silence and the filler after a word, or at the start of the text."""
        filler = self._gap + 1 if self._gap >= 0 else None
        spoken = [] if last is None else [last]
        self._part += 1
        came = [(number, _PAUSE) for number in spoken]
        self._gap = self._states.add(self._part, SILENCE, "_", _STAY, came)
        came = [(number, _ENTER_FILLER) for number in (*spoken, self._gap)]
        if filler is not None:
            came.append((filler, _SKIP_WORD))
        self._part += 1
        self._states.add(self._part, FILLER, "", _STAY, came)


class _States:
    """The states in order of the text, numbered from the start of the segment; old ones go."""

    def __init__(self) -> None:
        self.base = 0
        self.timed = False
        self._kept = 0
        self._symbols: list[str] = []
        self._parts = np.zeros(256, np.int64)
        self._sounds = np.zeros(256, np.int64)
        self._arcs = np.zeros((256, _ARCS), np.int64)
        self._costs = np.zeros((256, _ARCS))
        self._times = np.zeros((256, 2))  # the hops between which a state may be

    @property
    def count(self) -> int:
        """One more than the last number."""
        return self.base + self._kept

    def add(
        self, part: int, sound: int, symbol: str, stay: float, came: list[tuple[int, float]]
    ) -> int:
        """Append a state that stays at a cost and comes from others at theirs; its number."""
        at, number = self._kept, self.count
        if at == len(self._parts):
            self._grow()
        self._kept += 1
        self._symbols.append(symbol)
        self._parts[at], self._sounds[at] = part, sound
        self._arcs[at], self._costs[at] = number, _NEVER
        self._costs[at, 0] = stay
        for arc, (state, cost) in enumerate(came, start=1):
            self._arcs[at, arc], self._costs[at, arc] = state, cost
        self._times[at] = -np.inf, np.inf
        return number

    def time(self, first: int, end: int, start_s: float, end_s: float | None) -> None:
        """Bind states to the time that was told of their word."""
        part = slice(max(0, first - self.base), max(0, end - self.base))
        self.timed = True
        self._times[part, 0] = 100 * start_s - _EARLY
        if end_s is not None:
            self._times[part, 1] = 100 * end_s + _LATE

    def arcs(self, low: int, high: int) -> NDArray[np.int64]:
        """A copy: (n, _ARCS) where each state may come from, itself first."""
        return self._arcs[low - self.base : high - self.base].copy()

    def costs(self, low: int, high: int) -> NDArray[np.float64]:
        return self._costs[low - self.base : high - self.base]

    def sounds(self, low: int, high: int) -> NDArray[np.int64]:
        return self._sounds[low - self.base : high - self.base]

    def off_time(self, low: int, high: int, hop: int) -> NDArray[np.float64]:
        """(n,) what it costs to be in a state whose word sounds at another time."""
        times = self._times[low - self.base : high - self.base]
        off = (times[:, 0] > hop) | (times[:, 1] < hop)
        return np.where(off, _OFF_TIME, 0.0)

    def step(self, number: int) -> Step:
        at = number - self.base
        return Step(int(self._parts[at]), int(self._sounds[at]), self._symbols[at])

    def drop_before(self, number: int) -> None:
        """Forget older states, when there are many."""
        gone = number - self.base
        if gone < _DROP:
            return
        for part in (self._parts, self._sounds, self._arcs, self._costs, self._times):
            part[: self._kept - gone] = part[gone : self._kept].copy()
        del self._symbols[:gone]
        self._kept -= gone
        self.base += gone

    def _grow(self) -> None:
        def twice(part: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([part, np.zeros_like(part)])

        self._parts, self._sounds = twice(self._parts), twice(self._sounds)
        self._arcs, self._costs = twice(self._arcs), twice(self._costs)
        self._times = twice(self._times)
