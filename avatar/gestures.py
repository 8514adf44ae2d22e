"""Movements there and back that mean something: nods, raised brows, passing expressions.

Three reasons to make one: the voice's own stress (Accents), the user's clauses (Listener) and time
that passes (Asides). It moves nothing itself, it says which gestures begin when. The surprise: the
voice is heard 200 ms ahead of its sound, because a head that begins to nod when the stressed
syllable is heard nods after it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from avatar.frames import CLOCK_RATE, Manner
from avatar.gaze import ease

AHEAD_S: Final = 0.2
"""How far ahead of its sound the voice is listened to."""

_TICK: Final = CLOCK_RATE // 50  # the voice is looked at on its own grid, whatever the frame rate
_MAX_TICKS: Final = 25
_PHRASE_GAP_S: Final = 0.3  # silence after which a phrase is over
_ACCENT_GAP_S: Final = 0.6
_NOD_GAP_S: Final = 1.3  # a head that bobs at every word looks like a toy
_ANSWER_GAP_S: Final = 1.4
_NOD_S: Final = 0.6


@dataclass(frozen=True, slots=True)
class Gesture:
    """One field of the face there and back; it rises faster than it falls."""

    field: str
    start_s: float
    length_s: float
    size: float

    def at(self, now: float) -> float:
        x = (now - self.start_s) / self.length_s
        if not 0 < x < 1:
            return 0.0
        return self.size * (ease(x / 0.4) if x < 0.4 else 1 - ease((x - 0.4) / 0.6))


@dataclass(slots=True)
class Heard:
    """What the last stretch of the voice asks for; times are media seconds."""

    gestures: list[Gesture] = field(default_factory=list)
    phrase_began_s: float | None = None
    phrase_over_s: float | None = None


class Accents:
    """What the voice's loudness does to the head: nods and brows on strong syllables."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._key: tuple[int, int] | None = None
        self._tick = 0
        self._slow = 0.0
        self._last_accent = -math.inf
        self._last_nod = -math.inf
        self._last_sound = -math.inf
        self._in_phrase = False

    def hear(
        self, now: float, voice: tuple[int, int] | None, position: int,
        loudness: Callable[[int], float],
    ) -> Heard:  # fmt: skip
        """What begins between the last call and this one.

        voice: epoch and segment, None in silence. position: sample of the segment that sounds now.
        loudness: 0..1 at a sample of the segment; samples not known yet count as silence.
        """
        heard = Heard()
        if voice is None or voice != self._key:
            if self._in_phrase:
                heard.phrase_over_s, self._in_phrase = now, False
            self._key = voice
            self._tick = position // _TICK
            self._slow = 0.0
        if voice is None:
            return heard
        first, last = self._tick, (position + round(AHEAD_S * CLOCK_RATE)) // _TICK
        self._tick = max(first, last)
        for tick in range(max(first, last - _MAX_TICKS), last):
            at = now + (tick * _TICK - position) / CLOCK_RATE - AHEAD_S
            self._step(max(at, now - 0.05), loudness(tick * _TICK), heard)
        return heard

    def _step(self, at: float, loudness: float, heard: Heard) -> None:
        if loudness > 0.15:
            self._last_sound = at
            if not self._in_phrase:
                self._in_phrase, heard.phrase_began_s = True, at
        elif self._in_phrase and at - self._last_sound > _PHRASE_GAP_S:
            self._in_phrase, heard.phrase_over_s = False, at
        self._slow += (loudness - self._slow) * (1 - math.exp(-_TICK / CLOCK_RATE / 0.6))
        strong = loudness > 0.5 and loudness > self._slow + 0.15
        if strong and at - self._last_accent >= _ACCENT_GAP_S:
            self._last_accent = at
            heard.gestures += self._gestures(at)

    def _gestures(self, at: float) -> Iterator[Gesture]:
        draw = self._random
        nods, raises, turns = draw.random() < 0.55, draw.random() < 0.35, draw.random() < 0.3
        if nods and at - self._last_nod > _NOD_GAP_S:
            self._last_nod = at
            yield Gesture("pitch", at, 0.6, draw.uniform(1.5, 3.0))
        if raises:
            size, length = draw.uniform(0.16, 0.34), draw.uniform(0.45, 0.75)
            yield Gesture("browOuterUp", at, length, size)
            yield Gesture("browInnerUp", at, length, 0.7 * size)
        if turns:
            side = draw.choice((-1.0, 1.0))
            yield Gesture("yaw", at, 1.4, side * draw.uniform(2.0, 4.0))
            yield Gesture("roll", at, 1.4, -side * draw.uniform(0.6, 1.8))


