"""What a participant heard and saw, with the moments at which it left the receiver.

A moment is time.monotonic() when a decoded 10 ms block or picture came out of the jitter buffer, so
differences are what a person would perceive, up to the sound card and the screen.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
BLOCK = RATE // 100
THUMB = 64
"""Pictures are kept as THUMB x THUMB luma."""
MAX_SECONDS = 2 * 3600
"""Recordings stop growing after this; two hours of thumbs are 730 MB at 25 pictures a second."""


@dataclass(slots=True)
class Recording:
    """Blocks of sound and small pictures, in order of arrival."""

    audio_times: list[float] = field(default_factory=list)
    audio_blocks: list[NDArray[np.int16]] = field(default_factory=list)
    audio_levels: list[float] = field(default_factory=list)
    """RMS of each block, 0..1."""
    video_times: list[float] = field(default_factory=list)
    video_thumbs: list[NDArray[np.uint8]] = field(default_factory=list)
    video_notes: list[bytes] = field(default_factory=list)
    """What the pictures carry as frame metadata; empty where they carry nothing."""
    video_size: tuple[int, int] = (0, 0)

    def add_audio(self, moment: float, samples: NDArray[np.int16]) -> None:
        """Samples: mono at RATE, any length; kept as they came."""
        if not self.audio_times or moment - self.audio_times[0] < MAX_SECONDS:
            self.audio_times.append(moment)
            self.audio_blocks.append(samples)
            rms = np.sqrt(np.mean(np.square(samples.astype(np.float64))))
            self.audio_levels.append(float(rms) / 32768)

    def add_video(self, moment: float, luma: NDArray[np.uint8], note: bytes = b"") -> None:
        """luma: (height, width); shrunk by averaging."""
        self.video_size = (luma.shape[1], luma.shape[0])
        if not self.video_times or moment - self.video_times[0] < MAX_SECONDS:
            self.video_times.append(moment)
            self.video_thumbs.append(thumb(luma))
            self.video_notes.append(note)

    def sound(self, start: float, end: float) -> NDArray[np.int16]:
        """The samples that arrived between two moments."""
        chosen = [
            block
            for moment, block in zip(self.audio_times, self.audio_blocks, strict=True)
            if start <= moment < end
        ]
        return np.concatenate(chosen) if chosen else np.zeros(0, np.int16)


def thumb(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink to THUMB x THUMB by averaging whole cells; the remainder at the edge is left out."""
    rows, columns = luma.shape[0] // THUMB, luma.shape[1] // THUMB
    if not rows or not columns:
        raise ValueError(f"a picture of {luma.shape} is smaller than {THUMB} x {THUMB}")
    cut = luma[: rows * THUMB, : columns * THUMB]
    cells = cut.reshape(THUMB, rows, THUMB, columns)
    return np.asarray(cells.mean(axis=(1, 3)), np.uint8)
