"""Whisper's encoder, tiny: the ear of MuseTalk. All five states are kept.

Origin: openai/whisper-tiny, Apache-2.0 (its code MIT). Written from a description of the
architecture; no code was copied. The file also holds a decoder, which `official` leaves out.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

PREFIX = "model.encoder."


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's tensors, without their prefix."""
    return {
        key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)
    }


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        return self.out_proj(fn.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        return x + self.fc2(fn.gelu(self.fc1(self.final_layer_norm(x))))


class _Positions(nn.Module):
    """One learned row a step."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(steps, width))


class WhisperEncoder(nn.Module):
    """mels, steps: of the input, two mel frames a step; width, layers, heads: of the encoder."""

    def __init__(
        self,
        *,
        mels: int = 80,
        steps: int = 1500,
        width: int = 384,
        layers: int = 4,
        heads: int = 6,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(mels, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.embed_positions = _Positions(steps, width)
        self.layers = nn.ModuleList(_Layer(width, heads) for _ in range(layers))
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, mel: Tensor) -> Tensor:
        """What goes in and what each layer says; the last layer's is normalised."""
        x = fn.gelu(self.conv2(fn.gelu(self.conv1(mel))))  # (B, 80, 3000) -> (B, 384, 1500)
        x = x.transpose(1, 2) + self.embed_positions.weight
        states = [x]
        for layer in self.layers:
            x = layer(x)
            states.append(x)
        states[-1] = self.layer_norm(x)
        return torch.stack(states, dim=2)  # (B, 1500, 5, 384)
