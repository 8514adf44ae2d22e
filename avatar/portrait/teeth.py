"""Teeth that are a picture: a person's own, cut from a photo, or drawn to match the photo's light.

Upper teeth belong to the skull and only hide behind rounded lips; lower ones lie in the jaw and go
along with it. Which row moves how far is mouth.py's business.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.portrait.paint import Bytes, Floats


@dataclass(frozen=True, slots=True)
class Teeth:
    """A row of teeth at rest: premultiplied BGRA, and its place on the canvas in pixels."""

    x: float
    y: float
    layer: Bytes


def lay_teeth(
    planes: Floats, teeth: Teeth, corner: tuple[float, float], *, down: float, strength: float
) -> None:
    """Lay a row over planes (3, h, w), BGR, in place.

    corner: x, y of the planes on the canvas. down: how far the row has moved. strength: 0..1.
    """
    if strength <= 0:
        return
    move = np.array(
        [[1, 0, teeth.x - corner[0]], [0, 1, teeth.y - corner[1] + down]], dtype=np.float32
    )
    size = planes.shape[2], planes.shape[1]
    shown = cv2.warpAffine(teeth.layer, move, size, flags=cv2.INTER_LINEAR)
    *colour, alpha = cv2.split(shown)
    keep = 1 - alpha.astype(np.float32) * np.float32(strength / 255)
    planes *= keep
    for plane, part in zip(planes, colour, strict=True):
        plane += part.astype(np.float32) * np.float32(strength)
