"""python -m avatar render: a sound file and a portrait in, an MP4 out, by the same path as a call.

Needs PyAV (the extra `render`) to read sound and to write video. It synthesises no speech: bring
the sound, and the phone timings if there are any. Speech is given to the face a second ahead in
20 ms pieces, as in a call, so what is seen here is what a caller sees.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from avatar.errors import AvatarError
from avatar.frames import (
    CLOCK_RATE,
    AudioChunk,
    Cue,
    Manner,
    Mood,
    Phone,
    SpeechEnd,
    Timings,
    VideoFrame,
    Word,
)
from avatar.params import CHANNELS, FaceParams
from avatar.spelling import visemes_of

if TYPE_CHECKING:
    from avatar.renderers.cpu import CpuRenderer

_CHUNK = CLOCK_RATE // 50
_AHEAD_S = 1.0
_MAX_SIDE = 2160
_MAX_AUDIO_S = 3600.0


class RenderError(AvatarError):
    """Something given on the command line cannot be used; the message is for the user."""


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

    samples = read_sound(job.audio)
    timings = _timings_of(job, samples)
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
        _write_text(job.frames_json, track.to_json())
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


def read_sound(path: Path) -> NDArray[np.int16]:
    """Any sound file FFmpeg reads, as (n,) int16 mono at CLOCK_RATE."""
    av = _pyav()
    if not path.is_file():
        raise RenderError(f"no sound file {path}")
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise RenderError(f"{path} has no sound in it")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=CLOCK_RATE)
            parts = [
                piece.to_ndarray()[0]
                for frame in [*container.decode(audio=0), None]
                for piece in resampler.resample(frame)
            ]
    except av.FFmpegError as error:
        raise RenderError(f"{path} is not a sound file that can be read: {error}") from error
    samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
    if not len(samples):
        raise RenderError(f"{path} has no sound in it")
    if len(samples) > _MAX_AUDIO_S * CLOCK_RATE:
        raise RenderError(f"{path} is longer than an hour: cut it into pieces")
    return samples.astype(np.int16)


def read_timings(path: Path) -> Timings:
    """`{"alphabet": "ipa" | "arpabet" | "sapi", "phones": [["p", 0.120, 0.180], ...]}`, seconds."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RenderError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise RenderError(f"{path} is not JSON: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("phones"), list):
        raise RenderError(f'{path} needs {{"alphabet": "ipa", "phones": [["p", 0.12, 0.18], ...]}}')
    alphabet = given.get("alphabet", "ipa")
    if alphabet not in ("ipa", "arpabet", "sapi"):
        raise RenderError(f"{path}: alphabet is ipa, arpabet or sapi, not {alphabet!r}")
    return Timings(phones=tuple(_phone(path, p) for p in given["phones"]), alphabet=alphabet)


def write_mp4(
    path: Path,
    frames: Iterator[VideoFrame],
    samples: NDArray[np.int16],
    *,
    fps: int,
    size: tuple[int, int],
) -> None:
    """Encode the frames as H.264 (or MPEG-4 where that is missing) and the sound as AAC."""
    av = _pyav()
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    try:
        with av.open(str(path), "w", format="mp4") as container:
            video = container.add_stream(codec, rate=fps)
            video.width, video.height = size
            video.pix_fmt = "yuv420p"
            if codec == "libx264":
                video.options = {"crf": "18", "preset": "veryfast"}
            audio = container.add_stream("aac", rate=CLOCK_RATE, layout="mono")
            for at, frame in enumerate(frames):
                rows = frame.data.reshape(frame.height * 3 // 2, frame.width)
                # the encoder keeps frames for a while, the renderer's buffers do not last
                picture = av.VideoFrame.from_ndarray(rows.copy(), format="yuv420p")
                picture.pts = at
                picture.time_base = Fraction(1, fps)
                container.mux(video.encode(picture))
            container.mux(video.encode(None))
            for start in range(0, len(samples), 1024):
                piece = samples[None, start : start + 1024]
                sound = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
                sound.sample_rate = CLOCK_RATE
                sound.pts = start
                container.mux(audio.encode(sound))
            container.mux(audio.encode(None))
    except (OSError, av.FFmpegError) as error:
        raise RenderError(f"cannot write {path}: {error}") from error


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
    for done, frame in enumerate(frames, start=1):
        track.add(renderer.face.params)
        if progress is not None and (done % 25 == 0 or done == count):
            progress.write(f"\r{done}/{count} frames")
            progress.flush()
        yield frame
    if progress is not None:
        progress.write("\n")


def _timings_of(job: Job, samples: NDArray[np.int16]) -> Timings:
    if job.timings is not None:
        return read_timings(job.timings)
    return Timings(words=spread_words(job.text, samples)) if job.text else Timings()


def spread_words(text: str, samples: NDArray[np.int16]) -> tuple[Word, ...]:
    """Lay the words of a text evenly over the parts of the sound that are not silent."""
    from avatar.sound import Sound

    sound = Sound()
    sound.feed(samples)
    sound.finish()
    edges = [0.0, *(t for run in sound.runs for t in (run[0], run[1] or sound.end_s)), sound.end_s]
    voiced = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    words = [(word, max(1, len(visemes_of(word)))) for word in text.split()]
    per_viseme = sum(b - a for a, b in voiced) / max(1, sum(size for _, size in words))
    found = []
    said = 0.0
    for word, size in words:
        start, end = _moment(voiced, said), _moment(voiced, said + size * per_viseme)
        said += size * per_viseme
        found.append(Word(word, start, end))
    return tuple(found)


def _moment(voiced: Sequence[tuple[float, float]], said: float) -> float:
    """When so many seconds of voice have passed."""
    for start, end in voiced:
        if said <= end - start:
            return start + said
        said -= end - start
    return voiced[-1][1] if voiced else 0.0


def _phone(path: Path, entry: object) -> Phone:
    match entry:
        case [str(symbol), int() | float() as start, int() | float() as end]:
            return Phone(symbol, float(start), float(end))
    raise RenderError(f"{path}: a phone is [symbol, start, end] in seconds, not {entry!r:.60}")


def _parse(argv: list[str]) -> Job:
    parser = _Parser(prog="python -m avatar render", description=__doc__.split("\n")[0])
    parser.add_argument("--portrait", required=True, help="a shipped portrait's name or a folder")
    parser.add_argument("--audio", required=True, type=Path, help="a sound file")
    parser.add_argument("--timings", type=Path, help="phone timings as JSON")
    parser.add_argument("--text", default="", help="the words, when there are no timings")
    parser.add_argument("--mood", type=Mood, choices=list(Mood), default=Mood.NEUTRAL)
    parser.add_argument("--out", type=Path, help="the MP4 to write")
    parser.add_argument("--frames-json", type=Path, help="write the parameters of every frame")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--size", type=_size, default=(512, 512), help="as in 512x512")
    parser.add_argument("--seed", type=int, default=0, help="another seed moves differently")
    job = Job(**vars(parser.parse_args(argv)))
    if job.out is None and job.frames_json is None:
        raise RenderError("give --out FILE.mp4, --frames-json FILE.json, or both")
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


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise RenderError(
            "rendering a file needs PyAV: pip install 'visavis-avatar[render]'"
        ) from error
    return av
