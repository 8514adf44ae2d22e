"""Brows: a layer of hair over clean skin, bent by a small field that is anchored on the lids.

Skin never stretches with a brow; folds come from the marks of an expression. Draws nothing else.
"""

from typing import Final

import numpy as np

from avatar.params import INDEX
from avatar.portrait.pack import BROW_GRID
from avatar.portrait.paint import Box, Bytes, Enlarger, Floats, Inverse, bend, blend, grid

CHANNELS: Final = np.array(
    [
        INDEX[name]
        for name in (
            "browInnerUp",
            "browOuterUpRight",
            "browOuterUpLeft",
            "browDownRight",
            "browDownLeft",
        )
    ]
)
_LIMIT: Final = 0.085  # of the eye distance; above it the forehead folds


class BrowPainter:
    """Draws both brows into a picture of their box."""

    def __init__(self, box: Box, layer: Bytes, field: Floats, eye_distance: float) -> None:
        """layer: (h, w, 4) premultiplied. field: (cells, 20) from ten points a brow, the subject's
        right one first, each outer to inner along the upper, then the lower edge."""
        self._layer = layer
        self._field = field
        self._eye_distance = np.float32(eye_distance)
        rows, columns = BROW_GRID
        x0, y0, x1, y1 = box
        self._size = x1 - x0, y1 - y0
        self._inverse = Inverse(rows, columns, (self._size[0] / columns, self._size[1] / rows))
        self._home = np.dstack(grid((0, 0, *self._size), rows, columns))
        self._enlarge = Enlarger(self._home, self._size, (0, 0))
        self._map = np.empty((self._size[1], self._size[0], 2), np.float32)
        self._inward = np.tile(np.linspace(0, 1, 5, dtype=np.float32), 2)
        self._d = np.empty((20, 2), np.float32)

    def paint(self, paper: Bytes, weights: Floats) -> None:
        """paper: (h, w, 4) of the brow box, changed in place. weights: (53,)."""
        inner, right, left, down_right, down_left = (float(v) for v in weights[CHANNELS])
        if not (inner or right or left or down_right or down_left):
            blend(paper, self._layer)
            return
        rows, columns = BROW_GRID
        t = self._inward
        for start, outer, down, toward in ((0, right, down_right, 1), (10, left, down_left, -1)):
            up = inner * t**1.3 * 0.11 + outer * (1 - t * 0.5) * 0.11
            up -= down * (0.30 + 0.70 * t) * 0.085
            self._d[start : start + 10, 0] = toward * down * t * 0.03
            self._d[start : start + 10, 1] = np.clip(-up, -_LIMIT, _LIMIT)
        self._d *= self._eye_distance
        d = (self._field @ self._d).reshape(rows, columns, 2)
        self._enlarge(self._home - self._inverse(d, steps=4), self._map)
        blend(paper, bend(self._layer, self._map, edge=False))
