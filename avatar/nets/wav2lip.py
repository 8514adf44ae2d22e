"""Wav2Lip: a face of 96 x 96 with the lower half redrawn to 200 ms of sound.

Origin: Rudrabha/Wav2Lip at 5c90fa9, without a licence file; its README allows research and personal
use only, so its weights are never offered by default. Written from a description; no code copied.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

Size = int | tuple[int, int]


def official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names without the prefix of a training on several cards."""
    return {key.removeprefix("module."): value for key, value in state.items()}


class Conv(nn.Module):
    """Convolution, batch norm, the input if `beside`, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, size: int, stride: Size, pad: int, *, beside: bool = False
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(inputs, outputs, size, stride, pad), nn.BatchNorm2d(outputs)
        )
        self.beside = beside

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv_block(x)
        return fn.relu(out + x if self.beside else out)


class _Grow(nn.Module):
    """Transposed convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int, pad: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ConvTranspose2d(inputs, outputs, 3, stride, pad, output_padding=stride - 1),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return fn.relu(self.conv_block(x))


def _beside(width: int, count: int) -> list[nn.Module]:
    return [Conv(width, width, 3, 1, 1, beside=True) for _ in range(count)]


def audio_encoder(unit: int = 32) -> nn.Sequential:
    """From 16 mel frames to one vector; other networks hear with the same."""
    one, two, four, eight, last = unit, 2 * unit, 4 * unit, 8 * unit, 16 * unit
    return nn.Sequential(
        Conv(1, one, 3, 1, 1),  # (B, 1, 80, 16)
        *_beside(one, 2),
        Conv(one, two, 3, (3, 1), 1),
        *_beside(two, 2),
        Conv(two, four, 3, 3, 1),
        *_beside(four, 2),
        Conv(four, eight, 3, (3, 2), 1),
        *_beside(eight, 1),
        Conv(eight, last, 3, 1, 0),
        Conv(last, last, 1, 1, 0),  # (B, 512, 1, 1)
    )


def _face_encoder(widths: Sequence[int]) -> nn.ModuleList:
    blocks = nn.ModuleList([nn.Sequential(Conv(6, widths[0], 7, 1, 3))])
    counts = (2, 3, 2, 2, 1)
    for i, count in enumerate(counts):
        a, b = widths[i], widths[i + 1]
        blocks.append(nn.Sequential(Conv(a, b, 3, 2, 1), *_beside(b, count)))
    last = widths[-1]
    blocks.append(nn.Sequential(Conv(last, last, 3, 1, 0), Conv(last, last, 1, 1, 0)))
    return blocks


def _face_decoder(skips: Sequence[int], widths: Sequence[int]) -> nn.ModuleList:
    blocks = nn.ModuleList([nn.Sequential(Conv(skips[0], widths[0], 1, 1, 0))])
    for i, width in enumerate(widths[1:]):
        inputs = widths[i] + skips[i]
        grow = _Grow(inputs, width, 2, 1) if i else _Grow(inputs, width, 1, 0)
        blocks.append(nn.Sequential(grow, *_beside(width, 2 if i else 1)))
    return blocks


class Wav2Lip(nn.Module):
    """widths: of the face encoder's levels; the decoder's follow from them."""

    def __init__(self, *, widths: Sequence[int] = (16, 32, 64, 128, 256, 512)) -> None:
        super().__init__()
        last = widths[-1]
        self.face_encoder_blocks = _face_encoder(widths)
        self.audio_encoder = audio_encoder(last // 16)
        skips = [last, *reversed(widths)]
        outs = [last, last, last, last * 3 // 4, last // 2, last // 4, last // 8]
        self.face_decoder_blocks = _face_decoder(skips, outs)
        self.output_block = nn.Sequential(
            Conv(outs[-1] + widths[0], 32, 3, 1, 1), nn.Conv2d(32, 3, 1), nn.Sigmoid()
        )

    def forward(self, mel: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
        """faces: BGR in 0..1, first half blank below. The faces, and the vector of the sound."""
        heard = self.audio_encoder(mel)  # (B, 1, 80, 16), (B, 6, 96, 96)
        found = []
        x = faces
        for block in self.face_encoder_blocks:
            x = block(x)
            found.append(x)
        x = heard
        for block in self.face_decoder_blocks:
            x = torch.cat([block(x), found.pop()], dim=1)
        return self.output_block(x), heard  # (B, 3, 96, 96), (B, 512, 1, 1)
