"""Everything a face does besides talking: posture, sway, breath, gestures, blinks and gaze.

Seeded and deterministic: the same seed and the same cues give the same movement, and what begins
by itself begins at its own moment, so that 25 and 30 frames a second show one and the same life. It
refuses to act out what it does not know: it nods at the user's clauses (Cue.user_beat), never at
silence. Eased by springs, so that a change of manner in the middle of a movement bends it instead
of cutting it.
"""

import math
from collections.abc import Callable
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.frames import Cue, Manner, Mood
from avatar.gaze import Blinks, Gaze, Point, ease
from avatar.gestures import Accents, Asides, Gesture, Heard, Listener
from avatar.params import INDEX, FaceParams

MAX_YAW: Final = 12.0
MAX_PITCH: Final = 10.0
MAX_ROLL: Final = 10.0
"""Degrees beyond which a flat portrait stops looking like a head."""

_HEAD = ("yaw", "pitch", "roll", "tx", "ty", "sway")
_PAIRS = ("browOuterUp", "browDown", "eyeWide", "eyeSquint", "mouthSmile", "cheekSquint")
_FIELDS = (*_HEAD, "browInnerUp", "mouthSide", *_PAIRS)


def _posture(**named: float) -> NDArray[np.float64]:
    return np.array([named.get(field, 0.0) for field in _FIELDS])


_POSTURES: Final[dict[Manner, NDArray[np.float64]]] = {
    Manner.IDLE: _posture(mouthSmile=0.05, sway=1.0),
    Manner.LISTENING: _posture(
        pitch=1.6,
        roll=2.2,
        ty=0.008,
        browInnerUp=0.08,
        browOuterUp=0.10,
        eyeWide=0.05,
        mouthSmile=0.08,
        sway=0.7,
    ),
    # for eyes that go to the picture's right; mirrored when they go to the left
    Manner.THINKING: _posture(
        yaw=3.5, pitch=-2.5, roll=1.8, browInnerUp=0.14, browDown=0.1, eyeSquint=0.08, sway=0.8
    ),
    Manner.SPEAKING: _posture(browOuterUp=0.03, mouthSmile=0.04, sway=1.25),
    Manner.ATTENTIVE: _posture(
        pitch=-1.6, browInnerUp=0.36, browOuterUp=0.42, eyeWide=0.24, mouthSmile=0.03, sway=0.4
    ),
}
# what a mood does to the head; a face that is sad or angry does not smile while it waits
_LEANS: Final[dict[Mood, NDArray[np.float64]]] = {
    Mood.NEUTRAL: _posture(),
    Mood.HAPPY: _posture(roll=1.2, pitch=-0.6, sway=0.1),
    Mood.SAD: _posture(pitch=3.0, roll=-1.2, ty=0.01, sway=-0.3, mouthSmile=-0.1),
    Mood.SURPRISED: _posture(pitch=-2.2, ty=-0.008, sway=-0.2),
    Mood.CONCERNED: _posture(pitch=1.4, roll=1.8, mouthSmile=-0.1),
    Mood.ENCOURAGING: _posture(pitch=1.2, roll=-1.6, ty=0.006),
    Mood.ANGRY: _posture(pitch=2.0, ty=0.004, sway=-0.3, mouthSmile=-0.1),
}
_UNSMILING: Final = frozenset((Mood.SAD, Mood.CONCERNED, Mood.ANGRY))
_MIRRORED = np.array([-1.0 if field in ("yaw", "roll") else 1.0 for field in _FIELDS])


def _rates(head: float, face: float) -> NDArray[np.float64]:
    return np.array([head if field in _HEAD else face for field in _FIELDS])


