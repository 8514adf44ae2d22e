"""Eyes: when they blink, and where they look. Seeded, so that the same call can be drawn twice.

It does not know the face it moves: angles and lid positions out, no weights. Eyes jump and rest,
they never drift. Only against the head's own movement do they glide, which is what makes a swaying
head look at its viewer; avatar/motion.py does that. Every jump and every blink begins at its own
moment and not at the next frame's, so that another frame rate shows the same eyes.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from avatar.frames import Manner

Point = tuple[float, float]
"""Degrees to the picture's right and down, seen from the viewer's line of sight."""

_VIEWER: Final[Point] = (0.0, 0.0)

_CLOSE_S: Final = (0.080, 0.100)
_SHUT_S: Final = (0.030, 0.055)
_OPEN_S: Final = (0.140, 0.165)
_DOUBLE = 0.1
_DOUBLE_GAP_S = 0.36
_MEDIAN_GAP_S, _GAP_SPREAD = 4.0, 0.45  # log-normal; with the triggered ones, 12 to 20 a minute
_MIN_GAP_S, _MAX_GAP_S = 1.2, 10.0

# the main sequence of human saccades: 21 ms and 2.2 ms a degree (Carpenter 1988)
_SACCADE_S, _SACCADE_S_PER_DEG = 0.021, 0.0022
_STALE_S = 1.0


@dataclass(frozen=True, slots=True)
class _Habit:
    """How the eyes behave in one manner.

    viewer: how often the next fixation is on the viewer. wander: degrees beside them. rest, aside:
    seconds of a fixation on the viewer and elsewhere.
    """

    viewer: float
    wander: float
    rest: tuple[float, float]
    aside: tuple[float, float]


_HABITS: Final[dict[Manner, _Habit]] = {
    Manner.IDLE: _Habit(0.62, 5.0, (1.0, 3.2), (0.5, 1.3)),
    Manner.LISTENING: _Habit(0.88, 3.0, (1.0, 2.8), (0.35, 0.7)),
    Manner.THINKING: _Habit(0.0, 3.0, (0.5, 0.9), (0.4, 0.9)),
    Manner.SPEAKING: _Habit(0.78, 5.0, (0.9, 2.6), (0.4, 0.9)),
    Manner.ATTENTIVE: _Habit(1.0, 0.5, (1.5, 3.0), (0.5, 1.0)),
}
# From one eye of ours to the other and to the mouth, as people look at a face they talk to.
_ON_FACE: Final[tuple[Point, ...]] = ((-1.1, 0.0), (1.1, 0.0), (0.1, 1.7))
_THINK_AWAY_S: Final = (1.1, 2.0)


@dataclass(frozen=True, slots=True)
class _Blink:
    start_s: float
    close_s: float
    shut_s: float
    open_s: float

    def lid(self, now: float) -> float:
        """0..1. Lids fall at an even pace and rise more and more slowly."""
        elapsed = now - self.start_s
        if elapsed < self.close_s:
            return ease(elapsed / self.close_s)
        rising = (elapsed - self.close_s - self.shut_s) / self.open_s
        return 1.0 if rising < 0 else (1.0 - ease(min(1.0, rising) ** 0.8))


class Blinks:
    """When the lids close: log-normal gaps, one in ten double, and a few on request."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._blinks: list[_Blink] = []
        self._last = -math.inf
        self._next = math.nan

    def lid(self, now: float) -> float:
        """How far the lids are closed at this moment, 0..1."""
        if math.isnan(self._next):
            self._next = now + self._gap() * self._random.random()
        if self._next < now - _STALE_S:  # after a long stall one blink is enough
            self._next = now
        while self._next <= now:
            self._blink(self._next)
        self._blinks = [blink for blink in self._blinks if now - blink.start_s < 1.0]
        return max((blink.lid(now) for blink in self._blinks), default=0.0)

    def prompt(self, at: float, chance: float) -> None:
        """Blink at this moment with this chance, unless the last blink was just before."""
        if self._random.random() < chance and at - self._last > _MIN_GAP_S:
            self._blink(at)

    def hold(self, until: float) -> None:
        """No blink of its own accord before this moment: eyes that turn to somebody stay open."""
        self._next = max(self._next, until)

    def _blink(self, start: float) -> None:
        self._add(start)
        if self._random.random() < _DOUBLE:
            self._add(start + _DOUBLE_GAP_S)
        self._next = self._last + self._gap()

    def _add(self, start: float) -> None:
        draw = self._random.uniform
        self._blinks.append(_Blink(start, draw(*_CLOSE_S), draw(*_SHUT_S), draw(*_OPEN_S)))
        self._last = start

    def _gap(self) -> float:
        gap = self._random.lognormvariate(math.log(_MEDIAN_GAP_S), _GAP_SPREAD)
        return min(_MAX_GAP_S, max(_MIN_GAP_S, gap))


