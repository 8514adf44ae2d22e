"""Eyes in layers: lid skin below, then ball and iris between two lid curves, then the lash lines.

Lids are curves, so gaze never stretches skin and a blink never squashes the iris. Every layer is
shifted column by column. The surprise: past half of a blink the lash band is mirrored, because the
lashes of a closed eye point down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from avatar.portrait.paint import (
    Box,
    Bytes,
    Floats,
    bend,
    blend,
    darken,
    ease,
    kept,
    lay,
    masked,
    replace,
    smoothstep,
)

LID_SHADE: Final = 0.46
"""How much light an upper lid takes from a drawn ball."""
CREASE_FADE: Final = 0.45
"""How much of a drawn crease is gone when the eye is closed."""


@dataclass(frozen=True, slots=True)
class EyeLayers:
    """One eye at one scale; layers are premultiplied BGRA.

    side: "Left" or "Right", the subject's own. box: pixels of the canvas. upper, lower: (41, 2)
    lid curves at rest, canvas pixels, picture left to right. shade: 0..1, light that the upper lid
    takes from the ball. fade: 0..1, of the crease in a closed eye.
    """

    side: str
    box: Box
    upper: Floats
    lower: Floats
    sclera: Bytes
    iris: Bytes
    low: Bytes
    crease: Bytes
    lash: Bytes
    shade: float = LID_SHADE
    fade: float = CREASE_FADE


@dataclass(frozen=True, slots=True)
class Gaze:
    """How one eye stands: all 0 at rest. blink, squint, wide 0..1; x, y in pixels of the iris."""

    blink: float
    squint: float
    wide: float
    x: float
    y: float

    @property
    def closed(self) -> float:
        """The blink, 1 at most."""
        return min(1.0, self.blink)


class EyePainter:
    """Draws both eyes. They lie side by side in one picture, so that every step is taken once: an
    eye is so small that the number of steps is what it costs."""

    def __init__(self, eyes: tuple[EyeLayers, EyeLayers]) -> None:
        self._eyes = eyes
        widths = [eye.box[2] - eye.box[0] for eye in eyes]
        height, width = max(eye.box[3] - eye.box[1] for eye in eyes), sum(widths)
        self._columns = slice(0, widths[0]), slice(widths[0], width)
        self.widths = tuple(float(eye.upper[-1, 0] - eye.upper[0, 0]) for eye in eyes)
        """Corner to corner, in pixels, one an eye."""
        self._wide = self._spread(self.widths)
        self._shade, self._fade = (self._spread(v) for v in zip(*map(_shades, eyes), strict=True))
        self._upper, self._lower, self._bell = (
            np.concatenate(parts)[None] for parts in zip(*map(_curves, eyes), strict=True)
        )
        self._open = self._lower - self._upper
        self._y = np.arange(height, dtype=np.float32)[:, None]
        self._x = np.arange(width, dtype=np.float32)[None]
        self._map = np.empty((height, width, 2), np.float32)
        self._map[..., 0] = self._x
        self._lid_depth = np.clip(self._open / (self._wide * np.float32(0.10)), 0, 1)
        self._sclera, self._iris, self._low, self._crease, self._lash = (
            self._beside(layers) for layers in zip(*map(_layers, eyes), strict=True)
        )
        self._rest = self._low.copy()
        for layer in (self._crease, self._lash):
            blend(self._rest, layer)
        self._rest_keep, self._iris_keep = kept(self._rest), kept(self._iris)
        self._paper, self._ball, self._bent = (np.zeros_like(self._rest) for _ in range(3))

    def paint(self, paper: Bytes, corner: tuple[int, int], gazes: tuple[Gaze, Gaze]) -> None:
        """paper: lid skin round both eyes, BGRA, changed in place. corner: of it on the canvas."""
        views = []
        for eye, columns in zip(self._eyes, self._columns, strict=True):
            x0, y0, x1, y1 = eye.box
            view = paper[y0 - corner[1] : y1 - corner[1], x0 - corner[0] : x1 - corner[0]]
            views.append((view, self._paper[: y1 - y0, columns]))
        for view, own in views:
            np.copyto(own, view)
        self._paint(gazes)
        for view, own in views:
            np.copyto(view, own)

    def lids(self, gazes: tuple[Gaze, Gaze]) -> tuple[Floats, Floats]:
        """Heights of the upper and the lower lid edge, one a column, each (1, w)."""
        closed, squint, wide = (
            self._spread(values)
            for values in zip(*((g.closed, g.squint, g.wide) for g in gazes), strict=True)
        )
        low = self._lower - self._open * (closed * np.float32(0.12) + squint * np.float32(0.26))
        up = self._upper + self._open * (closed * np.float32(0.86) + squint * np.float32(0.05))
        up -= wide * self._wide * np.float32(0.055) * (1 - closed) * self._bell
        return np.minimum(up, low), low

    def _paint(self, gazes: tuple[Gaze, Gaze]) -> None:
        paper, y = self._paper, self._y
        up, low = self.lids(gazes)
        closed = self._spread([g.closed for g in gazes])
        if closed.any():
            lid = np.clip((y - self._upper) / np.maximum(up - self._upper, 1), 0, 1)
            edge = np.clip(up + 1 - y, 0, 1) * self._lid_depth
            darken(paper, lid * lid * edge * (closed * np.float32(0.13)))
        self._lay_ball(up, low, gazes, closed)
        if all(g.closed == g.squint == g.wide == 0 for g in gazes):
            lay(paper, self._rest, self._rest_keep)
            return
        blend(paper, self._shifted(self._low, low - self._lower))
        crease = self._shifted(self._crease, (up - self._upper) * np.float32(0.40))
        self._blend(crease, 1 - self._fade * closed)
        turned = self._spread([ease((g.closed - 0.45) / 0.3) for g in gazes])
        if turned.min() < 1:
            self._blend(self._shifted(self._lash, up - self._upper), 1 - turned)
        if turned.max() > 0:
            np.copyto(self._map[..., 1], self._upper - (y - up) * np.float32(1.25))
            self._blend(bend(self._lash, self._map, self._bent, edge=False), turned)

    def _lay_ball(self, up: Floats, low: Floats, gazes: tuple[Gaze, Gaze], closed: Floats) -> None:
        """Sclera and iris between the lids, in the shadow of the upper one."""
        below = self._y - up
        seen = np.clip(below + np.float32(0.5), 0, 1)
        seen *= np.clip((low + np.float32(0.5)) - self._y, 0, 1)
        seen *= np.clip((low - up) / np.float32(1.5), 0, 1)
        if not seen.any():
            return
        ball = self._ball
        np.copyto(ball, self._sclera)
        aside, down = (self._spread(v) for v in zip(*((g.x, g.y) for g in gazes), strict=True))
        if aside.any() or down.any():
            np.subtract(self._x, aside, out=self._map[..., 0])
            blend(ball, self._shifted(self._iris, down))
            self._map[..., 0] = self._x
        else:
            lay(ball, self._iris, self._iris_keep)
        below *= -1 / (self._wide * np.float32(0.17))
        below += 1
        depth = np.clip(below, 0, 1, out=below)
        depth *= depth
        depth *= self._shade + closed * np.float32(0.10)
        replace(self._paper, ball, seen, depth)

    def _shifted(self, layer: Bytes, down: Floats) -> Bytes:
        """The layer moved down column by column; lasts until the next one."""
        np.subtract(self._y, down, out=self._map[..., 1])
        return bend(layer, self._map, self._bent, edge=False)

    def _blend(self, layer: Bytes, strength: Floats) -> None:
        first, last = float(strength[0, 0]), float(strength[0, -1])
        if first == last:
            blend(self._paper, layer, first)
        else:
            share = np.ascontiguousarray(np.broadcast_to(strength, layer.shape[:2]))
            blend(self._paper, masked(layer, share))

    def _spread(self, values: Sequence[float]) -> Floats:
        """(1, w): the value of its eye in every column; (1, 1) where both have the same."""
        if values[0] == values[1]:
            return np.array(((values[0],),), np.float32)
        out = np.empty((1, self._columns[1].stop), np.float32)
        for columns, value in zip(self._columns, values, strict=True):
            out[:, columns] = value
        return out

    def _beside(self, layers: Sequence[Bytes]) -> Bytes:
        height = len(self._y)
        return np.hstack([np.pad(v, ((0, height - len(v)), (0, 0), (0, 0))) for v in layers])


def _shades(eye: EyeLayers) -> tuple[float, float]:
    return eye.shade, eye.fade


def _layers(eye: EyeLayers) -> tuple[Bytes, ...]:
    return eye.sclera, eye.iris, eye.low, eye.crease, eye.lash


def _curves(eye: EyeLayers) -> tuple[Floats, Floats, Floats]:
    """Both lids at rest and where the upper one can be raised, a value a column of the box."""
    x0, y0, x1, _ = eye.box
    columns = np.arange(x0, x1, dtype=np.float32)
    upper = np.interp(columns, eye.upper[:, 0], eye.upper[:, 1]) - y0
    lower = np.interp(columns, eye.lower[:, 0], eye.lower[:, 1]) - y0
    ends = np.minimum(columns - eye.upper[0, 0], eye.upper[-1, 0] - columns)
    bell = smoothstep(ends / np.float32((eye.upper[-1, 0] - eye.upper[0, 0]) * 0.3))
    return upper.astype(np.float32), lower.astype(np.float32), bell.astype(np.float32)
