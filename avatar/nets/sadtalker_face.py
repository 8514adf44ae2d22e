"""SadTalker's renderer: key points of a face, and the face moved to others.

Origin: OpenTalker/SadTalker at cd4c046, code Apache-2.0; treat its weights as research only. The
same family as LivePortrait's networks, whose parts are used. Written from a description; no code
was copied.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from avatar.nets import lp_generator
from avatar.nets.lp_appearance import Appearance
from avatar.nets.lp_generator import Generator
from avatar.nets.lp_warping import Warping, grid

POINTS: Final = 15
_TEMPERATURE: Final = 0.1
_LEAST_SHARE: Final = 1e-3
_WARPING: Final = ("dense_motion_network.", "third.", "fourth.")


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The generator's tensors sorted to its three parts, spectral norm folded."""
    out = {}
    for key, value in lp_generator.official(state).items():
        key = key.removeprefix("generator.")
        if key.startswith(_WARPING):
            key = f"warping.{key}"
        elif not key.startswith("decoder."):
            key = f"appearance.{key}"
        out[key] = value
    return out


class FaceRenderer(nn.Module):
    """From a face and two sets of key points to the face moved from one to the other."""

    def __init__(self) -> None:
        super().__init__()
        self.appearance = Appearance()
        self.warping = Warping(points=POINTS, least=_LEAST_SHARE)
        self.decoder = Generator(shuffle=False)

    def forward(self, image: Tensor, *, driving: Tensor, source: Tensor) -> Tensor:
        """image: RGB in 0..1."""  # (B, 3, 256, 256), (B, 15, 3), (B, 15, 3)
        warped = self.warping(self.appearance(image), driving=driving, source=source)
        return self.decoder(warped.out)  # (B, 3, 256, 256)


def official_points(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The key point network's tensors without their prefix."""
    return {key.removeprefix("kp_extractor."): value for key, value in state.items()}


class _Down(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return fn.avg_pool2d(fn.relu(self.norm(self.conv(x))), 2)


class _Up(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return fn.relu(self.norm(self.conv(fn.interpolate(x, scale_factor=(1, 2, 2)))))


class _Predictor(nn.Module):
    def __init__(self, width: int, blocks: int, depth: int) -> None:
        super().__init__()
        widths = [width << i for i in range(blocks + 1)]
        self.depth = depth
        self.down_blocks, self.up_blocks = nn.Sequential(), nn.Sequential()
        for i in range(blocks):
            self.down_blocks.add_module(f"down{i}", _Down(widths[i] if i else 3, widths[i + 1]))
            self.up_blocks.add_module(f"up{i}", _Up(widths[-1 - i], widths[-2 - i]))
        self.conv = nn.Conv2d(widths[-1], widths[-1] * depth, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.down_blocks(x)).unflatten(1, (-1, self.depth))
        return self.up_blocks(x)  # (B, 32, 16, 64, 64)


class _Shrink(nn.Module):
    """To a quarter of the size; the blur is in the file."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(3, 1, size, size))

    def forward(self, x: Tensor) -> Tensor:
        blurred = fn.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2, groups=3)
        return blurred[:, :, ::4, ::4]


class KeyPoints(nn.Module):
    """The canonical key points of a face."""

    def __init__(self, *, width: int = 32, blocks: int = 5, depth: int = 16) -> None:
        super().__init__()
        self.predictor = _Predictor(width, blocks, depth)
        self.kp = nn.Conv3d(width, POINTS, 3, padding=1)
        self.down = _Shrink(13)

    def forward(self, image: Tensor) -> Tensor:
        """image: RGB in 0..1."""  # (B, 3, 256, 256)
        heat = self.kp(self.predictor(self.down(image)))  # (B, 15, 16, 64, 64)
        share = torch.softmax(heat.flatten(2) / _TEMPERATURE, dim=2)
        depth, height, width = heat.shape[2:]
        places = grid(depth, height, width, like=heat).flatten(0, 2)
        # not as a product of matrices: that rounds 65,536 small shares one after another
        return (share[..., None] * places).sum(dim=2)  # (B, 15, 3)
