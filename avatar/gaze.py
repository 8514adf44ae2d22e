"""Eyes: when they blink, and where they look. Seeded, so that the same call can be drawn twice.

It does not know the face it moves: angles and lid positions out, no weights. Eyes jump and rest,
they never drift. Only against the head's own movement do they glide, which is what makes a swaying
head look at its viewer; avatar/motion.py does that.
"""

import math
from random import Random
from typing import Final

from avatar.frames import Manner

Point = tuple[float, float]
"""Degrees to the picture's right and down, seen from the viewer's line of sight."""

_CLOSE_S, _SHUT_S, _OPEN_S = 0.090, 0.045, 0.150
_DOUBLE = 0.1
_DOUBLE_GAP_S = 0.36
_MEDIAN_GAP_S, _GAP_SPREAD = 3.9, 0.42  # log-normal; with the triggered ones, 12 to 20 a minute
_MIN_GAP_S, _MAX_GAP_S = 1.2, 9.0

_SACCADE_S = 0.045
_STALE_S = 1.0

_AWAY: Final[Point] = (-10.0, -7.5)  # thinking: up and to the picture's left
# how often the next fixation is the viewer's own eyes
_ON_VIEWER: Final[dict[Manner, float]] = {
    Manner.IDLE: 0.6,
    Manner.LISTENING: 0.8,
    Manner.THINKING: 0.15,
    Manner.SPEAKING: 0.65,
    Manner.ATTENTIVE: 1.0,
}
_WANDER_DEG: Final[dict[Manner, float]] = {
    Manner.IDLE: 4.5,
    Manner.LISTENING: 2.0,
    Manner.THINKING: 3.0,
    Manner.SPEAKING: 4.0,
    Manner.ATTENTIVE: 0.5,
}


class Blinks:
    """When the lids close: log-normal gaps, one in ten double, and a few on request."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._starts: list[float] = []
        self._next = math.nan

    def lid(self, now: float) -> float:
        """How far the lids are closed at this moment, 0..1."""
        if math.isnan(self._next):
            self._next = now + self._gap() * self._random.random()
        if self._next < now - _STALE_S:  # after a long stall one blink is enough
            self._next = now
        while self._next <= now:
            self._blink(self._next)
        self._starts = [start for start in self._starts if now - start < 1.0]
        return max((_lid_after(now - start) for start in self._starts), default=0.0)

    def prompt(self, now: float, chance: float) -> None:
        """Blink now with this chance, unless the last blink was just before."""
        if self._random.random() < chance and now - self._last() > _MIN_GAP_S:
            self._blink(now)

    def _blink(self, start: float) -> None:
        self._starts.append(start)
        if self._random.random() < _DOUBLE:
            start += _DOUBLE_GAP_S
            self._starts.append(start)
        self._next = start + self._gap()

    def _last(self) -> float:
        return self._starts[-1] if self._starts else -math.inf

    def _gap(self) -> float:
        gap = self._random.lognormvariate(math.log(_MEDIAN_GAP_S), _GAP_SPREAD)
        return min(_MAX_GAP_S, max(_MIN_GAP_S, gap))


def _lid_after(elapsed: float) -> float:
    if elapsed < 0:
        return 0.0
    if elapsed < _CLOSE_S:
        return ease(elapsed / _CLOSE_S)
    if elapsed < _CLOSE_S + _SHUT_S:
        return 1.0
    return 1.0 - ease((elapsed - _CLOSE_S - _SHUT_S) / _OPEN_S)


class Gaze:
    """Fixations and the saccades between them."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._from: Point = (0.0, 0.0)
        self._to: Point = (0.0, 0.0)
        self._began = -math.inf
        self._next = math.nan
        self._manner = Manner.IDLE

    def look(self, now: float, manner: Manner) -> tuple[Point, float]:
        """Where the eyes point, and how many degrees the saccade that begins now will travel."""
        if math.isnan(self._next) or self._next < now - _STALE_S:
            self._next = now + self._random.uniform(0.3, 1.5)
        if manner is not self._manner:
            self._manner = manner
            # a change of manner shows in the eyes first
            target = _AWAY if manner is Manner.THINKING else (0.0, 0.0)
            return self.point(now), self._jump(now, target)
        if now >= self._next:
            return self.point(now), self._jump(now, self._choose())
        return self.point(now), 0.0

    def point(self, now: float) -> Point:
        """Where the eyes point at this moment."""
        x = ease((now - self._began) / _SACCADE_S)
        (x0, y0), (x1, y1) = self._from, self._to
        return x0 + (x1 - x0) * x, y0 + (y1 - y0) * x

    def _jump(self, now: float, target: Point) -> float:
        self._from, self._to = self.point(now), target
        self._began = now
        # looking at someone rests longer than looking beside them
        rest = (0.8, 2.5) if target == (0.0, 0.0) else (0.6, 1.4)
        self._next = now + self._random.uniform(*rest)
        return math.dist(self._from, target)

    def _choose(self) -> Point:
        manner = self._manner
        at_viewer = self._random.random() < _ON_VIEWER[manner]
        centre = _AWAY if manner is Manner.THINKING and not at_viewer else (0.0, 0.0)
        if at_viewer and self._to != (0.0, 0.0):
            return 0.0, 0.0
        reach = _WANDER_DEG[manner] if not at_viewer else 0.8  # from one eye of ours to the other
        angle = self._random.uniform(0, 2 * math.pi)
        size = reach * self._random.uniform(0.4, 1.0)
        # eyes search more from side to side than up and down
        return centre[0] + size * math.cos(angle), centre[1] + 0.5 * size * math.sin(angle)


def ease(x: float) -> float:
    """Smoothstep: 0 below 0, 1 above 1, without corners in between."""
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)
