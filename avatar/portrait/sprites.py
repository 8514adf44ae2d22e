"""A face as finished pictures: what a baked pack shows of mouth and eyes, mixed instead of bent.

Forty mouths on a grid (how open, how round or wide, smiling or not) and ten pairs of eyes were
drawn once, by a network; a moment is a mixture of the few that lie round it. The shares add up to
one, so where all pictures agree nothing changes. Weights that no picture shows (a bitten lip, one
eye alone) are shown by the nearest one that there is.
"""

from dataclasses import dataclass
from itertools import pairwise, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.params import INDEX, FaceParams, weights
from avatar.portrait.paint import Bytes, Floats

MOST_OPEN: Final = 0.8
"""Of the lips, as a ratio of height to width."""
OPEN: Final = (0.0, 0.10, 0.22, 0.38, 0.56)
SHAPE: Final = (-1.0, -0.5, 0.0, 1.0)
"""From round to wide."""
SMILE: Final = (0.0, 1.0)
LIDS: Final = (1.0, 0.6, 0.3, 0.0)
"""How far the eyes are open, 1 as in the picture."""

MOUTHS: Final = tuple(f"sprite_mouth_{i:02d}" for i in range(len(OPEN) * len(SHAPE) * len(SMILE)))
_LOOKS: Final = ("rest", "right", "left", "up", "down")
_LIDDED: Final = tuple(f"lids_{round(100 * open_)}" for open_ in LIDS[1:])
EYES: Final = tuple(f"sprite_eyes_{name}" for name in (*_LOOKS, *_LIDDED, "brows_up", "brows_down"))
NAMES: Final = (*MOUTHS, *EYES)
"""Layers that a pack has all of or none: opaque, the mouths in one box and the eyes in another."""

_PER_JAW: Final = 0.75
_PUCKERED: Final = 0.25


def _both(name: str) -> list[int]:
    return [INDEX[f"{name}Left"], INDEX[f"{name}Right"]]


_PARTED: Final = _both("mouthLowerDown") + _both("mouthUpperUp")
_PRESSED, _BLINK, _WIDE, _SQUINT, _STRETCH, _UPPER, _SMILES, _BROW_DOWN, _LOOK_UP, _LOOK_DOWN = (
    _both(name)
    for name in (
        *("mouthPress", "eyeBlink", "eyeWide", "eyeSquint", "mouthStretch", "mouthUpperUp"),
        *("mouthSmile", "browDown", "eyeLookUp", "eyeLookDown"),
    )
)
_BROW_UP: Final = [INDEX["browInnerUp"], *_both("browOuterUp")]
# the subject's left is on the picture's right
LOOK_RIGHT: Final = [INDEX["eyeLookOutLeft"], INDEX["eyeLookInRight"]]
LOOK_LEFT: Final = [INDEX["eyeLookInLeft"], INDEX["eyeLookOutRight"]]
_CHANNELS: Final = {
    "rest": [],
    "right": LOOK_RIGHT,
    "left": LOOK_LEFT,
    "up": _LOOK_UP,
    "down": _LOOK_DOWN,
    "brows_up": _BROW_UP,
    "brows_down": _BROW_DOWN,
}


def lips_open(w: Floats) -> float:
    """Height over width of the gap: what jaw and lips open, unless they are pressed shut."""
    jaw, part = float(w[INDEX["jawOpen"]]), float(np.mean(w[_PARTED]))
    shut = max(float(np.mean(w[_PRESSED])) / 0.7, float(w[INDEX["mouthClose"]]))
    rounded = 1 - _PUCKERED * float(w[INDEX["mouthPucker"]])
    opened = min(MOST_OPEN, max(0.0, (_PER_JAW * jaw + 0.15 * part) * rounded))
    return opened * max(0.0, 1 - shut)


def eyes_open(w: Floats) -> float:
    """1: as in the picture, 0: shut; more than 1 for wide ones."""
    blink, wide, squint = (
        float(max(w[_BLINK])),
        float(np.mean(w[_WIDE])),
        float(np.mean(w[_SQUINT])),
    )
    return max(0.0, (1 - blink) * float(1 + 0.3 * wide - 0.35 * squint))


