"""Weights and inputs made of a seed: the recipe that the parity vectors were made with.

A counter-based mixer (splitmix64) in integer arithmetic: element i of a tensor depends on its name,
the seed and i alone, not on a library's generator, the platform or the order of filling. The name
is the one in the official checkpoint.
"""

import re
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.nets import keys

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_CHUNK: Final = 1 << 18
_ROOT_3: Final = np.float32(np.sqrt(3.0))

# (pattern of the name, factor of the weight, added to the bias): they keep the activations where a
# trained network's are, key points inside -1..1 and a scale near 1
_RANGES: Final = [
    (re.compile(pattern), factor, added)
    for pattern, factor, added in (
        (r"(^|\.)fc_kp\.", 0.25, 0.0),
        (r"(^|\.)fc_exp\.", 0.06, 0.0),
        (r"(^|\.)fc_t\.", 0.05, 0.0),
        (r"(^|\.)fc_scale\.", 0.08, 1.2),
        (r"(^|\.)fc_(pitch|yaw|roll)\.", 2.0, 0.0),
        (r"(^|\.)mlp\.\d+\.", 0.6, 0.0),
        (r"(^|\.)(to_q|to_k|q_proj|k_proj)\.", 0.7, 0.0),
        (r"(^|\.)attn2\.to_k\.", 1.2, 0.0),
        (r"(^|\.)conv_img\.", 0.15, 0.0),
        (r"(^|\.)conv_out\.weight$", 0.4, 0.0),
        (r"(^|\.)conv_block\.0\.weight$", 0.8, 0.0),
        (r"(^|\.)output_block\.1\.weight$", 0.15, 0.0),
        (r"(^|\.)audio_encoder\.\d+\.conv_block\.0\.weight$", 1.1, 0.0),
    )
]


def uniform01(tag: str, shape: Sequence[int], seed: int) -> F32:
    """Values in 0..1 (24 random bits each) that depend on the tag, the seed and their place."""
    count = int(np.prod(shape, dtype=np.int64))
    out = np.empty(count, np.float32)
    low = zlib.crc32(tag.encode())
    high = zlib.crc32(f"{seed}|{tag[::-1]}".encode())
    base = np.uint64((high << 32) | low)
    with np.errstate(over="ignore"):
        for start in range(0, count, _CHUNK):
            end = min(count, start + _CHUNK)
            z = np.arange(start + 1, end + 1, dtype=np.uint64)
            z *= _STEP
            z += base
            z ^= z >> np.uint64(30)
            z *= _MIX_1
            z ^= z >> np.uint64(27)
            z *= _MIX_2
            z ^= z >> np.uint64(31)
            z >>= np.uint64(40)
            np.multiply(z.astype(np.float32), np.float32(1 / (1 << 24)), out=out[start:end])
    return out.reshape(tuple(shape))


def signed(tag: str, shape: Sequence[int], seed: int) -> F32:
    """Uniform, with mean 0 and variance 1."""
    out = uniform01(tag, shape, seed)
    out *= np.float32(2)
    out -= np.float32(1)
    out *= _ROOT_3
    return out


def weight(key: str, shape: Sequence[int], seed: int, namespace: str) -> NDArray[np.generic]:
    """One tensor of a checkpoint by its official name."""
    tag = f"{namespace}::{key}"
    leaf = key.rsplit(".", 1)[-1]
    factor, added = 1.0, 0.0
    for pattern, its_factor, its_added in _RANGES:
        if pattern.search(key):
            factor, added = its_factor, its_added
    if leaf == "num_batches_tracked":
        return np.zeros(tuple(shape), np.int64)
    if leaf == "running_mean":
        return signed(tag, shape, seed) * np.float32(0.1)
    if leaf == "running_var":
        return uniform01(tag, shape, seed) + np.float32(0.5)
    if leaf in ("gamma", "beta"):
        return signed(tag, shape, seed) * np.float32(0.2 if leaf == "gamma" else 0.05)
    if leaf == "bias" or leaf.endswith("_bias"):
        return signed(tag, shape, seed) * np.float32(0.05) + np.float32(added)
    if len(shape) <= 1:
        return signed(tag, shape, seed) * np.float32(0.1) + np.float32(1.0)
    if "embed" in key and len(shape) == 2 and "time_embedding" not in key:
        return signed(tag, shape, seed) * np.float32(0.3)
    out = signed(tag, shape, seed)
    out *= np.float32(np.sqrt(2.0 / max(1, int(np.prod(shape[1:])))) * factor)
    return out


def state(network: str, seed: int, *, skip: Sequence[str] = ()) -> dict[str, Tensor]:
    """A whole checkpoint of a network in avatar.nets.keys, without the keys that end in `skip`.

    Spectral norm: weight_u is a unit vector and weight_v is W^T u made one, as after training.
    """
    shapes = {k: kept.shape for k, kept in keys.of(network).items() if not k.endswith(tuple(skip))}
    out: dict[str, Tensor] = {}
    for key, shape in shapes.items():
        if key.endswith(".weight_u"):
            u = signed(f"{network}::{key}", shape, seed).astype(np.float64)
            out[key] = _tensor((u / np.sqrt((u * u).sum())).astype(np.float32))
        elif not key.endswith(".weight_v"):
            out[key] = _tensor(weight(key, shape, seed, network))
    for key in shapes:
        if key.endswith(".weight_v"):
            stem = key.removesuffix("_v")
            w = out[f"{stem}_orig"].numpy().astype(np.float64)
            v = w.reshape(w.shape[0], -1).T @ out[f"{stem}_u"].numpy().astype(np.float64)
            out[key] = _tensor((v / np.sqrt((v * v).sum())).astype(np.float32))
    return {key: out[key] for key in shapes}


