"""Brows: a layer of hair over clean skin, bent by a small field that is anchored on the lids.

Skin never stretches with a brow; folds come from the marks of an expression. Draws nothing else.
"""

from typing import Final

import numpy as np

from avatar.params import INDEX
from avatar.portrait.pack import BROW_GRID
from avatar.portrait.paint import Box, Bytes, Enlarger, Floats, Inverse, bend, grid, kept, lay

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
        self._aside, self._down = _pulls()
        self._d = np.empty((20, 2), np.float32)
        self._bent = layer.copy()
        self._layer_keep = self._keep = kept(layer)
        self._key = b""

    def paint(self, paper: Bytes, weights: Floats) -> None:
        """paper: (h, w, 4) of the brow box, changed in place. weights: (53,)."""
        moved = weights[CHANNELS]
        if not moved.any():
            lay(paper, self._layer, self._layer_keep)
            return
        key = moved.tobytes()
        if key != self._key:
            # eyes move far more often than brows do
            self._key = key
            self._bend(moved)
            self._keep = kept(self._bent)
        lay(paper, self._bent, self._keep)

    def _bend(self, moved: Floats) -> None:
        rows, columns = BROW_GRID
        self._d[:, 0] = self._aside @ moved
        self._d[:, 1] = np.clip(self._down @ moved, -_LIMIT, _LIMIT)
        self._d *= self._eye_distance
        d = (self._field @ self._d).reshape(rows, columns, 2)
        self._enlarge(self._home - self._inverse(d, steps=4), self._map)
        bend(self._layer, self._map, self._bent, edge=False)


def _pulls() -> tuple[Floats, Floats]:
    """What each of CHANNELS does to the twenty points, in eye distances: to the right and down,
    each (20, 5)."""
    t = np.tile(np.linspace(0, 1, 5), 2)
    aside, down = np.zeros((2, 20, len(CHANNELS)), np.float32)
    for side, toward in ((0, 1), (1, -1)):
        points = slice(10 * side, 10 * side + 10)
        down[points, 0] = -0.11 * t**1.3
        down[points, 1 + side] = -0.11 * (1 - t * 0.5)
        down[points, 3 + side] = 0.085 * (0.30 + 0.70 * t)
        aside[points, 3 + side] = 0.03 * toward * t
    return aside, down
