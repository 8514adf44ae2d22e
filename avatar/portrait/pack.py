"""The portrait pack: a folder with a face in layers, everything costly already computed.

`load` reads and checks it (docs/portraits.md describes the format), and refuses what it does not
understand with one sentence; it draws nothing. Pictures are kept encoded here, an engine decodes
them at its own size. The surprise: all boxes are multiples of 64 on a canvas of 1024, so that they
fall on whole pixels at every size that is a multiple of 16.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.errors import PortraitError, PortraitMissing
from avatar.portrait.paint import Box
from avatar.portrait.parts import picture_size, read_arrays, read_part
from avatar.portrait.pose import POSE_GRID
from avatar.portrait.rig import CONTROLS, LOWER_FIELD, SHAPES, UPPER_FIELD
from avatar.portrait.warp import LIP_GRID

FORMAT: Final = 1
CANVAS: Final = 1024
STEP: Final = 64
BROW_GRID: Final = (24, 56)
BROW_CONTROLS: Final = 20

BOXES: Final = ("upper", "lips", "brows", "pose")
EYE_LAYERS: Final = ("sclera", "iris", "low", "crease", "lash")
MARKS: Final = ("smile_right", "smile_left", "frown", "raise")
LAYERS: Final[tuple[str, ...]] = (
    "figure",
    "under",
    "overlay",
    "brows",
    *(f"mark_{name}" for name in MARKS),
    *(f"eye_{side}_{name}" for side in ("right", "left") for name in EYE_LAYERS),
)
"""Pictures every pack has, beside `plate` and `poster`, which are not tied to the canvas."""

GEOMETRY: Final = MappingProxyType(
    {
        "controls": ((len(CONTROLS), 2), "<f4"),
        "shapes": ((len(SHAPES), 2, len(CONTROLS)), "<f4"),
        "lip_upper": ((LIP_GRID[0] * LIP_GRID[1], UPPER_FIELD.stop), "<f2"),
        "lip_lower": ((LIP_GRID[0] * LIP_GRID[1], LOWER_FIELD.stop - LOWER_FIELD.start), "<f2"),
        "lids": ((2, 2, 41, 2), "<f4"),
        "brow_field": ((BROW_GRID[0] * BROW_GRID[1], BROW_CONTROLS), "<f2"),
        "pose_depth": (POSE_GRID, "<f2"),
        "pose_head": (POSE_GRID, "<f2"),
        "pose_chest": (POSE_GRID, "<f2"),
    }
)
_COLOURS: Final = [
    "tooth",
    "tooth_shade",
    "cavity",
    "cavity_deep",
    "tongue",
    "tongue_light",
    "lip_dark",
    "lip_line",
    "corner",
]
_MOUTH_NUMBERS: Final = [
    "x",
    "y",
    "width",
    "upper_thickness",
    "lower_thickness",
    "tooth_top",
    "tooth_height",
]


@dataclass(frozen=True, slots=True)
class Layer:
    """One encoded picture and where it lies on the canvas."""

    data: bytes = field(repr=False)
    box: Box


@dataclass(frozen=True, slots=True)
class Pack:
    """A checked pack. Lengths in pixels of the canvas (1024), colours #rrggbb, angles in degrees.

    limits: how far yaw, pitch and roll may go before the face breaks.
    backdrop: middle and edge of the plate, for a page that shows the face.
    poster: file with the face at rest, 512x512, for the moment before the call.
    geometry: read-only float32 arrays, docs/portraits.md lists them.
    """

    name: str
    title: str
    path: Path
    licence: str
    credits: str
    backdrop: tuple[str, str]
    limits: tuple[float, float, float]
    eye_distance: float
    pivot: tuple[float, float, float]
    mouth: Mapping[str, float]
    colours: Mapping[str, str]
    boxes: Mapping[str, Box]
    plate: bytes = field(repr=False)
    layers: Mapping[str, Layer] = field(repr=False)
    geometry: Mapping[str, NDArray[np.float32]] = field(repr=False)
    poster: Path = field(repr=False)


def names() -> tuple[str, ...]:
    """The portraits that ship with the package."""
    return tuple(sorted(p.parent.name for p in _shipped().glob("*/pack.json")))


def load(name_or_path: str | Path) -> Pack:
    """A shipped pack by name, or any pack by the path of its folder. Loaded once per process.

    Raises PortraitMissing when there is none, PortraitError when it cannot be used.
    """
    text = str(name_or_path)
    folder = _shipped() / text if re.fullmatch(r"[a-z0-9_-]+", text) else Path(text)
    if not (folder / "pack.json").is_file():
        folder = Path(text)
    manifest = folder / "pack.json"
    if not manifest.is_file():
        raise PortraitMissing(text, names())
    stamp = manifest.stat()
    return _load(folder.resolve(), stamp.st_mtime_ns, stamp.st_size)


def _shipped() -> Path:
    return Path(__file__).parent / "packs"


@lru_cache(maxsize=16)
def _load(folder: Path, _changed_ns: int, size: int) -> Pack:
    if size > 1 << 20:
        raise PortraitError(f"{folder / 'pack.json'} is larger than 1 MiB: not a portrait pack")
    try:
        raw = json.loads((folder / "pack.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PortraitError(f"{folder / 'pack.json'} is not readable JSON: {error}") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        found = raw.get("format") if isinstance(raw, dict) else None
        raise PortraitError(
            f"portrait {folder} has format {found!r}, this version reads format {FORMAT}: "
            "bake the pack again"
        )
    try:
        return _Reader(folder, raw).pack()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PortraitError(f"{folder / 'pack.json'} is incomplete or wrong at {error}") from error


class _Reader:
    """Takes one pack.json apart; every getter raises ValueError or KeyError with the place."""

    def __init__(self, folder: Path, raw: dict[str, object]) -> None:
        self._folder = folder
        self._raw = raw

    def pack(self) -> Pack:
        yaw, pitch, roll = self._numbers("limits", ("yaw", "pitch", "roll")).values()
        x, y, z = self._numbers("pivot", ("x", "y", "z")).values()
        inner, outer = (self._colour(c) for c in self._list("backdrop", 2))
        if self._raw["canvas"] != CANVAS:
            raise ValueError(f"canvas: {self._raw['canvas']!r} is not {CANVAS}")
        self._part("poster.webp")
        plate = self._part("plate.webp")
        picture_size(plate, "plate.webp")
        return Pack(
            name=self._text("name"),
            title=self._text("title"),
            path=self._folder,
            licence=self._text("licence"),
            credits=self._text("credits"),
            backdrop=(inner, outer),
            limits=(yaw, pitch, roll),
            eye_distance=self._number(self._raw["eye_distance"], "eye_distance"),
            pivot=(x, y, z),
            mouth=MappingProxyType(self._numbers("mouth", _MOUTH_NUMBERS)),
            colours=MappingProxyType(
                {key: self._colour(self._dict("colours")[key]) for key in _COLOURS}
            ),
            boxes=MappingProxyType({key: self._box(self._dict("boxes")[key], 1) for key in BOXES}),
            plate=plate,
            layers=MappingProxyType({name: self._layer(name) for name in LAYERS}),
            geometry=MappingProxyType(
                read_arrays(self._part("geometry.npz"), "geometry.npz", GEOMETRY)
            ),
            poster=self._folder / "poster.webp",
        )

    def _part(self, name: str) -> bytes:
        parts = self._dict("parts")
        if name not in parts:
            raise ValueError(f"parts: {name} is missing")
        return read_part(self._folder, name, str(parts[name]))

    def _layer(self, name: str) -> Layer:
        entry = self._dict("layers")[name]
        if not isinstance(entry, dict):
            raise ValueError(f"layers.{name}: an object with file and box is needed")
        box = self._box(entry["box"], STEP)
        data = self._part(str(entry["file"]))
        size = picture_size(data, str(entry["file"]))
        if size != (box[2] - box[0], box[3] - box[1]):
            raise PortraitError(
                f"portrait layer {name!r} is {size[0]}x{size[1]}, its box is "
                f"{box[2] - box[0]}x{box[3] - box[1]}: bake the pack again"
            )
        return Layer(data, box)

    def _dict(self, key: str) -> dict[str, object]:
        value = self._raw[key]
        if not isinstance(value, dict):
            raise ValueError(f"{key}: an object is needed")
        return value

    def _list(self, key: str, length: int) -> list[object]:
        value = self._raw[key]
        if not isinstance(value, list) or len(value) != length:
            raise ValueError(f"{key}: a list of {length} is needed")
        return value

    def _text(self, key: str) -> str:
        value = self._raw[key]
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{key}: text is needed")
        return value

    def _numbers(self, key: str, wanted: tuple[str, ...] | list[str]) -> dict[str, float]:
        group = self._dict(key)
        return {name: self._number(group[name], f"{key}.{name}") for name in wanted}

    @staticmethod
    def _number(value: object, place: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{place}: {value!r} is not a number")
        if not math.isfinite(value) or abs(value) > 1e5:
            raise ValueError(f"{place}: {value!r} is out of range")
        return float(value)

    @staticmethod
    def _colour(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-f]{6}", value):
            raise ValueError(f"colour {value!r}: #rrggbb is needed")
        return value

    @staticmethod
    def _box(value: object, step: int) -> Box:
        if not isinstance(value, list) or len(value) != 4:
            raise ValueError(f"box {value!r}: four numbers are needed")
        for v in value:
            if isinstance(v, bool) or not isinstance(v, int) or v % step or not 0 <= v <= CANVAS:
                raise ValueError(f"box {value!r}: multiples of {step} up to {CANVAS} are needed")
        x0, y0, x1, y1 = value
        if x0 >= x1 or y0 >= y1:
            raise ValueError(f"box {value!r}: it is empty")
        return x0, y0, x1, y1
