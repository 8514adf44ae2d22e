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

from avatar.portrait.warp import Box, Bytes, Floats, Inverse, grid

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
        self._x, self._y, self._z = gx - np.float32(cx), gy - np.float32(cy), fields.depth - cz
        focal = np.float32(_FOCAL * fields.size)
        self._focal = focal
        near = focal / (focal + self._z)
        self._x_at_rest, self._y_at_rest = self._x * near, self._y * near
        self._home = np.dstack((gx, gy))
        self._d = np.empty((rows, columns, 2), np.float32)
        h, w = self._height, self._width
        self.map = np.empty((h, w, 2), np.float32)
        self.half_map = np.empty((h // 2, w // 2, 2), np.float32)
        self._ya = np.empty((h, w, 4), np.uint8)
        self._uva = np.empty((h // 2, w // 2, 4), np.uint8)
        self._plane = [np.empty((h, w), np.uint8) for _ in range(3)]
        self._half = [np.empty((h // 2, w // 2), np.uint8) for _ in range(3)]

    def aim(self, pose: Pose) -> None:
        """Compute the maps of a pose."""
        f = self._f
        yaw, pitch, roll = np.radians((pose.yaw, pose.pitch, pose.roll)).astype(np.float32)
        ca, sa, cb, sb = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        cc, sc = np.cos(roll), np.sin(roll)
        x1 = ca * self._x - sa * self._z
        z1 = sa * self._x + ca * self._z
        y1 = cb * self._y - sb * z1
        near = self._focal / (self._focal + sb * self._y + cb * z1)
        breath = np.float32(pose.breath * f.eye_distance)
        dx, dy = self._d[..., 0], self._d[..., 1]
        np.multiply(
            (cc * x1 - sc * y1) * near - self._x_at_rest + np.float32(pose.x), f.head, out=dx
        )
        np.multiply(
            (sc * x1 + cc * y1) * near - self._y_at_rest + np.float32(pose.y), f.head, out=dy
        )
        dy -= breath * (np.float32(0.022) * f.chest + np.float32(0.008) * f.head)
        source = self._home - self._inverse(self._d, steps=3, damping=np.float32(1))
        cv2.resize(source, (self._width, self._height), dst=self.map)
        # a chroma sample sits between four luma samples
        source -= np.float32(0.5)
        source *= np.float32(0.5)
        cv2.resize(source, (self._width // 2, self._height // 2), dst=self.half_map)

    def compose(self, face: tuple[Bytes, Bytes], planes: tuple[Bytes, Bytes, Bytes]) -> None:
        """Warp (luma+matte, chroma+matte) and blend over planes: views of Y, U, V that hold the
        plate inside the pose box."""
        ya, uva = face
        remap = cv2.remap
        remap(ya, self.map, None, cv2.INTER_LINEAR, dst=self._ya, borderMode=cv2.BORDER_REPLICATE)
        remap(
            uva,
            self.half_map,
            None,
            cv2.INTER_LINEAR,
            dst=self._uva,
            borderMode=cv2.BORDER_REPLICATE,
        )
        self._blend(self._ya, 0, 1, planes[0], self._plane)
        self._blend(self._uva, 0, 2, planes[1], self._half)
        self._blend(self._uva, 1, 2, planes[2], self._half)

    def _blend(
        self, warped: Bytes, channel: int, matte: int, plane: Bytes, scratch: list[Bytes]
    ) -> None:
        value, alpha, rest = scratch
        cv2.extractChannel(warped, channel, dst=value)
        cv2.extractChannel(warped, matte, dst=alpha)
        cv2.multiply(value, alpha, dst=value, scale=1 / 255)
        cv2.bitwise_not(alpha, dst=alpha)
        cv2.multiply(plane, alpha, dst=rest, scale=1 / 255)
        cv2.add(value, rest, dst=plane)
