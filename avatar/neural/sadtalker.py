"""SadTalker offline: a picture and a recording become a clip, twenty-five small pictures a second.

Sound becomes expression and head pose as coefficients of a 3-D face model, those become key points,
and a renderer moves the picture to them. Not for calls: pose is smoothed over the whole clip. The
picture's own coefficients are read by a network from an aligned crop; the face model itself (BFM)
is not needed. Its weights are for research only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avatar.nets import catalogue
from avatar.nets.sadtalker_audio import HeadPose
from avatar.nets.sadtalker_mapping import place
from avatar.neural import crop, mel
from avatar.neural.crop import Square
from avatar.neural.device import Device

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

FPS: Final = 25
SIDE: Final = 256
STYLES: Final = 46
LEAST_FRAMES: Final = 13
_EXP, _POSE = slice(80, 144), (slice(224, 227), slice(254, 257))
_AT_ONCE: Final = 10
_POSES: Final = 32
_RADIUS: Final = 13
_SMOOTH: Final = 13
_BLINK: Final = (0.5, 0.9, 1.0, 0.9, 0.5)
_SEAM: Final = 32
"""Pixels at the border of a face in which it becomes the picture around it."""
_ALIGNED: Final = 224
_SCALE: Final = 102.0
# eyes, nose and corners of the mouth of the face model's mean, as Deep3DFaceRecon aligns to them
_STANDARD: Final = np.array(
    [
        (-0.31148657, 0.29036078, 0.13377953),
        (0.30979887, 0.28972036, 0.13179526),
        (0.0032535, -0.04617932, 0.55244243),
        (-0.25216928, -0.38133916, 0.22405732),
        (0.2484662, -0.38128236, 0.22235769),
    ]
)


@dataclass(frozen=True, slots=True)
class Nets:
    """The six networks, in single precision."""

    device: Device
    renderer: nn.Module
    points: nn.Module
    expression: nn.Module
    pose: HeadPose
    reconstruction: nn.Module
    mapping: nn.Module

    @classmethod
    def load(cls, device: Device, read: Callable[[str], dict[str, Tensor]]) -> Self:
        """read: the checked tensors of a network by its name."""

        def net(name: str) -> nn.Module:
            network = f"sadtalker/{name}"
            return catalogue.load(network, read(network)).to(device.name)

        pose = net("audio2pose")
        assert isinstance(pose, HeadPose)
        return cls(
            device,
            net("generator"),
            net("kp_extractor"),
            net("audio2exp"),
            pose,
            net("face_3drecon"),
            net("mapping"),
        )


@dataclass(frozen=True, slots=True)
class Sitter:
    """Whom a clip shows. picture: (h, w, 3) RGB. there: (3, 3), from it to the face's square, whose
    side is SIDE. five: (5, 2) eyes, nose and corners of the mouth, left to right, in pixels of the
    square."""

    picture: U8
    there: F32
    five: F32

    @property
    def face(self) -> U8:
        """(256, 256, 3)."""
        scale = float(np.sqrt(abs(np.linalg.det(self.there[:2, :2].astype(np.float64)))))
        source = self.picture
        if scale < 0.5:  # a linear look-up that skips pixels makes skin noisy
            source = np.asarray(cv2.GaussianBlur(source, (0, 0), 0.4 / scale), np.uint8)
        return crop.cut(source, self.there, SIDE)

    @property
    def paste(self) -> crop.Paste:
        """Puts a face back into the picture, softly: only the square's part of it changes."""
        return crop.Paste(self.picture, crop.inverse(self.there), crop.border_mask(SIDE, _SEAM))


def sitter(picture: U8, eyes: F32, nose: F32, corners: F32, move: F64) -> Sitter:
    """Of a picture, (h, w, 3) RGB, and of points of an upright face.

    eyes, corners: as for `square`. nose: (1, 2), its tip. move: (2, 3), from the picture to where
    the points lie.
    """
    there = crop.to_crop(square(eyes, corners), SIDE)
    five = crop.moved(np.concatenate([eyes, nose, corners]), there)
    upright = np.vstack([move, (0.0, 0.0, 1.0)])
    return Sitter(picture, np.asarray(there.astype(np.float64) @ upright, np.float32), five)


