"""Bends the picture of the lower face with two displacement fields, one a lip.

The fields are forward ("this control went there"), a remap wants backward ("what comes here"), so
they are inverted on a coarse grid by a damped fixed point. The two are never mixed inside the
mouth: a mixture samples what lies between the lips. Beyond the corners they fade into each other.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.portrait.rig import LOWER_FIELD, UPPER_FIELD, Lips

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Box = tuple[int, int, int, int]

LIP_GRID: Final = (56, 56)
"""Rows and columns of the lip fields over the lip box of a pack."""

_STEPS, _DAMPING = 7, np.float32(0.68)


def smoothstep(x: Floats) -> Floats:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def grid(box: Box, rows: int, columns: int) -> tuple[Floats, Floats]:
    """Pixel coordinates (x, y), each (rows, columns), of grid cell centres over a box; the same
    half-pixel convention as cv2.resize, so that an enlarged grid is an absolute map."""
    x0, y0, x1, y1 = box
    x = x0 + (np.arange(columns, dtype=np.float32) + 0.5) * ((x1 - x0) / columns) - 0.5
    y = y0 + (np.arange(rows, dtype=np.float32) + 0.5) * ((y1 - y0) / rows) - 0.5
    gx, gy = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return gx, gy


class Inverse:
    """Inverts displacement fields that are stacked one above the other on one grid."""

    def __init__(self, rows: int, columns: int, cell: tuple[float, float]) -> None:
        """cell: width and height of a grid cell in the unit of the displacement."""
        cells = np.dstack(grid((0, 0, columns, rows), rows, columns))
        self._home = np.ascontiguousarray(cells)
        self._scale = np.array([1 / cell[0], 1 / cell[1]], np.float32)
        self._at = np.empty_like(self._home)
        self._seen = np.empty_like(self._home)
        self._out = np.empty_like(self._home)

    def __call__(self, d: Floats, *, steps: int = _STEPS, damping: np.float32 = _DAMPING) -> Floats:
        """u with source = target - u, for a forward d (rows, columns, 2). Owned by self."""
        u = self._out
        np.copyto(u, d)
        for _ in range(steps):
            np.multiply(u, self._scale, out=self._at)
            np.subtract(self._home, self._at, out=self._at)
            cv2.remap(
                d, self._at, None, cv2.INTER_LINEAR, dst=self._seen, borderMode=cv2.BORDER_REPLICATE
            )
            self._seen -= u
            self._seen *= damping
            u += self._seen
        return u


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
        self._base = np.dstack((gx, gy))
        self._fade = _border_fade(rows, columns)
        self._map = np.empty((y1 - y0, x1 - x0, 2), np.float32)
        self._lower_map = np.empty_like(self._map)
        self._columns = np.arange(x1 - x0, dtype=np.float32)
        self._rows = np.arange(y1 - y0, dtype=np.float32)[:, None]

    def apply(self, source: Bytes, lips: Lips, out: Bytes) -> None:
        """source, out: (h, w, 4) pictures of the lip box."""
        upper, lower = self._fields(lips)
        width, height = self._size
        cv2.resize(upper, (width, height), dst=self._map)
        cv2.resize(lower, (width, height), dst=self._lower_map)
        middle = (lips.upper + lips.lower) / 2 - self._origin
        line = np.interp(self._columns, middle[0], middle[1]).astype(np.float32)
        first = max(0, int(line.min()))
        last = min(height, int(line.max()) + 2)
        self._map[last:] = self._lower_map[last:]
        below = (self._rows[first:last] > line).view(np.uint8)
        cv2.copyTo(self._lower_map[first:last], below, self._map[first:last])
        cv2.remap(
            source, self._map, None, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE
        )

    def _fields(self, lips: Lips) -> tuple[Floats, Floats]:
        """Absolute coarse maps of the upper and the lower field, equal beyond the corners."""
        rows, columns = LIP_GRID
        moved = lips.moved.T
        half = rows * columns
        np.matmul(self._matrices[0], moved[UPPER_FIELD], out=self._d[:half])
        np.matmul(self._matrices[1], moved[LOWER_FIELD], out=self._d[half:])
        u = self._inverse(self._d.reshape(2 * rows, columns, 2))
        upper, lower = u[:rows], u[rows:]
        middle = (lips.upper + lips.lower) / 2 - self._origin
        x = self._gx[0]
        line = np.interp(x, middle[0], middle[1]).astype(np.float32)
        outside = np.maximum(np.maximum(middle[0, 0] - x, x - middle[0, -1]), 0)
        share = np.clip((self._gy - line) / (outside * 2.4 + 1e-3) + 0.5, 0, 1)
        mixed = upper + (lower - upper) * share[..., None]
        beyond = (outside > 0)[None, :, None]
        np.copyto(upper, mixed, where=beyond)
        np.copyto(lower, mixed, where=beyond)
        upper *= self._fade
        lower *= self._fade
        return self._base - upper, self._base - lower


def _border_fade(rows: int, columns: int) -> Floats:
    """(rows, columns, 1): 1 inside, 0 at the border, so that the box has no seam."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    edge = np.minimum.reduce([x, columns - 1 - x, y * 1.5, rows - 1 - y])
    return smoothstep(edge / np.float32(5))[..., None]
