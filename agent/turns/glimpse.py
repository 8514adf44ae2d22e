"""A second look at the user's sound, between the windows of the VAD.

The VAD judges 32 ms at a time, so a voice waits 16 ms on average for a window that could know it.
The same model, half a window out of step, halves that for a few microseconds. What it sees is
enough to lower our voice, and never to stop it: only the VAD's own windows are counted.
"""

import numpy as np
from livekit import rtc
from livekit.local_inference import VAD, VAD_WINDOW_SAMPLES
from numpy.typing import NDArray

from agent.turns.hearing import RATE


class Glimpse:
    """The model at half a window's distance from a VAD whose stream begins at the same frame.

    Frames of another rate than RATE are not looked at.
    """

    def __init__(self) -> None:
        self._model = VAD()
        self._waiting = np.zeros(VAD_WINDOW_SAMPLES // 2, np.int16)

    def push(self, frame: rtc.AudioFrame) -> list[tuple[NDArray[np.int16], float]]:
        """The windows that this frame completes, each with its probability of speech, 0 to 1."""
        if frame.sample_rate != RATE:
            return []
        self._waiting = np.concatenate([self._waiting, np.frombuffer(frame.data, np.int16)])
        seen = []
        while len(self._waiting) >= VAD_WINDOW_SAMPLES:
            window = self._waiting[:VAD_WINDOW_SAMPLES]
            self._waiting = self._waiting[VAD_WINDOW_SAMPLES:]
            seen.append((window, float(self._model.predict(window))))
        return seen
