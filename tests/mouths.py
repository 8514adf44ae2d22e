"""What the tests of lip sync share: made voices, phones in a row, and the mouth of every frame."""

import numpy as np
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE, AudioChunk, Phone, SpeechEnd, Timings
from avatar.lipsync import LipSync
from avatar.params import CHANNELS, INDEX

JAW = INDEX["jawOpen"]
PRESS = INDEX["mouthPressLeft"]
ROLL = INDEX["mouthRollLower"]
PARTED = [INDEX[n] for n in ("mouthUpperUpLeft", "mouthLowerDownLeft")]

Frames = NDArray[np.float32]


_PERIOD = np.arange(CLOCK_RATE // 150) / CLOCK_RATE
_BUZZ = sum(6000 * np.sin(2 * np.pi * 150 * k * _PERIOD) / k for k in range(1, 12))


def voice(seconds: float) -> NDArray[np.int16]:
    """A buzz that sounds all the time: harmonics of a glottal pitch of 150 Hz, loud and steady."""
    count = round(seconds * CLOCK_RATE)
    return np.resize(np.asarray(_BUZZ, np.int16), count)


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(round(seconds * CLOCK_RATE), np.int16)


def phones(*spelled: tuple[str, float], start: float = 0.0) -> tuple[Phone, ...]:
    found = []
    for symbol, length in spelled:
        found.append(Phone(symbol, start, start + length))
        start += length
    return tuple(found)


def spoken(
    samples: NDArray[np.int16], timings: Timings, *, chunk: int = 960, segment: int = 1
) -> LipSync:
    """A LipSync that has heard everything, in chunks, the timings with the first."""
    lipsync = LipSync()
    for start in range(0, len(samples), chunk):
        piece = samples[start : start + chunk]
        lipsync.hear(AudioChunk(segment, start, piece, timings if start == 0 else Timings()))
    lipsync.hear(SpeechEnd(segment))
    return lipsync


def film(lipsync: LipSync, seconds: float, fps: float, phase: float = 0.5) -> Frames:
    """Every frame of a segment: (n, 53)."""
    count = int(seconds * fps)
    out = np.zeros((count, len(CHANNELS)), np.float32)
    for i in range(count):
        lipsync.weights_at(1, int((i + phase) / fps * CLOCK_RATE), out[i])
    return out


def lips_shut(frame: Frames) -> bool:
    return bool(frame[PRESS] >= 0.7 and frame[JAW] <= 0.1 and max(frame[PARTED]) < 0.05)


OTHERS = [*"tdszʃknlɹhwəɛɪæ", "aɪ", "oʊ", "ˈɑː", "iː", "uː"]
