"""Reads the files of a portrait pack without trusting them.

A part is read whole, compared with its sha256, and its header is looked at before anything is
decoded: a picture or an array that claims to be huge is refused, not allocated. No pickle, ever.
"""

import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from avatar.errors import PortraitError

MAX_PART_BYTES: Final = 16 << 20
MAX_SIDE: Final = 4096

Shapes = Mapping[str, tuple[tuple[int, ...], str]]


def read_part(folder: Path, name: str, sha256: str) -> bytes:
    """The bytes of one file of the pack; it must lie in the folder and have this hash."""
    path = folder / name
    if Path(name).name != name or path.resolve().parent != folder:
        raise PortraitError(f"portrait part {name!r} points outside of {folder}: use plain names")
    try:
        if path.stat().st_size > MAX_PART_BYTES:
            raise PortraitError(f"portrait part {path} is larger than {MAX_PART_BYTES >> 20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise PortraitError(f"portrait part {path} cannot be read: bake the pack again") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PortraitError(f"portrait part {path} differs from its sha256: bake the pack again")
    return data


def picture_size(data: bytes, name: str) -> tuple[int, int]:
    """(width, height) as the header of a PNG or WebP says, nothing decoded."""
    size: tuple[int, int] | None = None
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        size = struct.unpack(">II", data[16:24])
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        kind = data[12:16]
        if kind == b"VP8X":
            size = (
                1 + int.from_bytes(data[24:27], "little"),
                1 + int.from_bytes(data[27:30], "little"),
            )
        elif kind == b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif kind == b"VP8 ":
            width, height = struct.unpack("<HH", data[26:30])
            size = width & 0x3FFF, height & 0x3FFF
    if size is None:
        raise PortraitError(f"portrait part {name!r} is neither PNG nor WebP")
    if not (0 < size[0] <= MAX_SIDE and 0 < size[1] <= MAX_SIDE):
        raise PortraitError(
            f"portrait part {name!r} is {size[0]}x{size[1]}: {MAX_SIDE} pixels a side is the limit"
        )
    return size


def read_arrays(data: bytes, name: str, expected: Shapes) -> dict[str, NDArray[np.float32]]:
    """The arrays of an .npz as read-only float32; each must have the expected shape and dtype."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {
                key: _read_array(archive, key, *expected[key], f"{key!r} in {name}")
                for key in expected
            }
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, KeyError) as error:
        raise PortraitError(
            f"portrait part {name!r} is damaged ({error}): bake it again"
        ) from error


def _read_array(
    archive: zipfile.ZipFile, key: str, shape: tuple[int, ...], dtype: str, label: str
) -> NDArray[np.float32]:
    with archive.open(f"{key}.npy") as stream:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        found, fortran, kind = read(stream)
        if found != shape or kind != np.dtype(dtype) or fortran:
            raise PortraitError(
                f"portrait array {label} is {kind} {found}, format 1 needs {dtype} {shape}"
            )
        count = int(np.prod(shape))
        raw = stream.read(count * kind.itemsize)
    array = np.frombuffer(raw, kind, count).reshape(shape).astype(np.float32)
    if not np.isfinite(array).all():
        raise PortraitError(f"portrait array {label} holds values that are not numbers")
    array.flags.writeable = False
    return array
