"""LivePortrait's G: from the bent features to the picture, a SPADE decoder.

Origin: KwaiVGI/LivePortrait at 1986663, MIT; the weights are under the same licence.
Written from a description of the architecture; no code was copied. The file stores spectral norm
in its parts; `official` folds it into plain weights, once.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

_HIDDEN: Final = 128


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fold `weight_orig`, `weight_u` and `weight_v` into `weight`; other tensors as they are."""
    out = {}
    for key, value in state.items():
        if key.endswith(("weight_u", "weight_v")):
            continue
        if key.endswith("weight_orig"):
            stem = key.removesuffix("_orig")
            flat = value.flatten(1)
            sigma = torch.dot(state[f"{stem}_u"], torch.mv(flat, state[f"{stem}_v"]))
            out[stem] = value / sigma
        else:
            out[key] = value
    return out


class _Spade(nn.Module):
    """Instance norm, scaled and shifted by what the features say at each place."""

    def __init__(self, width: int, seen: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(seen, _HIDDEN, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(_HIDDEN, width, 3, padding=1)
        self.mlp_beta = nn.Conv2d(_HIDDEN, width, 3, padding=1)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        shared = self.mlp_shared(fn.interpolate(features, size=x.shape[2:]))
        normal = fn.instance_norm(x, eps=1e-5)
        return normal * (1 + self.mlp_gamma(shared)) + self.mlp_beta(shared)


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, seen: int) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.conv_0 = nn.Conv2d(inputs, middle, 3, padding=1)
        self.conv_1 = nn.Conv2d(middle, outputs, 3, padding=1)
        self.norm_0 = _Spade(inputs, seen)
        self.norm_1 = _Spade(middle, seen)
        self.learned = inputs != outputs
        if self.learned:
            self.conv_s = nn.Conv2d(inputs, outputs, 1, bias=False)
            self.norm_s = _Spade(inputs, seen)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        beside = self.conv_s(self.norm_s(x, features)) if self.learned else x
        x = self.conv_0(fn.leaky_relu(self.norm_0(x, features), 0.2))
        return beside + self.conv_1(fn.leaky_relu(self.norm_1(x, features), 0.2))


class Generator(nn.Module):
    """inputs: channels of the features; narrow: channels before the picture.

    shuffle: end at twice the size, each pixel made of four times its channels.
    """

    def __init__(self, *, inputs: int = 256, narrow: int = 64, shuffle: bool = True) -> None:
        super().__init__()
        wide = 2 * inputs
        self.fc = nn.Conv2d(inputs, wide, 3, padding=1)
        for i in range(6):
            self.add_module(f"G_middle_{i}", _Block(wide, wide, inputs))
        self.up_0 = _Block(wide, inputs, inputs)
        self.up_1 = _Block(inputs, narrow, inputs)
        last = nn.Conv2d(narrow, 12 if shuffle else 3, 3, padding=1)
        self.conv_img = nn.Sequential(last, nn.PixelShuffle(2)) if shuffle else last

    def forward(self, features: Tensor) -> Tensor:
        """RGB in 0..1."""  # (B, 256, 64, 64)
        x = self.fc(features)  # (B, 512, 64, 64)
        for i in range(6):
            x = self.get_submodule(f"G_middle_{i}")(x, features)
        x = self.up_0(fn.interpolate(x, scale_factor=2), features)  # (B, 256, 128, 128)
        x = self.up_1(fn.interpolate(x, scale_factor=2), features)  # (B, 64, 256, 256)
        return torch.sigmoid(self.conv_img(fn.leaky_relu(x, 0.2)))  # (B, 3, 512, 512)
