"""From sound to the tokens that say one frame to MuseTalk, on an exact grid of frames.

Whisper's encoder gives 50 steps a second of five states each. Frame i takes 10 steps, from 2i - 4
at 25 fps: its own two and four on either side; outside of the sound the steps are zero.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from avatar.neural import mel
from avatar.neural.mel import F32

STEPS_A_SECOND: Final = 50
STEPS_A_FRAME: Final = 10
SAMPLES_A_STEP: Final = mel.RATE // STEPS_A_SECOND

Encode = Callable[[F32], Tensor]
"""From up to 30 s of sound to its rows."""  # (samples,) -> (steps, 5, 384)


def first_step(frame: int, fps: int) -> int:
    """The first of the steps that a frame hears; negative before the sound."""
    return frame * STEPS_A_SECOND // fps - 2 * math.ceil(STEPS_A_SECOND / fps)


def steps_needed(frame: int, fps: int) -> int:
    """How many steps must be known before a frame can be said."""
    return first_step(frame, fps) + STEPS_A_FRAME


def gather(rows: Tensor, first: int, frame: int, fps: int) -> Tensor:
    """The tokens of one frame from rows that begin at step `first`; missing rows are zero."""
    start = first_step(frame, fps) - first  # rows: (steps, 5, 384)
    out = rows.new_zeros((STEPS_A_FRAME, *rows.shape[1:]))
    low, high = max(0, start), min(len(rows), start + STEPS_A_FRAME)
    if low < high:
        out[low - start : high - start] = rows[low:high]
    return out.flatten(0, 1)  # (50, 384), time before state


def encoder(net: nn.Module, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Encode:
    """Whisper's encoder as a function of sound."""

    def encode(sound: F32) -> Tensor:
        heard = torch.from_numpy(mel.whisper(sound))[None].to(device, dtype)  # (1, 80, 3000)
        with torch.inference_mode():
            rows = net(heard)[0]  # (1500, 5, 384)
        return rows[: -(-len(sound) // SAMPLES_A_STEP)]

    return encode


def offline(encode: Encode, sound: F32, fps: int) -> Tensor:
    """The tokens of every frame of a whole recording, without positions."""
    parts = [
        encode(sound[start : start + mel.WHISPER_SAMPLES])
        for start in range(0, len(sound), mel.WHISPER_SAMPLES)
    ]
    rows = torch.cat(parts)[: len(sound) * STEPS_A_SECOND // mel.RATE]
    frames = len(sound) * fps // mel.RATE
    return torch.stack([gather(rows, 0, i, fps) for i in range(frames)])  # (frames, 50, 384)


def positions(count: int = 50, width: int = 384) -> Tensor:
    """Sine (even) and cosine (odd) of the place of each token; added once."""
    place = torch.arange(count, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
    table = torch.empty(count, width)
    table[:, 0::2] = torch.sin(place * rate)
    table[:, 1::2] = torch.cos(place * rate)
    return table[None]  # (1, 50, 384)


def silence(seconds: float) -> F32:
    """Quiet, as sound."""
    return np.zeros(round(seconds * mel.RATE), np.float32)
