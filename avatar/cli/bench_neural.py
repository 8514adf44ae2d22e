"""python -m avatar bench --renderer NAME: what a neural renderer's pictures cost here.

One session speaks and is drawn as fast as it goes: milliseconds of a clock and of the process's CPU
for a picture, pictures a second, and the time by stage. For wav2lip also the network alone, one
face and eight at once. --seeded takes weights made of a seed, which cost what real ones cost.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd
from avatar.neural import checkpoint, device, seeded, wav2lip
from avatar.neural.shared import Read
from avatar.renderers.liveportrait import LivePortraitRenderer
from avatar.renderers.musetalk import MuseTalkRenderer
from avatar.renderers.wav2lip import Wav2LipRenderer

FPS: Final = 25
_FACES: Final = (1, 8)
_WARM_UP: Final = 3

Figures = dict[str, float]
Drawn = LivePortraitRenderer | MuseTalkRenderer | Wav2LipRenderer


@dataclass(frozen=True, slots=True)
class Job:
    """What is measured. on: torch's device; None: what a call would take."""

    renderer: str
    portrait: str
    size: tuple[int, int]
    frames: int
    on: str | None
    seeded: bool


def measure(job: Job, sound: NDArray[np.int16]) -> dict[str, Figures]:
    """Figures by group. Raises RendererError without a GPU where one is needed, ModelError."""
    read: Read | None = (lambda name: seeded.state(name, 1)) if job.seeded else None
    out: dict[str, Figures] = {"machine": {"load_before": os.getloadavg()[0]}}
    if job.renderer == "wav2lip":
        nets = wav2lip.Nets.load(device.choose_any(job.on), read or checkpoint.own)
        face: Drawn = Wav2LipRenderer(nets, job.portrait, size=job.size, fps=FPS)
        for count in _FACES:
            out[f"network, {count} at once"] = network(nets, count, job.frames // count)
    else:
        kind = MuseTalkRenderer if job.renderer == "musetalk" else LivePortraitRenderer
        face = kind.open(job.portrait, size=job.size, fps=FPS, on=job.on, read=read)
    out["session"] = session(face, sound, job.frames)
    out["stages, ms"] = {
        name: 1000 * spent / job.frames for name, (spent, _) in face.device.stages.items()
    }
    out["machine"] |= {"threads": torch.get_num_threads(), "load_after": os.getloadavg()[0]}
    return out


def network(nets: wav2lip.Nets, count: int, repeats: int) -> Figures:
    """Milliseconds a face of the network alone, so many faces at once."""
    where = nets.device
    heard = seeded.tensor("mel", (count, 1, 80, 16), 1).to(where.name, where.dtype)
    faces = seeded.tensor("faces", (count, 6, 96, 96), 1).to(where.name, where.dtype)

    def say() -> None:
        with torch.inference_mode():
            nets.saying.run(heard, faces)
        where.wait()

    return _milliseconds(say, repeats, count)


def session(face: Drawn, sound: NDArray[np.int16], frames: int) -> Figures:
    """Milliseconds a picture of speech, and pictures a second."""
    face.hear(AudioChunk(0, 0, sound))
    face.hear(SpeechEnd(0))
    shown = iter(range(_WARM_UP + frames))

    def draw() -> None:
        index = next(shown)
        position = (2 * index + 1) * CLOCK_RATE // (2 * FPS)
        face.draw(Cue(index, index / FPS, 0, 0, position, Manner.SPEAKING))

    for _ in range(_WARM_UP - 1):
        draw()
    face.device.stages.clear()
    figures = _milliseconds(draw, frames, 1)
    figures["pictures_per_second"] = 1000 / figures["mean_ms"]
    return figures


def _milliseconds(work: Callable[[], None], repeats: int, share: int) -> Figures:
    """Of one of `share` pictures, after once that does not count."""
    work()
    clocks, began = [time.perf_counter()], time.process_time()
    for _ in range(max(1, repeats)):
        work()
        clocks.append(time.perf_counter())
    spent = np.diff(clocks) * 1000 / share
    return {
        "p50_ms": float(np.median(spent)),
        "p95_ms": float(np.percentile(spent, 95)),
        "mean_ms": float(spent.mean()),
        "cpu_ms": (time.process_time() - began) * 1000 / share / len(spent),
    }


def report(figures: dict[str, Figures]) -> str:
    """A line for each group."""
    return "\n".join(
        f"{group}: " + ", ".join(f"{name} {value:.1f}" for name, value in values.items())
        for group, values in figures.items()
    )