class Gaze:
    """Fixations and the saccades between them.

    side: -1 or 1, where thinking eyes go; it changes with every look away, and a head that thinks
    may follow it.
    """

    def __init__(self, random: Random) -> None:
        self.side = -1.0
        self._random = random
        self._from: Point = _VIEWER
        self._to: Point = _VIEWER
        self._began = -math.inf
        self._lasts = _SACCADE_S
        self._next = math.nan
        self._manner = Manner.IDLE
        self._away_until = -math.inf  # thinking: when the eyes come back
        self._travel = 0.0
        self._jumped_s = -math.inf

    def look(self, now: float, manner: Manner) -> Point:
        """Where the eyes point. Once a frame, in rising time."""
        if math.isnan(self._next) or self._next < now - _STALE_S:
            self._next = now + self._random.uniform(0.3, 1.5)
        if manner is not self._manner:
            self._manner = manner
            # a change of manner shows in the eyes first
            self._away_until = -math.inf
            self._jump(now, self._think(now) if manner is Manner.THINKING else _VIEWER)
        while self._next <= now:
            self._jump(self._next, self._choose(self._next))
        return self.point(now)

    def jumped(self) -> tuple[float, float]:
        """When the last saccade began that was not told yet, and its degrees; (-inf, 0) if none."""
        told = self._jumped_s, self._travel
        self._jumped_s, self._travel = -math.inf, 0.0
        return told

    def glance(self, at: float) -> None:
        """Look beside the viewer for a moment, as people do while they find their first words."""
        side = self._random.choice((-1.0, 1.0))
        aside = side * self._random.uniform(4.0, 8.0), self._random.uniform(-3.0, 3.0)
        self._jump(at, aside)
        self._next = at + self._random.uniform(0.45, 1.0)

    def point(self, now: float) -> Point:
        """Where the eyes point at this moment."""
        x = ease((now - self._began) / self._lasts)
        (x0, y0), (x1, y1) = self._from, self._to
        return x0 + (x1 - x0) * x, y0 + (y1 - y0) * x

    def _jump(self, at: float, target: Point) -> None:
        self._from, self._to = self.point(at), target
        degrees = math.dist(self._from, target)
        self._began, self._lasts = at, _SACCADE_S + _SACCADE_S_PER_DEG * degrees
        habit = _HABITS[self._manner]
        on_viewer = math.hypot(*target) < 2.0
        self._next = at + self._random.uniform(*(habit.rest if on_viewer else habit.aside))
        self._jumped_s, self._travel = at, max(self._travel, degrees)

    def _choose(self, at: float) -> Point:
        if self._manner is Manner.THINKING:
            return self._think(at)
        habit = _HABITS[self._manner]
        if self._random.random() < habit.viewer:
            if self._to == _VIEWER and self._random.random() < 0.7:
                return self._random.choice(_ON_FACE)
            return _VIEWER
        return self._beside(_VIEWER, habit.wander)

    def _think(self, at: float) -> Point:
        """Away, a few fixations there, back to the viewer, away to the other side."""
        if at < self._away_until:
            return self._beside((self.side * 9.0, -6.0), _HABITS[Manner.THINKING].wander)
        if self._away_until > -math.inf and self._to != _VIEWER:
            return _VIEWER
        self.side = -self.side if self._away_until > -math.inf else self._random.choice((-1.0, 1.0))
        self._away_until = at + self._random.uniform(*_THINK_AWAY_S)
        up = self._random.uniform(-8.0, -5.5)
        return self.side * self._random.uniform(8.0, 11.0), up

    def _beside(self, centre: Point, reach: float) -> Point:
        angle = self._random.uniform(0, 2 * math.pi)
        size = reach * self._random.uniform(0.45, 1.0)
        # eyes search more from side to side than up and down
        return centre[0] + size * math.cos(angle), centre[1] + 0.5 * size * math.sin(angle)


def ease(x: float) -> float:
    """Smoothstep: 0 below 0, 1 above 1, without corners in between."""
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)
