"""A portrait pack as the neural renderers see it: one picture at rest and where its face is.

Drawn by the CPU engine at the size of the call, so that a call may change between the two
renderers without the face jumping. Points are in pixels of that picture.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.neural import blend
from avatar.params import FaceParams
from avatar.portrait.engine import Engine
from avatar.portrait.pack import CANVAS, load
from avatar.portrait.paint import Box
from avatar.portrait.rig import (
    CONTROLS,
    CORNERS,
    JAW,
    JAW_SIDES,
    NOSE,
    OUTER_LOWER,
    OUTER_UPPER,
    at,
)

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

_BROWS_UP: Final = 0.45
"""From the eyes to the brows, as a share of the distance between the eyes."""


@dataclass(frozen=True, slots=True)
class Still:
    """picture: BGR. lids: right eye, left eye; upper, lower; picture left to right."""

    picture: U8  # (h, w, 3)
    lids: F32  # (2, 2, 41, 2)
    controls: F32  # (89, 2), in the order of rig.CONTROLS

    def part(self, numbers: tuple[int, ...]) -> F32:
        """Control points by their numbers in the face mesh."""
        return np.asarray(self.controls[at(numbers)], np.float32)

    @property
    def eyes(self) -> F32:
        """The middle of each eye, the picture's left one first."""
        return np.asarray(self.lids.mean(axis=(1, 2)), np.float32)  # (2, 2)

    @property
    def anchors(self) -> F32:
        """The middles of the eyes and of the mouth."""
        return np.stack([self.eyes.mean(axis=0), self.part(CORNERS[:2]).mean(axis=0)])

    @property
    def outline(self) -> F32:
        """Points that span the face from brows to chin, without the forehead."""
        right, left = self.eyes
        up = (self.anchors[0] - self.anchors[1]) / np.linalg.norm(self.anchors[0] - self.anchors[1])
        brows = np.stack([right, left]) + up * _BROWS_UP * np.linalg.norm(right - left)
        corners = self.lids[:, 0, [0, -1]].reshape(-1, 2)
        return np.concatenate([brows, corners, self.controls]).astype(np.float32)

    @property
    def openness(self) -> tuple[float, float]:
        """How open each eye is: the widest gap over the width, the picture's left one first."""
        gaps = np.linalg.norm(self.lids[:, 0] - self.lids[:, 1], axis=-1).max(axis=1)
        widths = np.linalg.norm(self.lids[:, 0, 0] - self.lids[:, 0, -1], axis=-1)
        left, right = gaps / (widths + 1e-6)
        return float(left), float(right)

    @property
    def box_points(self) -> tuple[F32, F32]:
        """Points that span the lower face with the brows, and the bridge of the nose."""
        eyes, mouth = self.anchors
        bridge = eyes + (self.part(NOSE[:1])[0] - eyes) * np.float32(0.55)
        return np.concatenate([self.part((*JAW, *JAW_SIDES)), mouth[None]]), bridge

    def labels(self, square: Box, side: int) -> U8:
        """The classes of a face parser in a square of the picture, drawn from the landmarks."""
        skin = np.concatenate(
            [self.part((*JAW, *JAW_SIDES)), self.lids[:, :, [0, -1]].reshape(-1, 2)]
        )
        lips = self.part((*OUTER_UPPER, *OUTER_LOWER[::-1]))
        return blend.drawn_labels(skin, self.part(NOSE), lips, square, side)


def of(portrait: str, size: tuple[int, int]) -> Still:
    """A pack at rest. Raises PortraitError when it cannot be used."""
    pack = load(portrait)
    planes = np.empty(size[0] * size[1] * 3 // 2, np.uint8)
    Engine(pack, size=size).draw(FaceParams(), planes)
    bgr = cv2.cvtColor(planes.reshape(size[1] * 3 // 2, size[0]), cv2.COLOR_YUV2BGR_I420)
    scale, offset = on_canvas(size)
    assert len(pack.geometry["controls"]) == len(CONTROLS)
    return Still(
        np.asarray(bgr, np.uint8),
        pack.geometry["lids"] * np.float32(scale) + offset,
        pack.geometry["controls"] * np.float32(scale) + offset,
    )


def on_canvas(size: tuple[int, int]) -> tuple[float, F32]:
    """The scale of a pack's canvas in a picture, and where it begins: it fills the shorter side and
    stands at the bottom."""
    side = min(size)
    return side / CANVAS, np.array([(size[0] - side) / 2, size[1] - side], np.float32)


def to_i420(picture: U8, out: U8) -> None:
    """BGR as I420 into a flat array."""
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    np.copyto(out, planes.reshape(-1))
