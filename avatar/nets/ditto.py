"""Ditto's LMDM: from how speech sounds to head motion in LivePortrait's space, by diffusion.

Origin: antgroup/ditto-talkinghead at e9191cf, Apache-2.0, weights too. Written from a description
of the architecture; no code was copied. One pass; `predict` is one step of the sampling.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

STEPS = 1000


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same rates in all layers: they share one tensor, of which the last copy counts."""
    names = [key for key in state if key.endswith("rotary.freqs")]
    return {**state, **dict.fromkeys(names, state[names[-1]])}


def fit(state: dict[str, Tensor]) -> "Lmdm":
    """With the width of what these weights hear."""
    return Lmdm(heard=state["cond_projection.weight"].shape[1])


def cumulative(steps: int = STEPS, offset: float = 8e-3) -> Tensor:
    """How much of the motion is left at each step: the cosine schedule."""
    t = (torch.arange(steps + 1, dtype=torch.float64) / steps + offset) / (1 + offset)
    left = torch.cos(t * math.pi / 2).square()
    beta = (1 - left[1:] / left[:-1]).clamp(0, 0.999)
    return torch.cumprod(1 - beta, dim=0).float()  # (1000,)


class _Rotary(nn.Module):
    """Turns pairs of features by an angle that grows along the sequence; the file has the rates."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.freqs = nn.Parameter(torch.ones(width // 2))

    def forward(self, x: Tensor) -> Tensor:
        place = torch.arange(x.shape[-2], device=x.device, dtype=self.freqs.dtype)
        angle = (place[:, None] * self.freqs).repeat_interleave(2, dim=-1)  # (T, C)
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = torch.stack([-odd, even], dim=-1).flatten(-2)
        return x * angle.cos() + turned * angle.sin()


class _Attention(nn.Module):
    """Attention with the three projections in one tensor, as torch stores them."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        q, k, v = (
            fn.linear(x, w, b).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for x, w, b in zip((q, k, v), weights, biases, strict=True)
        )
        return self.out_proj(fn.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class _Film(nn.Module):
    """Scale and shift by what is known of the whole window."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Mish(), nn.Linear(width, 2 * width))

    def forward(self, x: Tensor, whole: Tensor) -> Tensor:
        scale, shift = self.block(whole)[:, None].chunk(2, dim=-1)
        return (scale + 1) * x + shift


class _Encoder(nn.Module):
    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width, heads)
        self.linear1, self.linear2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.rotary = _Rotary(width)

    def forward(self, x: Tensor) -> Tensor:
        own = self.norm1(x)
        turned = self.rotary(own)
        x = x + self.self_attn(turned, turned, own)
        return x + self.linear2(fn.gelu(self.linear1(self.norm2(x))))


class _Decoder(nn.Module):
    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width, heads)
        self.multihead_attn = _Attention(width, heads)
        self.linear1, self.linear2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.film1, self.film2, self.film3 = (_Film(width) for _ in range(3))
        self.rotary = _Rotary(width)

    def forward(self, x: Tensor, tokens: Tensor, whole: Tensor) -> Tensor:
        own = self.norm1(x)
        turned = self.rotary(own)
        x = x + self.film1(self.self_attn(turned, turned, own), whole)
        seen = self.multihead_attn(self.rotary(self.norm2(x)), self.rotary(tokens), tokens)
        x = x + self.film2(seen, whole)
        inner = self.linear2(fn.gelu(self.linear1(self.norm3(x))))
        return x + self.film3(inner, whole)


class _Stack(nn.Module):
    def __init__(self, width: int, heads: int, inner: int, layers: int) -> None:
        super().__init__()
        self.stack = nn.ModuleList(_Decoder(width, heads, inner) for _ in range(layers))

    def forward(self, x: Tensor, tokens: Tensor, whole: Tensor) -> Tensor:
        for layer in self.stack:
            x = layer(x, tokens, whole)
        return x


class _Sines(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, step: Tensor) -> Tensor:
        half = self.width // 2
        rate = torch.exp(torch.arange(half, device=step.device) * -(math.log(10000) / (half - 1)))
        angle = step[:, None] * rate
        return torch.cat([angle.sin(), angle.cos()], dim=-1)  # (B, 512)


class Prediction(NamedTuple):
    """What one step says: the motion without noise, and the noise."""

    start: Tensor  # (B, 80, 265)
    noise: Tensor  # (B, 80, 265)


class Lmdm(nn.Module):
    """motion, heard: features of a frame; frames: of a window."""

    def __init__(
        self,
        *,
        motion: int = 265,
        heard: int = 1059,
        frames: int = 80,
        width: int = 512,
        inner: int = 1024,
        heads: int = 8,
        layers: int = 8,
    ) -> None:
        super().__init__()
        self.width = width
        self.null_cond_embed = nn.Parameter(torch.empty(1, frames, width))
        self.null_cond_hidden = nn.Parameter(torch.empty(1, width))
        self.rotary = _Rotary(width)
        self.time_mlp = nn.Sequential(_Sines(width), nn.Linear(width, 4 * width), nn.Mish())
        self.to_time_cond = nn.Sequential(nn.Linear(4 * width, width))
        self.to_time_tokens = nn.Sequential(nn.Linear(4 * width, 2 * width))
        self.norm_cond = nn.LayerNorm(width)
        self.input_projection = nn.Linear(2 * motion, width)
        self.cond_encoder = nn.Sequential(*(_Encoder(width, heads, inner) for _ in range(2)))
        self.cond_projection = nn.Linear(heard, width)
        self.non_attn_cond_projection = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.seqTransDecoder = _Stack(width, heads, inner, layers)
        self.final_layer = nn.Linear(width, motion)

    def forward(self, x: Tensor, last: Tensor, step: Tensor, heard: Tensor | None) -> Tensor:
        """The motion without noise. last: motion of the frame before; heard: None for unguided."""
        batch = x.shape[0]  # (B, 80, 265), (B, 265), (B,), (B, 80, 1059)
        x = self.input_projection(torch.cat([x, last[:, None].expand_as(x)], dim=-1))
        if heard is None:
            tokens = self.null_cond_embed.expand(batch, -1, -1)
            hidden = self.null_cond_hidden.expand(batch, -1)
        else:
            tokens = self.cond_encoder(self.cond_projection(heard))  # (B, 80, 512)
            hidden = self.non_attn_cond_projection(tokens.mean(dim=-2))  # (B, 512)
        time = self.time_mlp(step)
        whole = self.to_time_cond(time) + hidden
        times = self.to_time_tokens(time).unflatten(-1, (2, self.width))
        tokens = self.norm_cond(torch.cat([tokens, times], dim=-2))  # (B, 82, 512)
        return self.final_layer(self.seqTransDecoder(x, tokens, whole))

    def predict(
        self, x: Tensor, last: Tensor, step: Tensor, heard: Tensor, *, guidance: float = 2.0
    ) -> Prediction:
        """One step of the sampling, guided by what is heard."""
        free = self(x, last, step, None)
        start = free + (self(x, last, step, heard) - free) * guidance
        left = cumulative()[step.cpu()].to(x)[:, None, None]
        noise = ((1 / left).sqrt() * x - start) / (1 / left - 1).sqrt()
        return Prediction(start, noise)
