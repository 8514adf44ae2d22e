"""MuseTalk's UNet: one pass from the masked and the reference latent to the mouth that was said.

Origin: TMElyralab/MuseTalk 1.5 at 0a89dec, code MIT; weights usable for any purpose by its README
(the model card may say creativeml-openrail-m). Stable Diffusion 1's layout, widths as parameters.
Written from a description of the architecture; no code was copied. The time step is always 0, so
`official` folds the whole time path into biases, once.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from avatar.nets.mt_resnet import Downsample, Resnet, Upsample

_GROUPS = 32


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fold the embedding of time step 0 into the bias that it is added to."""
    first, second = "time_embedding.linear_1", "time_embedding.linear_2"
    half = state[f"{first}.weight"].shape[1] // 2
    step = torch.cat([torch.ones(half), torch.zeros(half)]).to(state[f"{first}.weight"])
    time = fn.silu(fn.linear(step, state[f"{first}.weight"], state[f"{first}.bias"]))
    time = fn.silu(fn.linear(time, state[f"{second}.weight"], state[f"{second}.bias"]))
    out = {}
    for key, value in state.items():
        if "time_emb" in key:
            continue
        if key.endswith(".conv1.bias"):
            stem = key.replace("conv1.bias", "time_emb_proj")
            value = value + fn.linear(time, state[f"{stem}.weight"], state[f"{stem}.bias"])
        out[key] = value
    return out


class _Attention(nn.Module):
    def __init__(self, width: int, seen: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(seen, width, bias=False)
        self.to_v = nn.Linear(seen, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.to_q(x), self.to_k(seen), self.to_v(seen))
        )  # (B, heads, tokens, width / heads)
        out = fn.scaled_dot_product_attention(q, k, v)
        return self.to_out(out.transpose(1, 2).flatten(2))


class _Gated(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        x, gate = self.proj(x).chunk(2, dim=-1)
        return x * fn.gelu(gate)


class _FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        inner = 4 * width
        self.net = nn.Sequential(_Gated(width, inner), nn.Identity(), nn.Linear(inner, width))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class _Transformer(nn.Module):
    def __init__(self, width: int, seen: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.attn1 = _Attention(width, width, heads)
        self.attn2 = _Attention(width, seen, heads)
        self.ff = _FeedForward(width)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        own = self.norm1(x)
        x = x + self.attn1(own, own)
        x = x + self.attn2(self.norm2(x), tokens)
        return x + self.ff(self.norm3(x))


class _Spatial(nn.Module):
    """A transformer over the places of a picture."""

    def __init__(self, width: int, seen: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([_Transformer(width, seen, heads)])
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        inner = self.proj_in(self.norm(x))
        room = inner.shape[2:]
        inner = inner.flatten(2).transpose(1, 2)  # (B, H * W, C)
        inner = self.transformer_blocks[0](inner, tokens)
        return x + self.proj_out(inner.transpose(1, 2).unflatten(2, room))


class _Level(nn.Module):
    """Resnets, each followed by attention to the sound where `heads`; then a change of size."""

    def __init__(self, ins: Sequence[int], width: int, seen: int, heads: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(a, width, eps=1e-5) for a in ins)
        if heads:
            self.attentions = nn.ModuleList(_Spatial(width, seen, heads) for _ in ins)
        self.attends = bool(heads)

    def step(self, i: int, x: Tensor, tokens: Tensor) -> Tensor:
        x = self.resnets[i](x)
        return self.attentions[i](x, tokens) if self.attends else x


class _Down(_Level):
    def __init__(self, inputs: int, width: int, seen: int, heads: int, *, last: bool) -> None:
        super().__init__([inputs, width], width, seen, heads)
        self.downsamplers = nn.ModuleList([] if last else [Downsample(width)])

    def forward(self, x: Tensor, tokens: Tensor) -> list[Tensor]:
        found = []
        for i in range(len(self.resnets)):
            x = self.step(i, x, tokens)
            found.append(x)
        for down in self.downsamplers:
            found.append(down(x))
        return found


class _Up(_Level):
    def __init__(
        self, ins: Sequence[int], width: int, seen: int, heads: int, *, last: bool
    ) -> None:
        super().__init__(ins, width, seen, heads)
        self.upsamplers = nn.ModuleList([] if last else [Upsample(width)])

    def forward(self, x: Tensor, tokens: Tensor, found: list[Tensor]) -> Tensor:
        for i in range(len(self.resnets)):
            x = self.step(i, torch.cat([x, found.pop()], dim=1), tokens)
        for up in self.upsamplers:
            x = up(x)
        return x


class _Middle(nn.Module):
    def __init__(self, width: int, seen: int, heads: int) -> None:
        super().__init__()
        self.attentions = nn.ModuleList([_Spatial(width, seen, heads)])
        self.resnets = nn.ModuleList(Resnet(width, width, eps=1e-5) for _ in range(2))

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        x = self.attentions[0](self.resnets[0](x), tokens)
        return self.resnets[1](x)


class UNet(nn.Module):
    """widths: of the levels, all but the last with attention; seen: width of the sound's tokens.

    heads: of every attention (the file's `attention_head_dim: 8` means their number).
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = (320, 640, 1280, 1280),
        inputs: int = 8,
        outputs: int = 4,
        seen: int = 384,
        heads: int = 8,
    ) -> None:
        super().__init__()
        levels = len(widths)
        self.conv_in = nn.Conv2d(inputs, widths[0], 3, padding=1)
        skips = [widths[0]]
        self.down_blocks = nn.ModuleList()
        for i, width in enumerate(widths):
            last = i == levels - 1
            block = _Down(skips[-1], width, seen, 0 if last else heads, last=last)
            self.down_blocks.append(block)
            skips += [width] * (2 if last else 3)
        self.mid_block = _Middle(widths[-1], seen, heads)
        self.up_blocks = nn.ModuleList()
        before = widths[-1]
        for i, width in enumerate(reversed(widths)):
            ins = [a + skips.pop() for a in (before, width, width)]
            self.up_blocks.append(_Up(ins, width, seen, heads if i else 0, last=i == levels - 1))
            before = width
        self.conv_norm_out = nn.GroupNorm(_GROUPS, widths[0], eps=1e-5)
        self.conv_out = nn.Conv2d(widths[0], outputs, 3, padding=1)

    def forward(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """latents: masked, then reference; tokens: of the sound, with their positions added."""
        x = self.conv_in(latents)  # (B, 8, 32, 32), (B, 50, 384)
        found = [x]
        for down in self.down_blocks:
            found += down(found[-1], tokens)
        x = self.mid_block(found[-1], tokens)  # (B, 1280, 4, 4)
        for up in self.up_blocks:
            x = up(x, tokens, found)
        return self.conv_out(fn.silu(self.conv_norm_out(x)))  # (B, 4, 32, 32)
