"""Pixel work shared by every part of the face: layers over layers, and pictures bent by maps.

Pictures are (h, w, 4) BGRA uint8 with premultiplied alpha. Four channels because OpenCV bends four
faster than three, and whole-picture calls because a numpy broadcast over a last axis of three costs
more than everything else in a frame.
"""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]

_CONSTANT: Final = cv2.BORDER_CONSTANT
_REPLICATE: Final = cv2.BORDER_REPLICATE


def smoothstep(x: Floats) -> Floats:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def ease(x: float) -> float:
    """smoothstep of one number."""
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)


def grid(box: Box, rows: int, columns: int) -> tuple[Floats, Floats]:
    """Pixel coordinates (x, y), each (rows, columns), of grid cell centres over a box; the same
    half-pixel convention as cv2.resize, so that an enlarged grid is an absolute map."""
    x0, y0, x1, y1 = box
    x = x0 + (np.arange(columns, dtype=np.float32) + 0.5) * ((x1 - x0) / columns) - 0.5
    y = y0 + (np.arange(rows, dtype=np.float32) + 0.5) * ((y1 - y0) / rows) - 0.5
    gx, gy = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return gx, gy


def bend(picture: Bytes, source: Floats, out: Bytes | None = None, *, edge: bool = True) -> Bytes:
    """picture sampled at source (h, w, 2); beyond the border its edge, or nothing."""
    bent: Bytes = _remap(picture, source, out, _REPLICATE if edge else _CONSTANT)
    return bent


def _remap(
    values: NDArray[Any], source: Floats, out: NDArray[Any] | None, border: int
) -> NDArray[Any]:
    """cv2.remap with one map; its stub knows only two, an empty array is not the same as None."""
    bent: NDArray[Any] = cv2.remap(  # type: ignore[call-overload]
        values, source, None, cv2.INTER_LINEAR, dst=out, borderMode=border
    )
    return bent


def blend(paper: Bytes, layer: Bytes, strength: float = 1.0) -> None:
    """Lay a premultiplied layer over a picture, in place."""
    if strength < 1.0:
        layer = cv2.convertScaleAbs(layer, alpha=max(0.0, strength))  # type: ignore[assignment]  # uint8 stays uint8
    lay(paper, layer, kept(layer))


def kept(layer: Bytes) -> Bytes:
    """What a layer leaves of the picture below it: 255 - alpha, (h, w, 4)."""
    keep = cv2.bitwise_not(cv2.extractChannel(layer, 3))
    return cv2.merge([keep] * 4)  # type: ignore[return-value]  # uint8 stays uint8


def lay(paper: Bytes, layer: Bytes, keep: Bytes) -> None:
    """blend for a layer that stays as it is; keep: `kept` of it."""
    cv2.multiply(paper, keep, dst=paper, scale=1 / 255)
    cv2.add(paper, layer, dst=paper)


def masked(layer: Bytes, share: Floats) -> Bytes:
    """A premultiplied layer times a mask (h, w) of 0..1."""
    mask = cv2.convertScaleAbs(share, alpha=255)
    return cv2.multiply(layer, cv2.merge([mask] * 4), scale=1 / 255)  # type: ignore[return-value]  # uint8 stays uint8


def darken(paper: Bytes, shade: Floats) -> None:
    """Take a share (h, w) of 0..1 of the light away, in place; alpha suffers with it."""
    keep = cv2.convertScaleAbs(shade, alpha=-255, beta=255)
    cv2.multiply(paper, cv2.merge([keep] * 4), dst=paper, scale=1 / 255)


def replace(paper: Bytes, picture: Bytes, share: Floats, shade: Floats) -> None:
    """Put an opaque picture, whose light suffers by shade, in the place of a share of the paper.

    share, shade: (h, w) of 0..1. paper and picture change in place, the picture is used up.
    """
    mask = cv2.convertScaleAbs(share, alpha=255)
    light = cv2.convertScaleAbs((1 - shade) * share, alpha=255)
    cv2.multiply(picture, cv2.merge([light] * 4), dst=picture, scale=1 / 255)
    keep = cv2.merge([cv2.bitwise_not(mask)] * 4)
    cv2.multiply(paper, keep, dst=paper, scale=1 / 255)
    cv2.add(paper, picture, dst=paper)


