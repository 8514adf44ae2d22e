"""LivePortrait's F: from a face to a volume of its looks.

Origin: KwaiVGI/LivePortrait at 1986663, MIT; the weights are under the same licence.
Written from a description of the architecture; no code was copied.
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

SIDE: Final = 256


class _Conv(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return fn.relu(self.norm(self.conv(x)))


class _Residual(nn.Module):
    """Two pre-activated 3-D convolutions beside the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(width, width, 3, padding=1)
        self.conv2 = nn.Conv3d(width, width, 3, padding=1)
        self.norm1 = nn.BatchNorm3d(width)
        self.norm2 = nn.BatchNorm3d(width)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(fn.relu(self.norm1(x)))
        return x + self.conv2(fn.relu(self.norm2(inner)))


class Appearance(nn.Module):
    """width, most: channels after the first convolution, and the ceiling of the doubling.

    channels, depth: of the volume; blocks: 3-D residual blocks.
    """

    def __init__(
        self,
        *,
        width: int = 64,
        most: int = 512,
        halvings: int = 2,
        channels: int = 32,
        depth: int = 16,
        blocks: int = 6,
    ) -> None:
        super().__init__()
        self.channels, self.depth = channels, depth
        self.first = _Conv(3, width)
        widths = [min(most, width << i) for i in range(halvings + 1)]
        self.down_blocks = nn.ModuleList(_Conv(a, b) for a, b in pairwise(widths))
        self.second = nn.Conv2d(widths[-1], channels * depth, 1)
        self.resblocks_3d = nn.Sequential()
        for i in range(blocks):
            self.resblocks_3d.add_module(f"3dr{i}", _Residual(channels))

    def forward(self, image: Tensor) -> Tensor:
        """image: RGB in 0..1."""  # (B, 3, 256, 256)
        x = self.first(image)  # (B, 64, 256, 256)
        for block in self.down_blocks:
            x = fn.avg_pool2d(block(x), 2)
        x = self.second(x)  # (B, 512, 64, 64)
        x = torch.unflatten(x, 1, (self.channels, self.depth))
        return self.resblocks_3d(x)  # (B, 32, 16, 64, 64)
