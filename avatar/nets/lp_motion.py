"""LivePortrait's M: from a face to key points, head pose and expression. ConvNeXt V2, tiny.

Origin: KwaiVGI/LivePortrait at 1986663, MIT; the weights are under the same licence.
Written from a description of the architecture; no code was copied.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

BINS: Final = 66
"""Of an angle: 3 degrees each, from -97.5 degrees."""


class _ChannelNorm(nn.Module):
    """Layer norm over the channels of (B, C, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        normal = fn.layer_norm(
            x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, 1e-6
        )
        return normal.permute(0, 3, 1, 2)


class _ResponseNorm(nn.Module):
    """Each channel by its share of the whole response; channels last."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        size = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)  # (B, 1, 1, C)
        share = size / (size.mean(dim=-1, keepdim=True) + 1e-6)
        return self.gamma * (x * share) + self.beta + x


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.grn = _ResponseNorm(4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(self.dwconv(x).permute(0, 2, 3, 1))  # (B, H, W, C)
        inner = self.pwconv2(self.grn(fn.gelu(self.pwconv1(inner))))
        return x + inner.permute(0, 3, 1, 2)


class _Detector(nn.Module):
    def __init__(self, depths: Sequence[int], widths: Sequence[int], points: int) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), _ChannelNorm(widths[0]))
        self.downsample_layers = nn.ModuleList([stem])
        for a, b in pairwise(widths):
            self.downsample_layers.append(
                nn.Sequential(_ChannelNorm(a), nn.Conv2d(a, b, 2, stride=2))
            )
        self.stages = nn.ModuleList(
            nn.Sequential(*(_Block(width) for _ in range(depth)))
            for depth, width in zip(depths, widths, strict=True)
        )
        last = widths[-1]
        self.norm = nn.LayerNorm(last, eps=1e-6)
        self.fc_kp = nn.Linear(last, 3 * points)
        self.fc_scale = nn.Linear(last, 1)
        self.fc_pitch = nn.Linear(last, BINS)
        self.fc_yaw = nn.Linear(last, BINS)
        self.fc_roll = nn.Linear(last, BINS)
        self.fc_t = nn.Linear(last, 3)
        self.fc_exp = nn.Linear(last, 3 * points)

    def forward(self, x: Tensor) -> Tensor:
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x))
        return self.norm(x.mean(dim=(-2, -1)))  # (B, 768)


class Motion(nn.Module):
    """depths, widths: of the four stages; points: canonical key points."""

    def __init__(
        self,
        *,
        depths: Sequence[int] = (3, 3, 9, 3),
        widths: Sequence[int] = (96, 192, 384, 768),
        points: int = 21,
    ) -> None:
        super().__init__()
        self.detector = _Detector(depths, widths, points)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image: RGB in 0..1. The heads as they are; avatar.neural.keypoints reads them."""
        net = self.detector  # image: (B, 3, 256, 256)
        x = net(image)  # (B, 768)
        return {
            "pitch": net.fc_pitch(x),  # (B, 66)
            "yaw": net.fc_yaw(x),  # (B, 66)
            "roll": net.fc_roll(x),  # (B, 66)
            "t": net.fc_t(x),  # (B, 3)
            "exp": net.fc_exp(x),  # (B, 63)
            "scale": net.fc_scale(x),  # (B, 1)
            "kp": net.fc_kp(x),  # (B, 63)
        }
