"""Eyes in layers: lid skin below, then ball and iris between two lid curves, then the lash lines.

Lids are curves, so gaze never stretches skin and a blink never squashes the iris. Every layer is
shifted column by column. The surprise: past half of a blink the lash band is mirrored, because the
lashes of a closed eye point down.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.portrait.paint import Box, Bytes, Floats, bend, blend, darken, ease, masked, smoothstep


@dataclass(frozen=True, slots=True)
class EyeLayers:
    """One eye at one scale; layers are premultiplied BGRA.

    side: "Left" or "Right", the subject's own. box: pixels of the canvas. upper, lower: (41, 2)
    lid curves at rest, canvas pixels, picture left to right.
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


@dataclass(frozen=True, slots=True)
class Gaze:
    """How one eye stands: all 0 at rest. blink, squint, wide 0..1; x, y in pixels of the iris."""

    blink: float
    squint: float
    wide: float
    x: float
    y: float


class EyePainter:
    """Draws one eye into a picture of its box."""

    def __init__(self, layers: EyeLayers) -> None:
        self._layers = layers
        x0, y0, x1, y1 = layers.box
        self.width = float(layers.upper[-1, 0] - layers.upper[0, 0])
        columns = np.arange(x0, x1, dtype=np.float32)
        upper = np.interp(columns, layers.upper[:, 0], layers.upper[:, 1])
        lower = np.interp(columns, layers.lower[:, 0], layers.lower[:, 1])
        self._upper = (upper - y0).astype(np.float32)[None]
        self._lower = (lower - y0).astype(np.float32)[None]
        self._open = self._lower - self._upper
        ends = np.minimum(columns - layers.upper[0, 0], layers.upper[-1, 0] - columns)
        self._bell = smoothstep(ends.astype(np.float32) / np.float32(self.width * 0.3))[None]
        self._y = np.arange(y1 - y0, dtype=np.float32)[:, None]
        self._map = np.empty((y1 - y0, x1 - x0, 2), np.float32)
        self._map[..., 0] = np.arange(x1 - x0, dtype=np.float32)
        self._lid_depth = np.clip(self._open / (self.width * 0.10), 0, 1)
        self._rest = layers.low.copy()
        for layer in (layers.crease, layers.lash):
            blend(self._rest, layer)

    def lids(self, gaze: Gaze) -> tuple[Floats, Floats]:
        """Heights of the upper and the lower lid edge in the box, one a column, each (1, w)."""
        closed = min(1.0, gaze.blink)
        low = self._lower - self._open * np.float32(closed * 0.12 + gaze.squint * 0.26)
        up = self._upper + self._open * np.float32(0.86 * closed + 0.05 * gaze.squint)
        up -= np.float32(gaze.wide * self.width * 0.055 * (1 - closed)) * self._bell
        return np.minimum(up, low), low

    def paint(self, paper: Bytes, gaze: Gaze) -> None:
        """paper: (h, w, 4) lid skin in the eye's box, changed in place."""
        eye, y = self._layers, self._y
        closed = min(1.0, gaze.blink)
        up, low = self.lids(gaze)
        if closed > 0:
            lid = np.clip((y - self._upper) / np.maximum(up - self._upper, 1), 0, 1)
            edge = np.clip(up + 1 - y, 0, 1) * self._lid_depth
            darken(paper, lid * lid * edge * np.float32(0.13 * closed))
        self._ball(paper, up, low, gaze)
        if not (closed or gaze.squint or gaze.wide):
            blend(paper, self._rest)
            return
        blend(paper, self._shifted(eye.low, low - self._lower))
        crease = self._shifted(eye.crease, (up - self._upper) * np.float32(0.40))
        blend(paper, crease, 1 - 0.45 * closed)
        turned = ease((closed - 0.45) / 0.3)
        if turned < 1:
            blend(paper, self._shifted(eye.lash, up - self._upper), 1 - turned)
        if turned > 0:
            np.copyto(self._map[..., 1], self._upper - (y - up) * np.float32(1.25))
            blend(paper, bend(eye.lash, self._map, edge=False), turned)

    def _ball(self, paper: Bytes, up: Floats, low: Floats, gaze: Gaze) -> None:
        """Sclera and iris between the lids, in the shadow of the upper one."""
        y = self._y
        seen = np.clip(y - up + np.float32(0.5), 0, 1) * np.clip(low - y + np.float32(0.5), 0, 1)
        seen *= np.clip((low - up) / np.float32(1.5), 0, 1)
        if not seen.any():
            return
        ball, iris = self._layers.sclera.copy(), self._layers.iris
        if gaze.x or gaze.y:
            move = np.array([[1, 0, gaze.x], [0, 1, gaze.y]], np.float32)
            iris = _shift(iris, move)
        blend(ball, iris)
        depth = np.clip(1 - (y - up) / np.float32(self.width * 0.17), 0, 1)
        darken(ball, depth * depth * np.float32(0.46 + 0.10 * min(1.0, gaze.blink)))
        ball[..., 3] = 255
        blend(paper, masked(ball, seen))

    def _shifted(self, layer: Bytes, down: Floats) -> Bytes:
        np.subtract(self._y, down, out=self._map[..., 1])
        return bend(layer, self._map, edge=False)


def _shift(layer: Bytes, move: Floats) -> Bytes:
    size = layer.shape[1], layer.shape[0]
    return cv2.warpAffine(layer, move, size, flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
