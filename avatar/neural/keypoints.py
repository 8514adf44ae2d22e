"""Key points of a face: read from the motion network, composed, stitched. Pure, batch first.

x = scale * (kp @ R + exp) + t, where R is the transposed rotation and t has no depth. Which of the
21 points belong to the lips and the eyes is known from the trained model.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from avatar.nets.lp_motion import BINS

POINTS: Final = 21
LIP_POINTS: Final = (6, 12, 14, 17, 19, 20)
EYE_POINTS: Final = (11, 13, 15, 16, 18)
_DEGREES_PER_BIN: Final = 3.0
_FIRST_BIN: Final = -97.5


@dataclass(frozen=True, slots=True)
class Pose:
    """What the motion network says of one face (or a batch of them)."""

    kp: Tensor  # (B, 21, 3), canonical
    rotation: Tensor  # (B, 3, 3)
    exp: Tensor  # (B, 21, 3)
    t: Tensor  # (B, 3)
    scale: Tensor  # (B, 1)
    pitch: Tensor  # (B, 1), degrees
    yaw: Tensor  # (B, 1), degrees
    roll: Tensor  # (B, 1), degrees

    def points(self) -> Tensor:
        """Where the key points are."""
        return place(self.kp, self.rotation, self.exp, self.scale, self.t)  # (B, 21, 3)


def read(heads: dict[str, Tensor]) -> Pose:
    """The network's heads as a pose."""
    pitch, yaw, roll = (degrees(heads[name]) for name in ("pitch", "yaw", "roll"))
    return Pose(
        kp=heads["kp"].unflatten(1, (POINTS, 3)),
        rotation=rotation(pitch, yaw, roll),
        exp=heads["exp"].unflatten(1, (POINTS, 3)),
        t=heads["t"],
        scale=heads["scale"],
        pitch=pitch,
        yaw=yaw,
        roll=roll,
    )


def degrees(bins: Tensor) -> Tensor:
    """The expected angle of 66 bins."""
    share = torch.softmax(bins, dim=1)
    index = torch.arange(BINS, device=bins.device, dtype=bins.dtype)
    return (share @ index)[:, None] * _DEGREES_PER_BIN + _FIRST_BIN  # (B, 1)


def rotation(pitch: Tensor, yaw: Tensor, roll: Tensor) -> Tensor:
    """The transpose of Rz(roll) Ry(yaw) Rx(pitch); the angles in degrees."""
    x, y, z = (torch.deg2rad(angle).reshape(-1) for angle in (pitch, yaw, roll))
    cos, sin = torch.cos, torch.sin
    one, none = torch.ones_like(x), torch.zeros_like(x)
    about_x = _rows([one, none, none], [none, cos(x), -sin(x)], [none, sin(x), cos(x)])
    about_y = _rows([cos(y), none, sin(y)], [none, one, none], [-sin(y), none, cos(y)])
    about_z = _rows([cos(z), -sin(z), none], [sin(z), cos(z), none], [none, none, one])
    return (about_z @ about_y @ about_x).mT  # (B, 3, 3)


def _rows(*rows: list[Tensor]) -> Tensor:
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def place(kp: Tensor, rotated: Tensor, exp: Tensor, scale: Tensor, t: Tensor) -> Tensor:
    """scale * (kp @ R + exp) + t without depth."""
    flat = torch.cat([t[:, :2], torch.zeros_like(t[:, :1])], dim=1)
    return scale[:, :, None] * (kp @ rotated + exp) + flat[:, None]  # (B, 21, 3)


def relative(source: Pose, driving: Pose, first: Pose) -> Tensor:
    """The source moved as the driving face moved since its first frame."""
    rotated = driving.rotation @ first.rotation.mT @ source.rotation
    exp = source.exp + driving.exp - first.exp
    scale = source.scale * (driving.scale / first.scale)
    t = source.t + driving.t - first.t
    return place(source.kp, rotated, exp, scale, t)  # (B, 21, 3)


def stitch(net: nn.Module, source: Tensor, driving: Tensor) -> Tensor:
    """The driving points moved so that the face's edge fits the picture around it."""
    return stitched(driving, stitching(net, source, driving))


def stitching(net: nn.Module, source: Tensor, driving: Tensor) -> Tensor:
    """What the stitching network adds: 21 offsets, then one shift of all."""
    return net(torch.cat([source.flatten(1), driving.flatten(1)], dim=1))  # (B, 65)


def stitched(driving: Tensor, delta: Tensor) -> Tensor:
    """The points with both deltas applied."""
    moved = driving + delta[:, :-2].unflatten(1, (POINTS, 3))
    shift = torch.nn.functional.pad(delta[:, -2:], (0, 1))  # in the picture's plane only
    return moved + shift[:, None]  # (B, 21, 3)


def retarget(net: nn.Module, source: Tensor, ratios: Tensor) -> Tensor:
    """What opening the lips (source's ratio, target) or the eyes (left, right, target) adds."""
    delta = net(torch.cat([source.flatten(1), ratios], dim=1))
    return delta.unflatten(1, (POINTS, 3))  # (B, 21, 3)
