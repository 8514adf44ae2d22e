"""What each picture carries for whoever measures: the samples it belongs to, and how loud they are.

It rides in LiveKit's frame metadata, which the server passes on to SDKs that read it and takes off
for all others (browsers): about 30 bytes a picture. A receiver slides the loudness of the pictures
along the sound it heard: the best fit is the offset, whatever the face looks like.
"""

import struct
from dataclasses import dataclass

import numpy as np
from avatar.frames import CLOCK_RATE
from avatar.timeline import Samples

LEVEL_STEP = CLOCK_RATE // 100
"""Samples of one level: 10 ms."""
_HEAD = struct.Struct(">BQIQ")
_VERSION = 1
_FLOOR_DB = 100


@dataclass(frozen=True, slots=True)
class Trace:
    """sample: first sample of the picture's window on the media clock. segment, position: the
    speech at that sample (0, 0: silence). levels: dB below full scale from there on, every 10 ms.
    """

    sample: int
    segment: int
    position: int
    levels: tuple[float, ...]

    def pack(self) -> bytes:
        levels = bytes(round(min(0.0, max(-_FLOOR_DB, level)) + _FLOOR_DB) for level in self.levels)
        return _HEAD.pack(_VERSION, self.sample, self.segment, self.position) + levels

    @classmethod
    def unpack(cls, data: bytes) -> "Trace | None":
        """None for metadata that is not ours."""
        if len(data) < _HEAD.size or data[0] != _VERSION:
            return None
        _, sample, segment, position = _HEAD.unpack_from(data)
        levels = tuple(float(level - _FLOOR_DB) for level in data[_HEAD.size :])
        return cls(sample, segment, position, levels)


def levels_db(samples: Samples) -> tuple[float, ...]:
    """RMS of each LEVEL_STEP samples in dB below full scale; a rest at the end is left out."""
    steps = len(samples) // LEVEL_STEP
    cells = samples[: steps * LEVEL_STEP].astype(np.float32).reshape(steps, LEVEL_STEP)
    rms = np.sqrt(np.square(cells).mean(axis=1)) / 32768
    return tuple(float(level) for level in 20 * np.log10(np.maximum(rms, 10 ** (-_FLOOR_DB / 20))))
