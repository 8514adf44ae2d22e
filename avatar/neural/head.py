"""LivePortrait as a whole: a picture's features once, then a face for every moment.

Relative motion: whatever our parameters say is added to what the picture itself shows, so that the
face at rest is the picture. Stitching comes last. Key points are single precision everywhere.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avatar.nets import catalogue
from avatar.neural import crop, keypoints
from avatar.neural.batch import Batched
from avatar.neural.device import Device
from avatar.neural.driver import Drive
from avatar.neural.keypoints import Pose
from avatar.neural.still import Still

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

FAMILY: Final = "liveportrait"
_BIG: Final = (
    *("appearance_feature_extractor", "motion_extractor", "warping_module", "spade_generator"),
)
_SMALL: Final = {"stitching": "retarget_shoulder", "lip": "retarget_mouth", "eye": "retarget_eye"}
_SHIFT: Final = 0.25
"""Of a shift by the distance between the eyes, in the units of key points."""
_SHUT: Final = 0.03
"""Lips less open than this are shut."""


@dataclass(frozen=True, slots=True)
class Nets:
    """The seven networks; shared by all faces, they hold nothing of any."""

    device: Device
    appearance: nn.Module
    motion: nn.Module
    warping: nn.Module
    generator: nn.Module
    stitching: nn.Module
    lip: nn.Module
    eye: nn.Module
    drawing: Batched = field(init=False)
    """From volumes and key points to pictures, those of several faces at once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "drawing", Batched(self._picture, self.device))

    def _picture(self, volume: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        warped = self.warping(volume, driving=driving, source=source).out
        return self.generator(warped)  # (B, 3, 512, 512)

    @classmethod
    def load(cls, device: Device, read: Callable[[str], dict[str, Tensor]]) -> Self:
        """read: the checked tensors of a network by its name."""

        def net(name: str, where: Callable[[nn.Module], nn.Module]) -> nn.Module:
            network = f"{FAMILY}/{name}"
            return where(catalogue.load(network, read(network)))

        big = [net(name, device.put) for name in _BIG]
        small = [
            net(f"stitching_retargeting/{part}", lambda one: one.to(device.name))
            for part in _SMALL.values()
        ]
        return cls(device, *big, *small)


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a picture's face: its volume of looks, its pose, how open it is."""

    volume: Tensor  # (1, 32, 16, 64, 64)
    heads: dict[str, Tensor]  # the motion network's, as they are
    pose: Pose
    points: Tensor  # (1, 21, 3)
    eyes: tuple[float, float]
    lips: float


class Head:
    """Draws one face with shared networks. One thread calls it."""

    def __init__(
        self, nets: Nets, face: U8, *, eyes: tuple[float, float], lips: float = 0.0
    ) -> None:
        """face: the crop, (256, 256, 3) RGB. eyes, lips: how open they are in it."""
        self._nets = nets
        device = nets.device
        chw = np.ascontiguousarray(face.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        image = torch.from_numpy(chw).to(device.name, device.dtype)
        with torch.inference_mode(), device.stage("source"):
            volume = nets.appearance(image)
            heads = {name: value.float() for name, value in nets.motion(image).items()}
            pose = keypoints.read(heads)
            self.source = Source(volume, heads, pose, pose.points(), eyes, lips)
        points = self.source.points.to(device.dtype)
        nets.drawing.prepare(volume, points, points)

    def points(self, drive: Drive) -> Tensor:
        """Where the key points go."""
        source, device = self.source, self._nets.device.name
        pose = source.pose
        turn = keypoints.rotation(
            *(torch.tensor([[a]], device=device) for a in (drive.pitch, drive.yaw, drive.roll))
        )
        exp = pose.exp + torch.from_numpy(drive.exp).to(device)
        x, y = (s * _SHIFT for s in drive.shift)
        t = pose.t + torch.tensor([[x, y, 0.0]], device=device)
        moved = keypoints.place(pose.kp, turn @ pose.rotation, exp, pose.scale, t)
        moved = moved + self._opened(drive)
        return keypoints.stitch(self._nets.stitching, source.points, moved)  # (1, 21, 3)

    def _opened(self, drive: Drive) -> Tensor:
        """What opening or closing the lips and the eyes adds; nothing where nothing changes."""
        source, nets = self.source, self._nets
        device = nets.device.name
        added = torch.zeros_like(source.points)
        if max(drive.lips, source.lips) >= _SHUT:
            ratios = torch.tensor([[source.lips, drive.lips]], device=device)
            added = added + keypoints.retarget(nets.lip, source.points, ratios)
        if abs(drive.eyes - 1) > 1e-3:
            left, right = source.eyes
            wanted = min(0.8, drive.eyes * (left + right) / 2)
            ratios = torch.tensor([[left, right, wanted]], device=device)
            added = added + keypoints.retarget(nets.eye, source.points, ratios)
        return added

    def draw(self, drive: Drive, due_s: float = math.inf) -> U8:
        """The face of this moment: (512, 512, 3) RGB. Raises Late if it was due, on the clock of
        nets.drawing, before it could be begun."""
        device = self._nets.device
        with torch.inference_mode():
            with device.stage("points"):
                points = self.points(drive)
            with device.stage("draw"):
                out = self._nets.drawing(
                    self.source.volume,
                    points.to(device.dtype),
                    self.source.points.to(device.dtype),
                    due_s=due_s,
                )
            with device.stage("fetch"):
                return np.asarray(crop.to_picture(out)[0], np.uint8)


def seat(nets: Nets, shown: Still) -> tuple[Head, crop.Paste]:
    """What draws the face of a picture, and what puts it back into its place there (BGR)."""
    rgb = np.ascontiguousarray(shown.picture[..., ::-1])
    found = crop.square(shown.outline, shown.anchors, scale=crop.SOURCE_SCALE, up=crop.SOURCE_UP)
    there = crop.to_crop(found)
    head = Head(nets, crop.shrunk(crop.cut(rgb, there)), eyes=shown.openness)
    return head, crop.Paste(shown.picture, crop.inverse(there), crop.border_mask())