def _tensor(values: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values).reshape(values.shape))


def image_u8(tag: str, height: int, width: int, seed: int, cells: int = 7) -> U8:
    """A picture of soft blobs with a little noise: (height, width, 3)."""
    blobs = uniform01(f"{tag}/grid", (cells, cells, 3), seed).astype(np.float64)
    ys = np.arange(height) * ((cells - 1) / (height - 1))
    xs = np.arange(width) * ((cells - 1) / (width - 1))
    y0 = np.minimum(ys.astype(np.int64), cells - 2)
    x0 = np.minimum(xs.astype(np.int64), cells - 2)
    fy = (ys - y0)[:, None, None]
    fx = (xs - x0)[None, :, None]
    top = blobs[y0][:, x0] * (1 - fx) + blobs[y0][:, x0 + 1] * fx
    low = blobs[y0 + 1][:, x0] * (1 - fx) + blobs[y0 + 1][:, x0 + 1] * fx
    noise = uniform01(f"{tag}/noise", (height, width, 3), seed).astype(np.float64) - 0.5
    picture = top * (1 - fy) + low * fy + 0.06 * noise
    return np.asarray(np.clip(np.floor(picture * 255.0 + 0.5), 0, 255), np.uint8)


def image01(tag: str, height: int, width: int, seed: int) -> Tensor:
    """The same as a network takes it: (1, 3, height, width) in 0..1."""
    picture = image_u8(tag, height, width, seed).astype(np.float32) / np.float32(255)
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))


def keypoints(tag: str, seed: int, spread: float = 0.6, count: int = 21) -> Tensor:
    """(1, count, 3) in -spread..spread."""
    return torch.from_numpy((uniform01(tag, (1, count, 3), seed) * 2 - 1) * np.float32(spread))


def tensor(tag: str, shape: Sequence[int], seed: int) -> Tensor:
    """`signed` as a tensor."""
    return torch.from_numpy(signed(tag, shape, seed))


def waveform(seed: int, seconds: float, rate: int = 16000) -> F32:
    """Mono, like speech: a gliding buzz with the loudness of syllables, and some noise."""
    count = round(seconds * rate)
    t = np.arange(count, dtype=np.float64) / rate
    pitch = 110.0 + 15.0 * seed + 20.0 * np.sin(2 * np.pi * 0.7 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    buzz = np.zeros(count)
    for k in range(1, 13):
        buzz = buzz + np.sin(k * phase) / k
    loud = 0.5 - 0.5 * np.cos(2 * np.pi * 3.1 * t)
    noise = uniform01("wave", (count,), seed).astype(np.float64) - 0.5
    return np.asarray(0.2 * loud * buzz + 0.01 * noise, np.float32)


def face_points(seed: int) -> F32:
    """203 landmarks in LivePortrait's order of a tilted face in a 640 x 480 picture."""
    p = (uniform01("lp/points", (203, 2), seed).astype(np.float64) - 0.5) * np.array([120.0, 150.0])
    for base, cx in ((0, -32.0), (24, 32.0)):
        p[base + 0] = (cx - 14, -20)
        p[base + 12] = (cx + 14, -20)
        p[base + 6] = (cx, -25)
        p[base + 18] = (cx, -15)
    p[48], p[66], p[90], p[102] = (-22, 42), (22, 42), (0, 39), (0, 47)
    angle = np.deg2rad(12.0 + seed)
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(p @ np.array([[c, s], [-s, c]]) + np.array([330.0, 215.0]), np.float32)


def border_mask() -> U8:
    """(512, 512, 3): 255 inside, falling to 0 over the 16 outermost pixels."""
    ramp = np.minimum(np.arange(512), np.arange(512)[::-1])
    mask = np.clip(np.minimum(ramp[:, None], ramp[None]) * 16, 0, 255).astype(np.uint8)
    return np.repeat(mask[..., None], 3, axis=2)


def face_labels(seed: int) -> U8:
    """(512, 512) classes of a face parser, made of ellipses."""
    y, x = np.mgrid[0:512, 0:512].astype(np.float64)
    labels = np.zeros((512, 512), np.uint8)
    dx = 4.0 * seed

    def ellipse(cx: float, cy: float, rx: float, ry: float, value: int) -> None:
        labels[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1.0] = value

    ellipse(256 + dx, 190, 190, 170, 17)  # hair
    labels[(np.abs(x - 256 - dx) < 90) & (y > 380)] = 14  # neck
    ellipse(256 + dx, 265, 150, 185, 1)  # skin
    ellipse(200 + dx, 215, 28, 12, 4)  # eyes
    ellipse(312 + dx, 215, 28, 12, 5)
    ellipse(256 + dx, 280, 28, 45, 10)  # nose
    ellipse(256 + dx, 352, 55, 14, 12)  # lips and mouth
    ellipse(256 + dx, 362, 42, 9, 11)
    ellipse(256 + dx, 374, 52, 13, 13)
    return labels
