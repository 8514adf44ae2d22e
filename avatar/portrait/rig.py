"""From face weights to the control points of the lower face, in pixels of the engine.

Linear shapes come from the pack; what a sum of shapes gets wrong is corrected here: lips that
would cross, rounded vowels that would come out as trapezoids, a press that must close the mouth
whatever the jaw does. Draws nothing. The surprise: the lips at rest touch, so the inner upper and
the inner lower contour start on the same points, and a gap is only ever made by displacement.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.params import INDEX

Floats = NDArray[np.float32]

# Face mesh numbering (MediaPipe's 478 points): drawn and photographed packs speak the same one.
OUTER_UPPER: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
INNER_UPPER: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OUTER_LOWER: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
CORNERS: Final = (61, 291, 78, 308)
UNDER_LIP: Final = (18, 83, 313, 199, 200)
JAW: Final = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
JAW_SIDES: Final = (58, 132, 93, 234, 288, 361, 323, 454)
NOSE: Final = (2, 98, 327, 94, 1, 129, 358)
CHEEKS: Final = (205, 425, 50, 280, 187, 411, 36, 266, 207, 427, 123, 352, 215, 435, 192, 416)

_COMMON: Final = (*CORNERS, *UNDER_LIP, *JAW, *JAW_SIDES, *NOSE, *CHEEKS)
CONTROLS: Final[tuple[int, ...]] = (
    *OUTER_UPPER[1:-1],
    *INNER_UPPER[1:-1],
    *_COMMON,
    *INNER_LOWER[1:-1],
    *OUTER_LOWER[1:-1],
)
"""Order of the control points in a pack: upper lip, what both fields share, lower lip."""

UPPER_FIELD: Final = slice(0, 18 + len(_COMMON))
LOWER_FIELD: Final = slice(18, len(CONTROLS))

SHAPES: Final[tuple[str, ...]] = (
    *("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthStretchLeft", "mouthStretchRight", "mouthPressLeft", "mouthPressRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthLeft", "mouthRight", "jawLeft", "jawRight"),
    *("mouthDimpleLeft", "mouthDimpleRight", "noseSneerLeft", "noseSneerRight"),
    *("cheekPuff", "jawForward"),
)
"""Weights that move the lower face, in the order of a pack's `shapes`."""

SHAPE_CHANNELS: Final = np.array([INDEX[name] for name in SHAPES])
_AT: Final = {number: i for i, number in enumerate(CONTROLS)}


def at(numbers: tuple[int, ...]) -> NDArray[np.intp]:
    """Rows of the face mesh numbers in a pack's control arrays."""
    return np.array([_AT[n] for n in numbers])


_OU, _IU, _IL, _OL = at(OUTER_UPPER), at(INNER_UPPER), at(INNER_LOWER), at(OUTER_LOWER)
_UNDER = at((18, 83, 313))
# corner, side of the jaw, and the skin between them with how much of the corner's way it goes
_BESIDE = (
    (_AT[61], _AT[58], at((207, 192, 187, 215))),
    (_AT[291], _AT[288], at((427, 416, 411, 435))),
)
_ALONG = np.array((0.50, 0.50, 0.24, 0.24), np.float32)
_ARC = np.linspace(-1, 1, 11) * np.pi / 2
_SIN, _COS = np.sin(_ARC).astype(np.float32), np.cos(_ARC).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Lips:
    """The lower face of one moment.

    moved: (2, controls) displacement, x then y, pixels.
    upper, lower: (2, 11) inner contours, picture left to right, pixels.
    gap: widest opening in pixels; round: 0 spread .. 1 a whistle.
    """

    moved: Floats
    upper: Floats
    lower: Floats
    gap: float
    round: float


