"""Turns the head: one warp of the finished face over the background plate, straight in YUV planes.

The head is a height field: rotated and projected on a coarse grid, inverted, enlarged to a map. It
fades to nothing down the neck; the chest only breathes. Background pixels outside the matte are
copied, never resampled, so they cannot shimmer. The surprise: luma is warped as a picture of half
the size whose four channels are the four pixels of a square, because OpenCV remaps four channels
as fast as one. Inside two pixels a head turns by less than a tenth of one.
"""

import math
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np

from avatar.portrait.paint import Box, Bytes, Enlarger, Floats, Inverse, bend, grid

POSE_GRID: Final = (48, 40)
"""Rows and columns of the depth and weight grids over the pose box of a pack."""

_FOCAL: Final = 4.0  # in canvas heights: a portrait lens, little perspective


@dataclass(frozen=True, slots=True)
class PoseFields:
    """What the warp of one pack needs, at one scale: pixels, all grids POSE_GRID over `box`.

    pivot: x, y, z about which the head turns. eye_distance: the unit of tx, ty and breath.
    depth: smaller is nearer. head: 1 on the head, 0 from the chest on. chest: the reverse.
    """

    box: Box
    size: int
    pivot: tuple[float, float, float]
    eye_distance: float
    depth: Floats
    head: Floats
    chest: Floats


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees, pixels, and a breath of 0..1."""

    yaw: float
    pitch: float
    roll: float
    x: float
    y: float
    breath: float


class PoseWarp:
    """Makes the maps of a pose and lays the warped planes over the plate."""

    def __init__(self, fields: PoseFields) -> None:
        rows, columns = POSE_GRID
        self._f = fields
        x0, y0, x1, y1 = fields.box
        self._width, self._height = x1 - x0, y1 - y0
        cell = self._width / columns, self._height / rows
        self._inverse = Inverse(rows, columns, cell)
        gx, gy = grid(fields.box, rows, columns)
        cx, cy, cz = fields.pivot
        focal = np.float32(_FOCAL * fields.size)
        self._focal = focal
        self._points = np.stack((gx - cx, gy - cy, fields.depth - cz)).astype(np.float32)
        self._points = self._points.reshape(3, -1)
        self._rest = self._points[:2] * (focal / (focal + self._points[2]))
        self._head = fields.head.reshape(-1)
        self._sink = 0.022 * fields.chest.reshape(-1) + 0.008 * self._head
        self._home = np.dstack((gx, gy))
        self._d = np.empty((rows, columns, 2), np.float32)
        self._turned = np.empty_like(self._points)
        self._near = np.empty_like(self._rest[0])
        self._source = np.empty_like(self._d)
        h, w = self._height // 2, self._width // 2
        # a chroma sample sits between the four luma samples of its square
        half = (self._home - np.float32(0.5)) * np.float32(0.5)
        self._enlarge = Enlarger(half, (w, h), (x0 // 2, y0 // 2))
        self._half_map = np.empty((h, w, 2), np.float32)
        self._squares, self._tints = (np.empty((h, w, 4), np.uint8) for _ in range(2))
        # the map of luma is used up before what the matte covers and leaves is needed
        spare = np.empty((2, h, w, 4), np.uint8)
        self._share, self._rest_share = spare
        self._map = spare.reshape(-1).view(np.float32).reshape(h, w, 2)
        self._planes = [np.empty((h, w), np.uint8) for _ in range(4)]
        self._below = np.empty((h, w), np.uint8)

    def aim(self, pose: Pose) -> None:
        """Compute the maps of a pose."""
        turned = np.matmul(_rotation(pose), self._points, out=self._turned)
        flat, z = turned[:2], turned[2]
        z += self._focal
        near = np.divide(self._focal, z, out=self._near)
        flat *= near
        flat -= self._rest
        flat += np.array(((pose.x,), (pose.y,)), np.float32)
        flat *= self._head
        breath = np.float32(pose.breath * self._f.eye_distance)
        flat[1] -= np.multiply(self._sink, breath, out=near)
        cv2.merge(list(flat.reshape(2, *POSE_GRID)), dst=self._d)
        source = self._source
        cv2.subtract(self._home, self._inverse(self._d, steps=3), dst=source)
        source -= np.float32(0.5)
        source *= np.float32(0.5)
        self._enlarge(source, self._half_map)

    def compose(self, face: tuple[Bytes, Bytes], plate: "Backdrop", out: "Window") -> None:
        """Warp luma and chroma with their matte and lay them over the plate.

        face: as Layers.squares and Layers.chroma. plate, out: of the pose box.
        """
        squares, tints, share, rest = self._squares, self._tints, self._share, self._rest_share
        cv2.add(self._half_map, self._half_map, dst=self._map)
        bend(face[0], self._map, squares)
        bend(face[1], self._half_map, tints)
        cv2.split(tints, self._planes)
        behind, v, u, cover = self._planes  # the first holds nothing yet
        cv2.merge((cover, cover, cover, cover), dst=share)
        cv2.bitwise_not(share, dst=rest)
        cv2.multiply(squares, share, dst=squares, scale=1 / 255)
        cv2.multiply(plate.squares, rest, dst=rest, scale=1 / 255)
        cv2.add(squares, rest, dst=squares)
        # OpenCV splits into rows of a larger picture ten times slower than into planes
        pairs = share.view(np.uint16).reshape(2, *cover.shape)
        cv2.split(squares.view(np.uint16), list(pairs))
        for row, pair in zip(out.rows, pairs, strict=True):
            np.copyto(row, pair)
        cv2.bitwise_not(cover, dst=behind)
        for shown, under, to in ((u, plate.u, out.u), (v, plate.v, out.v)):
            cv2.multiply(shown, cover, dst=shown, scale=1 / 255)
            cv2.multiply(under, behind, dst=self._below, scale=1 / 255)
            cv2.add(shown, self._below, dst=to)


class Window:
    """The pose box of an I420 frame, as the compositing writes it: views, nothing is copied."""

    def __init__(self, frame: Bytes, size: tuple[int, int], box: Box) -> None:
        """size: width, height of the frame. box: in the frame, even edges."""
        width, height = size
        area = width * height
        x0, y0, x1, y1 = box
        half = slice(y0 // 2, y1 // 2), slice(x0 // 2, x1 // 2)
        self.u = frame[area : area + area // 4].reshape(height // 2, width // 2)[half]
        self.v = frame[area + area // 4 :].reshape(height // 2, width // 2)[half]
        pairs = frame[:area].view(np.uint16).reshape(height, width // 2)[y0:y1, half[1]]
        self.rows = [pairs[0::2], pairs[1::2]]
        """Even and odd rows of luma, (h/2, w/2) uint16: two pixels in one."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The pose box of what lies behind: squares (h/2, w/2, 4), u and v (h/2, w/2)."""

    squares: Bytes
    u: Bytes
    v: Bytes

    @classmethod
    def of(cls, frame: Bytes, size: tuple[int, int], box: Box) -> Self:
        """size: width, height of the I420 frame. box: in the frame, even edges."""
        seen = Window(frame, size, box)
        squares = np.dstack(seen.rows).view(np.uint8)
        return cls(np.ascontiguousarray(squares), seen.u, seen.v)


def squares_of(luma: Bytes, out: Bytes) -> None:
    """Four pixels in one: at x, y the luma of (x, y), (x+1, y), (x, y+1), (x+1, y+1).

    luma: (h + 1, w + 1). out: (h, w, 4).
    """
    cv2.merge((luma[:-1, :-1], luma[:-1, 1:], luma[1:, :-1], luma[1:, 1:]), dst=out)


def _rotation(pose: Pose) -> Floats:
    """Yaw, then pitch, then roll; x right, y down, z away from the camera."""
    yaw, pitch, roll = math.radians(pose.yaw), math.radians(pose.pitch), math.radians(pose.roll)
    ca, sa, cb, sb = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    cc, sc = math.cos(roll), math.sin(roll)
    return np.array(
        (
            (cc * ca + sc * sb * sa, -sc * cb, sc * sb * ca - cc * sa),
            (sc * ca - cc * sb * sa, cc * cb, -sc * sa - cc * sb * ca),
            (cb * sa, sb, cb * ca),
        ),
        np.float32,
    )
