"""Where a face is in a picture: the square around it, turned upright, and the way back.

A square is found from two anchors, the middle of the eyes and the middle of the mouth; all points
are then boxed along the line between them. Matrices map (x, y, 1); pictures are RGB uint8.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

SIDE: Final = 512
SOURCE_SCALE: Final = 2.3
SOURCE_UP: Final = -0.125
"""The source's square: this many times the box, moved by this share of it towards the chin."""

_EYES: Final = ((0, 6, 12, 18), (24, 30, 36, 42))
_MOUTH: Final = (48, 66)


@dataclass(frozen=True, slots=True)
class Square:
    """A square around a face. angle: radians, of its sides against the picture's."""

    centre: F32  # (2,)
    side: float
    angle: float


def anchors(points: F32) -> F32:
    """The middles of the eyes and of the mouth in 203 landmarks."""
    eyes = np.stack([points[list(eye)].mean(axis=0) for eye in _EYES]).mean(axis=0)
    mouth = points[list(_MOUTH)].mean(axis=0)
    return np.stack([eyes, mouth])  # (2, 2)


def square(points: F32, pair: F32, *, scale: float, up: float) -> Square:
    """The square around points (N, 2), upright along the pair of anchors (eyes, mouth)."""
    down = pair[1] - pair[0]
    length = float(np.linalg.norm(down))
    down = np.array([0, 1], np.float32) if length <= 1e-3 else down / np.float32(length)
    right = np.array([down[1], -down[0]], np.float32)
    angle = float(np.arccos(right[0]))
    if right[1] < 0:
        angle = -angle
    mean = points.mean(axis=0)
    turned = (points - mean) @ np.stack([right, down]).T
    low, high = turned.min(axis=0), turned.max(axis=0)
    side = float((high - low).max()) * scale
    cx, cy = (low + high) / 2
    centre = mean + right * cx + down * cy + down * np.float32(up * side)
    return Square(np.asarray(centre, np.float32), side, angle)


def to_crop(found: Square, size: int = SIDE, *, turn: bool = True) -> F32:
    """The matrix from the picture into a crop of this size; turn: keep the face upright."""
    s = size / found.side
    angle = found.angle if turn else 0.0
    cos, sin = np.cos(angle) * s, np.sin(angle) * s
    cx, cy = (float(v) for v in found.centre)
    half = size / 2
    return np.array(
        [
            [cos, sin, half - (cos * cx + sin * cy)],
            [-sin, cos, half - (-sin * cx + cos * cy)],
            [0, 0, 1],
        ],
        np.float32,
    )


def inverse(matrix: F32) -> F32:
    """The way back."""
    return np.asarray(np.linalg.inv(matrix), np.float32)


def corners(found: Square) -> F32:
    """The corners of the square as if it were not turned: left top, then clockwise."""
    half = found.side / 2
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    return np.asarray(found.centre + signs * half, np.float32)  # (4, 2)


def moved(points: F32, matrix: F32) -> F32:
    """Points (N, 2) through a matrix."""
    return np.asarray(points @ matrix[:2, :2].T + matrix[:2, 2], np.float32)


def cut(picture: U8, matrix: F32, size: int = SIDE) -> U8:
    """The crop; black where it leaves the picture."""
    out = cv2.warpAffine(picture, matrix[:2], (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(out, np.uint8)


def shrunk(picture: U8, size: int = 256) -> U8:
    """A crop at the size that the networks take."""
    return np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def openness(points: F32) -> tuple[F32, F32]:
    """How open the eyes (left, right) and the lips are, from 203 landmarks: (1, 2) and (1, 1)."""

    def ratio(a: int, b: int, c: int, d: int) -> float:
        across = float(np.linalg.norm(points[c] - points[d]))
        return float(np.linalg.norm(points[a] - points[b])) / (across + 1e-6)

    eyes = np.array([[ratio(6, 18, 0, 12), ratio(30, 42, 24, 36)]], np.float32)
    return eyes, np.array([[ratio(90, 102, 48, 66)]], np.float32)


def border_mask(size: int = SIDE, ramp: int = 16) -> U8:
    """255 inside, falling to 0 over the outermost pixels: (size, size)."""
    edge = np.minimum(np.arange(size), np.arange(size)[::-1])
    inside = np.minimum(edge[:, None], edge[None]) * (256 // ramp)
    return np.asarray(np.clip(inside, 0, 255), np.uint8)


class Paste:
    """Puts a face back into its picture, touching only the rectangle that the mask covers.

    mask: uint8 of the crop's size, one channel or three. back: from the crop to the picture.
    """

    def __init__(self, picture: U8, back: F32, mask: U8) -> None:
        height, width = picture.shape[:2]
        self._picture = picture
        whole = cv2.warpAffine(mask, back[:2], (width, height), flags=cv2.INTER_LINEAR)
        self.mask = np.asarray(whole, np.float32) / np.float32(255)
        """The mask over the whole picture, 0..1."""
        flat = self.mask if self.mask.ndim == 2 else self.mask.max(axis=2)
        ys, xs = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
        if len(ys) == 0:
            raise ValueError("the face's square lies outside of the picture")
        self._rows = slice(int(ys[0]), int(ys[-1]) + 1)
        self._columns = slice(int(xs[0]), int(xs[-1]) + 1)
        part = self.mask[self._rows, self._columns]
        self._share = part if part.ndim == 3 else part[:, :, None]
        self._rest = (1 - self._share) * picture[self._rows, self._columns]
        shift = np.array([[1, 0, -xs[0]], [0, 1, -ys[0]], [0, 0, 1]], np.float64)
        self._back = (shift @ back.astype(np.float64))[:2]

    def __call__(self, face: U8, out: U8 | None = None) -> U8:
        """The picture with the face; `out` takes it if given, and must hold the picture already."""
        if out is None:
            out = self._picture.copy()
        room = out[self._rows, self._columns]
        size = (room.shape[1], room.shape[0])
        warped = cv2.warpAffine(face, self._back, size, flags=cv2.INTER_LINEAR)
        blend = self._share * warped + self._rest
        np.copyto(room, np.clip(blend, 0, 255).astype(np.uint8))
        return out


def to_picture(out: Tensor) -> U8:
    """What the generator made, 0..1, as pictures: (B, 512, 512, 3). Cut off, not rounded."""
    levels = (out.float().clamp(0, 1) * 255).to(torch.uint8)
    return np.asarray(levels.permute(0, 2, 3, 1).contiguous().cpu().numpy(), np.uint8)
