"""Reads the pictures of a pack without trusting them: PNG, WebP and plain JPEG.

The header is read before anything is decoded, so a picture that claims to be huge is refused, not
allocated. JPEG is for what has no alpha: it decodes four times faster, and at half size nearly for
nothing. Progressive JPEG is refused: a small file of many scans decodes for minutes.
"""

import struct
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.errors import PortraitError

Bytes = NDArray[np.uint8]

MAX_SIDE: Final = 2048

_NO_LENGTH: Final = frozenset((0x01, *range(0xD0, 0xD9)))
_BASELINE: Final = (0xC0, 0xC1)
_OTHER_FRAMES: Final = (0xC2, 0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))


def picture_size(data: bytes, name: str, *, limit: int = MAX_SIDE) -> tuple[int, int]:
    """(width, height) as the header says, nothing decoded. Raises PortraitError."""
    size: tuple[int, int] | None = None
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        size = struct.unpack(">II", data[16:24])
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        size = _webp_size(data)
    elif data[:2] == b"\xff\xd8":
        size = _jpeg_size(data, name)
    if size is None:
        raise PortraitError(f"portrait part {name!r} is neither PNG nor WebP nor JPEG")
    if not (0 < size[0] <= limit and 0 < size[1] <= limit):
        raise PortraitError(
            f"portrait part {name!r} is {size[0]}x{size[1]}: {limit} pixels a side is the limit"
        )
    return size


def decode(data: bytes, name: str, *, channels: int, half: bool = False) -> Bytes:
    """The picture, (h, w, channels) or (h, w) for one channel, straight alpha, BGR order.

    half: half the size when that comes cheaper, for a JPEG. Raises PortraitError when it cannot
    be decoded, has another size than its header says, or has no alpha where four are wanted.
    """
    width, height = picture_size(data, name)
    flags = {1: cv2.IMREAD_GRAYSCALE, 3: cv2.IMREAD_COLOR, 4: cv2.IMREAD_UNCHANGED}[channels]
    if channels == 3:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
        if half and data[:2] == b"\xff\xd8":
            flags |= cv2.IMREAD_REDUCED_COLOR_2
            width, height = (width + 1) // 2, (height + 1) // 2
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise PortraitError(f"portrait picture {name!r} cannot be decoded: it is damaged")
    wanted = (height, width) if channels == 1 else (height, width, channels)
    if image.shape != wanted or image.dtype != np.uint8:
        raise PortraitError(
            f"portrait picture {name!r} decodes to {image.dtype} {image.shape}, "
            f"uint8 {wanted} is needed"
        )
    return image.astype(np.uint8, copy=False)


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return (
            1 + int.from_bytes(data[24:27], "little"),
            1 + int.from_bytes(data[27:30], "little"),
        )
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_size(data: bytes, name: str) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _BASELINE:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker in _OTHER_FRAMES:
            raise PortraitError(
                f"portrait part {name!r} is a progressive JPEG: save it as a baseline one"
            )
        if marker == 0xFF:
            at += 1
        elif marker in _NO_LENGTH:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return None
