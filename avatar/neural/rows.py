"""Rows of motion in LivePortrait's space, made of how speech sounds, a window of frames at a time.

Two published networks say them by diffusion: Ditto's LMDM and JoyVASA's denoiser. Windows lie on a
grid that only the segment's samples decide, each window's new frames are heard once, and noise
depends on the seed, the segment and the frame: the same speech moves the same face in the same way,
however it arrives.
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
from avatar.neural.hearing import Hearing, silence
from avatar.neural.keypoints import POINTS

F32 = NDArray[np.float32]

FPS: Final = 25
STEPS_A_FRAME: Final = 2
_BINS: Final = 66
_HEAD: Final = 1 + 3 * _BINS + 3
"""The part of Ditto's row that is not the expression: scale, three angles, shift."""

_DITTO_FRAMES: Final = 80
_DITTO_HOP: Final = 10
DITTO_UNHEARD: Final = 1 + _DITTO_FRAMES - _DITTO_HOP
"""Frames that Ditto hears in front of the first."""

Noise = Callable[[int], Tensor]
"""Of a step of the sampling: the same for the same frame, whichever window it is in."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a row adds to the face of the picture. exp: (21, 3); angles in degrees."""

    exp: F32
    pitch: float
    yaw: float
    roll: float


class Model(Protocol):
    """A network with its sampling. It says `frames` at once, of which the last `hop` are new.

    past: rows that it sees of before. before: (past, width), what they are in front of the first.
    unheard: (past + frames - hop, features), what is heard in front of the first.
    """

    @property
    def frames(self) -> int: ...
    @property
    def hop(self) -> int: ...
    @property
    def past(self) -> int: ...
    @property
    def before(self) -> Tensor: ...
    @property
    def unheard(self) -> Tensor: ...

    def say(self, heard: Tensor, before: Tensor, heard_before: Tensor, noise: Noise) -> Tensor:
        """(frames, features), (past, width), (past, features) -> (frames, width)."""

    def read(self, row: Tensor, first: Tensor) -> Moved:
        """A row in the units of a face. first: the segment's."""


@dataclass(frozen=True, slots=True)
class Ditto:
    """before: (1, 265), the source's own row, see `ditto_row`. beside: what the weights want to
    know of the face beside what is heard. steps: as in its published live settings, but of DDIM
    without noise of its own.
    """

    net: Lmdm
    before: Tensor
    unheard: Tensor
    beside: Tensor
    frames: int = _DITTO_FRAMES
    hop: int = _DITTO_HOP
    past: int = 1
    steps: int = 10
    guidance: float = 2.0

    def say(self, heard: Tensor, before: Tensor, heard_before: Tensor, noise: Noise) -> Tensor:
        left = cumulative().to(before)
        times = torch.linspace(-1, DITTO_STEPS - 1, self.steps + 1).round().int().tolist()[::-1]
        known = torch.cat([heard, self.beside.expand(len(heard), -1)], dim=-1)[None]
        # where the head was, with the source's expression: as published
        last = torch.cat([before[-1:, :_HEAD], self.before[:, _HEAD:]], dim=-1)
        x = noise(0)[None]
        for time, then in pairwise(times):
            step = torch.full((1,), time, device=before.device)
            said = self.net.predict(x, last, step, known, guidance=self.guidance)
            kept = left[then] if then >= 0 else left.new_ones(())
            x = kept.sqrt() * said.start + (1 - kept).sqrt() * said.noise
        return x[0]

    def read(self, row: Tensor, first: Tensor) -> Moved:
        now, rest = (_ditto_pose(one.float().cpu()) for one in (row, self.before[-1]))
        return _beside(now, rest)


def ditto_row(heads: dict[str, Tensor]) -> Tensor:
    """The motion network's heads of one face as a row: scale - 1, 3 x 66 bins, shift, exp."""
    names = ("pitch", "yaw", "roll", "t", "exp")
    parts = (heads["scale"] - 1, *(heads[name] for name in names))
    return torch.cat([part[0].flatten() for part in parts])  # (265,)


def _ditto_pose(row: Tensor) -> Moved:
    angles = row[1 : 1 + 3 * _BINS].unflatten(0, (3, _BINS))
    pitch, yaw, roll = (float(v) for v in keypoints.degrees(angles)[:, 0])
    return Moved(_points(row[_HEAD:]), pitch, yaw, roll)


