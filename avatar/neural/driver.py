"""From the parameters of our face to what LivePortrait moves: expression, pose, openness.

Rules, no weights: known axes of the trained expression space (point, axis) for smile, width, brows
and gaze; how open lips and eyes are goes through the retargeting networks. The parameters are
already smooth and already at rest after an interruption, so nothing is filtered here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.neural.keypoints import POINTS
from avatar.params import INDEX, FaceParams
from avatar.portrait.sprites import LOOK_LEFT, LOOK_RIGHT, eyes_open, lips_open

F32 = NDArray[np.float32]

_X, _Y, _Z = 0, 1, 2
Axis = tuple[int, int, float]

_SMILE: Final[tuple[Axis, ...]] = (
    *((20, _Y, -0.01), (14, _Y, -0.02), (17, _Y, 0.0065), (17, _Z, 0.003)),
    *((13, _Y, -0.00275), (16, _Y, -0.00275), (3, _Y, -0.0035), (7, _Y, -0.0035)),
)
_PURSE: Final[tuple[Axis, ...]] = (
    *((14, _Y, 0.001), (3, _Y, -0.0005), (7, _Y, -0.0005), (17, _Z, -0.0005)),
)
_GRIN: Final[tuple[Axis, ...]] = ((20, _Z, -0.001), (20, _Y, -0.001), (14, _Y, -0.001))
_BROWS_UP: Final[tuple[Axis, ...]] = ((1, _Y, 0.001), (2, _Y, -0.001))
_BROWS_DOWN: Final[tuple[Axis, ...]] = (
    *((1, _X, 0.001), (2, _X, -0.001), (1, _Y, -0.0003), (2, _Y, 0.0003)),
)
_LOOK_RIGHT: Final[tuple[Axis, ...]] = ((11, _X, 0.0007), (15, _X, 0.001))
_LOOK_LEFT: Final[tuple[Axis, ...]] = ((11, _X, -0.001), (15, _X, -0.0007))
_LOOK_UP: Final[tuple[Axis, ...]] = ((11, _Y, -0.001), (15, _Y, -0.001))
_WIDTH: Final[tuple[Axis, ...]] = ((19, _X, 1.0),)


def _both(name: str) -> tuple[int, int]:
    return INDEX[f"{name}Left"], INDEX[f"{name}Right"]


# axes, how far they go at full weight, and the channels whose mean that weight is
_AXES: Final[tuple[tuple[tuple[Axis, ...], float, tuple[int, ...]], ...]] = (
    (_SMILE, 1.3, _both("mouthSmile")),
    (_SMILE, -0.3, _both("mouthFrown")),
    (_GRIN, 12.0, _both("mouthStretch")),
    (_GRIN, 8.0, _both("mouthUpperUp")),
    (_PURSE, 15.0, (INDEX["mouthPucker"],)),
    (_PURSE, 9.0, (INDEX["mouthFunnel"],)),
    (_BROWS_UP, 22.0, (INDEX["browInnerUp"], *_both("browOuterUp"))),
    (_BROWS_DOWN, 25.0, _both("browDown")),
    (_LOOK_UP, 40.0, _both("eyeLookUp")),
    (_LOOK_UP, -40.0, _both("eyeLookDown")),
    (_LOOK_RIGHT, 25.0, tuple(LOOK_RIGHT)),
    (_LOOK_LEFT, 25.0, tuple(LOOK_LEFT)),
    (_WIDTH, 0.03, (INDEX["mouthLeft"],)),
    (_WIDTH, -0.03, (INDEX["mouthRight"],)),
)


@dataclass(frozen=True, slots=True)
class Drive:
    """One moment for one face. Angles in degrees, relative to the picture's own."""

    exp: F32  # (21, 3), added to the source's
    pitch: float
    yaw: float
    roll: float
    shift: tuple[float, float]
    lips: float  # height over width
    eyes: float  # 1: as in the picture, 0: shut


def _matrix() -> F32:
    """(channels, 63): what each weight adds."""
    table = np.zeros((len(INDEX), POINTS, 3), np.float32)
    for axes, far, channels in _AXES:
        for point, axis, amount in axes:
            table[list(channels), point, axis] += np.float32(amount * far / len(channels))
    return table.reshape(len(INDEX), -1)


class Driver:
    """Reads face parameters; holds nothing but its table."""

    def __init__(self) -> None:
        self._table = _matrix()

    def __call__(self, face: FaceParams) -> Drive:
        w = np.clip(face.weights, 0, 1)
        exp = (w @ self._table).reshape(POINTS, 3)
        return Drive(
            exp=exp,
            pitch=face.pitch,
            yaw=face.yaw,
            roll=face.roll,
            shift=(face.tx, face.ty),
            lips=lips_open(w),
            eyes=eyes_open(w),
        )
