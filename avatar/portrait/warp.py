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

LIP_GRID: Final = (40, 40)
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
        middle = (lips.upper + lips.lower) * np.float32(0.5) - self._origin
        upper, lower = self._fields(lips, middle)
        self._enlarge(upper, self._map)
        self._enlarge(lower, self._lower_map)
        line = np.interp(self._columns, middle[0], middle[1]).astype(np.float32)
        height = self._size[1]
        first = min(height, max(0, int(line.min())))
        last = min(height, max(0, int(line.max()) + 2))
        if first < last:
            below = (self._rows[first:last] > line).view(np.uint8)
            cv2.copyTo(self._lower_map[first:last], below, self._map[first:last])
        # a bend on each side: cheaper than copying what is left of one map into the other
        for maps, rows in ((self._map, slice(0, last)), (self._lower_map, slice(last, height))):
            if rows.start < rows.stop:
                bend(source, maps[rows], out[rows])

    def _fields(self, lips: Lips, middle: Floats) -> tuple[Floats, Floats]:
        """Absolute coarse maps of the upper and the lower field, equal beyond the corners.

        middle: (2, 11), the line between the lips in the box.
        """
        rows, columns = LIP_GRID
        # a transposed view would make the products twice as slow
        moved = np.ascontiguousarray(lips.moved.T)
        half = rows * columns
        np.matmul(self._matrices[0], moved[UPPER_FIELD], out=self._d[:half])
        np.matmul(self._matrices[1], moved[LOWER_FIELD], out=self._d[half:])
        u = self._inverse(self._d.reshape(2 * rows, columns, 2), steps=_STEPS, damping=_DAMPING)
        cv2.multiply(u, self._fade, dst=u)
        self._join(u[:rows], u[rows:], middle)
        source = self._source
        cv2.subtract(self._base, u, dst=source)
        return source[:rows], source[rows:]

    def _join(self, upper: Floats, lower: Floats, middle: Floats) -> None:
        """Fade the fields into each other beyond the corners, in place."""
        x = self._gx[0]
        outside = np.maximum(middle[0, 0] - x, x - middle[0, -1])
        line = np.interp(x, middle[0], middle[1]).astype(np.float32)
        slope = 1 / (np.maximum(outside, 0) * np.float32(2.4) + np.float32(1e-3))
        share = self._gy - line
        share *= slope
        share += np.float32(0.5)
        np.clip(share, 0, 1, out=share)
        # both axes side by side: a broadcast over a last axis of two is slow
        share = np.repeat(share, 2, axis=1).reshape(upper.shape)
        left, right = (int(n) for n in np.searchsorted(x, (middle[0, 0], middle[0, -1])))
        for part in (slice(0, left), slice(right, None)):
            above, below = upper[:, part], lower[:, part]
            above += (below - above) * share[:, part]
            np.copyto(below, above)


def _border_fade(rows: int, columns: int) -> Floats:
    """(2 * rows, columns, 2): 1 inside, 0 at the border, so that the box has no seam."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    edge = np.minimum.reduce([x, columns - 1 - x, y * 1.5, rows - 1 - y])
    fade = smoothstep(edge / np.float32(5))
    return np.tile(np.dstack((fade, fade)), (2, 1, 1))
