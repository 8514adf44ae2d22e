"""What the networks of motion hear: 16 kHz sound as rows of features, 25 a second.

HuBERT says 50 rows a second of the sound as it is (nothing evens out its loudness first, as in both
published programs); the mean of two is a frame's. Where each row looks is theirs too: Ditto has 80
samples of silence in front, JoyVASA reflects 20 samples at both ends, twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as fn

from avatar.nets.hubert import REACH, STEP, Hubert

F32 = NDArray[np.float32]

SAMPLES: Final = 2 * STEP
"""Of a frame."""
_EDGE: Final = REACH - STEP
PAST: Final = 50
"""Frames that Ditto's encoder hears of before a block: 2 s."""
AHEAD: Final = 2
"""And after it: as in its published windows."""

Hear = Callable[[F32], Tensor]
"""From sound of whole frames to a row for each."""  # (frames * 640,) -> (frames, features)


@dataclass(frozen=True, slots=True)
class Hearing:
    """past, ahead: the frames around a block that are heard with it, so that it knows what it is
    part of."""

    hear: Hear
    past: int = 0
    ahead: int = 0


def ditto(net: Hubert) -> Hearing:
    """By HuBERT large. The published encoder hears 0.4 s beside fixed memories of other speech,
    which only its own file has; here it hears what was said before."""

    def hear(sound: F32) -> Tensor:
        return _frames(net, fn.pad(_batch(net, sound), (_EDGE, 0)))

    return Hearing(hear, PAST, AHEAD)


def joyvasa(net: Hubert, features: nn.Module) -> Hearing:
    """By HuBERT base, a window by itself. features: what its rows become."""

    def hear(sound: F32) -> Tensor:
        padded = _batch(net, sound)
        for _ in range(2):
            padded = fn.pad(padded, (_EDGE // 4, _EDGE // 4), mode="reflect")
        return features(_frames(net, padded))

    return Hearing(hear)


def silence(frames: int) -> F32:
    """Sound of so many frames in which nothing is heard."""
    return np.zeros(frames * SAMPLES, np.float32)


def _batch(net: Hubert, sound: F32) -> Tensor:
    weight = net.feature_projection.projection.weight
    return torch.from_numpy(sound).to(weight.device, weight.dtype)[None]


def _frames(net: Hubert, sound: Tensor) -> Tensor:
    return net(sound)[0].unflatten(0, (-1, 2)).mean(dim=1)  # (frames, width)