def shown(name: str) -> FaceParams:
    """The face that the sprite of this name is a picture of."""
    if name in MOUTHS:
        grid = list(product(SMILE, SHAPE, OPEN))
        smile, shape, opened = grid[MOUTHS.index(name)]
        pucker = max(0.0, -shape)
        jaw = opened / _PER_JAW / (1 - _PUCKERED * pucker)
        return FaceParams(
            weights(jawOpen=jaw, mouthPucker=pucker, mouthStretch=max(0.0, shape), mouthSmile=smile)
        )
    made = weights()
    what = name.removeprefix("sprite_eyes_")
    if what in _LIDDED:
        made[_BLINK] = 1 - LIDS[1 + _LIDDED.index(what)]
    else:
        made[_CHANNELS[what]] = 1
    return FaceParams(made)


def mouth_shares(w: Floats) -> Floats:
    """The share of each of MOUTHS, (40,); they add up to one."""
    rounded = w[INDEX["mouthPucker"]] + 0.6 * w[INDEX["mouthFunnel"]]
    wide = float(np.mean(w[_STRETCH])) + 0.67 * float(np.mean(w[_UPPER]))
    axes = (
        _between(SMILE, float(np.mean(w[_SMILES]))),
        _between(SHAPE, wide - float(rounded)),
        _between(OPEN, lips_open(w)),
    )
    return np.asarray(np.einsum("i,j,k->ijk", *axes).reshape(-1), np.float32)


def eye_shares(w: Floats) -> Floats:
    """The share of each of EYES, (10,); they add up to one."""
    right, left, up, down, brow_up, brow_down = (
        float(np.mean(w[channels]))
        for channels in (LOOK_RIGHT, LOOK_LEFT, _LOOK_UP, _LOOK_DOWN, _BROW_UP, _BROW_DOWN)
    )
    aside, tilt = right - left, up - down
    looks = np.array([0, aside, -aside, tilt, -tilt], np.float32).clip(0)
    looks /= max(1.0, float(looks.sum()))
    looks[0] = 1 - looks.sum()
    lids = _between(LIDS[::-1], eyes_open(w))[::-1]
    brows = np.array([brow_up, brow_down], np.float32)
    out = np.concatenate([looks * lids[0], lids[1:], brows])
    out[0] -= brows.sum()  # what a brow adds to the face at rest
    return out.astype(np.float32)


def _between(levels: tuple[float, ...], value: float) -> Floats:
    """The share of each level: of the two round the value, or of the end that it lies beyond."""
    out = np.zeros(len(levels), np.float32)
    if value >= levels[-1]:
        out[-1] = 1
        return out
    for i, (low, high) in enumerate(pairwise(levels)):
        if value < high:
            out[i + 1] = max(0.0, (value - low) / (high - low))
            out[i] = 1 - out[i + 1]
            break
    return out


@dataclass(frozen=True, slots=True)
class Sprites:
    """Pictures of one patch, (n, h, w, 4); at their edges all are the face at rest."""

    pictures: Bytes

    def mix(self, shares: Floats, out: Bytes) -> None:
        """Write the mixture into out, (h, w, 4)."""
        used = np.flatnonzero(shares)
        if len(used) == 1:
            np.copyto(out, self.pictures[used[0]])
            return
        total = np.full(out.shape, 0.5, np.float32)
        for i in used:
            total += self.pictures[i] * shares[i]
        np.copyto(out, np.clip(total, 0, 255), casting="unsafe")


def feather(height: int, width: int) -> NDArray[np.float32]:
    """(h, w, 1): 0 at the edges of a patch, 1 inside."""
    ramp = max(2.0, 0.12 * min(height, width))
    y, x = (np.minimum(np.arange(n), np.arange(n)[::-1]) / ramp for n in (height, width))
    share = np.clip(np.minimum(y[:, None], x[None]), 0, 1).astype(np.float32)
    return (share * share * (3 - 2 * share))[..., None]
