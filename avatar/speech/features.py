"""Cepstra of a voice, 16 numbers every 10 ms, normalised by what was heard of that voice so far.

Refuses to look ahead: a row depends on the sound up to the end of its hop and on the voice's past,
never on how the sound was cut into chunks. The voice's mean is a running one because that is what
a call has; the net is trained with the very same one.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE

Floats = NDArray[np.float32]

HOP: Final = CLOCK_RATE // 100
WINDOW: Final = CLOCK_RATE // 40
"""Samples behind a row: 25 ms, ending with its hop."""

COEFFICIENTS: Final = 16
MEL: Final = 24

_FFT: Final = 1536
_LOW_HZ, _HIGH_HZ = 80.0, 7600.0  # a telephone's band is inside, hiss above says nothing new
_FLOOR: Final = 1e-6
_EMPHASIS: Final = 0.97  # of a filter at 16 kHz, as everybody's
_VOICED: Final = 2.6  # nats of power under the peak: louder rows make the voice's mean
_PEAK_FALL: Final = 0.003  # nats a hop
_PEAK_LEAST: Final = -8.0
_LEVEL_SCALE: Final = 1.5
_LEVEL_LEAST: Final = -6.0
_TRUST: Final = 80.0  # rows: how much of the voice must be heard before it outweighs the usual one
_MEMORY: Final = 2000.0  # rows: after 20 s old sound begins to fade


def mel_bank(warp: float = 1.0) -> Floats:
    """(769, MEL) triangles over the bins of a spectrum; `warp` moves them as a shorter throat does.

    The emphasis of high frequencies is in them.
    """
    edges_mel = np.linspace(_mel(_LOW_HZ), _mel(_HIGH_HZ), MEL + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1) * warp
    hertz = np.fft.rfftfreq(_FFT, 1 / CLOCK_RATE)
    rising = (hertz[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz[:, None]) / (edges[2:] - edges[1:-1])
    bank = np.clip(np.minimum(rising, falling), 0, None)
    turn = 2 * np.pi * np.minimum(hertz, 8000) / 16000
    emphasis = 1 + _EMPHASIS**2 - 2 * _EMPHASIS * np.cos(turn)
    result: Floats = (bank * emphasis[:, None]).astype(np.float32)
    return result


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


_TAPER: Final = (np.hanning(WINDOW) / np.sqrt(WINDOW)).astype(np.float32)
_BANK: Final = mel_bank()
_COSINES: Final = (
    np.cos(np.pi / MEL * (np.arange(MEL) + 0.5)[:, None] * np.arange(1, COEFFICIENTS))
    * np.sqrt(2 / MEL)
).astype(np.float32)  # (24, 15)


def power(frames: Floats) -> Floats:
    """(n, 769) power spectra of (n, WINDOW) samples in -1..1."""
    spectrum = np.fft.rfft(frames * _TAPER, _FFT, axis=1)
    result: Floats = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return result


def cepstra(spectra: Floats, bank: Floats = _BANK) -> Floats:
    """(n, 16) from power spectra: the mean log power in nats, then 15 coefficients of its shape."""
    logs = np.log(spectra @ bank + _FLOOR)
    result: Floats = np.concatenate([logs.mean(axis=1, keepdims=True), logs @ _COSINES], axis=1)
    return result


class Voice:
    """What is known of the voice that speaks; one for all segments of a call.

    usual: (16,) mean of voiced rows over many voices; spread: (16,) their deviation inside a voice.
    """

    def __init__(self, usual: Floats, spread: Floats) -> None:
        self._mean = usual.astype(np.float64)
        self._spread = spread.astype(np.float64)
        self._heard = _TRUST
        self._peak = _PEAK_LEAST

    def normalise(self, rows: Floats) -> Floats:
        """(n, 16) cepstra in order of time, each against what was heard up to it."""
        out = np.empty_like(rows)
        for at, row in enumerate(rows):
            level = float(row[0])
            self._peak = max(level, self._peak - _PEAK_FALL, _PEAK_LEAST)
            if level > self._peak - _VOICED:
                self._heard = min(self._heard + 1, _MEMORY)
                self._mean += (row - self._mean) / self._heard
            out[at] = (row - self._mean) / self._spread
            out[at, 0] = max((level - self._peak) / _LEVEL_SCALE, _LEVEL_LEAST)
        return out
