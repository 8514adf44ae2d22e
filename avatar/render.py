"""python -m avatar render: a sound file and a portrait in, an MP4 out, by the same path as a call.

It synthesises no speech: bring the sound, and its timings or its text if you have them. Speech is
given to the face a second ahead in 20 ms pieces, as in a call, so what is seen here is what a
caller sees.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from avatar.clip import RenderError, check_writable, read_sound, write_mp4, write_text
from avatar.errors import AvatarError
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, Mood, SpeechEnd, Timings, VideoFrame
from avatar.params import CHANNELS, FaceParams
from avatar.timings import read_timings

if TYPE_CHECKING:
    from avatar.renderers.cpu import CpuRenderer

_CHUNK = CLOCK_RATE // 50
_AHEAD_S = 1.0
_MAX_SIDE = 2160
_BAR = 30


@dataclass(frozen=True, slots=True)
class Job:
    """One clip. At least one of `out` and `frames_json` is set."""

    portrait: str
    audio: Path
    timings: Path | None = None
    text: str = ""
    mood: Mood = Mood.NEUTRAL
    out: Path | None = None
    frames_json: Path | None = None
    fps: int = 25
    size: tuple[int, int] = (512, 512)
    seed: int = 0


def main(argv: list[str]) -> int:
    """The command. 0: done. 2: something given cannot be used, said in one sentence on stderr."""
    try:
        job = _parse(argv)
        render(job, progress=sys.stderr)
    except AvatarError as error:
        sys.stderr.write(f"render: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def render(job: Job, *, progress: TextIO | None = None) -> int:
    """Render a clip and return its number of frames. Raises RenderError and PortraitError."""
    from avatar.renderers.cpu import CpuRenderer

    for path in (job.out, job.frames_json):
        if path is not None:
            check_writable(path)
    samples = read_sound(job.audio)
    timings = Timings(text=job.text)
    if job.timings is not None:
        timings = read_timings(job.timings, sound_s=len(samples) / CLOCK_RATE)
    try:
        renderer = CpuRenderer.open(job.portrait, size=job.size, fps=job.fps, seed=job.seed)
    except ValueError as error:
        raise RenderError(str(error)) from error
    count = math.ceil(len(samples) * job.fps / CLOCK_RATE)
    track = Track(job.fps)
    frames = _followed(_draw(renderer, samples, timings, job), track, renderer, count, progress)
    try:
        if job.out is not None:
            write_mp4(job.out, frames, samples, fps=job.fps, size=job.size)
        else:
            for _ in frames:
                pass
    finally:
        renderer.close()
    if job.frames_json is not None:
        write_text(job.frames_json, track.to_json())
    return count


@dataclass(slots=True)
class Track:
    """The parameters of every frame, for other programs to read."""

    fps: int
    frames: list[dict[str, Any]] = field(default_factory=list)

    def add(self, params: FaceParams) -> None:
        head = {k: round(getattr(params, k), 3) for k in ("yaw", "pitch", "roll", "tx", "ty")}
        self.frames.append(
            {
                "t": round((len(self.frames) + 0.5) / self.fps, 4),
                "weights": [round(float(w), 4) for w in params.weights],
                **head,
                "breath": round(params.breath, 3),
            }
        )

    def to_json(self) -> str:
        return json.dumps({"fps": self.fps, "channels": CHANNELS, "frames": self.frames})


def _draw(
    renderer: "CpuRenderer", samples: NDArray[np.int16], timings: Timings, job: Job
) -> Iterator[VideoFrame]:
    given = 0
    for index in range(math.ceil(len(samples) * job.fps / CLOCK_RATE)):
        position = (2 * index + 1) * CLOCK_RATE // (2 * job.fps)
        while given < min(len(samples), position + _AHEAD_S * CLOCK_RATE):
            piece = samples[given : given + _CHUNK]
            renderer.hear(AudioChunk(0, given, piece, timings if given == 0 else Timings()))
            given += len(piece)
            if given >= len(samples):
                renderer.hear(SpeechEnd(0))
        yield renderer.draw(
            Cue(
                index=index,
                time_s=index / job.fps,
                segment=0,
                position=position,
                manner=Manner.SPEAKING,
                mood=job.mood,
            )
        )


def _followed(
    frames: Iterator[VideoFrame],
    track: Track,
    renderer: "CpuRenderer",
    count: int,
    progress: TextIO | None,
) -> Iterator[VideoFrame]:
    began = time.monotonic()
    for done, frame in enumerate(frames, start=1):
        track.add(renderer.face.params)
        if progress is not None and (done % 25 == 0 or done == count):
            left_s = (time.monotonic() - began) * (count / done - 1)
            bar = "█" * (_BAR * done // count)
            progress.write(f"\r{bar:░<{_BAR}} {done}/{count} frames, {left_s:.0f} s left ")
            progress.flush()
        yield frame
    if progress is not None:
        progress.write("\n")


def _parse(argv: list[str]) -> Job:
    parser = _Parser(prog="python -m avatar render", description=__doc__.split("\n")[0])
    parser.add_argument("--portrait", required=True, help="a shipped portrait's name or a folder")
    parser.add_argument("--audio", required=True, type=Path, help="a sound file")
    parser.add_argument(
        "--timings", type=Path, help="what is said when, as JSON: see docs/lipsync.md"
    )
    parser.add_argument("--text", default="", help="the words, where there are no timings")
    moods = ", ".join(mood.value for mood in Mood)
    parser.add_argument("--mood", type=Mood, metavar="MOOD", default=Mood.NEUTRAL, help=moods)
    parser.add_argument("--out", type=Path, help="the MP4 to write")
    parser.add_argument("--frames-json", type=Path, help="write the parameters of every frame")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--size", type=_size, default=(512, 512), help="as in 512x512")
    parser.add_argument("--seed", type=int, default=0, help="another seed moves differently")
    job = Job(**vars(parser.parse_args(argv)))
    if job.out is None and job.frames_json is None:
        raise RenderError("give --out FILE.mp4, --frames-json FILE.json, or both")
    if job.timings is not None and job.text:
        raise RenderError("give --timings or --text: a file of timings may hold the words")
    if not 5 <= job.fps <= 60:
        raise RenderError(f"--fps is between 5 and 60, not {job.fps}")
    return job


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> "Any":
        raise RenderError(message)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if width.isdecimal() and height.isdecimal():
        sides = int(width), int(height)
        if all(16 <= side <= _MAX_SIDE and side % 2 == 0 for side in sides):
            return sides
    raise argparse.ArgumentTypeError(f"two even numbers up to {_MAX_SIDE} as in 512x512")


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RenderError(f"cannot write {path}: {error.strerror}") from error
