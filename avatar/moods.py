"""Expressions laid over a face that is doing something else: presets, easing, and good manners.

Good manners towards speech: while speaking the mouth's part of a mood is less than half, and what
would part the lips gives way to a closure. An expression may change how a "b" looks, never whether
the lips meet.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.frames import Mood
from avatar.params import CHANNELS, INDEX, weights

Floats = NDArray[np.float32]

EASE_S: Final = 0.4
"""Time from one mood to the next."""

SPEAKING_SHARE: Final = 0.45
"""How much of a mood's mouth is left while speaking."""

PRESETS: Final[dict[Mood, Floats]] = {
    Mood.NEUTRAL: weights(),
    Mood.HAPPY: weights(
        mouthSmile=0.75, mouthDimple=0.15, cheekSquint=0.5, eyeSquint=0.12, browOuterUp=0.2
    ),
    Mood.SAD: weights(
        mouthFrown=0.6, mouthShrugLower=0.2, browInnerUp=0.8, eyeSquint=0.1, eyeLookDown=0.14
    ),
    Mood.SURPRISED: weights(
        browInnerUp=0.75, browOuterUp=0.72, eyeWide=0.6, jawOpen=0.14, mouthFunnel=0.35
    ),
    Mood.CONCERNED: weights(
        browInnerUp=0.6, browDown=0.32, mouthFrown=0.32, mouthPress=0.1, eyeSquint=0.14
    ),
    Mood.ENCOURAGING: weights(
        mouthSmile=0.5, cheekSquint=0.28, browInnerUp=0.3, browOuterUp=0.4, eyeWide=0.1
    ),
    Mood.ANGRY: weights(
        browDown=0.85, eyeSquint=0.32, noseSneer=0.25, mouthPress=0.2, mouthFrown=0.32
    ),
}
"""(53,) additive ARKit weights of each mood, at rest."""

_MOUTH = np.array([name.startswith(("mouth", "jaw", "tongue")) for name in CHANNELS])
_PARTS_LIPS = np.array(
    [
        name.startswith(("jawOpen", "mouthFunnel", "mouthUpperUp", "mouthLowerDown"))
        for name in CHANNELS
    ]
)
_WIDENS = np.array(
    [name.startswith(("mouthSmile", "mouthDimple", "mouthStretch")) for name in CHANNELS]
)
_SHUT_PRESS = 0.7  # from here on the lips meet, whatever the jaw does
_TEETH_ROLL = 0.5


class Expression:
    """The mood being shown, eased in time. `advance` once a frame, then `add` it to a face."""

    def __init__(self) -> None:
        self._now = weights()
        self._from = weights()
        self._target = Mood.NEUTRAL
        self._since_s = EASE_S
        self._speaking = 0.0

    def advance(self, mood: Mood, elapsed_s: float, *, speaking: bool) -> None:
        """Move on by `elapsed_s` towards `mood`."""
        if mood is not self._target:
            self._target, self._from, self._since_s = mood, self._now.copy(), 0.0
        self._since_s = min(EASE_S, self._since_s + elapsed_s)
        x = self._since_s / EASE_S
        share = x * x * (3 - 2 * x)
        self._now = self._from + (PRESETS[mood] - self._from) * np.float32(share)
        # 150 ms: quick enough for the first closure, slow enough not to twitch
        step = elapsed_s / 0.15
        self._speaking = (
            min(1.0, self._speaking + step) if speaking else max(0.0, self._speaking - step)
        )

    def add(self, face: Floats) -> None:
        """Add the mood to `face`, (53,) weights with the mouth's speech in them, in place."""
        extra = self._now.copy()
        extra[_MOUTH] *= 1 - (1 - SPEAKING_SHARE) * self._speaking
        closure = min(1.0, float(face[INDEX["mouthPressLeft"]]) / _SHUT_PRESS)
        teeth = min(1.0, float(face[INDEX["mouthRollLower"]]) / _TEETH_ROLL)
        extra[_PARTS_LIPS] *= 1 - max(closure, teeth)
        # a smile and a pout pull on the same corners
        extra[_WIDENS] *= 1 - 0.6 * min(1.0, float(face[INDEX["mouthPucker"]]))
        face += extra
        np.clip(face, 0, 1, out=face)