def _beside(now: Moved, rest: Moved) -> Moved:
    return Moved(
        now.exp - rest.exp, now.pitch - rest.pitch, now.yaw - rest.yaw, now.roll - rest.roll
    )


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
    """Windows of 4 s: whole sentences, not quick answers.

    before, unheard: (25, 70), (25, 512), what it was trained to begin with. nothing: (1, 512),
    what stands for no sound at all. left: (steps + 1,), how much of the motion is left at each
    step. exp: (21, 3), of the source. guidance: as in the published commands.
    """

    net: nn.Module
    before: Tensor
    unheard: Tensor
    nothing: Tensor
    left: Tensor
    template: Template
    exp: F32
    frames: int = 100
    hop: int = 100
    past: int = 25
    guidance: float = 2.0

    def say(self, heard: Tensor, before: Tensor, heard_before: Tensor, noise: Noise) -> Tensor:
        left, steps = self.left, len(self.left) - 1
        sounds = torch.stack([self.nothing.expand_as(heard), heard])
        x = noise(0)
        for time in range(steps, 0, -1):
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
                x = x + spread.sqrt() * noise(steps - time + 1)
        return x

    def read(self, row: Tensor, first: Tensor) -> Moved:
        """As published, the lips are the network's own, and the head turns from where it began."""
        now, begun = (self._pose(one.float().cpu().numpy()) for one in (row, first))
        return _beside(now, Moved(self.exp, begun.pitch, begun.yaw, begun.roll))

    def _pose(self, row: F32) -> Moved:
        t = self.template
        exp = row[: 3 * POINTS] * t.deviation + t.mean
        rest = row[3 * POINTS :] * (t.most - t.least) + t.least
        pitch, yaw, roll = (float(v) for v in rest[-3:])
        return Moved(np.asarray(exp.reshape(POINTS, 3), np.float32), pitch, yaw, roll)


class Rows:
    """The rows of one segment. Feed it in order; ask for frames in rising order."""

    def __init__(self, model: Model, hearing: Hearing, *, seed: int = 0, segment: int = 0) -> None:
        self._model, self._hearing, self._key = model, hearing, (seed, segment)
        self.steps = Steps()
        self.feed, self.finish = self.steps.feed, self.steps.finish
        self._windows = 0
        self._heard = model.unheard  # what the next window hears in front of its new frames
        self._said: list[Tensor] = []

    def at(self, frame: int) -> Moved | None:
        """What a frame says; None while its sound is not known, and after the end."""
        while len(self._said) <= frame:
            if not self.more():
                return None
        return self.known(frame)

    def known(self, frame: int) -> Moved | None:
        """The same, but None also for what was not said yet. Any thread may ask."""
        if len(self._said) <= frame:
            return None
        return self._model.read(self._said[frame], self._said[0])

    def more(self) -> bool:
        """Say one more window; whether its sound is known."""
        with torch.inference_mode():
            return self._more()

    def _more(self) -> bool:
        model, number = self._model, self._windows
        end = (number + 1) * model.hop
        needed = (end + self._hearing.ahead) * STEPS_A_FRAME
        if len(self.steps) < needed and not self.steps.ended:
            return False
        if len(self.steps) <= number * model.hop * STEPS_A_FRAME:
            return False
        heard = torch.cat([self._heard, self._listen(number * model.hop, end)])
        self._heard = heard[model.hop :]
        start = end - model.frames
        before = [
            self._said[i] if i >= 0 else model.before[i - start + model.past]
            for i in range(start - model.past, start)
        ]
        said = model.say(
            heard[model.past :],
            torch.stack(before),
            heard[: model.past],
            lambda step: self._noise(start, step),
        )
        self._keep(said, start)
        self._windows += 1
        return True

    def _listen(self, start: int, end: int) -> Tensor:
        """What is heard from one frame on and before another; silence where there is no sound."""
        hearing = self._hearing
        first, last = max(0, start - hearing.past), end + hearing.ahead
        known = self.steps.sound(first * STEPS_A_FRAME, last * STEPS_A_FRAME)
        sound = silence(last - first)
        sound[: len(known)] = known
        self.steps.forget(max(0, end - hearing.past) * STEPS_A_FRAME)
        return hearing.hear(sound)[start - first : end - first]

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
        like = self._model.before[0]
        seed, segment = self._key
        rows = [
            np.random.Generator(
                np.random.Philox(key=seed, counter=[0, step, frame + (1 << 32), segment])
            ).standard_normal(len(like), np.float32)
            for frame in range(start, start + self._model.frames)
        ]
        return torch.from_numpy(np.stack(rows)).to(like)


def _points(flat: Tensor) -> F32:
    return np.asarray(flat.numpy().reshape(POINTS, 3), np.float32)
