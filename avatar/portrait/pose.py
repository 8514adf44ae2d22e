"""Turns the head: one warp of the finished face over the background plate, straight in YUV planes.

The head is a height field: rotated and projected on a coarse grid, inverted, enlarged to a map. It
fades to nothing down the neck; the chest only breathes. Luma travels with its matte in a picture
of four channels because OpenCV remaps four faster than one. Background pixels outside the matte
are copied, never resampled, so they cannot shimmer.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from avatar.portrait.paint import Box, Bytes, Enlarger, Floats, Inverse, bend, grid

POSE_GRID: Final = (64, 64)
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
        self._source = np.empty_like(self._d)
        h, w = self._height, self._width
        self._enlarge = Enlarger(self._home, (w, h), (x0, y0))
        half = (self._home - np.float32(0.5)) * np.float32(0.5)
        self._enlarge_half = Enlarger(half, (w // 2, h // 2), (x0 // 2, y0 // 2))
        self.map = np.empty((h, w, 2), np.float32)
        self.half_map = np.empty((h // 2, w // 2, 2), np.float32)
        self._ya = np.empty((h, w, 4), np.uint8)
        self._uva = np.empty((h // 2, w // 2, 4), np.uint8)
        self._plane = [np.empty((h, w), np.uint8) for _ in range(2)]
        self._half = [np.empty((h // 2, w // 2), np.uint8) for _ in range(2)]

    def aim(self, pose: Pose) -> None:
        """Compute the maps of a pose."""
        x, y, z = _rotation(pose) @ self._points
        near = self._focal / (self._focal + z)
        flat = self._d.reshape(-1, 2)
        np.multiply(x * near - self._rest[0] + np.float32(pose.x), self._head, out=flat[:, 0])
        down = (y * near - self._rest[1] + np.float32(pose.y)) * self._head
        breath = np.float32(pose.breath * self._f.eye_distance)
        np.subtract(down, self._sink * breath, out=flat[:, 1])
        source = self._source
        cv2.subtract(self._home, self._inverse(self._d, steps=3), dst=source)
        self._enlarge(source, self.map)
        # a chroma sample sits between four luma samples
        source -= 0.5
        source *= 0.5
        self._enlarge_half(source, self.half_map)

    def compose(
        self,
        face: tuple[Bytes, Bytes],
        plate: tuple[Bytes, Bytes, Bytes],
        out: tuple[Bytes, Bytes, Bytes],
    ) -> None:
        """Warp luma and chroma with their mattes and lay them over the plate.

        face: as Layers.luma and Layers.chroma. plate, out: Y, U, V, the views of the pose box.
        """
        bend(face[0], self.map, self._ya)
        bend(face[1], self.half_map, self._uva)
        for warped, channel, rest, behind, to, scratch in (
            (self._ya, 0, 1, plate[0], out[0], self._plane),
            (self._uva, 2, 3, plate[1], out[1], self._half),
            (self._uva, 1, 3, plate[2], out[2], self._half),
        ):
            shown, share = scratch
            cv2.extractChannel(warped, channel, dst=shown)
            cv2.extractChannel(warped, rest, dst=share)
            cv2.multiply(behind, share, dst=share, scale=1 / 255)
            cv2.add(shown, share, dst=to)


def _rotation(pose: Pose) -> Floats:
    """Yaw, then pitch, then roll; x right, y down, z away from the camera."""
    yaw, pitch, roll = np.radians((pose.yaw, pose.pitch, pose.roll))
    ca, sa, cb, sb = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cc, sc = np.cos(roll), np.sin(roll)
    turn = np.array([[ca, 0, -sa], [0, 1, 0], [sa, 0, ca]])
    nod = np.array([[1, 0, 0], [0, cb, -sb], [0, sb, cb]])
    lean = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    rotation: Floats = np.linalg.multi_dot((lean, nod, turn)).astype(np.float32)
    return rotation
