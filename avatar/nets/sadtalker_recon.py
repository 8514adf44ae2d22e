"""SadTalker's reading of a face: 257 coefficients of a 3-D model. A ResNet-50.

Origin: OpenTalker/SadTalker at cd4c046 after Deep3DFaceRecon; the face model behind it (BFM) allows
research only. Written from a description of the architecture; no code was copied.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

HEADS: Final = (80, 64, 80, 3, 27, 2, 1)
"""Identity, expression, texture, angles, light, shift in the plane, depth."""


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the prefix."""
    return {key.removeprefix("face_3drecon."): value for key, value in state.items()}


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * inner
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.learned = stride != 1 or inputs != outputs
        if self.learned:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = fn.relu(self.bn1(self.conv1(x)))
        inner = fn.relu(self.bn2(self.conv2(inner)))
        beside = self.downsample(x) if self.learned else x
        return fn.relu(self.bn3(self.conv3(inner)) + beside)


class _ResNet(nn.Module):
    def __init__(self, depths: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for i, depth in enumerate(depths):
            inner = 64 << i
            stage = nn.Sequential()
            for j in range(depth):
                stage.append(_Bottleneck(inputs, inner, 2 if i and not j else 1))
                inputs = 4 * inner
            self.add_module(f"layer{i + 1}", stage)

    def forward(self, x: Tensor) -> Tensor:
        x = fn.max_pool2d(fn.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for name in ("layer1", "layer2", "layer3", "layer4"):
            x = self.get_submodule(name)(x)
        return x.mean(dim=(2, 3), keepdim=True)


class Reconstruction(nn.Module):
    """depths: of ResNet's stages."""

    def __init__(self, *, depths: Sequence[int] = (3, 4, 6, 3)) -> None:
        super().__init__()
        self.backbone = _ResNet(depths)
        self.final_layers = nn.ModuleList(nn.Conv2d(2048, width, 1) for width in HEADS)

    def forward(self, image: Tensor) -> Tensor:
        """image: an aligned face, RGB in 0..1."""
        x = self.backbone(image)  # (B, 3, 224, 224) -> (B, 2048, 1, 1)
        return torch.cat([layer(x) for layer in self.final_layers], dim=1).flatten(1)  # (B, 257)
