"""How far each weight moves each control of the lower face at full strength.

Amounts are in mouth widths, as functions of t: -1 at the picture's left corner of the mouth, 0 in
the middle, 1 at the right corner. Tuned by eye on drawn faces. The subject's right side is on the
left of the picture.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from avatar.portrait.rig import (
    CHEEKS,
    CONTROLS,
    CORNERS,
    INNER_LOWER,
    INNER_UPPER,
    JAW,
    JAW_SIDES,
    NOSE,
    OUTER_LOWER,
    OUTER_UPPER,
    SHAPES,
    UNDER_LIP,
    at,
)

Doubles = NDArray[np.float64]
Amount = float | Callable[[Doubles], Doubles]
Row = tuple[tuple[int, ...], Amount, Amount]

_OU, _IU, _IL, _OL = OUTER_UPPER, INNER_UPPER, INNER_LOWER, OUTER_LOWER
_LIPS = (*_OU, *_IU, *_IL, *_OL)
_CHEEKS = CHEEKS[:12]


def _hill(t: Doubles) -> Doubles:
    return np.clip(1 - t * t, 0, 1)


def _dome(t: Doubles) -> Doubles:
    dome: Doubles = _hill(t) ** 0.62
    return dome


class ShapeTable:
    """The shapes of one face. points: (controls, 2) px; ear, chin: heights in px."""

    def __init__(self, points: Doubles, *, width: float, ear: float, chin: float) -> None:
        self._points = points
        self._width = width
        self._ear, self._chin = ear, chin
        left, right = points[at((61, 291))]
        self._middle = float(left[0] + right[0]) / 2
        self._out: dict[str, Doubles] = {}

    def build(self) -> NDArray[np.float32]:
        """(SHAPES, 2, controls) displacement in pixels."""
        self._jaw()
        self._round()
        self._lips()
        for sign, side in ((-1, "Right"), (1, "Left")):
            self._side(sign, side)
            self._side_lips(sign, side)
        return np.stack([self._out[name] for name in SHAPES]).astype(np.float32)

    def _t(self, numbers: tuple[int, ...]) -> Doubles:
        t = (self._points[at(numbers), 0] - self._middle) / (self._width / 2)
        clipped: Doubles = np.clip(t, -1.15, 1.15)
        return clipped

    def _set(self, name: str, *rows: Row) -> Doubles:
        """Later rows overwrite earlier ones: the corners belong to both lips."""
        d = np.zeros((2, len(CONTROLS)))
        for numbers, across, down in rows:
            t = self._t(numbers)
            for axis, amount in ((0, across), (1, down)):
                d[axis, at(numbers)] = (amount(t) if callable(amount) else amount) * self._width
        self._out[name] = d
        return d

    def _jaw(self) -> None:
        width = self._width

        def arc(first: float, more: float) -> Callable[[Doubles], Doubles]:
            return lambda t: first + more * _hill(t) ** 0.5

        d = self._set(
            "jawOpen",
            (UNDER_LIP, 0.0, 0.43),
            (_CHEEKS, lambda t: -0.012 * t, 0.03),
            (_IU, lambda t: -0.14 * t, arc(0.18, -0.225)),
            (_OU, lambda t: -0.125 * t, arc(0.17, -0.210)),
            (_IL, lambda t: -0.14 * t, arc(0.18, 0.340)),
            (_OL, lambda t: -0.115 * t, arc(0.18, 0.310)),
            (CORNERS, lambda t: -0.13 * t, 0.18),
        )
        # the chin line moves as one arc that falls to nothing at the ear, or the jaw has corners
        jaw = tuple(n for n in (*JAW, *JAW_SIDES) if self._points[at((n,))[0], 1] > self._ear + 1)
        points = self._points[at(jaw)]
        drop = (self._chin - self._ear) * 0.72
        s = np.clip((points[:, 1] - self._ear - 0.30 * (self._chin - self._ear)) / drop, 0, 1)
        weight = (s * s * (3 - 2 * s)) ** 1.1
        half = abs(float(self._points[at((454,))[0], 0]) - self._middle)
        d[1, at(jaw)] = weight * 0.40 * width
        d[0, at(jaw)] = -weight * (points[:, 0] - self._middle) / half * 0.030 * width
        for n in (215, 435, 192, 416, 207, 427, 187, 411):
            i = at((n,))[0]
            x, y = self._points[i]
            t = float(np.clip((y - self._ear) / (self._chin - self._ear), 0, 1))
            d[:, i] = -np.sign(x - self._middle) * width * 0.015, width * 0.15 * t * t
        low = (*_IL, *_OL, *UNDER_LIP, *JAW)
        self._set("jawLeft", (low, 0.05, 0.0))
        self._set("jawRight", (low, -0.05, 0.0))
        self._set("jawForward", (low, 0.0, 0.02))

    def _round(self) -> None:
        self._set(
            "mouthFunnel",
            (_IU, lambda t: -0.125 * t, lambda t: 0.03 - 0.10 * _hill(t)),
            (_OU, lambda t: -0.115 * t, lambda t: 0.03 - 0.105 * _hill(t)),
            (_IL, lambda t: -0.125 * t, lambda t: 0.045 + 0.025 * _hill(t)),
            (_OL, lambda t: -0.115 * t, lambda t: 0.04 + 0.045 * _hill(t)),
            (_CHEEKS, lambda t: -0.015 * t, 0.0),
        )
        self._set(
            "mouthPucker",
            (_IU, lambda t: -0.165 * t, lambda t: 0.045 - 0.055 * _hill(t)),
            (_OU, lambda t: -0.15 * t, lambda t: 0.045 - 0.085 * _hill(t)),
            (_IL, lambda t: -0.165 * t, lambda t: 0.045 - 0.06 * _hill(t)),
            (_OL, lambda t: -0.15 * t, lambda t: 0.045 - 0.005 * _hill(t)),
            (_CHEEKS, lambda t: -0.02 * t, 0.0),
            (UNDER_LIP, lambda t: -0.02 * t, 0.0),
        )

    def _lips(self) -> None:
        self._set(
            "mouthClose",
            (_IL, 0.0, lambda t: -0.47 * _dome(t)),
            (_OL, 0.0, lambda t: -0.40 * _dome(t)),
            (UNDER_LIP, 0.0, -0.2),
        )
        self._set(
            "mouthRollLower",
            (_OL, 0.0, lambda t: -0.06 * _dome(t)),
            (_IL[1:-1], 0.0, lambda t: -0.01 * _dome(t)),
        )
        self._set(
            "mouthRollUpper",
            (_OU, 0.0, lambda t: 0.05 * _dome(t)),
            (_IU[1:-1], 0.0, lambda t: 0.01 * _dome(t)),
        )
        self._set(
            "mouthShrugLower",
            (_OL, 0.0, lambda t: -0.06 * _hill(t)),
            (_IL, 0.0, lambda t: -0.075 * _hill(t)),
            (UNDER_LIP, 0.0, -0.03),
        )
        self._set("mouthShrugUpper", ((*_OU, *_IU), 0.0, lambda t: -0.03 * _hill(t)))
        self._set("mouthLeft", (_LIPS, 0.09, 0.0))
        self._set("mouthRight", (_LIPS, -0.09, 0.0))
        self._set("cheekPuff", (_CHEEKS, lambda t: 0.05 * t, 0.0), (_OU, 0.0, 0.01))

    def _side(self, s: int, side: str) -> None:
        def half(t: Doubles) -> Doubles:
            return np.clip(0.5 + 0.65 * s * t, 0, 1)

        def out(t: Doubles) -> Doubles:
            return np.clip(s * t, 0, 1.2) ** 1.25

        def here(t: Doubles) -> Doubles:
            return (s * t > 0).astype(float)

        def smile(t: Doubles) -> Doubles:
            return -0.108 * out(t) + 0.012 * _hill(t)

        self._set(
            f"mouthSmile{side}",
            (_CHEEKS, lambda t: s * 0.045 * here(t), lambda t: -0.075 * here(t)),
            ((*_IU, *_OU), lambda t: s * 0.115 * out(t), smile),
            (_IL, lambda t: s * 0.115 * out(t), lambda t: smile(t) - 0.015 * _hill(t)),
            (_OL, lambda t: s * 0.11 * out(t), lambda t: -0.102 * out(t) - 0.005 * _hill(t)),
        )
        self._set(
            f"mouthFrown{side}",
            (_CHEEKS, 0.0, lambda t: 0.02 * here(t)),
            ((*_IU, *_OU), lambda t: -s * 0.02 * out(t), lambda t: 0.11 * out(t)),
            (
                (*_IL, *_OL),
                lambda t: -s * 0.02 * out(t),
                lambda t: 0.11 * out(t) - 0.02 * _hill(t) * half(t),
            ),
        )
        self._set(
            f"mouthStretch{side}",
            (_CHEEKS, lambda t: s * 0.03 * here(t), 0.0),
            (_LIPS, lambda t: s * 0.10 * out(t), lambda t: 0.012 * out(t)),
        )

    def _side_lips(self, s: int, side: str) -> None:
        """What one half of the lips does by itself."""

        def half(t: Doubles) -> Doubles:
            return np.clip(0.5 + 0.65 * s * t, 0, 1)

        def out(t: Doubles) -> Doubles:
            return np.clip(s * t, 0, 1.2) ** 1.25

        self._set(
            f"mouthDimple{side}",
            (_LIPS, lambda t: s * 0.05 * out(t) ** 2, lambda t: -0.02 * out(t) ** 2),
        )
        self._set(
            f"mouthPress{side}",
            (_IU, 0.0, lambda t: 0.012 * half(t) * _dome(t)),
            (_OU, 0.0, lambda t: 0.030 * half(t) * _dome(t)),
            (_IL, 0.0, lambda t: -0.012 * half(t) * _dome(t)),
            (_OL, 0.0, lambda t: -0.035 * half(t) * _dome(t)),
        )
        self._set(
            f"mouthUpperUp{side}",
            (_IU, 0.0, lambda t: -0.085 * half(t) * _hill(t)),
            (_OU, 0.0, lambda t: -0.07 * half(t) * _hill(t)),
        )
        self._set(
            f"mouthLowerDown{side}",
            (_IL, 0.0, lambda t: 0.12 * half(t) * _hill(t)),
            (_OL, 0.0, lambda t: 0.09 * half(t) * _hill(t)),
        )
        self._set(
            f"noseSneer{side}",
            (NOSE, 0.0, lambda t: -0.035 * half(t)),
            ((*_OU, *_IU), 0.0, lambda t: -0.03 * half(t) * _hill(t)),
        )
