"""LivePortrait's W: bends the volume of looks from the source's key points to the driving ones.

Origin: KwaiVGI/LivePortrait at 1986663, MIT; the weights are under the same licence.
Written from a description of the architecture; no code was copied. The grid has its corners at
-1 and 1 but is sampled with align_corners=False: a mismatch the weights were trained with.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

_VARIANCE: Final = 0.01


class _Conv3d(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return fn.relu(self.norm(self.conv(x)))


class _Encoder(nn.Module):
    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.down_blocks = nn.ModuleList(_Conv3d(a, b) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> list[Tensor]:
        found = [x]
        for block in self.down_blocks:
            found.append(fn.avg_pool3d(block(found[-1]), (1, 2, 2)))
        return found


class _Decoder(nn.Module):
    def __init__(self, widths: list[int], narrowest: int) -> None:
        super().__init__()
        outs = [*widths[1:-1][::-1], narrowest]
        ins = [widths[-1], *(2 * width for width in widths[1:-1][::-1])]
        self.up_blocks = nn.ModuleList(_Conv3d(a, b) for a, b in zip(ins, outs, strict=True))
        self.out_width = narrowest + widths[0]
        self.conv = nn.Conv3d(self.out_width, self.out_width, 3, padding=1)
        self.norm = nn.BatchNorm3d(self.out_width)

    def forward(self, found: list[Tensor]) -> Tensor:
        x = found.pop()
        for block in self.up_blocks:
            x = block(fn.interpolate(x, scale_factor=(1, 2, 2)))
            x = torch.cat([x, found.pop()], dim=1)
        return fn.relu(self.norm(self.conv(x)))


class _Hourglass(nn.Module):
    def __init__(self, inputs: int, width: int, most: int, blocks: int) -> None:
        super().__init__()
        widths = [inputs, *(min(most, width << (i + 1)) for i in range(blocks))]
        self.encoder = _Encoder(widths)
        self.decoder = _Decoder(widths, min(most, width))

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


def grid(depth: int, height: int, width: int, like: Tensor) -> Tensor:
    """Coordinates in -1..1 at the corners, last axis x, y, z."""
    axes = [
        2 * (torch.arange(n, device=like.device, dtype=like.dtype) / (n - 1)) - 1
        for n in (depth, height, width)
    ]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, z], dim=-1)  # (D, H, W, 3)


class _DenseMotion(nn.Module):
    def __init__(
        self,
        points: int,
        channels: int,
        depth: int,
        width: int,
        most: int,
        blocks: int,
        thin: int,
        least: float,
    ) -> None:
        super().__init__()
        self.least = least
        candidates = points + 1
        self.hourglass = _Hourglass(candidates * (thin + 1), width, most, blocks)
        out = self.hourglass.decoder.out_width
        self.mask = nn.Conv3d(out, candidates, 7, padding=3)
        self.compress = nn.Conv3d(channels, thin, 1)
        self.norm = nn.BatchNorm3d(thin)
        self.occlusion = nn.Conv2d(out * depth, 1, 7, padding=3)

    def forward(
        self, volume: Tensor, driving: Tensor, source: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        thin = fn.relu(self.norm(self.compress(volume)))  # (B, 4, 16, 64, 64)
        batch, channels, *room = thin.shape
        here = grid(room[0], room[1], room[2], like=thin)  # (D, H, W, 3)
        to, back = (points[:, :, None, None, None, :] for points in (driving, source))
        # in this order: what is rounded here is much larger in the picture
        flows = torch.cat([here.expand_as(to[:, :1] + here), here - to + back], dim=1)
        count = flows.shape[1]  # (B, 22, D, H, W, 3)
        moved = fn.grid_sample(
            thin.repeat_interleave(count, dim=0), flows.flatten(0, 1), align_corners=False
        ).view(batch, count, channels, *room)
        heat = _heatmap(here, driving) - _heatmap(here, source)
        heat = torch.cat([torch.zeros_like(heat[:, :1]), heat], dim=1)[:, :, None]
        seen = self.hourglass(torch.cat([heat, moved], dim=2).flatten(1, 2))  # (B, 142, D, H, W)
        mask = torch.softmax(self.mask(seen), dim=1)  # (B, 22, D, H, W)
        heeded = fn.threshold(mask, self.least, 0.0) if self.least else mask
        flow = (flows * heeded[..., None]).sum(dim=1)  # (B, D, H, W, 3)
        occlusion = torch.sigmoid(self.occlusion(seen.flatten(1, 2)))  # (B, 1, H, W)
        return flow, occlusion, mask


def _heatmap(here: Tensor, points: Tensor) -> Tensor:
    off = here - points[:, :, None, None, None, :]
    return torch.exp(-0.5 * off.square().sum(dim=-1) / _VARIANCE)  # (B, 21, D, H, W)


class _Third(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return fn.leaky_relu(self.norm(self.conv(x)), 0.01)


class Warped(NamedTuple):
    """What W makes; the last three are only of interest to a comparison."""

    out: Tensor  # (B, 256, 64, 64)
    deformation: Tensor  # (B, 16, 64, 64, 3)
    occlusion_map: Tensor  # (B, 1, 64, 64)
    mask: Tensor  # (B, 22, 16, 64, 64)


class Warping(nn.Module):
    """points: key points; channels, depth: of the volume; outputs: channels of the result.

    width, most, blocks, thin: of the hourglass, and the channels that it sees of the volume.
    least: candidates with a smaller share in a place are left out there, the others as they are.
    """

    def __init__(
        self,
        *,
        points: int = 21,
        channels: int = 32,
        depth: int = 16,
        outputs: int = 256,
        width: int = 32,
        most: int = 1024,
        blocks: int = 5,
        thin: int = 4,
        least: float = 0.0,
    ) -> None:
        super().__init__()
        self.dense_motion_network = _DenseMotion(
            points, channels, depth, width, most, blocks, thin, least
        )
        self.third = _Third(channels * depth, outputs)
        self.fourth = nn.Conv2d(outputs, outputs, 1)

    def forward(self, volume: Tensor, *, driving: Tensor, source: Tensor) -> Warped:
        """driving, source: key points."""  # (B, 32, 16, 64, 64), (B, 21, 3), (B, 21, 3)
        flow, occlusion, mask = self.dense_motion_network(volume, driving, source)
        bent = fn.grid_sample(volume, flow, align_corners=False)
        out = self.fourth(self.third(bent.flatten(1, 2))) * occlusion
        return Warped(out, flow, occlusion, mask)
