"""Puts a generated face into its frame: the mask, made once a frame, and the mix, made each time.

The mask is cut from a map of face classes, grown over the jaw and not over the cheeks, and kept
only in the lower half of a square around the face. Only the square's part in the frame is touched.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.portrait.paint import Box

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Mode = Literal["raw", "jaw", "neck"]

SKIN: Final = 1
NOSE: Final = 10
LIPS: Final = (11, 12, 13)
NECK: Final = 14
MAP: Final = 512
LIVE_BLUR: Final = 0.1
CLIP_BLUR: Final = 0.05
_CHEEK: Final = 90
_EXPAND: Final = 1.5


def square_around(found: Box) -> Box:
    """The square that the mask is drawn in; it may leave the picture."""
    left, top, right, low = found
    cx, cy = (left + right) // 2, (top + low) // 2
    half = int(max(right - left, low - top) // 2 * _EXPAND)
    return cx - half, cy - half, cx + half, cy + half


def face_mask(labels: U8, mode: Mode = "jaw") -> U8:
    """255 where the generated face may be, from face classes: (512, 512)."""
    if mode != "jaw":
        kept = (SKIN, *LIPS, NECK) if mode == "neck" else (SKIN, *LIPS)
        return np.where(np.isin(labels, kept), 255, 0).astype(np.uint8)
    skin = np.where(labels == SKIN, 255, 0).astype(np.uint8)
    grown = cv2.dilate(skin, _jaw_kernel())
    thin = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (35, 3))
    shrunk = cv2.erode(grown, thin, iterations=2)
    middle = MAP // 2
    cheeks = np.ones(MAP, bool)
    cheeks[middle - _CHEEK + 1 : middle + _CHEEK] = False
    region = np.where(cheeks[None], shrunk, grown)
    inside = (region == 255) & (labels != NOSE) | np.isin(labels, LIPS)
    return np.where(inside, 255, 0).astype(np.uint8)


def _jaw_kernel() -> U8:
    """Skin spreads 16 px upwards, 6 px downwards and 10 px sideways."""
    kernel = np.zeros((33, 33), np.uint8)
    for row in range(10, 33):
        reach = min(row - 10, 10)
        kernel[row, 16 - reach : 16 + reach + 1] = 1
    return kernel


def alpha(mask: U8, found: Box, blur: float = LIVE_BLUR) -> U8:
    """The mask of the whole square, feathered: only inside of the box and in the lower half."""
    left, top, right, low = found
    x0, y0, x1, _ = square_around(found)
    side = x1 - x0
    whole = resized(mask, side)
    inside = np.zeros_like(whole)
    box = np.s_[max(0, top - y0) : low - y0, max(0, left - x0) : right - x0]
    inside[box] = whole[box]
    inside[: int(side * 0.5)] = 0
    size = int(blur * side // 2 * 2) + 1
    return np.asarray(cv2.GaussianBlur(inside, (size, size), 0), np.uint8)


def resized(mask: U8, side: int) -> U8:
    """A square mask at another size: bicubic, over as many pixels as become one."""
    weights = _cubic(mask.shape[0], side)
    across = _level(mask.astype(np.float64) @ weights.T)
    return _level(weights @ across.astype(np.float64))


def _cubic(size: int, wanted: int) -> NDArray[np.float64]:
    """How much of each old pixel is in each new one: (wanted, size)."""
    ratio = size / wanted
    reach = max(ratio, 1.0)
    centre = (np.arange(wanted) + 0.5) * ratio
    off = np.abs((np.arange(size)[None] + 0.5 - centre[:, None]) / reach)
    near = (1.5 * off - 2.5) * off * off + 1
    far = ((-0.5 * off + 2.5) * off - 4) * off + 2
    weights = np.where(off < 1, near, np.where(off < 2, far, 0.0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)


def _level(values: NDArray[np.float64]) -> U8:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Seat:
    """Where the generated face goes in one frame, and its mask there."""

    box: Box
    alpha: U8  # of the square's part that lies in the frame
    room: tuple[slice, slice]
    offset: tuple[int, int]  # of the box in the room, x and y

    @property
    def size(self) -> tuple[int, int]:
        left, top, right, low = self.box
        return right - left, low - top


def seat(mask: U8, found: Box, width: int, height: int, blur: float = LIVE_BLUR) -> Seat:
    """Everything about a frame's mask that can be known before its face is generated."""
    x0, y0, x1, y1 = square_around(found)
    whole = alpha(mask, found, blur)
    rows, columns = slice(max(0, y0), min(height, y1)), slice(max(0, x0), min(width, x1))
    part = whole[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0]
    offset = (found[0] - columns.start, found[1] - rows.start)
    return Seat(found, np.ascontiguousarray(part), (rows, columns), offset)


def put(face: U8, frame: U8, place: Seat) -> U8:
    """Mix a generated face (any size) into a frame, in place; returns the frame."""
    sized = cv2.resize(face, place.size, interpolation=cv2.INTER_LINEAR)
    room = frame[place.room]
    top = room.copy()
    x, y = place.offset
    height = min(sized.shape[0], room.shape[0] - y)
    width = min(sized.shape[1], room.shape[1] - x)
    top[y : y + height, x : x + width] = sized[:height, :width]
    mix(top, room, place.alpha)
    return frame


def mix(top: U8, room: U8, alpha: U8) -> None:
    """A part of a frame becomes what lies on it, as far as the mask says; in place."""
    share = alpha.astype(np.uint16)[:, :, None]
    mixed = share * top + (255 - share) * room + 128
    room[...] = ((mixed >> 8) + mixed) >> 8


def drawn_labels(skin: F32, nose: F32, lips: F32, square: Box, side: int = MAP) -> U8:
    """The classes of a face parser in a square of a picture, drawn from landmarks.

    skin, nose: points around each, (N, 2). lips: their outer contour, in order. What a mask of the
    mouth needs: (side, side).
    """
    x0, y0, x1, y1 = square
    scale = np.array([side / (x1 - x0), side / (y1 - y0)], np.float32)
    out = np.zeros((side, side), np.uint8)
    hulls = (cv2.convexHull(np.asarray(points, np.float32))[:, 0] for points in (skin, nose))
    for points, value in zip((*hulls, lips), (SKIN, NOSE, LIPS[0]), strict=True):
        placed = np.round((points - np.array([x0, y0], np.float32)) * scale).astype(np.int32)
        cv2.fillPoly(out, [placed], value)
    return out
