"""LivePortrait's small networks: stitching, lip and eye retargeting. Plain layers with ReLU.

Origin: KwaiVGI/LivePortrait at 1986663, MIT; the weights are under the same licence.
Written from a description of the architecture; no code was copied. One file holds all three.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from torch import Tensor, nn

STITCHING: Final = (126, 128, 128, 64, 65)
LIP: Final = (65, 128, 128, 64, 63)
EYE: Final = (66, 256, 256, 128, 128, 64, 63)


class Retargeting(nn.Module):
    """widths: of the input, the hidden layers and the output."""

    def __init__(self, widths: Sequence[int] = STITCHING) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.mlp = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(x)  # (B, 126) -> (B, 65)
