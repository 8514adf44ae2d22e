"""Rows of motion in LivePortrait's space, made of how speech sounds, a window of frames at a time.

Two published networks say them by diffusion: Ditto's LMDM and JoyVASA's denoiser. Windows lie on a
grid that only the segment's samples decide, and noise depends on the seed, the segment and the
frame: the same speech moves the same face in the same way, however it arrives. Both networks hear
through a speech encoder of their own (HuBERT), which is not here: whoever uses them brings it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avatar.nets.ditto import STEPS as DITTO_STEPS
from avatar.nets.ditto import Lmdm, cumulative
from avatar.neural import keypoints
from avatar.neural.ear import Steps
from avatar.neural.keypoints import POINTS

F32 = NDArray[np.float32]

FPS: Final = 25
STEPS_A_FRAME: Final = 2
PAST_S: Final = 1.0
"""What the encoder hears of before a window."""
_BINS: Final = 66

Hear = Callable[[F32], Tensor]
"""From 16 kHz sound to its features, 25 frames a second."""  # (samples,) -> (frames, width)
Noise = Callable[[int], Tensor]
"""Of a step of the sampling: the same for the same frame, whichever window it is in."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a row says. exp: (21, 3); angles in degrees."""

    exp: F32
    pitch: float
    yaw: float
    roll: float


class Model(Protocol):
    """A network with its sampling. It says `frames` at once, of which the last `hop` are new.

    past: rows that it sees of before. rest: (width,), the row of a face at rest.
    """

    frames: int
    hop: int
    past: int
    rest: Tensor

    def say(self, heard: Tensor, before: Tensor, heard_before: Tensor, noise: Noise) -> Tensor:
        """(frames, features), (past, width), (past, features) -> (frames, width)."""

    def read(self, row: Tensor) -> Moved:
        """A row in the units of a face."""


@dataclass(frozen=True, slots=True)
class Ditto:
    """steps: of DDIM without noise of its own, over the 1000 of the training.

    rest: the source's own row, see `ditto_row`. What is heard must have the width that the weights
    want: features, then whatever else they were trained with.
    """

    net: Lmdm
    rest: Tensor
    frames: int = 80
    hop: int = 10
    past: int = 1
    steps: int = 10
    guidance: float = 2.0

    def say(self, heard: Tensor, before: Tensor, heard_before: Tensor, noise: Noise) -> Tensor:
        left = cumulative().to(before)
        times = torch.linspace(-1, DITTO_STEPS - 1, self.steps + 1).round().int().tolist()[::-1]
        x = noise(0)[None]
        for time, then in pairwise(times):
            step = torch.full((1,), time, device=before.device)
            said = self.net.predict(x, before[-1:], step, heard[None], guidance=self.guidance)
            kept = left[then] if then >= 0 else left.new_ones(())
            x = kept.sqrt() * said.start + (1 - kept).sqrt() * said.noise
        return x[0]

    def read(self, row: Tensor) -> Moved:
        angles = row[1 : 1 + 3 * _BINS].float().unflatten(0, (3, _BINS))
        pitch, yaw, roll = (float(v) for v in keypoints.degrees(angles)[:, 0])
        return Moved(_points(row[-3 * POINTS :]), pitch, yaw, roll)


def ditto_row(heads: dict[str, Tensor]) -> Tensor:
    """The motion network's heads of one face as a row: scale, three times 66 bins, shift, exp."""
    names = ("scale", "pitch", "yaw", "roll", "t", "exp")
    return torch.cat([heads[name][0].flatten() for name in names])  # (265,)


@dataclass(frozen=True, slots=True)
class Template:
    """How JoyVASA's rows were made even: mean and deviation of exp (63,), the least and the most of
    scale, shift, pitch, yaw and roll (7,)."""

    mean: F32
    deviation: F32
    least: F32
    most: F32


