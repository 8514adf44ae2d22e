"""Sound files in, video files out, by PyAV (the extra `render`).

Everything that a file system can do to us ends in a RenderError with one sentence for the user. A
clip that could not be finished is removed: half an MP4 plays nowhere.
"""

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.errors import AvatarError
from avatar.frames import CLOCK_RATE, VideoFrame

_MAX_AUDIO_S = 3600.0
_PIECE = 1024  # samples of an AAC frame


class RenderError(AvatarError):
    """Something given on the command line cannot be used; the message is for the user."""


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
            parts = []
            length = 0
            for frame in _with_end(container.decode(audio=0)):
                for piece in resampler.resample(frame):
                    parts.append(piece.to_ndarray()[0])
                    length += len(parts[-1])
                if length > _MAX_AUDIO_S * CLOCK_RATE:
                    raise RenderError(f"{path} is longer than an hour: cut it into pieces")
    except PermissionError as error:
        raise RenderError(f"cannot read {path}: {error.strerror}") from error
    except (OSError, av.FFmpegError) as error:
        raise RenderError(f"{path} is not a sound file that can be read: {error}") from error
    if not length:
        raise RenderError(f"{path} has no sound in it")
    return np.concatenate(parts).astype(np.int16)


def _with_end(frames: Iterator[Any]) -> Iterator[Any]:
    yield from frames
    yield None  # what the resampler still holds


def check_writable(path: Path) -> None:
    """Raises RenderError when a file cannot be written there; better now than after an hour."""
    if path.is_dir():
        raise RenderError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise RenderError(f"cannot write {path}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise RenderError(f"cannot write {path}: permission denied")


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
    check_writable(path)
    try:
        with av.open(str(path), "w", format="mp4") as container:
            _write(av, container, frames, samples, fps, size)
    except (OSError, av.FFmpegError) as error:
        _remove(path)
        reason = error.strerror or str(error)
        raise RenderError(f"cannot write {path}: {reason}") from error
    except BaseException:
        _remove(path)
        raise


def _write(
    av: Any,
    container: Any,
    frames: Iterator[VideoFrame],
    samples: NDArray[np.int16],
    fps: int,
    size: tuple[int, int],
) -> None:
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    video = container.add_stream(codec, rate=fps)
    video.width, video.height = size
    video.pix_fmt = "yuv420p"
    if codec == "libx264":
        video.options = {"crf": "18", "preset": "veryfast"}
    audio = container.add_stream("aac", rate=CLOCK_RATE, layout="mono")
    sound = _sounds(av, samples)
    written = 0
    for at, frame in enumerate(frames):
        rows = frame.data.reshape(frame.height * 3 // 2, frame.width)
        # the encoder keeps frames for a while, the renderer's buffers do not last
        picture = av.VideoFrame.from_ndarray(rows.copy(), format="yuv420p")
        picture.pts = at
        picture.time_base = Fraction(1, fps)
        container.mux(video.encode(picture))
        while written * fps < (at + 1) * CLOCK_RATE and (piece := next(sound, None)):
            container.mux(audio.encode(piece))
            written += piece.samples
    for piece in sound:
        container.mux(audio.encode(piece))
    container.mux(video.encode(None))
    container.mux(audio.encode(None))


def _sounds(av: Any, samples: NDArray[np.int16]) -> Iterator[Any]:
    for start in range(0, len(samples), _PIECE):
        piece = samples[None, start : start + _PIECE]
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate = CLOCK_RATE
        frame.pts = start
        yield frame


def write_text(path: Path, text: str) -> None:
    """Write a whole text file. Raises RenderError."""
    check_writable(path)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        _remove(path)
        raise RenderError(f"cannot write {path}: {error.strerror}") from error


def _remove(path: Path) -> None:
    if path.is_file():  # never a device such as /dev/full
        with contextlib.suppress(OSError):
            path.unlink()


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise RenderError(
            "rendering a file needs PyAV: pip install 'visavis-avatar[render]'"
        ) from error
    return av
