"""The face parser that MuseTalk masks with: BiSeNet over ResNet-18, 19 classes. Optional.

Origin: zllrunning/face-parsing.PyTorch, code MIT; its weights were trained on CelebAMask-HQ, which
is non-commercial: never fetched by default. Written from a description; no code was copied.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as fn


class _Basic(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.learned = stride != 1 or inputs != outputs
        if self.learned:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(fn.relu(self.bn1(self.conv1(x)))))
        return fn.relu(inner + (self.downsample(x) if self.learned else x))


class _ResNet(nn.Module):
    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        ins = [widths[0], *widths[:-1]]
        for i, (a, b) in enumerate(zip(ins, widths, strict=True)):
            stage = nn.Sequential(_Basic(a, b, 2 if i else 1), _Basic(b, b, 1))
            self.add_module(f"layer{i + 1}", stage)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = fn.max_pool2d(fn.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        eighth = self.layer2(self.layer1(x))
        sixteenth = self.layer3(eighth)
        return eighth, sixteenth, self.layer4(sixteenth)


class _Conv(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return fn.relu(self.bn(self.conv(x)))


class _Attend(nn.Module):
    """Each channel by a share that the whole picture decides."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _Conv(inputs, outputs)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        whole = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.bn_atten(self.conv_atten(whole)))


class _Context(nn.Module):
    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__()
        self.resnet = _ResNet(widths)
        self.arm16 = _Attend(widths[2], width)
        self.arm32 = _Attend(widths[3], width)
        self.conv_head32 = _Conv(width, width)
        self.conv_head16 = _Conv(width, width)
        self.conv_avg = _Conv(widths[3], width, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        eighth, sixteenth, last = self.resnet(x)
        whole = self.conv_avg(last.mean(dim=(2, 3), keepdim=True))
        low = self.arm32(last) + whole
        low = self.conv_head32(fn.interpolate(low, size=sixteenth.shape[2:]))
        high = self.arm16(sixteenth) + low
        return eighth, self.conv_head16(fn.interpolate(high, size=eighth.shape[2:]))


class _Fuse(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.convblk = _Conv(width, width, 1)
        self.conv1 = nn.Conv2d(width, width // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(width // 4, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convblk(x)
        whole = fn.relu(self.conv1(x.mean(dim=(2, 3), keepdim=True)))
        return x * torch.sigmoid(self.conv2(whole)) + x


class _Head(nn.Module):
    def __init__(self, inputs: int, inner: int, classes: int) -> None:
        super().__init__()
        self.conv = _Conv(inputs, inner)
        self.conv_out = nn.Conv2d(inner, classes, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_out(self.conv(x))


class BiSeNet(nn.Module):
    """widths: of ResNet's stages; the two side heads of the file are loaded and never asked."""

    def __init__(self, *, widths: Sequence[int] = (64, 128, 256, 512), classes: int = 19) -> None:
        super().__init__()
        width = widths[1]
        self.cp = _Context(widths, width)
        self.ffm = _Fuse(2 * width)
        self.conv_out = _Head(2 * width, 2 * width, classes)
        self.conv_out16 = _Head(width, width // 2, classes)
        self.conv_out32 = _Head(width, width // 2, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Class scores of an RGB picture normalised as for ImageNet."""
        eighth, context = self.cp(image)  # (B, 3, 512, 512)
        out = self.conv_out(self.ffm(torch.cat([eighth, context], dim=1)))  # (B, 19, 64, 64)
        return fn.interpolate(out, size=image.shape[2:], mode="bilinear", align_corners=True)