@dataclass(frozen=True, slots=True)
class Manner:
    """seed: of blinks and head movements. style: one of STYLES that the pose network knows.
    expression: how strong. still: the head does not move and the eyes do not blink."""

    seed: int = 0
    style: int = 0
    expression: float = 1.0
    still: bool = False


def square(eyes: F32, mouth: F32) -> Square:
    """The square around a face that is shown, of the centres of its eyes (2, 2) and of its mouth's
    corners (2, 2): upright, as large as the data sets of faces cut them."""
    middle, low = eyes.mean(axis=0), mouth.mean(axis=0)
    across, down = float(np.linalg.norm(eyes[1] - eyes[0])), float(np.linalg.norm(low - middle))
    centre = np.asarray(middle + (low - middle) * np.float32(0.1), np.float32)
    return Square(centre, 2 * max(2.0 * across, 1.8 * down), 0.0)


def aligned(face: U8, five: F32) -> U8:
    """A face as its coefficients are read from: (224, 224, 3).

    five: (5, 2) eyes, nose and corners of the mouth, left to right, in pixels of the face.
    """
    up = five.astype(np.float64) * (1, -1) + (0, face.shape[0] - 1)
    rows = np.zeros((10, 8))
    rows[0::2, :3], rows[0::2, 3] = _STANDARD, 1
    rows[1::2, 4:7], rows[1::2, 7] = _STANDARD, 1
    k = np.linalg.lstsq(rows, up.reshape(-1), rcond=None)[0]
    s = _SCALE / ((np.linalg.norm(k[:3]) + np.linalg.norm(k[4:7])) / 2)
    half = _ALIGNED / 2
    move = np.array([[s, 0, half - k[3] * s], [0, s, half - (face.shape[0] - k[7]) * s]])
    out = cv2.warpAffine(face, move, (_ALIGNED, _ALIGNED), flags=cv2.INTER_CUBIC)
    return np.asarray(out, np.uint8)


def clip(nets: Nets, face: U8, five: F32, sound: F32, manner: Manner = Manner()) -> Iterator[U8]:
    """The pictures of a clip: (256, 256, 3) RGB, one after the other.

    face: (256, 256, 3) RGB. five: as for `aligned`. sound: 16 kHz, half a second at least.
    """
    with torch.inference_mode():
        image = _tensor(face, nets.device)
        read = nets.reconstruction(_tensor(aligned(face, five), nets.device))[0].cpu()
        source = torch.cat([read[_EXP], *(read[part] for part in _POSE)])  # (70,)
        said = coefficients(nets, source, sound, manner)
        canonical = nets.points(image)
        own = _placed(nets, canonical, source.expand(2 * _RADIUS + 1, -1))
        for i in range(len(said)):
            around = [min(max(i + j, 0), len(said) - 1) for j in range(-_RADIUS, _RADIUS + 1)]
            driving = _placed(nets, canonical, said[around])
            out = nets.renderer(image, driving=driving, source=own)
            yield np.asarray(crop.to_picture(out)[0], np.uint8)


