"""Bends the picture of the lower face with two displacement fields, one a lip.

The fields are forward ("this control went there"), a remap wants backward ("what comes here"), so
they are inverted on a coarse grid by a damped fixed point. The two are never mixed inside the
mouth: a mixture samples what lies between the lips. Beyond the corners they fade into each other.
"""

from typing import Final

import cv2
import numpy as np

from avatar.portrait.paint import Box, Bytes, Enlarger, Floats, Inverse, bend, grid, smoothstep
from avatar.portrait.rig import LOWER_FIELD, UPPER_FIELD, Lips

LIP_GRID: Final = (56, 56)
"""Rows and columns of the lip fields over the lip box of a pack."""

_STEPS: Final = 6
_DAMPING: Final = 0.68


class LipWarp:
    """The warp of one pack at one scale; `apply` bends a picture of the lip box."""

    def __init__(self, box: Box, upper: Floats, lower: Floats) -> None:
        """box: lip box in pixels. upper, lower: (cells, controls) interpolation matrices."""
        rows, columns = LIP_GRID
        x0, y0, x1, y1 = box
        self._size = (x1 - x0, y1 - y0)
        self._origin = np.array([x0, y0], np.float32)[:, None]
        self._matrices = upper, lower
        cell = ((x1 - x0) / columns, (y1 - y0) / rows)
        self._inverse = Inverse(2 * rows, columns, cell)
        self._d = np.empty((2 * rows * columns, 2), np.float32)
        gx, gy = grid((0, 0, x1 - x0, y1 - y0), rows, columns)
        self._gx, self._gy = gx, gy
        self._base = np.tile(np.dstack((gx, gy)), (2, 1, 1))
        self._source = np.empty_like(self._base)
        self._enlarge = Enlarger(self._base[:rows], self._size, (0, 0))
        self._fade = _border_fade(rows, columns)
        self._map = np.empty((y1 - y0, x1 - x0, 2), np.float32)
        self._lower_map = np.empty_like(self._map)
        self._columns = np.arange(x1 - x0, dtype=np.float32)
        self._rows = np.arange(y1 - y0, dtype=np.float32)[:, None]

    def apply(self, source: Bytes, lips: Lips, out: Bytes) -> None:
        """source, out: (h, w, 4) pictures of the lip box."""
        upper, lower = self._fields(lips)
        height = self._size[1]
        self._enlarge(upper, self._map)
        self._enlarge(lower, self._lower_map)
        middle = (lips.upper + lips.lower) / 2 - self._origin
        line = np.interp(self._columns, middle[0], middle[1]).astype(np.float32)
        first = max(0, int(line.min()))
        last = min(height, int(line.max()) + 2)
        self._map[last:] = self._lower_map[last:]
        below = (self._rows[first:last] > line).view(np.uint8)
        cv2.copyTo(self._lower_map[first:last], below, self._map[first:last])
        bend(source, self._map, out)

    def _fields(self, lips: Lips) -> tuple[Floats, Floats]:
        """Absolute coarse maps of the upper and the lower field, equal beyond the corners."""
        rows, columns = LIP_GRID
        # a transposed view would make the products twice as slow
        moved = np.ascontiguousarray(lips.moved.T)
        half = rows * columns
        np.matmul(self._matrices[0], moved[UPPER_FIELD], out=self._d[:half])
        np.matmul(self._matrices[1], moved[LOWER_FIELD], out=self._d[half:])
        u = self._inverse(self._d.reshape(2 * rows, columns, 2), steps=_STEPS, damping=_DAMPING)
        cv2.multiply(u, self._fade, dst=u)
        upper, lower = u[:rows], u[rows:]
        middle = (lips.upper + lips.lower) / 2 - self._origin
        x = self._gx[0]
        line = np.interp(x, middle[0], middle[1]).astype(np.float32)
        outside = np.maximum(np.maximum(middle[0, 0] - x, x - middle[0, -1]), 0)
        share = (self._gy - line) * (1 / (outside * np.float32(2.4) + np.float32(1e-3)))
        share = np.clip(share + np.float32(0.5), 0, 1)
        between = outside == 0
        share[:, between] = 0
        differ = cv2.subtract(lower, upper)
        to_lower = cv2.multiply(differ, cv2.merge((share, share)))
        share[:, between] = 1
        to_upper = cv2.subtract(differ, cv2.multiply(differ, cv2.merge((share, share))))
        cv2.add(upper, to_lower, dst=upper)
        cv2.subtract(lower, to_upper, dst=lower)
        source = self._source
        cv2.subtract(self._base, u, dst=source)
        return source[:rows], source[rows:]


def _border_fade(rows: int, columns: int) -> Floats:
    """(2 * rows, columns, 2): 1 inside, 0 at the border, so that the box has no seam."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    edge = np.minimum.reduce([x, columns - 1 - x, y * 1.5, rows - 1 - y])
    fade = smoothstep(edge / np.float32(5))
    return np.tile(np.dstack((fade, fade)), (2, 1, 1))
