"""What kind of sound a window holds: loudness, pitch, brightness. Pure numpy, 0.1 ms a window.

A VAD takes coughs, hums and grunts for speech often enough. Two cheap properties of real words
help: a vowel repeats itself (pitch), and is open (sound above the first formant). It refuses to
tell words from "yeah": only their meaning can.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

_PITCH_HZ = (65.0, 420.0)
_BODY_HZ = (60.0, 1200.0)
"""Where pitch is looked for; above it, noise would hide it."""
_BRIGHT_HZ = (750.0, 4000.0)
QUIET_DB = -58.0
"""Nothing softer than this is somebody who speaks to us."""
_PERIODIC = 0.6
_CLOSED = 0.03
"""Share of bright sound below which the mouth is shut; vowels have 0.15 and more."""
_SPAN_S = 0.064


@dataclass(frozen=True, slots=True)
class Cue:
    """level_db: RMS of the window in dBFS; pitch: 0..1, how well it repeats; bright: 0..1."""

    level_db: float
    pitch: float
    bright: float

    @property
    def audible(self) -> bool:
        return self.level_db > QUIET_DB

    @property
    def voiced(self) -> bool:
        """It sounds like a vowel."""
        return self.audible and self.pitch >= _PERIODIC and not self.murmur

    @property
    def murmur(self) -> bool:
        """It sounds like "mm", or like a machine."""
        return self.bright < _CLOSED


class Cues:
    """Hears one window after the other, each together with the end of the one before."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._span = np.zeros(round(_SPAN_S * sample_rate))
        self._taper = np.hanning(len(self._span))
        size = 2 * len(self._span)
        frequency = np.fft.rfftfreq(size, 1 / sample_rate)
        self._body = (frequency >= _BODY_HZ[0]) & (frequency <= _BODY_HZ[1])
        self._all = frequency >= _BODY_HZ[0]
        self._bright = (frequency >= _BRIGHT_HZ[0]) & (frequency <= _BRIGHT_HZ[1])
        taper = np.fft.irfft(np.abs(np.fft.rfft(self._taper, size)) ** 2)[: len(self._span)]
        self._taper_lags = np.maximum(taper / taper[0], 1e-3)
        self._lags = slice(int(sample_rate / _PITCH_HZ[1]), int(sample_rate / _PITCH_HZ[0]))

    def hear(self, samples: Samples) -> Cue:
        """The next window, mono at the sample rate, of any length up to 64 ms."""
        fresh = samples[-len(self._span) :].astype(np.float64)
        self._span = np.concatenate([self._span[len(fresh) :], fresh])
        wave = (self._span - self._span.mean()) * self._taper
        power = np.abs(np.fft.rfft(wave, 2 * len(wave))) ** 2
        total = float(power[self._all].sum()) + 1e-9
        correlation = np.fft.irfft(np.where(self._body, power, 0.0))[: len(wave)]
        correlation /= self._taper_lags * (correlation[0] + 1e-9)
        return Cue(
            level_db=level_db(fresh),
            pitch=float(np.clip(correlation[self._lags].max(), 0.0, 1.0)),
            bright=float(power[self._bright].sum()) / total,
        )


def level_db(samples: NDArray[Any]) -> float:
    """The RMS of int16 samples, in dBFS."""
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    return 20 * float(np.log10(rms / 32768 + 1e-9))