class Listener:
    """Answers to the user: a nod at a clause, sometimes a brow or a smile instead."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._beat: int | None = None
        self._manner = Manner.IDLE
        self._last = -math.inf

    def hear(self, now: float, manner: Manner, beat: int) -> list[Gesture]:
        """Gestures that answer what changed since the last frame."""
        risen = self._beat is not None and beat > self._beat
        finished = self._manner is Manner.LISTENING and manner is Manner.THINKING
        self._beat, self._manner = beat, manner
        if finished:
            # "understood": strong, against the head that goes up to think
            return self._answer(now, list(_nods(now, 3.6, twice=False)), gap_s=0.8)
        if risen and manner is Manner.LISTENING:
            return self._answer(now, list(self._follow(now)), gap_s=_ANSWER_GAP_S)
        return []

    def _answer(self, now: float, gestures: list[Gesture], *, gap_s: float) -> list[Gesture]:
        if now - self._last < gap_s:
            return []
        self._last = now
        return gestures

    def _follow(self, now: float) -> Iterator[Gesture]:
        draw = self._random
        start = now + draw.uniform(0.05, 0.18)  # nobody answers at once
        kind = draw.random()
        if kind < 0.75:
            yield from _nods(start, draw.uniform(2.1, 3.3), twice=draw.random() < 0.45)
        if kind > 0.55:
            yield Gesture("browOuterUp", start, 0.8, draw.uniform(0.12, 0.24))
            yield Gesture("browInnerUp", start, 0.8, draw.uniform(0.06, 0.16))
        if kind < 0.2:
            yield Gesture("mouthSmile", start, 1.6, draw.uniform(0.08, 0.16))


class Asides:
    """Small passing expressions, so that a face which waits is not a photograph."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._manner: Manner | None = None
        self._next = math.inf

    def due(self, now: float, manner: Manner) -> list[Gesture]:
        """Gestures that begin by now."""
        if manner is not self._manner:
            self._manner = manner
            self._plan(now)
        found: list[Gesture] = []
        if self._next < now - 1.0:  # after a stall
            self._next = now
        while self._next <= now:
            found += self._aside(self._next, manner)
            self._plan(self._next)
        return found

    def _plan(self, at: float) -> None:
        gaps = _ASIDE_GAPS_S.get(self._manner or Manner.IDLE)
        self._next = at + self._random.uniform(*gaps) if gaps else math.inf

    def _aside(self, at: float, manner: Manner) -> Iterator[Gesture]:
        draw = self._random
        parts = draw.choice(_ASIDES[manner])
        strength = draw.uniform(0.6, 1.0)
        length = draw.uniform(0.8, 1.8)
        side = draw.choice((-1.0, 1.0))
        for name, size in parts:
            signed = side * size if name in ("roll", "yaw", "mouthSide") else size
            yield Gesture(name, at, length, strength * signed)


_ASIDE_GAPS_S: Final[dict[Manner, tuple[float, float]]] = {
    Manner.IDLE: (3.5, 9.0),
    Manner.LISTENING: (2.5, 6.0),
    Manner.THINKING: (1.2, 2.6),
    Manner.SPEAKING: (4.0, 9.0),
}
_Parts = tuple[tuple[str, float], ...]
_ASIDES: Final[dict[Manner, tuple[_Parts, ...]]] = {
    Manner.IDLE: (
        (("mouthSmile", 0.10), ("cheekSquint", 0.06)),
        (("browOuterUp", 0.10), ("browInnerUp", 0.06)),
        (("roll", 1.8), ("mouthSmile", 0.05)),
        (("eyeSquint", 0.12),),
    ),
    Manner.LISTENING: (
        (("browInnerUp", 0.18), ("browOuterUp", 0.16), ("eyeWide", 0.06)),
        (("eyeSquint", 0.16), ("browDown", 0.10), ("pitch", 0.6)),
        (("mouthSmile", 0.15), ("cheekSquint", 0.10)),
        (("roll", 2.2), ("browInnerUp", 0.10)),
    ),
    Manner.THINKING: (
        (("browDown", 0.22), ("eyeSquint", 0.18)),
        (("mouthSide", 0.22), ("mouthSmile", 0.04)),
        (("browInnerUp", 0.20), ("browOuterUp", 0.12)),
        (("roll", 2.4), ("yaw", 1.5)),
    ),
    Manner.SPEAKING: (
        (("mouthSmile", 0.05), ("cheekSquint", 0.08)),
        (("browInnerUp", 0.14), ("roll", 1.4)),
        (("eyeSquint", 0.12), ("browDown", 0.06)),
    ),
}


def _nods(start: float, size: float, *, twice: bool) -> Iterator[Gesture]:
    yield Gesture("pitch", start, _NOD_S, size)
    if twice:
        yield Gesture("pitch", start + 0.75 * _NOD_S, _NOD_S, 0.6 * size)
