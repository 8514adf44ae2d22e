"""The VAE between MuseTalk's pictures and latents: sd-vae-ft-mse.

Origin: stabilityai/sd-vae-ft-mse, MIT. Written from a description of the architecture; no code was
copied. Files name the attention's layers in an old or a new way: `official` takes both.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from avatar.nets.mt_resnet import Downsample, Resnet, Upsample

SCALE: Final = 0.18215
"""Latents are stored times this; it is in no file."""

_GROUPS = 32
_EPS = 1e-6
_NEW_NAMES: Final = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The old names of the attention's layers, whichever the file has; 1x1 kernels made flat."""
    out = {}
    for key, value in state.items():
        if ".attentions." in key:
            for new, old in _NEW_NAMES.items():
                key = key.replace(f".{new}.", f".{old}.")
            if key.endswith("weight") and value.ndim == 4:
                value = value[:, :, 0, 0]
        out[key] = value
    return out


class _Attention(nn.Module):
    """One head over all places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(_GROUPS, width, eps=_EPS)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.proj_attn = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.group_norm(x).flatten(2).transpose(1, 2)  # (B, H * W, C)
        parts = [layer(inner)[:, None] for layer in (self.query, self.key, self.value)]
        inner = self.proj_attn(fn.scaled_dot_product_attention(*parts)[:, 0])
        return x + inner.transpose(1, 2).unflatten(2, x.shape[2:])


class _Middle(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attentions = nn.ModuleList([_Attention(width)])
        self.resnets = nn.ModuleList(Resnet(width, width, eps=_EPS) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class _Level(nn.Module):
    def __init__(self, inputs: int, width: int, count: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            Resnet(width if i else inputs, width, eps=_EPS) for i in range(count)
        )

    def forward(self, x: Tensor) -> Tensor:
        for resnet in self.resnets:
            x = resnet(x)
        return x


class _Down(_Level):
    def __init__(self, inputs: int, width: int, *, last: bool) -> None:
        super().__init__(inputs, width, 2)
        self.downsamplers = nn.ModuleList([] if last else [Downsample(width, lopsided=True)])

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        for down in self.downsamplers:
            x = down(x)
        return x


class _Up(_Level):
    def __init__(self, inputs: int, width: int, *, last: bool) -> None:
        super().__init__(inputs, width, 3)
        self.upsamplers = nn.ModuleList([] if last else [Upsample(width)])

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        for up in self.upsamplers:
            x = up(x)
        return x


class _Encoder(nn.Module):
    def __init__(self, widths: Sequence[int], latent: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        ins = [widths[0], *widths[:-1]]
        self.down_blocks = nn.ModuleList(
            _Down(a, b, last=i == len(widths) - 1)
            for i, (a, b) in enumerate(zip(ins, widths, strict=True))
        )
        self.mid_block = _Middle(widths[-1])
        self.conv_norm_out = nn.GroupNorm(_GROUPS, widths[-1], eps=_EPS)
        self.conv_out = nn.Conv2d(widths[-1], 2 * latent, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(fn.silu(self.conv_norm_out(self.mid_block(x))))


class _Decoder(nn.Module):
    def __init__(self, widths: Sequence[int], latent: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(latent, widths[-1], 3, padding=1)
        self.mid_block = _Middle(widths[-1])
        outs = list(reversed(widths))
        ins = [widths[-1], *outs[:-1]]
        self.up_blocks = nn.ModuleList(
            _Up(a, b, last=i == len(widths) - 1)
            for i, (a, b) in enumerate(zip(ins, outs, strict=True))
        )
        self.conv_norm_out = nn.GroupNorm(_GROUPS, widths[0], eps=_EPS)
        self.conv_out = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.mid_block(self.conv_in(z))
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(fn.silu(self.conv_norm_out(x)))


class Vae(nn.Module):
    """widths: of the levels; latent: channels of a latent."""

    def __init__(self, *, widths: Sequence[int] = (128, 256, 512, 512), latent: int = 4) -> None:
        super().__init__()
        self.encoder = _Encoder(widths, latent)
        self.decoder = _Decoder(widths, latent)
        self.quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1)
        self.post_quant_conv = nn.Conv2d(latent, latent, 1)

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The posterior's mean and log variance of RGB in -1..1. Not scaled."""
        x = self.quant_conv(self.encoder(image))  # (B, 3, 256, 256)
        mean, log_variance = x.chunk(2, dim=1)  # (B, 4, 32, 32) each
        return mean, torch.clamp(log_variance, -30.0, 20.0)

    def decode(self, latent: Tensor) -> Tensor:
        """RGB around -1..1 of a latent that is not scaled."""
        return self.decoder(self.post_quant_conv(latent))  # (B, 4, 32, 32) -> (B, 3, 256, 256)

    def forward(self, latent: Tensor) -> Tensor:
        return self.decode(latent)
