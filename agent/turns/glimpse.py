"""More looks at the user's sound, between the windows of the VAD.

The VAD judges 32 ms at a time, so a voice waits 16 ms on average for a window that could know it.
The same model three times more, each a quarter of a window further out of step, makes that 4, for a
few microseconds. What they see is enough to lower our voice, and never to stop it: only the VAD's
own windows are counted.
"""

import numpy as np
from livekit import rtc
from livekit.local_inference import VAD, VAD_WINDOW_SAMPLES
from numpy.typing import NDArray

from agent.turns.echo import HEARD_S
from agent.turns.hearing import RATE

LOOKS = 4
"""At each window's length of sound, the VAD's own among them."""
STEP = VAD_WINDOW_SAMPLES // LOOKS
_HEARD = round(HEARD_S * RATE)


class Glimpse:
    """Looks out of step with a VAD whose stream begins at the same frame."""

    def __init__(self) -> None:
        self._models = [VAD() for _ in range(1, LOOKS)]
        self._sound = np.zeros(_HEARD, np.int16)
        self._count = 0

    def push(self, frame: rtc.AudioFrame) -> list[tuple[NDArray[np.int16], float]]:
        """The windows that this frame completes, nothing at another rate than RATE.

        Each is the probability of speech, 0 to 1, with the sound before it as well: HEARD_S, as
        the comparison with our own voice wants it.
        """
        if frame.sample_rate != RATE:
            return []
        first = self._count // STEP + 1
        self._count += frame.samples_per_channel
        self._sound = np.concatenate([self._sound, np.frombuffer(frame.data, np.int16)])
        seen = []
        for step in range(first, self._count // STEP + 1):
            if step % LOOKS:  # else it is the VAD's own
                end = len(self._sound) - (self._count - step * STEP)
                heard = self._sound[end - _HEARD : end]
                model = self._models[step % LOOKS - 1]
                seen.append((heard, float(model.predict(heard[-VAD_WINDOW_SAMPLES:]))))
        self._sound = self._sound[-_HEARD:]
        return seen
