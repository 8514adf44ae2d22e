"""Reads a photo without trusting it: the header is checked before anything is decoded.

JPEG, PNG and WebP; a phone's note on which way is up (EXIF) is obeyed. Knows nothing of faces.
"""

import struct
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.errors import PortraitError, Sentence
from avatar.portrait.pictures import picture_size
from avatar.prepare.errors import PrepareError

MAX_BYTES: Final = 40 << 20
MAX_PIXELS: Final = 80_000_000
_MIN_SIDE: Final = 96
_WORK_SIDE: Final = 2560  # longer photos are made smaller: a canvas of 1024 shows no more

Bytes = NDArray[np.uint8]


def read(path: Path) -> Bytes:
    """(h, w, 3) BGR, upright, at most 2560 a side. Raises PrepareError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PrepareError(
                Sentence(
                    "photo-large",
                    f"{path.name} is larger than {MAX_BYTES >> 20} MB: make it smaller",
                )
            )
        data = path.read_bytes()
    except OSError as error:
        raise PrepareError(f"{path} cannot be read: {error.strerror}") from error
    width, height = _claimed(data, path.name)
    if width * height > MAX_PIXELS:
        raise PrepareError(
            Sentence(
                "photo-large",
                f"{path.name} is {width}x{height}: {MAX_PIXELS // 1_000_000} megapixels is the "
                "limit, "
                "make it smaller",
            )
        )
    if min(width, height) < _MIN_SIDE:
        raise PrepareError(
            Sentence("photo-small", f"{path.name} is only {width}x{height}: take a larger photo")
        )
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise PrepareError(
            Sentence(
                "photo-damaged",
                f"{path.name} is damaged and cannot be decoded: save it again as JPEG",
            )
        )
    longest = max(image.shape[:2])
    if longest > _WORK_SIDE:
        k = _WORK_SIDE / longest
        image = cv2.resize(image, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
    return image.astype(np.uint8, copy=False)


def _claimed(data: bytes, name: str) -> tuple[int, int]:
    """(width, height) of the header, before EXIF turns it."""
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg_size(data, name)
    try:
        return picture_size(data, name, limit=1 << 16)
    except PortraitError as error:
        raise PrepareError(
            Sentence("photo-kind", f"{name} is not a JPEG, PNG or WebP picture: save it as JPEG")
        ) from error


def _jpeg_size(data: bytes, name: str) -> tuple[int, int]:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    raise PrepareError(
        Sentence("photo-damaged", f"{name} is damaged and cannot be decoded: save it again as JPEG")
    )
