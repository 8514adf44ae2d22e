"""SadTalker's mapping: from 3-D face coefficients around a moment to its pose and expression.

Origin: OpenTalker/SadTalker at cd4c046, code Apache-2.0; treat its weights as research only.
Written from a description of the architecture; no code was copied.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

_RADIANS = 3.14 / 180  # as published: not pi


class Mapping(nn.Module):
    """inputs: coefficients a frame, 70, or 73 with the crop's."""

    def __init__(
        self, *, inputs: int = 70, width: int = 1024, layers: int = 3, points: int = 15
    ) -> None:
        super().__init__()
        self.layers = layers
        self.first = nn.Sequential(nn.Conv1d(inputs, width, 7))
        for i in range(layers):
            conv = nn.Conv1d(width, width, 3, dilation=3)
            self.add_module(f"encoder{i}", nn.Sequential(nn.LeakyReLU(0.1), conv))
        self.fc_roll, self.fc_pitch, self.fc_yaw = (nn.Linear(width, 66) for _ in range(3))
        self.fc_t = nn.Linear(width, 3)
        self.fc_exp = nn.Linear(width, 3 * points)

    def forward(self, window: Tensor) -> dict[str, Tensor]:
        """The heads as they are; `place` reads them."""
        x = self.first(window)  # (B, 70, 27)
        for i in range(self.layers):
            x = x[:, :, 3:-3] + self.get_submodule(f"encoder{i}")(x)
        x = x.mean(dim=2)  # (B, 1024)
        return {
            "yaw": self.fc_yaw(x),  # (B, 66)
            "pitch": self.fc_pitch(x),  # (B, 66)
            "roll": self.fc_roll(x),  # (B, 66)
            "t": self.fc_t(x),  # (B, 3)
            "exp": self.fc_exp(x),  # (B, 45)
        }


def _angle(bins: Tensor) -> Tensor:
    share = torch.softmax(bins, dim=1)
    index = torch.arange(bins.shape[1], device=bins.device, dtype=bins.dtype)
    return (share @ index * 3 - 99) * _RADIANS  # (B,)


def place(canonical: Tensor, heads: dict[str, Tensor]) -> Tensor:
    """Key points turned and moved; sideways and in depth they stay where they are."""
    x, y, z = (_angle(heads[name]) for name in ("pitch", "yaw", "roll"))
    one, none = torch.ones_like(x), torch.zeros_like(x)

    def matrix(*rows: list[Tensor]) -> Tensor:
        return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)

    about_x = matrix([one, none, none], [none, x.cos(), -x.sin()], [none, x.sin(), x.cos()])
    about_y = matrix([y.cos(), none, y.sin()], [none, one, none], [-y.sin(), none, y.cos()])
    about_z = matrix([z.cos(), -z.sin(), none], [z.sin(), z.cos(), none], [none, none, one])
    turned = canonical @ (about_x @ about_y @ about_z).mT
    up = fn.pad(heads["t"][:, 1:2], (1, 1))
    return turned + up[:, None] + heads["exp"].unflatten(1, (-1, 3))  # (B, 15, 3)
