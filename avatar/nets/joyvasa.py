"""JoyVASA's denoiser: from how speech sounds to head motion in LivePortrait's space.

Origin: jdh-algo/JoyVASA at 74290f6, MIT. Written from a description of the architecture; no code
was copied. Each motion frame looks at its own frame of sound alone. The tables of positions are
computed; those in the file are the same.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

TABLES = ("TE.pe", "PE.pe", "alignment_mask")
PREFIX = "denoising_net."
AROUND = (
    *("start_motion_feat", "start_audio_feat", "null_audio_feat"),
    *("audio_feature_map.", "diffusion_sched.", "audio_encoder."),
)
"""How the names begin of what its file holds beside the denoiser."""


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names without their prefix; without what is computed."""
    return {
        key.removeprefix(PREFIX): value for key, value in state.items() if not key.endswith(TABLES)
    }


def sines(count: int, width: int) -> Tensor:
    """Sine (even) and cosine (odd) of each position."""
    place = torch.arange(count, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
    table = torch.empty(count, width)
    table[:, 0::2] = torch.sin(place * rate)
    table[:, 1::2] = torch.cos(place * rate)
    return table  # (count, width)


class _Attention(nn.Module):
    """Attention with the three projections in one tensor, as torch stores them."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, seen: Tensor, *, own: bool) -> Tensor:
        """own: each place sees its own place alone, so that what it sees is its value."""
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        if own:
            return self.out_proj(fn.linear(seen, weights[2], biases[2]))
        q, k, v = (
            fn.linear(given, w, b).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for given, w, b in zip((x, seen, seen), weights, biases, strict=True)
        )
        return self.out_proj(fn.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width, heads)
        self.multihead_attn = _Attention(width, heads)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x: Tensor, heard: Tensor) -> Tensor:
        x = self.norm1(x + self.self_attn(x, x, own=False))
        x = self.norm2(x + self.multihead_attn(x, heard, own=True))
        return self.norm3(x + self.linear2(fn.gelu(self.linear1(x))))


class _Layers(nn.Module):
    def __init__(self, width: int, heads: int, count: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(width, heads) for _ in range(count))

    def forward(self, x: Tensor, heard: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, heard)
        return x


class Denoiser(nn.Module):
    """motion: features of a frame; width: of a frame of sound and of the network."""

    def __init__(
        self, *, motion: int = 70, width: int = 512, heads: int = 8, layers: int = 8
    ) -> None:
        super().__init__()
        self.width = width
        self.diff_step_map = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )
        self.feature_proj = nn.Linear(motion, width)
        self.transformer = _Layers(width, heads, layers)
        self.motion_dec = nn.Sequential(
            nn.Linear(width, width // 2), nn.GELU(), nn.Linear(width // 2, motion)
        )

    def forward(
        self, motion: Tensor, heard: Tensor, before: Tensor, heard_before: Tensor, step: Tensor
    ) -> Tensor:
        """The motion without noise, that of the frames before included."""
        x = torch.cat([before, motion], dim=1)  # (B, 25, 70), (B, 100, 70)
        sound = torch.cat([heard_before, heard], dim=1)  # (B, 125, 512)
        frames = x.shape[1]
        table = sines(max(frames, int(step.max())) + 1, self.width).to(x)
        x = self.feature_proj(x) + table[:frames]
        x = x + self.diff_step_map(table[step])[:, None]
        return self.motion_dec(self.transformer(x, sound))  # (B, 125, 70)
