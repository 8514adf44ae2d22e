"""The wire format between voice and picture: 52 ARKit weights, tongue, head pose and breath.

Everything that moves a face speaks this; the engine knows nothing else. Left and right are the
subject's own, as in ARKit.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SIDED = [
    *("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide"),
    *("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthPress", "mouthLowerDown"),
    *("mouthUpperUp", "browDown", "browOuterUp", "cheekSquint", "noseSneer"),
]
_SINGLE = [
    *("jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker"),
    *("mouthLeft", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower"),
    *("mouthShrugUpper", "browInnerUp", "cheekPuff", "tongueOut"),
]

CHANNELS: Final[tuple[str, ...]] = (
    *(f"{name}{side}" for name in _SIDED for side in ("Left", "Right")),
    *_SINGLE,
    "tongueUp",
)
"""Names of the weights, in the order of every weight vector: 52 of ARKit and tongueUp."""

INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(CHANNELS)}


def weights(**named: float) -> NDArray[np.float32]:
    """A (53,) vector with the named channels set; a name without a side that has two sets both."""
    out = np.zeros(len(CHANNELS), np.float32)
    for name, value in named.items():
        if name in INDEX:
            out[INDEX[name]] = value
        else:
            out[INDEX[f"{name}Left"]] = value
            out[INDEX[f"{name}Right"]] = value
    return out


@dataclass(slots=True)
class FaceParams:
    """One moment of a face.

    weights: (53,) float32 in 0..1, in the order of CHANNELS.
    yaw, pitch, roll: degrees; positive turns to the picture's right, down, and clockwise.
    tx, ty: shift of the head as a share of the distance between the eyes.
    breath: 0 (out) .. 1 (in).
    """

    weights: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros(len(CHANNELS), np.float32)
    )
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    tx: float = 0.0
    ty: float = 0.0
    breath: float = 0.0
