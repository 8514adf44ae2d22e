"""python -m avatar bench --renderer NAME: what a neural renderer's pictures cost here.

One session speaks and is drawn as fast as it goes: milliseconds of a clock and of the process's CPU
for a picture, pictures a second, the time by stage, and the share of what a product of matrices
reaches on the same device. On a GPU also how many sessions have their 25 pictures a second; for
wav2lip the network alone, one face and eight at once. --seeded takes weights made of a seed, which
cost what real ones cost.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd
from avatar.neural import checkpoint, device, head, lips, seeded, still, wav2lip
from avatar.neural.device import Device
from avatar.neural.shared import Read
from avatar.renderers import Renderer
from avatar.renderers.liveportrait import LivePortraitRenderer
from avatar.renderers.musetalk import MuseTalkRenderer
from avatar.renderers.wav2lip import Wav2LipRenderer

FPS: Final = 25
_FACES: Final = (1, 8)
_WARM_UP: Final = 3
_PLAYED: Final = 100
_MOST: Final = 64
_ENOUGH: Final = 0.99
_TFLOP: Final = {"liveportrait": 1.23, "musetalk": 0.79, "wav2lip": 0.0079}
"""Of one picture: the networks' multiplications and additions, counted at full width."""

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
    out: dict[str, Figures] = {"machine": {"load_before": os.getloadavg()[0]}}
    where = (device.choose_any if job.renderer == "wav2lip" else device.choose)(job.on)
    make, nets = _maker(job, where)
    if isinstance(nets, wav2lip.Nets):
        for count in _FACES:
            out[f"network, {count} at once"] = network(nets, count, job.frames // count)
    out["session"] = session(make(), sound, job.frames)
    out["stages, ms"] = stages(make(), where, sound, job.frames)
    if where.gpu:  # a CPU has no second session to carry
        out["sessions"] = sessions(make, where, sound)
    rate = matmul_tflops(where)
    used = out["session"]["pictures_per_second"] * _TFLOP[job.renderer]
    out["roofline"] = {"matmul_tflops": rate, "session_percent": 100 * used / rate}
    if "sessions" in out:
        used = out["sessions"]["at_25_a_second"] * FPS * _TFLOP[job.renderer]
        out["roofline"]["sessions_percent"] = 100 * used / rate
    out["machine"] |= {"threads": torch.get_num_threads(), "load_after": os.getloadavg()[0]}
    return out


def _maker(job: Job, where: Device) -> tuple[Callable[[], Drawn], object]:
    """Makes faces that share one set of networks; and the networks."""
    read: Read = (lambda name: seeded.state(name, 1)) if job.seeded else checkpoint.own
    if job.renderer == "wav2lip":
        small = wav2lip.Nets.load(where, read)
        return partial(Wav2LipRenderer, small, job.portrait, size=job.size, fps=FPS), small
    if job.renderer == "musetalk":
        nets = lips.Nets.load(where, read)
        return partial(MuseTalkRenderer, nets, job.portrait, size=job.size, fps=FPS), nets
    whole = head.Nets.load(where, read)
    shown = still.of(job.portrait, job.size)
    return partial(LivePortraitRenderer, whole, shown, fps=FPS), whole


def stages(face: Drawn, where: Device, sound: NDArray[np.int16], frames: int) -> Figures:
    """Milliseconds of each stage a picture; being asked for its time, a GPU takes longer."""
    where.timed = True
    session(face, sound, frames)
    where.timed = False
    return {name: 1000 * spent / frames for name, (spent, _) in where.stages.items()}


def sessions(make: Callable[[], Drawn], where: Device, sound: NDArray[np.int16]) -> Figures:
    """The share of pictures in time by the number of faces that speak at once, and how many have
    nearly all of theirs: a search by doubling."""
    out: Figures = {}
    faces: list[Drawn] = []
    best, count = 0, 1
    while count <= _MOST:
        faces += [make() for _ in range(count - len(faces))]
        where.stages.pop("late", None)
        out[f"{count}"] = share = keeps_up(faces, where, sound)
        if share < _ENOUGH:
            break
        best, count = count, 2 * count
    for face in faces:
        face.close()
    return out | {"at_25_a_second": float(best)}


def keeps_up(faces: Sequence[Renderer], where: Device, sound: NDArray[np.int16]) -> float:
    """The share of pictures that were there before the next was due, and not left out as late."""
    frames = min(_PLAYED, len(sound) * FPS // CLOCK_RATE)
    began = time.monotonic() + 1 / FPS

    def play(face: Renderer, shift: float) -> int:
        face.hear(AudioChunk(0, 0, sound))
        face.hear(SpeechEnd(0))
        kept = 0
        for index in range(frames):
            due = began + (index + shift) / FPS
            time.sleep(max(0.0, due - time.monotonic()))
            face.draw(_cue(index))
            kept += index >= _WARM_UP and time.monotonic() < due + 1 / FPS
        face.forget(0)
        return kept

    with ThreadPoolExecutor(len(faces)) as calls:
        kept = list(calls.map(play, faces, [n / len(faces) for n in range(len(faces))]))
    late = where.stages.get("late", (0.0, 0))[1]
    return max(0.0, (sum(kept) - late) / (len(faces) * (frames - _WARM_UP)))


def matmul_tflops(where: Device) -> float:
    """What a large product of matrices reaches here, in the precision of the networks."""
    side = 8192 if where.gpu else 1024
    a = torch.rand(side, side, device=where.name, dtype=where.dtype)

    def work() -> None:
        torch.mm(a, a)
        where.wait()

    spent = _milliseconds(work, 10, 1)["p50_ms"]
    return 2 * side**3 / spent / 1e9


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
        face.draw(_cue(next(shown)))

    for _ in range(_WARM_UP - 1):
        draw()
    face.device.stages.clear()
    figures = _milliseconds(draw, frames, 1)
    figures["pictures_per_second"] = 1000 / figures["mean_ms"]
    return figures


def _cue(index: int) -> Cue:
    position = (2 * index + 1) * CLOCK_RATE // (2 * FPS)
    return Cue(index, index / FPS, 0, 0, position, Manner.SPEAKING)


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
