"""HuBERT's encoder: how speech sounds, 50 rows a second, from the sound itself.

Origin: facebook/hubert-large-ls960-ft (Apache-2.0), TencentGameMate/chinese-hubert-base (MIT by its
card). Written from a description of the architecture; no code was copied. Two kinds: the base one
evens out its first convolution over time and each layer after it; the large one (`stable`) evens
out every convolution over channels and each layer before it.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as fn

STEP = 320
REACH = 400
"""Samples that the first row hears; each further row hears STEP more."""

BESIDE = ("masked_spec_embed", "lm_head.")
"""Tensors of the published files that only training and transcribing need."""
_PREFIX = "hubert."
INSIDE = "audio_encoder."
"""How the names begin in a file with another network (JoyVASA's)."""
_KERNELS = (10, 3, 3, 3, 3, 2, 2)
_STRIDES = (5, 2, 2, 2, 2, 2, 2)
_POSITIONS = "encoder.pos_conv_embed.conv."
_LENGTH = f"{_POSITIONS}parametrizations.weight.original0"
_DIRECTION = f"{_POSITIONS}parametrizations.weight.original1"
_OLD = {f"{_POSITIONS}weight_g": _LENGTH, f"{_POSITIONS}weight_v": _DIRECTION}


def named(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names that the official class has today, of the encoder alone: without the prefix of a
    class around it, and where one is inside of another network's file, that one alone."""
    inside = {k.removeprefix(INSIDE): v for k, v in found.items() if k.startswith(INSIDE)}
    bare = {key.removeprefix(_PREFIX): value for key, value in (inside or found).items()}
    return {_OLD.get(key, key): value for key, value in bare.items()}


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weight norm of the positions folded: it has a length for each place in the kernel."""
    length, direction = state[_LENGTH], state[_DIRECTION]  # (1, 1, 128), (768, 48, 128)
    weight = direction * (length / direction.norm(dim=(0, 1), keepdim=True))
    kept = {k: v for k, v in state.items() if k not in (_LENGTH, _DIRECTION)}
    return {**kept, f"{_POSITIONS}weight": weight}


class _OverChannels(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)  # (B, C, T)


class _Convolution(nn.Module):
    def __init__(self, inputs: int, width: int, kernel: int, stride: int, norm: nn.Module) -> None:
        super().__init__()
        bias = isinstance(norm, _OverChannels)
        self.conv = nn.Conv1d(inputs, width, kernel, stride, bias=bias)
        self.layer_norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return fn.gelu(self.layer_norm(self.conv(x)))


class _Sound(nn.Module):
    """Seven convolutions: 320 samples become one step."""

    def __init__(self, width: int, stable: bool) -> None:
        super().__init__()

        def norm(first: bool) -> nn.Module:
            if stable:
                return _OverChannels(width)
            return nn.GroupNorm(width, width) if first else nn.Identity()

        widths = pairwise((1, *(width for _ in _KERNELS)))
        self.conv_layers = nn.ModuleList(
            _Convolution(*ends, kernel, stride, norm(first=i == 0))
            for i, (ends, kernel, stride) in enumerate(zip(widths, _KERNELS, _STRIDES, strict=True))
        )

    def forward(self, sound: Tensor) -> Tensor:
        x = sound[:, None]  # (B, 1, samples)
        for layer in self.conv_layers:
            x = layer(x)
        return x.transpose(1, 2)  # (B, T, 512)


class _Projection(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(inputs)
        self.projection = nn.Linear(inputs, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.projection(self.layer_norm(x))


class _Positions(nn.Module):
    """Where a step is, said by its neighbours: a wide convolution."""

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        around = self.conv(x.transpose(1, 2))[..., : x.shape[1]]  # an even kernel is one too long
        return fn.gelu(around).transpose(1, 2)


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj, self.v_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.q_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        return self.out_proj(fn.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class _Inner(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(width, inner)
        self.output_dense = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.output_dense(fn.gelu(self.intermediate_dense(x)))


class _Layer(nn.Module):
    def __init__(self, width: int, inner: int, heads: int, stable: bool) -> None:
        super().__init__()
        self.stable = stable
        self.attention = _Attention(width, heads)
        self.layer_norm = nn.LayerNorm(width)
        self.feed_forward = _Inner(width, inner)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        if self.stable:
            x = x + self.attention(self.layer_norm(x))
            return x + self.feed_forward(self.final_layer_norm(x))
        x = self.layer_norm(x + self.attention(x))
        return self.final_layer_norm(x + self.feed_forward(x))


class _Encoder(nn.Module):
    def __init__(self, width: int, places: nn.Module, layers: nn.ModuleList, stable: bool) -> None:
        super().__init__()
        self.stable = stable
        self.pos_conv_embed = places
        self.layer_norm = nn.LayerNorm(width)
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.pos_conv_embed(x)
        if not self.stable:
            x = self.layer_norm(x)
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x) if self.stable else x


class Hubert(nn.Module):
    """sound: channels of the convolutions; positions, groups: of the convolution over steps."""

    def __init__(
        self,
        *,
        sound: int = 512,
        width: int = 768,
        inner: int = 3072,
        heads: int = 12,
        layers: int = 12,
        positions: int = 128,
        groups: int = 16,
        stable: bool = False,
    ) -> None:
        super().__init__()
        self.feature_extractor = _Sound(sound, stable)
        self.feature_projection = _Projection(sound, width)
        stack = nn.ModuleList(_Layer(width, inner, heads, stable) for _ in range(layers))
        self.encoder = _Encoder(width, _Positions(width, positions, groups), stack, stable)

    def forward(self, sound: Tensor) -> Tensor:
        """16 kHz, not evened out: (B, samples) -> (B, (samples - 400) // 320 + 1, width)."""
        return self.encoder(self.feature_projection(self.feature_extractor(sound)))


def large() -> Hubert:
    """As hubert-large: 316 M parameters."""
    return Hubert(width=1024, inner=4096, heads=16, layers=24, stable=True)
