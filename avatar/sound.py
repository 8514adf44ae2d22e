"""What can be read off the sound itself: level, silence, and a plausible viseme mix every 10 ms.

Refuses to be exact: without a model of speech, vowels are told apart by where the energy lies and
closures by dips between louder neighbours (thresholds from five espeak-ng voices, 2026-11). A
trained classifier takes the place of `viseme_mix` and nothing else changes. Everything is computed
from whole hops and from the past, plus a fixed short look-ahead for dips, so that the result does
not depend on how the sound was cut into chunks.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE
from avatar.visemes import VISEMES

Floats = NDArray[np.float32]

HOP: Final = CLOCK_RATE // 100
HOP_S: Final = HOP / CLOCK_RATE
SILENCE_S: Final = 0.120
"""Shorter gaps are closures and word boundaries, and are left to the lips."""

_SPECTRUM = 1024  # samples: 21 ms, long enough to part vowels, short enough to see a dip
_QUIET = 0.003  # -50 dBFS: below the noise of any microphone worth using
_QUIET_SHARE = 0.015  # of the recent peak (-36 dB): an f is about 30 dB below its vowel
_PEAK_DECAY = float(np.exp(-HOP_S / 3.0))
_PEAK_FLOOR = 0.02
_DIP_SPAN = 9  # hops each side in which a closure must have louder neighbours
_DIP_DEPTH = 0.30
_LIPS_HISS = 0.24  # share of the amplitude
_SHUT_EARLY_S, _SHUT_S = 0.050, 0.070  # rest is reached 20 ms into a silence
_OPEN_EARLY_S, _OPEN_S = 0.100, 0.080  # and left in time for the next sound
_FULL_REST_S = 0.160
_COLUMNS = 3 + len(VISEMES)
_LEVEL, _LOUDNESS, _HISS, _MIX = 0, 1, 2, 3
_PP = VISEMES.index("PP")


def _bands() -> tuple[Floats, Floats]:
    """(513, 5) power sums of five bands, and the middle of each bin in Hz."""
    hertz = np.fft.rfftfreq(_SPECTRUM, 1 / CLOCK_RATE).astype(np.float32)
    edges = ((200, 450), (450, 1100), (1100, 1700), (1700, 3200), (3800, 10000))
    sums = np.stack([(hertz >= low) & (hertz < high) for low, high in edges], axis=1)
    return sums.astype(np.float32), hertz


_BANDS, _HERTZ = _bands()
_WINDOW = np.hanning(_SPECTRUM).astype(np.float32)


def bands_of(frames: Floats) -> Floats:
    """Amplitudes in five bands, (n, 5): below the first formant, it, two for the second, hiss.

    frames: (n, 1024) samples in -1..1 at CLOCK_RATE, one row per hop, ending with the hop.
    """
    power = np.abs(np.fft.rfft(frames * _WINDOW, axis=1)).astype(np.float32) ** 2
    # amplitude, not power: vowels differ by 20 dB between their formants
    bands: Floats = np.sqrt(power @ _BANDS + 1e-12)
    return bands


def viseme_mix(bands: Floats, loudness: Floats) -> Floats:
    """How much of each viseme the sound asks for.

    bands: (n, 5) of `bands_of`; loudness: (n,) 0..1. Returns (n, 15) in 0..1; rows sum to at most
    1, the rest is silence.
    """
    low, open_, back, front, hiss = bands.T
    formants = open_ + back + front
    hissing = _ramp(hiss / (hiss + low + formants), 0.25, 0.50)
    openness = _ramp(open_ / (low + open_), 0.20, 0.58)  # the first formant rises with the jaw
    back, front = back / formants, front / formants
    spread = _ramp(front, 0.30, 0.60)  # of i against u: a high second formant
    middle = _ramp(front, 0.15, 0.28)  # of ɛ against a and ɔ
    rounded = (1 - _ramp(back, 0.20, 0.32)) * (1 - middle)
    mix = np.zeros((len(bands), len(VISEMES)), np.float32)
    vowel = loudness * (1 - hissing)
    mix[:, VISEMES.index("ih")] = vowel * (1 - openness) * spread
    mix[:, VISEMES.index("ou")] = vowel * (1 - openness) * (1 - spread)
    mix[:, VISEMES.index("E")] = vowel * openness * middle
    mix[:, VISEMES.index("oh")] = vowel * openness * rounded
    mix[:, VISEMES.index("aa")] = vowel * openness * (1 - middle - rounded)
    # hiss is quiet but its mouth is as wide as ever; that of ʃ lies lower than that of s
    hissed = hissing * np.minimum(1, 3 * loudness)
    pouted = _ramp(front, 0.60, 0.80)
    mix[:, VISEMES.index("CH")] = hissed * pouted
    mix[:, VISEMES.index("SS")] = hissed * (1 - pouted)
    return mix


class Sound:
    """The sound of one segment as rows of features, one per hop; bounded by `drop_before`.

    runs: silences of at least SILENCE_S as (start_s, end_s or None while it lasts).
    """

    def __init__(self) -> None:
        self.runs: list[tuple[float, float | None]] = []
        self.first = 0  # hop number of the first row kept
        self.count = 0  # rows kept
        self._rows = np.zeros((128, _COLUMNS), np.float32)
        self._tail = np.zeros(_SPECTRUM - HOP, np.float32)
        self._rest = np.zeros(0, np.float32)
        self._peak = _PEAK_FLOOR
        self._quiet_since: int | None = None
        self._ended = False

    @property
    def end_s(self) -> float:
        """How far the sound is known, in seconds from the start of the segment."""
        return (self.first + self.count) * HOP_S

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
        """(15,) the viseme mix at a moment, smoothed over 90 ms, closures over 50 ms."""
        rows, kernel = self._around(second, 0.045)
        if not len(rows):
            return np.zeros(len(VISEMES), np.float32)
        mix: Floats = kernel @ rows[:, _MIX:]
        near, sharp = self._around(second, 0.025)
        closure = min(1.0, float(sharp @ near[:, _MIX + _PP])) if len(near) else 0.0
        mix *= 1 - closure
        mix[_PP] = closure
        return mix

    def _around(self, second: float, half_s: float) -> tuple[Floats, Floats]:
        low = max(self.first, int(np.ceil((second - half_s) / HOP_S - 0.5)))
        high = min(self.first + self.count, int(np.floor((second + half_s) / HOP_S + 0.5)))
        rows = self._rows[low - self.first : max(low, high) - self.first]
        middles = (np.arange(low, low + len(rows)) + 0.5) * HOP_S
        kernel = (1 + np.cos(np.pi * (middles - second) / half_s)).astype(np.float32)
        # normalised by the full kernel, so that the edges of the sound fade
        return rows, kernel * np.float32(HOP_S / (2 * half_s))

    def _analyse(self, samples: Floats, hops: int) -> None:
        level = np.sqrt(np.square(samples.reshape(hops, HOP)).mean(axis=1))
        loudness = np.empty(hops, np.float32)
        start = self.first + self.count
        for at, value in enumerate(level.tolist()):
            self._peak = max(value, self._peak * _PEAK_DECAY, _PEAK_FLOOR)
            quiet = value < max(_QUIET, _QUIET_SHARE * self._peak)
            # loudness as heard grows with about the 0.6th power of the amplitude
            loudness[at] = 0.0 if quiet else (value / self._peak) ** 0.6
            self._mark(start + at, quiet)
        padded = np.concatenate([self._tail, samples])
        frames = np.lib.stride_tricks.sliding_window_view(padded, _SPECTRUM)[::HOP]
        bands = bands_of(frames)
        hiss = bands[:, -1] / bands.sum(axis=1)
        features = np.stack([level, loudness, hiss], axis=1)
        rows = np.concatenate([features, viseme_mix(bands, loudness)], axis=1)
        self._tail = padded[-len(self._tail) :].copy()
        self._append(rows.astype(np.float32))
        self._find_dips(hops)

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

    def _find_dips(self, fresh: int) -> None:
        """Mark closures among the hops whose look-ahead has just become complete."""
        last = self.count - _DIP_SPAN
        for at in range(max(_DIP_SPAN, last - fresh), last):
            before = self._rows[at - _DIP_SPAN : at, _LEVEL].max()
            after = self._rows[at + 1 : at + 1 + _DIP_SPAN, _LEVEL].max()
            shore = min(before, after)
            deep = self._rows[at, _LEVEL] < _DIP_DEPTH * shore
            # hiss around the dip is a t, k or s: the tongue closed, not the lips
            lips = self._rows[at - 2 : at + 6, _HISS].max() < _LIPS_HISS
            if deep and lips and shore > 2 * _QUIET:
                self._rows[at, _MIX + _PP] = 1.0


def _ramp(values: Floats, low: float, high: float) -> Floats:
    share: Floats = np.clip((values - low) / np.float32(high - low), 0, 1)
    return share


def _ease(x: float) -> float:
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)