class Planes:
    """Turns pictures of one size into YUV, BT.601 limited; what it returns lasts until the next.
    Chroma is averaged, where OpenCV's own I420 conversion picks one pixel of four."""

    def __init__(self, size: tuple[int, int]) -> None:
        """size: width and height, both even."""
        width, height = size
        self._height, self._half_size = height, (width // 2, height // 2)
        self._i420 = np.empty((height * 3 // 2, width), np.uint8)
        self._half = np.empty((height // 2, width // 2, 4), np.uint8)
        self._chroma = np.empty((height // 2, width // 2, 3), np.uint8)

    def __call__(self, bgra: Bytes) -> tuple[Bytes, Bytes]:
        """(h, w) luma and (h/2, w/2, 3) unused, V, U of a BGRA picture."""
        cv2.cvtColor(bgra, cv2.COLOR_BGRA2YUV_I420, dst=self._i420)
        cv2.resize(bgra, self._half_size, dst=self._half, interpolation=cv2.INTER_AREA)
        chroma = self._chroma
        cv2.cvtColor(self._half, cv2.COLOR_BGR2YCrCb, dst=chroma)
        cv2.convertScaleAbs(chroma, dst=chroma, alpha=224 / 255, beta=128 * (1 - 224 / 255))
        return self._i420[: self._height], chroma


def to_planes(bgra: Bytes) -> tuple[Bytes, Bytes]:
    """As Planes of one picture; height and width are even."""
    return Planes((bgra.shape[1], bgra.shape[0]))(bgra)


class Enlarger:
    """Makes a map of every pixel from a coarse absolute one. cv2.resize holds the outermost half
    cell still, which would smear the border of the box; what it loses there is added again."""

    def __init__(self, home: Floats, size: tuple[int, int], origin: tuple[float, float]) -> None:
        """home: (rows, columns, 2), the coarse map that moves nothing. size: width, height of the
        fine one. origin: what its first pixel maps to at home."""
        width, height = size
        self._size = size
        x = origin[0] + np.arange(width, dtype=np.float32)
        y = origin[1] + np.arange(height, dtype=np.float32)
        lost = np.dstack(np.meshgrid(x, y)) - cv2.resize(home, size)
        rows, columns = home.shape[:2]
        down, across = int(height / rows / 2) + 2, int(width / columns / 2) + 2
        every, inner = slice(None), slice(down, height - down)
        strips = (
            (slice(0, down), every),
            (slice(height - down, None), every),
            (inner, slice(0, across)),
            (inner, slice(width - across, None)),
        )
        self._strips = [(strip, np.ascontiguousarray(lost[strip])) for strip in strips]

    def __call__(self, coarse: Floats, out: Floats) -> None:
        """coarse: (rows, columns, 2) absolute. out: (height, width, 2)."""
        cv2.resize(coarse, self._size, dst=out)
        for strip, lost in self._strips:
            out[strip] += lost


class Inverse:
    """Inverts displacement fields by a damped fixed point on a coarse grid."""

    def __init__(self, rows: int, columns: int, cell: tuple[float, float]) -> None:
        """cell: width and height of a grid cell in the unit of the displacement."""
        self._home = np.dstack(grid((0, 0, columns, rows), rows, columns))
        self._cell = np.empty_like(self._home)
        self._cell[:] = cell
        self._per_cell = 1 / self._cell
        self._d = np.empty_like(self._home)
        self._at = np.empty_like(self._home)
        self._seen = np.empty_like(self._home)
        self._u = np.empty_like(self._home)

    def __call__(self, d: Floats, *, steps: int, damping: float = 1.0) -> Floats:
        """u with source = target - u, for a forward d (rows, columns, 2). Owned by self."""
        cv2.multiply(d, self._per_cell, dst=self._d)
        u = self._u
        np.copyto(u, self._d)
        for _ in range(steps):
            cv2.subtract(self._home, u, dst=self._at)
            _remap(self._d, self._at, self._seen, _REPLICATE)
            cv2.addWeighted(self._seen, damping, u, 1 - damping, 0, dst=u)
        cv2.multiply(u, self._cell, dst=u)
        return u