# radians per second: a posture is taken in about 4.7 / rate seconds
_RATES: Final[dict[Manner, NDArray[np.float64]]] = {
    Manner.IDLE: _rates(4.0, 5.0),
    Manner.LISTENING: _rates(5.5, 7.0),
    Manner.THINKING: _rates(4.0, 5.0),
    Manner.SPEAKING: _rates(6.0, 7.0),
    Manner.ATTENTIVE: _rates(12.0, 40.0),  # brows up within 120 ms; a head is heavier
}
# (amplitude, Hz) of sines that never line up
_SWAY: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "yaw": ((1.2, 0.107), (0.7, 0.231), (0.30, 0.413)),
    "pitch": ((0.8, 0.131), (0.4, 0.287), (0.2, 0.463)),
    "roll": ((0.6, 0.089), (0.3, 0.197), (0.15, 0.379)),
    "tx": ((0.009, 0.097), (0.005, 0.211)),
    "ty": ((0.005, 0.119), (0.003, 0.253)),
}
_SHIFTS: Final = {"yaw": 1.5, "pitch": 0.7, "roll": 1.2, "tx": 0.008}
_SHIFT_S: Final = 1.8
_BREATH_S: Final = (3.6, 4.5)
_EYE_DEG = 16.0  # eyes turned this far are at weight 1
_WATCH_S: Final = 0.8  # eyes stay open that long when somebody begins to talk over us
_MAX_STEP_S = 0.25


class Motion:
    """The movements of one face. One instance per call; `pose` once a frame, in rising time."""

    def __init__(self, seed: int = 0) -> None:
        # each part draws from its own stream, so that a blink more does not change every nod
        self._blinks = Blinks(Random(f"{seed}/blinks"))
        self._gaze = Gaze(Random(f"{seed}/gaze"))
        self._accents = Accents(Random(f"{seed}/accents"))
        self._listener = Listener(Random(f"{seed}/listening"))
        self._asides = Asides(Random(f"{seed}/asides"))
        self._shifts = _Shifts(Random(f"{seed}/shifts"))
        self._breath = _Breath(Random(f"{seed}/breath"))
        self._phrases = Random(f"{seed}/phrases")
        sway = Random(f"{seed}/sway")
        self._phases = {k: [sway.uniform(0, math.tau) for _ in v] for k, v in _SWAY.items()}
        self._posture = _POSTURES[Manner.IDLE].copy()
        self._speed = np.zeros(len(_FIELDS))
        self._gestures: list[Gesture] = []
        self._manner = Manner.IDLE
        self._now = math.nan

    def pose(self, cue: Cue, loudness: Callable[[int], float], out: FaceParams) -> None:
        """Set the head of `out` and add eyes, brows and a trace of a smile to its weights.

        loudness: 0..1, of the avatar's own voice at a sample of the cue's segment.
        """
        now, manner = cue.time_s, cue.manner
        elapsed = 0.0 if math.isnan(self._now) else min(_MAX_STEP_S, max(0.0, now - self._now))
        self._now = now
        mute = cue.segment is None or manner is Manner.ATTENTIVE
        voice = None if mute or cue.segment is None else (cue.epoch, cue.segment)
        heard = self._accents.hear(now, voice, cue.position, loudness)
        if manner is Manner.ATTENTIVE:
            if self._manner is not manner:
                self._blinks.hold(now + _WATCH_S)
        else:
            self._phrase(heard)
        self._manner = manner
        point = self._gaze.look(now, manner)
        self._settle(manner, cue.mood, elapsed)
        self._gestures = [g for g in self._gestures if now < g.start_s + g.length_s]
        self._gestures += heard.gestures
        self._gestures += self._listener.hear(now, manner, cue.user_beat)
        self._gestures += self._asides.due(now, manner)
        if cue.mood in _UNSMILING:
            self._gestures = [g for g in self._gestures if g.field != "mouthSmile"]
        values = dict(zip(_FIELDS, self._posture.tolist(), strict=True))
        for gesture in self._gestures:
            values[gesture.field] += gesture.at(now)
        self._head(now, values, out)
        self._face(now, point, values, out)

    def _settle(self, manner: Manner, mood: Mood, elapsed: float) -> None:
        """Move the posture on: a critically damped spring, exact for any step."""
        rate = _RATES[manner]
        target = _POSTURES[manner]
        if manner is Manner.THINKING and self._gaze.side < 0:
            target = target * _MIRRORED
        target = target + _LEANS[mood]
        away = self._posture - target
        push = (self._speed + rate * away) * elapsed
        decay = np.exp(-rate * elapsed)
        self._posture = target + (away + push) * decay
        self._speed = (self._speed - rate * push) * decay

    def _phrase(self, heard: Heard) -> None:
        """Eyes and lids keep time with speech: away to find words, a blink when they are said."""
        if heard.phrase_began_s is not None:
            self._blinks.prompt(heard.phrase_began_s, 0.15)
            if self._phrases.random() < 0.4:
                self._gaze.glance(heard.phrase_began_s)
        if heard.phrase_over_s is not None:
            self._blinks.prompt(heard.phrase_over_s, 0.45)

    def _head(self, now: float, values: dict[str, float], out: FaceParams) -> None:
        for field, waves in _SWAY.items():
            phases = self._phases[field]
            values[field] += values["sway"] * sum(
                size * math.sin(math.tau * hertz * now + phase)
                for (size, hertz), phase in zip(waves, phases, strict=True)
            )
        for field, offset in self._shifts.at(now).items():
            values[field] += values["sway"] * offset
        out.yaw = _limited(values["yaw"], MAX_YAW)
        out.pitch = _limited(values["pitch"], MAX_PITCH)
        out.roll = _limited(values["roll"], MAX_ROLL)
        out.tx, out.ty = values["tx"], values["ty"]
        out.breath = self._breath.at(now)

    def _face(self, now: float, point: Point, values: dict[str, float], out: FaceParams) -> None:
        began, travel = self._gaze.jumped()
        if travel > 5.0 and self._manner is not Manner.ATTENTIVE:
            self._blinks.prompt(began, 0.25)
        lid = self._blinks.lid(now)
        weights = out.weights
        # a closing lid turns the eye a little down
        _aim((point[0], point[1] + 1.5 * lid), out)
        values["eyeWide"] *= 1 - lid
        values["eyeSquint"] *= 1 - lid
        weights[INDEX["browInnerUp"]] += values["browInnerUp"]
        side = values["mouthSide"]
        weights[INDEX["mouthLeft" if side > 0 else "mouthRight"]] += abs(side)
        for name in ("Left", "Right"):
            weights[INDEX["eyeBlink" + name]] += lid
            for field in _PAIRS:
                weights[INDEX[field + name]] += values[field]
        np.clip(weights, 0, 1, out=weights)


