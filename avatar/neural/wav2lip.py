"""Wav2Lip around its network: what a picture hears, what is seen of a face, and what becomes of it.

A picture hears the 16 mel frames that begin with it, on a grid that only the sound's own samples
decide: in whatever pieces the sound arrives, they are the same to the last bit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from avatar.nets import catalogue
from avatar.neural import mel
from avatar.neural.batch import Batched
from avatar.neural.device import Device
from avatar.neural.ear import Steps
from avatar.neural.mel import WAV2LIP_FPS, WAV2LIP_LEAST, WAV2LIP_WINDOW
from avatar.neural.tokens import SAMPLES_A_STEP

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

NAME: Final = "wav2lip"
SIDE: Final = 96
_PAST_STEPS: Final = 100
"""2 s of sound are kept: speech that was paused goes on a little before where it stopped."""


class Ear:
    """Hears one segment. Feed it in order."""

    def __init__(self, fps: int) -> None:
        self._fps = fps
        self.steps = Steps()
        self.feed, self.finish = self.steps.feed, self.steps.finish

    def window(self, frame: int) -> F32 | None:
        """The mel that a picture hears: (80, 16). None while it is not known; silence before and
        behind the sound."""
        low, high = mel.wav2lip_span(frame * WAV2LIP_FPS // self._fps)
        first, end = max(0, low // SAMPLES_A_STEP), -(-high // SAMPLES_A_STEP)
        if len(self.steps) < end and not self.steps.ended:
            return None
        self.steps.forget(min(first - _PAST_STEPS, len(self.steps)))
        known = self.steps.sound(first, end)
        at = max(first, self.steps.dropped) * SAMPLES_A_STEP - low
        known = known[max(0, -at) :][: high - low - max(0, at)]
        span = np.zeros(high - low, np.float32)
        span[max(0, at) : max(0, at) + len(known)] = known
        return np.asarray(mel.wav2lip_window(span), np.float32)


def quiet() -> F32:
    """What is heard in silence: (80, 16)."""
    return np.full((80, WAV2LIP_WINDOW), WAV2LIP_LEAST, np.float32)


def seen(face: U8) -> Tensor:
    """A face, (96, 96, 3) BGR, as the network takes it: with its lower half blank, and whole."""
    bgr = face.astype(np.float32).transpose(2, 0, 1) / np.float32(255)
    blank = bgr.copy()
    blank[:, SIDE // 2 :] = 0
    return torch.from_numpy(np.concatenate([blank, bgr])[None])  # (1, 6, 96, 96)


def to_bgr(out: Tensor) -> U8:
    """What the network made, 0..1, as pictures: (B, 96, 96, 3). Cut off, not rounded."""
    levels = (out.float() * 255).to(torch.uint8)
    return np.asarray(levels.permute(0, 2, 3, 1).contiguous().cpu().numpy(), np.uint8)


@dataclass(frozen=True, slots=True)
class Nets:
    """The network; shared by all faces."""

    device: Device
    net: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    saying: Batched = field(init=False)
    """From mel windows and seen faces to faces, those of several sessions at once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "saying", Batched(self._faces, self.device))

    def _faces(self, heard: Tensor, faces: Tensor) -> Tensor:
        return self.net(heard, faces)[0]  # (B, 3, 96, 96)

    @classmethod
    def load(cls, device: Device, read: Callable[[str], dict[str, Tensor]]) -> Self:
        """read: the checked tensors of a network by its name."""
        net = device.put(folded(catalogue.load(NAME, read(NAME))))
        # so that a CPU need not turn the channels round: a sixth of the time
        return cls(device, net.to(memory_format=torch.channels_last))

    def prepare(self) -> None:
        """Make the first picture cost no more than the others."""
        blank = np.zeros((SIDE, SIDE, 3), np.uint8)
        self.saying.prepare(*self._given(quiet(), blank))
        self.say(quiet(), blank)

    def say(self, window: F32, face: U8, due_s: float = math.inf) -> U8:
        """A face, (96, 96, 3) BGR, that says what is heard in a window.

        Raises Late if it was due, on the clock of `saying`, before it could be begun.
        """
        with torch.inference_mode(), self.device.stage("say"):
            out = self.saying(*self._given(window, face), due_s=due_s)
            return np.asarray(to_bgr(out)[0], np.uint8)

    def _given(self, window: F32, face: U8) -> tuple[Tensor, Tensor]:
        where, dtype = self.device.name, self.device.dtype
        return torch.from_numpy(window)[None, None].to(where, dtype), seen(face).to(where, dtype)


def folded(net: nn.Module) -> nn.Module:
    """The same network, each batch norm made part of the convolution before it."""
    for part in net.modules():
        block = getattr(part, "conv_block", None)
        if isinstance(block, nn.Sequential):
            conv, norm = block
            turned = isinstance(conv, nn.ConvTranspose2d)
            part.conv_block = fuse_conv_bn_eval(conv, norm, transpose=turned)
    return net