@dataclass(frozen=True, slots=True)
class JoyVasa:
    """Windows of 4 s: whole sentences, not quick answers. steps, guidance: as published.

    unheard: (1, features), what stands for no sound at all.

    rest: the row that it was trained to begin with.
    """

    net: nn.Module
    rest: Tensor
    unheard: Tensor
    template: Template
    frames: int = 100
    hop: int = 100
    past: int = 25
    steps: int = 50
    guidance: float = 1.15

    def say(self, heard: Tensor, before: Tensor, heard_before: Tensor, noise: Noise) -> Tensor:
        left = torch.cat([torch.ones(1), cumulative(self.steps)]).to(before)
        sounds = torch.stack([self.unheard.expand_as(heard), heard])
        x = noise(0)
        for time in range(self.steps, 0, -1):
            step = torch.full((2,), time, device=before.device)
            both = self.net(
                x.expand(2, -1, -1),
                sounds,
                before.expand(2, -1, -1),
                heard_before.expand(2, -1, -1),
                step,
            )[:, self.past :]
            start = both[0] + (both[1] - both[0]) * self.guidance
            # the step before, as likely as it is: the mean of the posterior and its noise
            kept = left[time] / left[time - 1]
            a = left[time - 1].sqrt() * (1 - kept) / (1 - left[time])
            b = kept.sqrt() * (1 - left[time - 1]) / (1 - left[time])
            x = a * start + b * x
            if time > 1:
                spread = (1 - left[time - 1]) / (1 - left[time]) * (1 - kept)
                x = x + spread.sqrt() * noise(self.steps - time + 1)
        return x

    def read(self, row: Tensor) -> Moved:
        flat = row.float().cpu().numpy()
        t = self.template
        exp = flat[: 3 * POINTS] * t.deviation + t.mean
        rest = flat[3 * POINTS :] * (t.most - t.least) + t.least
        pitch, yaw, roll = (float(v) for v in rest[-3:])
        return Moved(np.asarray(exp.reshape(POINTS, 3), np.float32), pitch, yaw, roll)


class Rows:
    """The rows of one segment. Feed it in order; ask for frames in rising order."""

    def __init__(self, model: Model, hear: Hear, *, seed: int = 0, segment: int = 0) -> None:
        self._model, self._hear, self._key = model, hear, (seed, segment)
        self.steps = Steps()
        self.feed, self.finish = self.steps.feed, self.steps.finish
        self._windows = 0
        self._said: list[Tensor] = []

    def at(self, frame: int) -> Moved | None:
        """What a frame says; None while its sound is not known, and after the end."""
        with torch.inference_mode():
            while len(self._said) <= frame:
                if not self._next():
                    return None
        return self._model.read(self._said[frame])

    def _next(self) -> bool:
        """Say one more window; whether its sound is known."""
        model, number = self._model, self._windows
        end = (number + 1) * model.hop
        if len(self.steps) < end * STEPS_A_FRAME and not self.steps.ended:
            return False
        if len(self.steps) <= number * model.hop * STEPS_A_FRAME:
            return False
        start = end - model.frames
        heard = self._features(start - model.past, end)
        past = range(start - model.past, start)
        before = torch.stack([self._said[i] if i >= 0 else model.rest for i in past])
        said = model.say(
            heard[model.past :],
            before,
            heard[: model.past],
            lambda step: self._noise(start, step),
        )
        self._keep(said, start)
        self._windows += 1
        return True

    def _features(self, start: int, end: int) -> Tensor:
        """Of every frame from start on and before end; zeros where there is no sound."""
        first = max(0, start - round(PAST_S * FPS))
        known = self._hear(self.steps.sound(first * STEPS_A_FRAME, end * STEPS_A_FRAME))
        out = known.new_zeros((end - start, known.shape[1]))
        known = known[max(0, start - first) :][: end - max(0, start)]
        at = max(0, -start)
        out[at : at + len(known)] = known
        self.steps.forget(first * STEPS_A_FRAME)
        return out

    def _keep(self, said: Tensor, start: int) -> None:
        """The new frames, which go on from the last one: a step between windows is evened out."""
        new = said[-self._model.hop :].clone()
        if self._said:
            at = len(self._said) - 1 - start
            if at >= 0:
                count = min(5, len(new))
                fall = 1 - torch.arange(1, count + 1).to(new) / (count + 1)
                new[:count] += fall[:, None] * (self._said[-1] - said[at])
        self._said += new.unbind()

    def _noise(self, start: int, step: int) -> Tensor:
        rest = self._model.rest
        seed, segment = self._key
        rows = [
            np.random.Generator(
                np.random.Philox(key=seed, counter=[0, step, frame + (1 << 32), segment])
            ).standard_normal(len(rest), np.float32)
            for frame in range(start, start + self._model.frames)
        ]
        return torch.from_numpy(np.stack(rows)).to(rest)


def _points(flat: Tensor) -> F32:
    return np.asarray(flat.float().cpu().numpy().reshape(POINTS, 3), np.float32)
