"""What MuseTalk's UNet and its VAE are both built of: a residual block and changes of size.

Origin: the layout of Stable Diffusion 1 as MuseTalk 1.5 uses it (MIT).
Written from a description of the architecture; no code was copied.
"""

from torch import Tensor, nn
from torch.nn import functional as fn

_GROUPS = 32


class Resnet(nn.Module):
    """Group norm, SiLU, convolution, twice, beside the input."""

    def __init__(self, inputs: int, outputs: int, *, eps: float) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(_GROUPS, inputs, eps=eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(_GROUPS, outputs, eps=eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.learned = inputs != outputs
        if self.learned:
            self.conv_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(fn.silu(self.norm1(x)))
        inner = self.conv2(fn.silu(self.norm2(inner)))
        return inner + (self.conv_shortcut(x) if self.learned else x)


class Downsample(nn.Module):
    """To half the size. lopsided: padded only right and below, as the VAE's encoder does."""

    def __init__(self, width: int, *, lopsided: bool = False) -> None:
        super().__init__()
        self.lopsided = lopsided
        self.conv = nn.Conv2d(width, width, 3, stride=2, padding=0 if lopsided else 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(fn.pad(x, (0, 1, 0, 1)) if self.lopsided else x)


class Upsample(nn.Module):
    """To twice the size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(fn.interpolate(x, scale_factor=2))