class Rig:
    """Poses the control points of one pack at one scale."""

    def __init__(
        self, rest: Floats, shapes: Floats, *, width: float, thickness: tuple[float, float]
    ) -> None:
        """rest: (controls, 2) px. shapes: (SHAPES, 2, controls) px at full weight. width: of the
        mouth, px. thickness: of the closed upper and lower lip, px."""
        self._rest = np.ascontiguousarray(rest.T)
        self._shapes = np.ascontiguousarray(shapes.reshape(len(SHAPES), -1))
        self._width = width
        self._upper, self._lower = thickness
        x = self._rest[0]
        # near its outline a cheek stays where it is, or a wide mouth would dent the face
        self._beside = []
        for corner, side, rows in _BESIDE:
            free = (x[rows] - x[side]) / (x[corner] - x[side]) / 0.45
            self._beside.append((corner, rows, _ALONG * np.clip(free, 0, 1)))

    def lips(self, weights: Floats) -> Lips:
        """Where the controls stand for these weights ((53,), 0..1)."""
        d = (weights[SHAPE_CHANNELS] @ self._shapes).reshape(2, -1)
        p = self._rest + d
        pucker, funnel = weights[INDEX["mouthPucker"]], weights[INDEX["mouthFunnel"]]
        rounded = min(1.0, float(0.80 * pucker + 0.65 * funnel))
        if rounded > 0:
            self._round(p, rounded)
        crossing = np.maximum(p[1, _IU] - p[1, _IL], 0) * 0.5
        p[1, _IU] -= crossing
        p[1, _IL] += crossing
        self._follow(p, rounded)
        self._close(p, weights)
        gap = float((p[1, _IL] - p[1, _IU]).max())
        return Lips(p - self._rest, p[:, _IU], p[:, _IL], max(0.0, gap), rounded)

    def _round(self, p: Floats, rounded: float) -> None:
        """Pull both contours to ellipses that keep the thickness of the lips at rest."""
        corner = p[:, (_IU[0], _IU[-1])]
        cx, cy = corner.mean(1)
        xs = np.concatenate((p[0, _IU], p[0, _IL]))
        a = max(1.0, float(xs.max() - xs.min()) / 2) * (1 - 0.06 * rounded)
        top, low = p[1, _IU[5]], p[1, _IL[5]]
        cy = (top + low) / 2
        b = max(self._width * 0.004, float(low - top) / 2)
        up, lo = self._upper * (1 + 0.25 * rounded), self._lower * (1 + 0.05 * rounded)
        side = min(self._upper, self._lower) * 0.26
        k = min(1.0, rounded * 1.08)
        for rows, x, y in (
            (_OU, _SIN * (a + side), cy - _COS * (b + up)),
            (_OL, _SIN * (a + side), cy + _COS * (b + lo)),
            (_IU, _SIN * a, cy - _COS * b),
            (_IL, _SIN * a, cy + _COS * b),
        ):
            p[0, rows] += (cx + x - p[0, rows]) * k
            p[1, rows] += (y - p[1, rows]) * k

    def _follow(self, p: Floats, rounded: float) -> None:
        """Skin beside and below the lips goes along; otherwise it folds or notches."""
        rest = self._rest
        lowest = (p[1, _AT[17]] - rest[1, _AT[17]]) * 0.92
        p[1, _UNDER] = np.maximum(p[1, _UNDER], rest[1, _UNDER] + max(0.0, float(lowest)))
        for corner, rows, k in self._beside:
            dx, dy = p[:, corner] - rest[:, corner]
            p[0, rows] += dx * k - (p[0, rows] - rest[0, rows]) * 0.5
            p[1, rows] += dy * rounded * k

    def _close(self, p: Floats, weights: Floats) -> None:
        """A press shuts the lips whatever the jaw says: bilabials must close."""
        press = weights[INDEX["mouthPressLeft"]] + weights[INDEX["mouthPressRight"]]
        closed = min(1.0, float(press) * 0.7)
        if closed <= 0:
            return
        gap = np.maximum(p[1, _IL] - p[1, _IU], 0) * closed
        p[1, _IU] += gap * 0.35
        p[1, _IL] -= gap * 0.65
        p[1, _OL[1:-1]] -= gap[1:-1] * 0.5
