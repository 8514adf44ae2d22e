"""Log-mel spectrograms with numpy alone, as the networks were trained to hear.

Filters are Slaney's: linear below 1 kHz, logarithmic above, each of the same area.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

RATE: Final = 16000
WHISPER_SAMPLES: Final = 30 * RATE
WAV2LIP_FPS: Final = 80
WAV2LIP_WINDOW: Final = 16
"""Frames of Wav2Lip's mel that a picture hears: 200 ms."""
WAV2LIP_LEAST: Final = -4.0
"""What Wav2Lip's mel is in silence."""
_WAV2LIP_FFT: Final = 800
_WAV2LIP_HOP: Final = 200
_LINEAR_HZ: Final = 200.0 / 3
_KNEE_HZ: Final = 1000.0
_LOG_STEP: Final = np.log(6.4) / 27


@cache
def filters(fft: int, low_hz: float, high_hz: float, count: int = 80) -> F64:
    """Slaney's mel filters: (count, fft // 2 + 1)."""
    bins = np.linspace(0, RATE / 2, fft // 2 + 1)
    edges = _hertz(np.linspace(_mel(low_hz), _mel(high_hz), count + 2))
    width = np.diff(edges)
    ramps = edges[:, None] - bins[None]
    rising = -ramps[:-2] / width[:-1, None]
    falling = ramps[2:] / width[1:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * area[:, None], np.float64)


def _mel(hertz: float) -> float:
    if hertz < _KNEE_HZ:
        return hertz / _LINEAR_HZ
    return float(_KNEE_HZ / _LINEAR_HZ + np.log(hertz / _KNEE_HZ) / _LOG_STEP)


def _hertz(mel: F64) -> F64:
    knee = _KNEE_HZ / _LINEAR_HZ
    above = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, knee) - knee))
    return np.asarray(np.where(mel < knee, mel * _LINEAR_HZ, above), np.float64)


def _spectrum(sound: F64, fft: int, hop: int, *, mode: str) -> F64:
    """Magnitudes of centred Hann windows: (fft // 2 + 1, frames)."""
    half = fft // 2
    return _magnitudes(
        np.pad(sound, half, mode="reflect" if mode == "reflect" else "constant"), fft, hop
    )


def _magnitudes(padded: F64, fft: int, hop: int) -> F64:
    """Of the Hann windows that lie in this stretch."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, fft)[::hop]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft) / fft)
    return np.asarray(np.abs(np.fft.rfft(windows * hann, axis=1)).T, np.float64)


def whisper(sound: F32) -> F32:
    """Whisper's log-mel of up to 30 s: (80, 3000), silence behind the sound.

    It is clamped to 8 below the loudest moment of the 30 s. Raises ValueError for longer sound.
    """
    if len(sound) > WHISPER_SAMPLES:
        raise ValueError(f"at most 30 s at once, not {len(sound) / RATE:.1f} s")
    whole = np.zeros(WHISPER_SAMPLES, np.float64)
    whole[: len(sound)] = sound
    power = _spectrum(whole, 400, 160, mode="reflect")[:, :-1] ** 2
    mel = np.log10(np.maximum(filters(400, 0.0, 8000.0) @ power, 1e-10))
    return np.asarray((np.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0, np.float32)


def wav2lip(sound: F32) -> F64:
    """Wav2Lip's mel in -4..4: (80, T), 80 frames a second."""
    emphasised = _emphasised(np.concatenate([np.zeros(1, np.float32), sound]))
    return _wav2lip(_spectrum(emphasised, _WAV2LIP_FFT, _WAV2LIP_HOP, mode="constant"))


def wav2lip_span(first: int) -> tuple[int, int]:
    """The samples that a window of Wav2Lip's mel from frame `first` on is made of: the first of
    them, negative before the sound, and the one after the last."""
    half = _WAV2LIP_FFT // 2
    start = first * _WAV2LIP_HOP
    return start - half - 1, start + (WAV2LIP_WINDOW - 1) * _WAV2LIP_HOP + half


def wav2lip_window(span: F32) -> F64:
    """A window of Wav2Lip's mel, of the samples that `wav2lip_span` names: (80, 16)."""
    return _wav2lip(_magnitudes(_emphasised(span), _WAV2LIP_FFT, _WAV2LIP_HOP))


def _emphasised(sound: F32) -> F64:
    """High frequencies made louder; the first sample is only what was before."""
    return np.asarray(np.float64(sound[1:]) - 0.97 * np.float64(sound[:-1]), np.float64)


def _wav2lip(spectrum: F64) -> F64:
    mel = filters(_WAV2LIP_FFT, 55.0, 7600.0) @ spectrum
    decibel = 20 * np.log10(np.maximum(1e-5, mel)) - 20
    return np.asarray(np.clip(8 * (decibel + 100) / 100 - 4, WAV2LIP_LEAST, 4), np.float64)


def wav2lip_windows(heard: F64, fps: int) -> list[F64]:
    """The 16 mel frames that each picture hears; the last picture's end with the sound."""
    out, i = [], 0
    while (start := i * WAV2LIP_FPS // fps) + WAV2LIP_WINDOW <= heard.shape[1]:
        out.append(heard[:, start : start + WAV2LIP_WINDOW])
        i += 1
    return [*out, heard[:, -WAV2LIP_WINDOW:]]
