"""The loop of a portrait that was filmed: its pictures, and where the face is in each of them.

It lies beside the pack, in the same folder: loop.json signs loop.npz and the pictures. Played
forwards and backwards it is the person under a generated mouth (avatar/neural/body.py); the pack is
the same person for a renderer that draws. Read as a pack is, without trusting it. Pictures stay
encoded: a clip of 20 s decoded would be a gigabyte.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.errors import PortraitError
from avatar.portrait.archive import Folder
from avatar.portrait.arrays import read_arrays
from avatar.portrait.manifest import parse
from avatar.portrait.paint import Box
from avatar.portrait.pictures import MAX_SIDE, picture_size

FORMAT: Final = 1
FPS: Final = 25
LEAST: Final = FPS
"""Pictures of the shortest loop: a second."""
MOST: Final = 20 * FPS
MOST_BYTES: Final = 192 << 20
"""Of all pictures together; a process that shows the loop holds so much."""
MASK: Final = 128
"""A side of each mask, which lies on the square around the face."""
SHRUNK: Final = 8
"""The cover is kept at this fraction of its size; the rectangle is a multiple of it."""
NOTE: Final = "loop.json"

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Loop:
    """n pictures, FPS a second. Lengths in pixels of the pack's canvas.

    rect: what the pictures show of the canvas, and beside it. boxes: the face that is generated,
    left, top, right, bottom. gaps: how far the lips are apart, in mouth widths. masks: how much of
    the square around each box is generated, 0..255. cover: how much of a picture is seen before
    the pack's own backdrop, 0..255, at 1/SHRUNK of its size. key: of all of it.
    """

    path: Path
    key: str
    rect: Box
    boxes: F32  # (n, 4)
    gaps: F32  # (n,)
    masks: U8  # (n, MASK, MASK)
    cover: U8  # (h / SHRUNK, w / SHRUNK)
    pictures: tuple[bytes, ...] = field(repr=False)

    def at(self, tick: int) -> int:
        """Which picture is shown at a tick of 1/FPS s: forwards, then backwards, for ever."""
        place = tick % (2 * len(self.pictures))
        return min(place, 2 * len(self.pictures) - 1 - place)


def of(pack: Path) -> Loop | None:
    """The loop beside a pack, None where there is none. Raises PortraitError for a broken one."""
    note = pack / NOTE
    if not note.is_file():
        return None
    stamp = note.stat()
    return _load(pack.resolve(), stamp.st_mtime_ns, stamp.st_size)


def write(
    folder: Path, rect: Box, boxes: F32, gaps: F32, masks: U8, cover: U8, pictures: list[str]
) -> None:
    """Write loop.npz and loop.json for pictures that lie in the folder already, in their order."""
    arrays = folder / "loop.npz"
    np.savez(arrays, boxes=boxes, gaps=gaps, masks=masks, cover=cover)
    parts = {name: _sha256((folder / name).read_bytes()) for name in ("loop.npz", *pictures)}
    note = {"format": FORMAT, "rect": list(rect), "pictures": len(pictures), "parts": parts}
    (folder / NOTE).write_text(json.dumps(note, indent=1) + "\n", "utf-8")


def picture_name(index: int) -> str:
    """What the file of a picture is called."""
    return f"loop_{index:04d}.jpg"


@lru_cache(maxsize=2)
def _load(path: Path, _changed_ns: int, _size: int) -> Loop:
    where = f"{NOTE} of portrait {path}"
    with Folder(path) as source:
        raw = source.read(NOTE)
        manifest = parse(raw, where)
        parts = manifest.group("parts")

        def part(name: str) -> bytes:
            data = source.read(name)
            if _sha256(data) != parts.sha256(name):
                raise PortraitError(
                    f"part {name!r} of portrait {path} differs from its sha256: prepare it again"
                )
            return data

        try:
            if manifest.value("format") != FORMAT:
                raise ValueError(f"format: this version reads {FORMAT}, prepare the video again")
            rect = _rect(manifest.value("rect"))
            count = int(manifest.number("pictures", LEAST, MOST))
            width, height = rect[2] - rect[0], rect[3] - rect[1]
            shapes = {
                "boxes": ((count, 4), "<f4"),
                "gaps": ((count,), "<f4"),
                "masks": ((count, MASK, MASK), "|u1"),
                "cover": ((height // SHRUNK, width // SHRUNK), "|u1"),
            }
            arrays = read_arrays(part("loop.npz"), "loop.npz", shapes, _RANGES)
            _check_boxes(arrays["boxes"])
            pictures = tuple(
                _sized(part(picture_name(i)), (width, height), picture_name(i))
                for i in range(count)
            )
        except ValueError as error:
            raise PortraitError(f"{where} is wrong at {error}") from error
    if sum(map(len, pictures)) > MOST_BYTES:
        raise PortraitError(f"the loop of portrait {path} is larger than {MOST_BYTES >> 20} MiB")
    return Loop(
        path,
        _sha256(raw),
        rect,
        arrays["boxes"],
        arrays["gaps"],
        arrays["masks"].astype(np.uint8),
        arrays["cover"].astype(np.uint8),
        pictures,
    )


_RANGES: Final = {
    "boxes": (-float(MAX_SIDE), 2.0 * MAX_SIDE),
    "gaps": (0.0, 8.0),
    "masks": (0.0, 255.0),
    "cover": (0.0, 255.0),
}


def _rect(value: object) -> Box:
    if not isinstance(value, list) or len(value) != 4 or not all(type(v) is int for v in value):
        raise ValueError(f"rect: {value!r:.60} is not four whole numbers")
    x0, y0, x1, y1 = value
    fits = -MAX_SIDE <= x0 < x1 <= 2 * MAX_SIDE and -MAX_SIDE <= y0 < y1 <= 2 * MAX_SIDE
    sides = x1 - x0, y1 - y0
    if not fits or max(sides) > MAX_SIDE or any(side % SHRUNK or side < 64 for side in sides):
        raise ValueError(f"rect: {value} is no rectangle round a canvas")
    return x0, y0, x1, y1


def _check_boxes(boxes: F32) -> None:
    sides = boxes[:, 2:] - boxes[:, :2]
    if not (sides.min() >= 16 and sides.max() <= MAX_SIDE):
        raise ValueError(f"boxes of loop.npz: sides from 16 to {MAX_SIDE} are needed")


def _sized(data: bytes, size: tuple[int, int], name: str) -> bytes:
    if (found := picture_size(data, name)) != size:
        raise ValueError(f"{name}: it is {found[0]}x{found[1]}, {size[0]}x{size[1]} is needed")
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
