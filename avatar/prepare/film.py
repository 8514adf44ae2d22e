"""Reads a video, or a folder of pictures, as 25 pictures a second, without trusting it.

One at a time, twice if need be: a film is never in memory whole. What a phone noted on which way is
up is obeyed. Knows nothing of faces.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.portrait.loop import FPS, LEAST, MOST
from avatar.prepare.errors import PrepareError
from avatar.prepare.photo import read

MAX_BYTES: Final = 4 << 30
MAX_SIDE: Final = 4096
_WORK_SIDE: Final = 1920  # the canvas of a pack is 1024 high
_PICTURES: Final = frozenset((".jpg", ".jpeg", ".png", ".webp"))

Bytes = NDArray[np.uint8]


class Film:
    """Pictures of one size, FPS a second, MOST at most; what comes after is left out.

    source: a video file, or a folder of pictures in the order of their names. Raises PrepareError
    for what cannot be one; what is damaged inside shows when it is read.
    """

    def __init__(self, source: Path) -> None:
        self.source = source
        self.longer = False
        """Whether something was left out; known when it has been read once."""
        if source.is_dir():
            self._files = sorted(p for p in source.iterdir() if p.suffix.lower() in _PICTURES)
            if not self._files:
                raise PrepareError(f"there are no pictures in {source}: JPEG, PNG or WebP")
        elif not source.is_file():
            raise PrepareError(f"there is no video {source}")
        elif source.stat().st_size > MAX_BYTES:
            raise PrepareError(f"{source.name} is larger than {MAX_BYTES >> 30} GB: cut it shorter")

    def pictures(self) -> Iterator[Bytes]:
        """(h, w, 3) BGR, upright, at most 1920 a side. Raises PrepareError."""
        shape: tuple[int, ...] | None = None
        count = 0
        found = self._of_folder() if self.source.is_dir() else self._of_video()
        for picture in found:
            if count == MOST:
                self.longer = True
                break
            if shape is not None and picture.shape != shape:
                raise PrepareError(
                    f"the pictures of {self.source.name} are of different sizes: give those of one"
                )
            shape = picture.shape
            count += 1
            yield picture
        if count < LEAST:
            raise PrepareError(
                f"{self.source.name} is only {count / FPS:.1f} s long: a second is the least, "
                "five to twenty are good"
            )

    def picture(self, index: int) -> Bytes:
        """One of them."""
        return next(one for i, one in enumerate(self.pictures()) if i == index)

    def _of_folder(self) -> Iterator[Bytes]:
        for file in self._files:
            yield _work_size(read(file))

    def _of_video(self) -> Iterator[Bytes]:
        """Each picture as often as it is the last one there at a 25th of a second."""
        shown = 0
        before: Bytes | None = None
        for at_s, picture in _decoded(self.source):
            while before is not None and shown < at_s * FPS - 1e-3:
                yield before
                shown += 1
            before = picture
        if before is not None:
            yield before


def _decoded(path: Path) -> Iterator[tuple[float, Bytes]]:
    """Seconds since the first picture, and the picture."""
    av = _pyav()
    first: float | None = None
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise PrepareError(f"{path.name} has no pictures in it: give a video")
            stream = container.streams.video[0]
            _check_side(path, stream.codec_context.width, stream.codec_context.height)
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                _check_side(path, frame.width, frame.height)
                if frame.time is None:
                    continue
                first = frame.time if first is None else first
                picture = _work_size(frame.to_ndarray(format="bgr24"))
                yield frame.time - first, _upright(picture, frame.rotation)
    except (OSError, av.FFmpegError) as error:
        raise PrepareError(f"{path.name} is not a video that can be read: {error}") from error


def _check_side(path: Path, width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE:
        raise PrepareError(f"{path.name} is {width}x{height}: {MAX_SIDE} a side is the limit")


def _upright(picture: Bytes, degrees: float) -> Bytes:
    """degrees: anticlockwise, as a file notes how it wants to be turned."""
    turns = round(degrees / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def _work_size(picture: Bytes) -> Bytes:
    longest = max(picture.shape[:2])
    if longest <= _WORK_SIDE:
        return picture
    k = _WORK_SIDE / longest
    small = cv2.resize(picture, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise PrepareError(
            "a video needs PyAV: pip install 'visavis-avatar[prepare]', or give a folder of its "
            "pictures"
        ) from error
    return av