class _Shifts:
    """Now and then the weight is moved: a small new resting place for the head."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._from = dict.fromkeys(_SHIFTS, 0.0)
        self._to = dict.fromkeys(_SHIFTS, 0.0)
        self._began = -math.inf
        self._next = math.nan

    def at(self, now: float) -> dict[str, float]:
        """Offsets in degrees and shares of the eye distance."""
        if math.isnan(self._next) or self._next < now - _SHIFT_S:
            self._next = now + self._random.uniform(2.0, 8.0)
        if now >= self._next:
            self._from, self._began = self._to, self._next
            self._to = {k: v * self._random.uniform(-1, 1) for k, v in _SHIFTS.items()}
            self._next += _SHIFT_S + min(20.0, self._random.lognormvariate(math.log(6.0), 0.5))
        x = ease((now - self._began) / _SHIFT_S)
        return {k: a + (self._to[k] - a) * x for k, a in self._from.items()}


class _Breath:
    """In for two fifths of a breath, out for three; no two of the same length."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._began = math.nan
        self._length = 1.0

    def at(self, now: float) -> float:
        """0 (out) .. 1 (in)."""
        if math.isnan(self._began) or now - self._began > 4 * _BREATH_S[1]:
            self._began, self._length = now, self._random.uniform(*_BREATH_S)
        while now - self._began >= self._length:
            self._began += self._length
            self._length = self._random.uniform(*_BREATH_S)
        x = (now - self._began) / self._length
        return ease(x / 0.4) if x < 0.4 else 1 - ease((x - 0.4) / 0.6)


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


def _limited(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))
