"""Puts a face upright on the square canvas of a pack: turned, scaled, with room for hair and chest.

The face fills about 40 % of the height. Where the photo ends before the canvas does, the frame
moves or closes in first; what is still missing is said in `known` and painted by plate.py.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.portrait.pack import CANVAS

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

FACE_SHARE: Final = 0.40  # of the canvas, forehead to chin
_LARGEST_SHARE: Final = 0.54
_EYES_AT: Final = 0.43
_LOWEST_EYES: Final = 0.50
WIDE: Final = 16 / 9

OVAL: Final = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The outline of a face in face mesh numbers, from the top of the forehead round by the left."""


@dataclass(frozen=True, slots=True)
class Framed:
    """A face on the canvas.

    image: (1024, 1024, 3) BGR. wide: the same at 16:9, the canvas in its middle. known,
    known_wide: where there is photo. scale: canvas pixels of one photo pixel. move: (2, 3), from
    the photo to the canvas.
    """

    image: Bytes
    wide: Bytes
    known: NDArray[np.bool_]
    known_wide: NDArray[np.bool_]
    scale: float
    move: NDArray[np.float64]


def roll_of(landmarks: Floats) -> float:
    """Degrees the face is turned in the picture, clockwise."""
    p = landmarks[:, :2]
    lines = (p[263] - p[33], p[291] - p[61], p[454] - p[234])
    angles = [float(np.arctan2(v[1], v[0])) for v in lines]
    down = p[152] - p[168]
    angles.append(float(np.arctan2(-down[0], down[1])))
    return float(np.degrees(np.average(angles, weights=(3, 2, 1, 1))))


def frame(photo: Bytes, landmarks: Floats) -> Framed:
    """photo: (h, w, 3). landmarks: (478, 3) in its pixels."""
    move, scale = _placing(photo.shape[1], photo.shape[0], landmarks)
    width = round(CANVAS * WIDE / 2) * 2
    aside = (width - CANVAS) // 2
    in_wide = shifted(move, aside, 0)
    size = width, CANVAS
    source = photo
    if scale < 0.5:  # a linear look-up that skips pixels makes skin noisy
        source = cv2.GaussianBlur(photo, (0, 0), 0.4 / scale).astype(np.uint8, copy=False)
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    wide = cv2.warpAffine(source, in_wide, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    ones = np.full(photo.shape[:2], 255, np.uint8)
    covered = cv2.warpAffine(ones, in_wide, size, flags=cv2.INTER_LINEAR) > 250
    inner = slice(aside, aside + CANVAS)
    return Framed(
        image=np.ascontiguousarray(wide[:, inner]).astype(np.uint8, copy=False),
        wide=wide.astype(np.uint8, copy=False),
        known=np.ascontiguousarray(covered[:, inner]),
        known_wide=covered,
        scale=scale,
        move=move,
    )


def shifted(move: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    """The same movement, and then so far to the right and down."""
    return np.asarray(move + np.array([[0, 0, x], [0, 0, y]]), np.float64)


def _placing(width: int, height: int, landmarks: Floats) -> tuple[NDArray[np.float64], float]:
    """(2, 3) from photo to canvas, and its scale."""
    p = landmarks[:, :2].astype(np.float64)
    angle = np.radians(roll_of(landmarks))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = p @ turn.T
    face = float(np.ptp(upright[[10, 152], 1]))
    eyes = float(upright[[33, 133, 362, 263], 1].mean())
    middle = float(upright[[33, 263, 61, 291, 152, 10], 0].mean())
    below = (height - p[152, 1]) / face + float(upright[152, 1] - eyes) / face
    scale = FACE_SHARE * CANVAS / face
    at = _EYES_AT
    if below * FACE_SHARE < 1 - at:  # the photo ends early: lower the face, then come closer
        at = min(_LOWEST_EYES, 1 - below * FACE_SHARE)
        share = min(_LARGEST_SHARE, max(FACE_SHARE, (1 - at) / max(below, 0.1)))
        scale = share * CANVAS / face
    move = np.zeros((2, 3))
    move[:, :2] = turn * scale
    move[:, 2] = CANVAS * 0.5 - scale * middle, CANVAS * at - scale * eyes
    return move, scale
