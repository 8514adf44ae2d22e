"""Everything a face does besides talking: posture, sway, breath, nods, brows, blinks and gaze.

Seeded and deterministic: the same seed and the same cues give the same movement. It refuses to act
out what it does not know: listening nods come at their own pace, because a cue says that the user
speaks and not what. Eased by springs, so that a change of manner in the middle of a movement bends
it instead of cutting it.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.frames import Cue, Manner
from avatar.gaze import Blinks, Gaze, Point, ease
from avatar.params import INDEX, FaceParams

MAX_YAW: Final = 12.0
MAX_PITCH: Final = 10.0
MAX_ROLL: Final = 10.0
"""Degrees beyond which a flat portrait stops looking like a head."""

BREATHS_PER_S: Final = 0.25

_FIELDS = (
    *("yaw", "pitch", "roll", "tx", "ty"),
    *("browInnerUp", "browOuterUp", "browDown", "eyeWide", "eyeSquint", "mouthSmile", "sway"),
)


def _posture(**named: float) -> NDArray[np.float64]:
    return np.array([named.get(field, 0.0) for field in _FIELDS])


_POSTURES: Final[dict[Manner, NDArray[np.float64]]] = {
    Manner.IDLE: _posture(mouthSmile=0.05, sway=1.0),
    Manner.LISTENING: _posture(
        pitch=1.6,
        roll=2.2,
        ty=0.008,
        browInnerUp=0.08,
        browOuterUp=0.08,
        eyeWide=0.05,
        mouthSmile=0.08,
        sway=0.7,
    ),
    Manner.THINKING: _posture(
        yaw=-3.5, pitch=-2.5, roll=-1.8, browInnerUp=0.14, browDown=0.1, eyeSquint=0.08, sway=0.8
    ),
    Manner.SPEAKING: _posture(browOuterUp=0.03, mouthSmile=0.04, sway=1.15),
    Manner.ATTENTIVE: _posture(
        pitch=-1.2, browInnerUp=0.28, browOuterUp=0.32, eyeWide=0.16, mouthSmile=0.03, sway=0.4
    ),
}
# radians per second: a posture is taken in about 4.7 / rate seconds
_RATE: Final[dict[Manner, float]] = {
    Manner.IDLE: 5.0,
    Manner.LISTENING: 7.0,
    Manner.THINKING: 4.5,
    Manner.SPEAKING: 7.0,
    Manner.ATTENTIVE: 16.0,
}
# (amplitude, Hz) of sines that never line up
_SWAY: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "yaw": ((1.3, 0.107), (0.8, 0.231), (0.35, 0.413)),
    "pitch": ((0.8, 0.131), (0.4, 0.287), (0.2, 0.463)),
    "roll": ((0.6, 0.089), (0.3, 0.197), (0.15, 0.379)),
    "tx": ((0.010, 0.097), (0.005, 0.211)),
    "ty": ((0.005, 0.119), (0.003, 0.253)),
}
_EYE_DEG = 16.0  # eyes turned this far are at weight 1
_MAX_STEP_S = 0.25
_SPEECH_GAP_S = 0.3  # silence after which a phrase is over
_ACCENT_GAP_S = 0.6
_NOD_GAP_S = 1.3  # a head that bobs at every word looks like a toy


@dataclass(frozen=True, slots=True)
class _Gesture:
    """A movement there and back: a nod, a raise of the brows, a tilt."""

    field: str
    start_s: float
    length_s: float
    size: float

    def at(self, now: float) -> float:
        x = (now - self.start_s) / self.length_s
        return self.size * math.sin(math.pi * x) ** 2 if 0 < x < 1 else 0.0


class Motion:
    """The movements of one face. One instance per call; `pose` once a frame, in rising time."""

    def __init__(self, seed: int = 0) -> None:
        # each part draws from its own stream, so that a blink more does not change every nod
        self._blinks = Blinks(Random(f"{seed}/blinks"))
        self._gaze = Gaze(Random(f"{seed}/gaze"))
        self._accents = _Accents(Random(f"{seed}/accents"))
        self._random = Random(f"{seed}/listening")
        sway = Random(f"{seed}/sway")
        self._phases = {k: [sway.uniform(0, math.tau) for _ in v] for k, v in _SWAY.items()}
        self._posture = _POSTURES[Manner.IDLE].copy()
        self._speed = np.zeros(len(_FIELDS))
        self._gestures: list[_Gesture] = []
        self._manner = Manner.IDLE
        self._now = math.nan
        self._next_nod = math.inf

    def pose(self, cue: Cue, loudness: float, out: FaceParams) -> None:
        """Set the head of `out` and add eyes, brows and a trace of a smile to its weights.

        loudness: 0..1, of the avatar's own voice at this moment.
        """
        now = cue.time_s
        elapsed = 0.0 if math.isnan(self._now) else min(_MAX_STEP_S, max(0.0, now - self._now))
        self._now = now
        self._settle(cue.manner, elapsed)
        self._listen(now, cue.manner)
        self._gestures += self._accents.hear(now, loudness, elapsed)
        if self._accents.phrase_over:
            self._blinks.prompt(now, 0.45)
        self._gestures = [g for g in self._gestures if now < g.start_s + g.length_s]
        values = dict(zip(_FIELDS, self._posture.tolist(), strict=True))
        for gesture in self._gestures:
            values[gesture.field] += gesture.at(now)
        self._head(now, values, out)
        self._face(now, cue.manner, values, out)

    def _settle(self, manner: Manner, elapsed: float) -> None:
        """Move the posture on: a critically damped spring, exact for any step."""
        rate = _RATE[manner]
        target = _POSTURES[manner]
        away = self._posture - target
        push = (self._speed + rate * away) * elapsed
        decay = math.exp(-rate * elapsed)
        self._posture = target + (away + push) * decay
        self._speed = (self._speed - rate * push) * decay

    def _listen(self, now: float, manner: Manner) -> None:
        """Small nods while listening, and one when the user has finished."""
        if manner is not self._manner:
            if self._manner is Manner.LISTENING and manner is Manner.THINKING:
                self._nod(now, 3.6)  # against the head going up to think
            self._manner = manner
            listening = manner is Manner.LISTENING
            self._next_nod = now + self._random.uniform(1.8, 4.0) if listening else math.inf
        if now >= self._next_nod:
            self._nod(now, self._random.uniform(1.6, 2.6))
            if self._random.random() < 0.5:
                self._nod(now + 0.45, self._random.uniform(1.0, 1.6))
            self._next_nod = now + self._random.uniform(2.5, 6.0)

    def _nod(self, start: float, size: float) -> None:
        self._gestures.append(_Gesture("pitch", start, 0.6, size))

    def _head(self, now: float, values: dict[str, float], out: FaceParams) -> None:
        for field, waves in _SWAY.items():
            phases = self._phases[field]
            values[field] += values["sway"] * sum(
                size * math.sin(math.tau * hertz * now + phase)
                for (size, hertz), phase in zip(waves, phases, strict=True)
            )
        out.yaw = _limited(values["yaw"], MAX_YAW)
        out.pitch = _limited(values["pitch"], MAX_PITCH)
        out.roll = _limited(values["roll"], MAX_ROLL)
        out.tx, out.ty = values["tx"], values["ty"]
        out.breath = _breath(now)

    def _face(self, now: float, manner: Manner, values: dict[str, float], out: FaceParams) -> None:
        point, travel = self._gaze.look(now, manner)
        if travel > 5.0:
            self._blinks.prompt(now, 0.5)
        lid = self._blinks.lid(now)
        weights = out.weights
        _aim(point, out)
        values["eyeWide"] *= 1 - lid
        values["eyeSquint"] *= 1 - lid
        weights[INDEX["browInnerUp"]] += values["browInnerUp"]
        for side in ("Left", "Right"):
            weights[INDEX["eyeBlink" + side]] += lid
            for field in ("browOuterUp", "browDown", "eyeWide", "eyeSquint", "mouthSmile"):
                weights[INDEX[field + side]] += values[field]
        np.clip(weights, 0, 1, out=weights)


class _Accents:
    """What the voice's loudness does to the head: nods and brows on strong syllables."""

    def __init__(self, random: Random) -> None:
        self.phrase_over = False
        self._random = random
        self._slow = 0.0
        self._last_accent = -math.inf
        self._last_nod = -math.inf
        self._last_sound = -math.inf
        self._in_phrase = False

    def hear(self, now: float, loudness: float, elapsed: float) -> list[_Gesture]:
        """Gestures that begin now. Sets `phrase_over` for the one frame in which a phrase ends."""
        self.phrase_over = False
        if loudness > 0.15:
            self._last_sound = now
            self._in_phrase = True
        elif self._in_phrase and now - self._last_sound > _SPEECH_GAP_S:
            self._in_phrase = False
            self.phrase_over = True
        self._slow += (loudness - self._slow) * (1 - math.exp(-elapsed / 0.6))
        strong = loudness > 0.5 and loudness > self._slow + 0.15
        if not strong or now - self._last_accent < _ACCENT_GAP_S:
            return []
        self._last_accent = now
        return self._gestures(now)

    def _gestures(self, now: float) -> list[_Gesture]:
        draw = self._random
        found = []
        if draw.random() < 0.6 and now - self._last_nod > _NOD_GAP_S:
            self._last_nod = now
            found.append(_Gesture("pitch", now, 0.55, draw.uniform(0.9, 2.0)))
        if draw.random() < 0.3:
            size = draw.uniform(0.14, 0.3)
            found.append(_Gesture("browOuterUp", now, 0.55, size))
            found.append(_Gesture("browInnerUp", now, 0.55, 0.7 * size))
        if draw.random() < 0.3:
            side = draw.choice((-1.0, 1.0))
            found.append(_Gesture("yaw", now, 1.4, side * draw.uniform(1.5, 3.0)))
            found.append(_Gesture("roll", now, 1.4, -side * draw.uniform(0.6, 1.6)))
        return found


def _aim(point: Point, out: FaceParams) -> None:
    """Turn the eyes to a point, against the turn of the head."""
    right = (point[0] - 0.8 * out.yaw) / _EYE_DEG
    down = (point[1] - 0.8 * out.pitch) / _EYE_DEG
    weights = out.weights
    # the picture's right is the subject's left: the left eye turns out, the right eye in
    weights[INDEX["eyeLookOutLeft"]] += max(0.0, right)
    weights[INDEX["eyeLookInRight"]] += max(0.0, right)
    weights[INDEX["eyeLookInLeft"]] += max(0.0, -right)
    weights[INDEX["eyeLookOutRight"]] += max(0.0, -right)
    for side in ("Left", "Right"):
        weights[INDEX["eyeLookDown" + side]] += max(0.0, down)
        weights[INDEX["eyeLookUp" + side]] += max(0.0, -down)


def _breath(now: float) -> float:
    """0 (out) .. 1 (in): two fifths of a breath go in, three fifths out."""
    x = (now * BREATHS_PER_S) % 1.0
    return ease(x / 0.4) if x < 0.4 else 1 - ease((x - 0.4) / 0.6)


def _limited(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))
