"""SadTalker's two ways from sound: to expression, frame by frame, and to head pose, 32 at once.

Origin: OpenTalker/SadTalker at cd4c046, code Apache-2.0; its ears come from Wav2Lip's weights:
treat them as research only. Written from a description of the architecture; no code was copied.
"""

import torch
from torch import Tensor, nn

from avatar.nets.wav2lip import audio_encoder

_TRAINING = ("netG.encoder.", "netD_motion.")


def official_expression(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the prefix."""
    return {key.removeprefix("audio2exp."): value for key, value in state.items()}


def official_pose(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the prefix, and without what only training needs."""
    bare = {key.removeprefix("audio2pose."): value for key, value in state.items()}
    return {
        key.replace("audio_encoder.audio_encoder.", "audio_encoder."): value
        for key, value in bare.items()
        if not key.startswith(_TRAINING)
    }


class Expression(nn.Module):
    """From how frames sound, the source's expression and a blink to 64 coefficients each."""

    def __init__(self, *, coefficients: int = 64) -> None:
        super().__init__()
        self.audio_encoder = audio_encoder()
        self.mapping1 = nn.Linear(512 + coefficients + 1, coefficients)

    def forward(self, mel: Tensor, source: Tensor, blink: Tensor) -> Tensor:
        heard = self.audio_encoder(mel.flatten(0, 1)).flatten(1)  # (B, T, 1, 80, 16)
        heard = heard.unflatten(0, mel.shape[:2])  # (B, T, 512)
        return self.mapping1(torch.cat([heard, source, blink], dim=-1))  # (B, T, 64)


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 3, stride, 1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        )
        self.conv_skip = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_block(x) + self.conv_skip(x)


class _Upsample(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(width, width, (2, 1), (2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.upsample(x)


class _ResUnet(nn.Module):
    """Over time alone: the six numbers of a pose stay beside each other."""

    def __init__(self, widths: tuple[int, int, int, int] = (32, 64, 128, 256)) -> None:
        super().__init__()
        a, b, c, d = widths
        half = (2, 1)
        self.input_layer = nn.Sequential(
            nn.Conv2d(1, a, 3, padding=1), nn.BatchNorm2d(a), nn.ReLU(),
            nn.Conv2d(a, a, 3, padding=1),
        )  # fmt: skip
        self.input_skip = nn.Sequential(nn.Conv2d(1, a, 3, padding=1))
        self.residual_conv_1 = _Residual(a, b, half)
        self.residual_conv_2 = _Residual(b, c, half)
        self.bridge = _Residual(c, d, half)
        self.upsample_1, self.upsample_2, self.upsample_3 = map(_Upsample, (d, c, b))
        self.up_residual_conv1 = _Residual(d + c, c, (1, 1))
        self.up_residual_conv2 = _Residual(c + b, b, (1, 1))
        self.up_residual_conv3 = _Residual(b + a, a, (1, 1))
        self.output_layer = nn.Sequential(nn.Conv2d(a, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        first = self.input_layer(x) + self.input_skip(x)  # (B, 1, 32, 6)
        second = self.residual_conv_1(first)
        third = self.residual_conv_2(second)
        x = self.upsample_1(self.bridge(third))
        x = self.upsample_2(self.up_residual_conv1(torch.cat([x, third], dim=1)))
        x = self.upsample_3(self.up_residual_conv2(torch.cat([x, second], dim=1)))
        return self.output_layer(self.up_residual_conv3(torch.cat([x, first], dim=1)))


class _PoseDecoder(nn.Module):
    def __init__(self, latent: int, classes: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.classbias = nn.Parameter(torch.empty(classes, latent))
        self.linear_audio = nn.Linear(512, 6)
        self.MLP = nn.Sequential()
        self.MLP.add_module("L0", nn.Linear(6 + latent + 6 * frames, 128))
        self.MLP.add_module("A0", nn.ReLU())
        self.MLP.add_module("L1", nn.Linear(128, 6 * frames))
        self.MLP.add_module("sigmoid", nn.Sigmoid())
        self.resunet = _ResUnet()
        self.pose_linear = nn.Linear(6, 6)

    def forward(self, heard: Tensor, z: Tensor, style: Tensor, source: Tensor) -> Tensor:
        said = self.linear_audio(heard).flatten(1)
        x = self.MLP(torch.cat([source, z + self.classbias[style], said], dim=-1))
        x = self.resunet(x.unflatten(1, (1, self.frames, 6)))
        return self.pose_linear(x[:, 0])


class _PoseNet(nn.Module):
    def __init__(self, latent: int, classes: int, frames: int) -> None:
        super().__init__()
        self.decoder = _PoseDecoder(latent, classes, frames)


class HeadPose(nn.Module):
    """From how 32 frames sound, a random vector and a style to six pose numbers each."""

    def __init__(self, *, latent: int = 64, classes: int = 46, frames: int = 32) -> None:
        super().__init__()
        self.audio_encoder = audio_encoder()
        self.netG = _PoseNet(latent, classes, frames)

    def hear(self, mel: Tensor) -> Tensor:
        """What each frame sounds like."""
        heard = self.audio_encoder(mel.flatten(0, 1)).flatten(1)  # (B, 32, 1, 80, 16)
        return heard.unflatten(0, mel.shape[:2])  # (B, 32, 512)

    def forward(self, heard: Tensor, z: Tensor, style: Tensor, source: Tensor) -> Tensor:
        """Added to the source's pose. z: (B, 64), style: (B,), source: (B, 6)."""
        return self.netG.decoder(heard, z, style, source)  # (B, 32, 6)