def coefficients(nets: Nets, source: Tensor, sound: F32, manner: Manner) -> Tensor:
    """Expression and pose of every picture: (frames, 70)."""
    frames = len(sound) * FPS // mel.RATE
    if frames < LEAST_FRAMES:
        raise ValueError(f"at least {LEAST_FRAMES / FPS} s of sound are needed")
    heard = torch.from_numpy(windows(mel.wav2lip(sound[: frames * mel.RATE // FPS]), frames))
    heard = heard.to(nets.device.name)  # (frames, 1, 80, 16)
    draw = np.random.default_rng(manner.seed)
    blinks = np.zeros(frames, np.float32) if manner.still else blinking(frames, draw)
    exp = _expressions(nets, source[:64], heard, blinks) * manner.expression
    moves = np.zeros((frames, 6), np.float32)
    if not manner.still:
        moves[1:] = _moves(nets, source[64:], heard[1:], manner.style, draw)
        moves = smooth(moves)
    pose = source[64:] + torch.from_numpy(moves)
    return torch.cat([exp, pose], dim=1)


def windows(heard: F64, frames: int) -> F32:
    """The 16 mel frames that each picture hears, from two pictures before it: (n, 1, 80, 16)."""
    starts = np.array([int(80.0 * ((i - 2) / FPS)) for i in range(frames)])
    places = (starts[:, None] + np.arange(16)).clip(0, heard.shape[1] - 1)
    return np.asarray(heard[:, places].transpose(1, 0, 2)[:, None], np.float32)


def blinking(frames: int, draw: np.random.Generator) -> F32:
    """How far the lids are down: a blink every ten to seventy pictures."""
    out = np.zeros(frames, np.float32)
    if frames <= 20:
        return out
    at = 0
    while True:
        at += int(draw.integers(10, min(frames // 2, 70), endpoint=False))
        if at + len(_BLINK) > frames - 1:
            return out
        out[at : at + len(_BLINK)] = _BLINK
        at += len(_BLINK)


def smooth(values: F32) -> F32:
    """Savitzky and Golay's filter over time, the first axis: parabolas over 13 pictures."""
    half = _SMOOTH // 2
    t = np.arange(-half, half + 1)
    fit = np.linalg.pinv(np.stack([t**0, t, t**2], axis=1).astype(np.float64))  # (3, 13)
    rows = np.lib.stride_tricks.sliding_window_view(values, _SMOOTH, axis=0)
    out = np.array(values, np.float64)
    out[half : len(values) - half] = rows @ fit[0]
    for part, edge in ((slice(0, half), rows[0]), (slice(len(values) - half, None), rows[-1])):
        a, b, c = (edge @ row for row in fit)
        at = t[:half] if part.start == 0 else t[-half:]
        out[part] = a + np.multiply.outer(at, b) + np.multiply.outer(at**2, c)
    return np.asarray(out, np.float32)


def _expressions(nets: Nets, own: Tensor, heard: Tensor, blinks: F32) -> Tensor:
    ratios = torch.from_numpy(blinks)[:, None].to(heard)
    out = []
    for start in range(0, len(heard), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        count = len(heard[part])
        source = own.to(heard).expand(1, count, -1)
        out.append(nets.expression(heard[None, part], source, ratios[None, part])[0].cpu())
    return torch.cat(out)


def _moves(nets: Nets, own: Tensor, heard: Tensor, style: int, draw: np.random.Generator) -> F32:
    """What is added to the source's pose, 32 pictures at once; the last ones end with the clip."""
    where = heard.device
    whole = torch.cat([heard[:1].expand(max(0, _POSES - len(heard)), -1, -1, -1), heard])
    out: list[F32] = []
    for start in range(0, len(heard), _POSES):
        count = min(_POSES, len(heard) - start)
        part = whole[-_POSES:] if count < _POSES else whole[start : start + _POSES]
        z = torch.from_numpy(draw.standard_normal((1, 64)).astype(np.float32)).to(where)
        named = torch.tensor([style], device=where)
        said = nets.pose(nets.pose.hear(part[None]), z, named, own[None].to(where))[0]
        out.append(said[-count:].cpu().numpy())
    return np.concatenate(out)


def _placed(nets: Nets, canonical: Tensor, window: Tensor) -> Tensor:
    return place(canonical, nets.mapping(window.T[None].to(canonical)))


def _tensor(face: U8, device: Device) -> Tensor:
    chw = np.ascontiguousarray(face.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    return torch.from_numpy(chw).to(device.name)
