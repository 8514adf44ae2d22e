"""What can be read off the sound itself: level, silence, and the sound of speech every 10 ms.

Level and silence come from the past alone. The sound of speech comes from the net (avatar.speech),
which hears 100 ms further; where that much is not known yet it judges by what there is, so that
the first picture of an utterance waits for nothing. It is asked only where somebody wants to know:
a voice that tells its phones costs no net. Everything is computed from whole hops, so that the
result does not depend on how the sound was cut into chunks.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE
from avatar.speech import features, net
from avatar.speech.features import COEFFICIENTS, HOP, WINDOW, Voice
from avatar.speech.net import AHEAD, BEHIND, Net
from avatar.speech.sounds import SOUNDS, VISEME_OF
from avatar.visemes import VISEMES

Floats = NDArray[np.float32]

HOP_S: Final = HOP / CLOCK_RATE
SILENCE_S: Final = 0.120
"""Shorter gaps are closures and word boundaries, and are left to the lips."""

_QUIET = 0.003  # -50 dBFS: below the noise of any microphone worth using
_QUIET_SHARE = 0.015  # of the recent peak (-36 dB): an f is about 30 dB below its vowel
_PEAK_DECAY = float(np.exp(-HOP_S / 3.0))
_PEAK_FLOOR = 0.02
_SHUT_EARLY_S, _SHUT_S = 0.050, 0.070  # rest is reached 20 ms into a silence
_OPEN_EARLY_S, _OPEN_S = 0.100, 0.080  # and left in time for the next sound
_FULL_REST_S = 0.160
_LOUDNESS = 0
_CEPSTRA = slice(1, 1 + COEFFICIENTS)
_LOGS = slice(1 + COEFFICIENTS, 1 + COEFFICIENTS + len(SOUNDS))
_COLUMNS = 1 + COEFFICIENTS + len(SOUNDS)
_PP = VISEMES.index("PP")
_SURE_FROM, _SURE = 0.30, 0.60  # of a closure: half shut lips are no closure
_TO_VISEMES = np.zeros((len(SOUNDS), len(VISEMES)), np.float32)
_TO_VISEMES[np.arange(len(SOUNDS)), VISEME_OF] = 1


class Sound:
    """The sound of one segment as rows of features, one per hop; bounded by `drop_before`.

    voice: what was learnt of the speaker in earlier segments; it goes on learning here.
    runs: silences of at least SILENCE_S as (start_s, end_s or None while it lasts).
    """

    def __init__(self, voice: Voice | None = None, *, judge: Net | None = None) -> None:
        self.runs: list[tuple[float, float | None]] = []
        self.first = 0  # hop number of the first row kept
        self.count = 0  # rows kept
        self._judged = 0  # hop number up to which the net's rows are final
        self._net = judge or net.shipped()
        self._voice = voice or self._net.voice()
        self._rows = np.zeros((128, _COLUMNS), np.float32)
        self._tail = np.zeros(WINDOW - HOP, np.float32)
        self._rest = np.zeros(0, np.float32)
        self._peak = _PEAK_FLOOR
        self._quiet_since: int | None = None
        self._ended = False

    @property
    def end_s(self) -> float:
        """How far the sound is known, in seconds from the start of the segment."""
        return (self.first + self.count) * HOP_S

    @property
    def judged(self) -> int:
        """The hop number up to which the net hears all that it wants to hear."""
        return self.first + self.count - (0 if self._ended else min(AHEAD, self.count))

    def feed(self, samples: NDArray[np.int16], *, at: int | None = None) -> None:
        """Take the next samples, (n,) int16 at CLOCK_RATE.

        at: the index of the first in the segment, where the sender knows it. What was heard before
        is skipped, and a hole is a fresh start: a mouth out of step is worse than one at rest.
        """
        heard = (self.first + self.count) * HOP + len(self._rest)
        if at is not None and at < heard:
            samples = samples[heard - at :]
        elif at is not None and at > heard:
            self._start_at(at)
        fresh = samples.astype(np.float32) / 32768
        self._rest = np.concatenate([self._rest, fresh])
        hops = len(self._rest) // HOP
        if hops:
            self._analyse(self._rest[: hops * HOP], hops)
            self._rest = self._rest[hops * HOP :].copy()

    def _start_at(self, sample: int) -> None:
        self.first, self.count = sample // HOP, 0
        self._judged = self.first
        self._rest = np.zeros(sample % HOP, np.float32)
        self._tail.fill(0)
        self.runs.clear()
        self._quiet_since = None

    def finish(self) -> None:
        """No more sound: the last part of a hop counts as a whole one."""
        if len(self._rest):
            self.feed(np.zeros(HOP - len(self._rest), np.int16))
        self._ended = True

    def drop_before(self, second: float) -> None:
        """Forget what is older than this."""
        gone = min(self.count, max(0, int(second / HOP_S) - self.first))
        if gone:
            self._rows[: self.count - gone] = self._rows[gone : self.count].copy()
            self.first += gone
            self.count -= gone
            self.runs = [run for run in self.runs if run[1] is None or run[1] > second]

    def openness(self, second: float) -> float:
        """0..1: 1 where there is sound, eased to 0 in silences long enough to rest in."""
        closed = 0.0
        for start, end in self.runs:
            if start - _SHUT_EARLY_S > second:
                break
            closed = max(closed, self._closed(second, start, end))
        if self._ended:
            closed = max(closed, _ease((second - self.end_s + _SHUT_EARLY_S) / _SHUT_S))
        else:  # the sound has run dry; what comes next is not known
            closed = max(closed, _ease((second - self.end_s) / _SHUT_S))
        return 1.0 - closed

    def _closed(self, second: float, start: float, end: float | None) -> float:
        shut = _ease((second - start + _SHUT_EARLY_S) / _SHUT_S)
        if end is None:
            length = math.inf if self._ended else self.end_s - start
            opened = 0.0
        else:
            length = end - start
            opened = _ease((second - end + _OPEN_EARLY_S) / _OPEN_S)
        # short pauses only dip: shutting fully and opening again would look like chewing
        depth = min(1.0, 0.4 + (length - SILENCE_S) / _FULL_REST_S)
        return depth * min(shut, 1.0 - opened)

    def loudness(self, second: float) -> float:
        """0..1, relative to the loudest of the last seconds, smoothed over 100 ms; 0 outside."""
        rows, kernel = self._around(second, 0.05)
        return float(kernel @ rows[:, _LOUDNESS]) if len(rows) else 0.0

    def mix(self, second: float) -> Floats:
        """(15,) how much of each viseme is heard at a moment; sums to 1 at most, "sil" is 0.

        Smoothed over 90 ms, closures over 50 ms: they are shorter than a vowel and must be whole.
        """
        rows, kernel = self._around(second, 0.045)
        if not len(rows):
            return np.zeros(len(VISEMES), np.float32)
        shares: Floats = np.exp(rows[:, _LOGS]) @ _TO_VISEMES
        mix: Floats = kernel @ shares
        near, sharp = self._around(second, 0.025)
        lips: Floats = np.exp(near[:, _LOGS]) @ _TO_VISEMES[:, _PP]
        shut: Floats = np.clip((lips - _SURE_FROM) / (_SURE - _SURE_FROM), 0, 1)
        closure = min(1.0, float(sharp @ shut)) if len(near) else 0.0
        mix[[0, _PP]] = 0
        mix *= 1 - closure
        mix[_PP] = closure
        return mix

    def logs(self, start: int, end: int) -> Floats:
        """(n, sounds) the net's log posteriors of hops start..end, as far as they are judged."""
        low, high = max(start, self.first), min(end, self.judged)
        self._judge(high)
        return self._rows[low - self.first : max(low, high) - self.first, _LOGS]

    def _around(self, second: float, half_s: float) -> tuple[Floats, Floats]:
        low = max(self.first, int(np.ceil((second - half_s) / HOP_S - 0.5)))
        high = min(self.first + self.count, int(np.floor((second + half_s) / HOP_S + 0.5)))
        self._judge(high)
        rows = self._rows[low - self.first : max(low, high) - self.first]
        middles = (np.arange(low, low + len(rows)) + 0.5) * HOP_S
        kernel = (1 + np.cos(np.pi * (middles - second) / half_s)).astype(np.float32)
        # normalised by the full kernel, so that the edges of the sound fade
        return rows, kernel * np.float32(HOP_S / (2 * half_s))

    def _analyse(self, samples: Floats, hops: int) -> None:
        level = np.sqrt(np.square(samples.reshape(hops, HOP)).mean(axis=1))
        rows = np.zeros((hops, _COLUMNS), np.float32)
        start = self.first + self.count
        for at, value in enumerate(level.tolist()):
            self._peak = max(value, self._peak * _PEAK_DECAY, _PEAK_FLOOR)
            quiet = value < max(_QUIET, _QUIET_SHARE * self._peak)
            # loudness as heard grows with about the 0.6th power of the amplitude
            rows[at, _LOUDNESS] = 0.0 if quiet else (value / self._peak) ** 0.6
            self._mark(start + at, quiet)
        padded = np.concatenate([self._tail, samples])
        frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
        rows[:, _CEPSTRA] = self._voice.normalise(features.cepstra(features.power(frames)))
        self._tail = padded[-len(self._tail) :].copy()
        self._append(rows)

    def _judge(self, until: int) -> None:
        """Let the net judge the hops up to `until`; those it has not heard all of stay open.

        Beyond the ends of what is kept it hears the first and the last row again.
        """
        start, until = max(self._judged, self.first), min(until, self.first + self.count)
        if until <= start:
            return
        places = np.arange(start - BEHIND, until + AHEAD) - self.first
        rows = self._rows[np.clip(places, 0, self.count - 1), _CEPSTRA]
        self._rows[start - self.first : until - self.first, _LOGS] = self._net.logs(rows)
        self._judged = max(start, min(until, self.judged))

    def _mark(self, hop: int, quiet: bool) -> None:
        if not quiet:
            if self.runs and self.runs[-1][1] is None:
                self.runs[-1] = (self.runs[-1][0], hop * HOP_S)
            self._quiet_since = None
            return
        if self._quiet_since is None:
            self._quiet_since = hop
        open_run = bool(self.runs) and self.runs[-1][1] is None
        if not open_run and (hop + 1 - self._quiet_since) * HOP_S >= SILENCE_S:
            self.runs.append((self._quiet_since * HOP_S, None))

    def _append(self, rows: Floats) -> None:
        needed = self.count + len(rows)
        if needed > len(self._rows):
            grown = np.zeros((max(needed, 2 * len(self._rows)), _COLUMNS), np.float32)
            grown[: self.count] = self._rows[: self.count]
            self._rows = grown
        self._rows[self.count : needed] = rows
        self.count = needed


def _ease(x: float) -> float:
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)
