"""The portrait pack: a face in layers, everything costly already computed, in a folder or a zip.

`load` reads and checks it (docs/portraits.md describes the format), and refuses what it does not
understand with one sentence; it draws nothing. Pictures are kept encoded here, an engine decodes
them at its own size. The surprise: all boxes of layers are multiples of 64 on a canvas of 1024, so
that they fall on whole pixels at every size that is a multiple of 16.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.errors import PortraitError, PortraitMissing
from avatar.portrait.archive import Source, open_source
from avatar.portrait.arrays import read_arrays
from avatar.portrait.library import is_name, library, own_names
from avatar.portrait.manifest import Manifest, parse
from avatar.portrait.paint import Box
from avatar.portrait.pictures import picture_size
from avatar.portrait.pose import POSE_GRID
from avatar.portrait.rig import CONTROLS, LOWER_FIELD, SHAPES, UPPER_FIELD
from avatar.portrait.sprites import EYES, MOUTHS
from avatar.portrait.sprites import NAMES as SPRITES
from avatar.portrait.warp import LIP_GRID

FORMAT: Final = 2
CANVAS: Final = 1024
STEP: Final = 64
BROW_GRID: Final = (16, 40)
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
"""Pictures every pack has, beside plate, matte and poster, which are not tied to the canvas."""

TEETH: Final = ("teeth_upper", "teeth_lower")
"""Layers that a pack may have: rows of teeth, instead of the band that is drawn."""

STYLES: Final = ("drawn", "photo")

OPAQUE: Final = ("figure", "under", *SPRITES)
"""Layers without alpha, over the backdrop of the canvas."""

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
_RANGES: Final = {
    "controls": (0.0, CANVAS),
    "shapes": (-256.0, 256.0),
    "lip_upper": (-8.0, 8.0),
    "lip_lower": (-8.0, 8.0),
    "lids": (0.0, CANVAS),
    "brow_field": (-8.0, 8.0),
    "pose_depth": (-1024.0, 1024.0),
    "pose_head": (0.0, 1.0),
    "pose_chest": (0.0, 1.0),
}
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
_LIMITS: Final = {"yaw": (0.0, 45.0), "pitch": (0.0, 45.0), "roll": (0.0, 45.0)}
_PIVOT: Final = {"x": (0.0, 1024.0), "y": (0.0, 2048.0), "z": (-1024.0, 1024.0)}
_MOUTH: Final = {
    "x": (0.0, 1024.0),
    "y": (0.0, 1024.0),
    "width": (32.0, 400.0),
    "upper_thickness": (0.5, 200.0),
    "lower_thickness": (0.5, 200.0),
    "tooth_top": (-200.0, 200.0),
    "tooth_height": (1.0, 200.0),
}


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
    plate, matte, layers, poster: encoded pictures; an engine never decodes the poster.
    style: "drawn" or "photo"; the light on the ball of a photographed eye is in its picture.
    geometry: read-only float32 arrays, docs/portraits.md lists them.
    """

    name: str
    title: str
    path: Path
    licence: str
    credits: str
    style: str
    backdrop: tuple[str, str]
    limits: tuple[float, float, float]
    eye_distance: float
    pivot: tuple[float, float, float]
    mouth: Mapping[str, float]
    colours: Mapping[str, str]
    boxes: Mapping[str, Box]
    plate: bytes = field(repr=False)
    matte: bytes = field(repr=False)
    layers: Mapping[str, Layer] = field(repr=False)
    geometry: Mapping[str, NDArray[np.float32]] = field(repr=False)
    poster: bytes = field(repr=False)


def names() -> tuple[str, ...]:
    """The portraits that ship with the package, then the user's own."""
    shipped = shipped_names()
    return (*shipped, *(name for name in own_names() if name not in shipped))


def shipped_names() -> tuple[str, ...]:
    """The portraits that ship with the package."""
    return tuple(sorted(p.parent.name for p in _shipped().glob("*/pack.json")))


def load(name_or_path: str | Path) -> Pack:
    """A shipped or own pack by name, or any pack by the path of its folder or zip.

    A pack is read once a process, and again when it changed. Raises PortraitMissing when there is
    none, PortraitError when it cannot be used.
    """
    text = str(name_or_path)
    places = (_shipped() / text, library() / text) if is_name(text) else ()
    path = next((p for p in places if (p / "pack.json").is_file()), Path(text))
    file = path / "pack.json" if path.is_dir() else path
    # whatever is no regular file could block whoever opens it
    if not file.is_file():
        raise PortraitMissing(text, names())
    stamp = file.stat()
    return _load(path.resolve(), stamp.st_mtime_ns, stamp.st_size)


def _shipped() -> Path:
    return Path(__file__).parent / "packs"


@lru_cache(maxsize=16)
def _load(path: Path, _changed_ns: int, _size: int) -> Pack:
    with open_source(path) as source:
        where = f"pack.json of portrait {path}"
        manifest = parse(source.read("pack.json"), where)
        try:
            found = manifest.value("format")
            if found != FORMAT:
                raise PortraitError(
                    f"portrait {path} has format {found!r:.40}, this version reads format "
                    f"{FORMAT}: make the pack again"
                )
            pack = _Reader(path, source, manifest).pack()
            _check_places(pack)
        except ValueError as error:
            raise PortraitError(f"{where} is wrong at {error}") from error
    return pack


class _Reader:
    """Reads what one pack.json lists."""

    def __init__(self, path: Path, source: Source, manifest: Manifest) -> None:
        self._path = path
        self._source = source
        self._m = manifest

    def pack(self) -> Pack:
        m = self._m
        if m.value("canvas") != CANVAS:
            raise ValueError(f"canvas: {m.value('canvas')!r:.40} is not {CANVAS}")
        inner, outer = m.colours("backdrop", 2)
        yaw, pitch, roll = m.group("limits").numbers(_LIMITS).values()
        x, y, z = m.group("pivot").numbers(_PIVOT).values()
        colours, boxes = m.group("colours"), m.group("boxes")
        return Pack(
            name=m.text("name"),
            title=m.text("title"),
            path=self._path,
            licence=m.text("licence"),
            credits=m.text("credits"),
            style=self._style(),
            backdrop=(inner, outer),
            limits=(yaw, pitch, roll),
            eye_distance=m.number("eye_distance", 32, 800),
            pivot=(x, y, z),
            mouth=MappingProxyType(m.group("mouth").numbers(_MOUTH)),
            colours=MappingProxyType({key: colours.colour(key) for key in _COLOURS}),
            boxes=MappingProxyType({key: boxes.box(key, canvas=CANVAS, step=2) for key in BOXES}),
            plate=self._picture("plate.webp"),
            matte=self._picture("matte.webp"),
            poster=self._picture("poster.webp"),
            layers=MappingProxyType({name: self._layer(name) for name in self._layer_names()}),
            geometry=MappingProxyType(
                read_arrays(self._part("geometry.npz"), "geometry.npz", GEOMETRY, _RANGES)
            ),
        )

    def _style(self) -> str:
        style = self._m.text("style") if self._m.has("style") else STYLES[0]
        if style not in STYLES:
            raise ValueError(f"style: {style!r:.40} is none of {', '.join(STYLES)}")
        return style

    def _layer_names(self) -> tuple[str, ...]:
        layers = self._m.group("layers")
        baked = SPRITES if layers.has(SPRITES[0]) else ()
        return (*LAYERS, *(name for name in TEETH if layers.has(name)), *baked)

    def _part(self, name: str) -> bytes:
        wanted = self._m.group("parts").sha256(name)
        data = self._source.read(name)
        if hashlib.sha256(data).hexdigest() != wanted:
            raise PortraitError(
                f"part {name!r} of portrait {self._path} differs from its sha256: "
                "make the pack again"
            )
        return data

    def _picture(self, name: str) -> bytes:
        data = self._part(name)
        picture_size(data, name)
        return data

    def _layer(self, name: str) -> Layer:
        entry = self._m.group("layers").group(name)
        box, file = entry.box("box", canvas=CANVAS, step=STEP), entry.text("file")
        data = self._part(file)
        size = picture_size(data, file)
        if size != (box[2] - box[0], box[3] - box[1]):
            raise PortraitError(
                f"portrait layer {name!r} is {size[0]}x{size[1]}, its box is "
                f"{box[2] - box[0]}x{box[3] - box[1]}: make the pack again"
            )
        return Layer(data, box)


def _check_places(pack: Pack) -> None:
    """What the engine relies on: the patches lie in each other, and lids are curves in theirs."""
    boxes, layers, lids = pack.boxes, pack.layers, pack.geometry["lids"]
    whole = (0, 0, CANVAS, CANVAS)
    for inner, name, outer in (
        (boxes["brows"], "boxes.brows: it is not inside boxes.upper", boxes["upper"]),
        (boxes["upper"], "layers.under.box: it does not cover boxes.upper", layers["under"].box),
        (boxes["lips"], "layers.under.box: it does not cover boxes.lips", layers["under"].box),
        (whole, "layers.figure.box: it does not cover the canvas", layers["figure"].box),
    ):
        if min(inner[0] - outer[0], inner[1] - outer[1]) < 0 or (
            max(inner[2] - outer[2], inner[3] - outer[3]) > 0
        ):
            raise ValueError(name)
    if SPRITES[0] in layers:
        for group, box in ((MOUTHS, boxes["lips"]), (EYES, boxes["upper"])):
            _check_sprites([layers[name].box for name in group], box)
    x0, y0, x1, y1 = boxes["upper"]
    inside = (lids >= (x0, y0)).all() and (lids < (x1, y1)).all()
    rising = (np.diff(lids[..., 0], axis=-1) > 0).all()
    wide = (lids[:, :, -1, 0] - lids[:, :, 0, 0] >= 16).all()
    if not (inside and rising and wide and (lids[:, 1, :, 1] >= lids[:, 0, :, 1] - 1).all()):
        raise ValueError(
            "lids of geometry.npz: curves from left to right in boxes.upper are needed"
        )


def _check_sprites(found: list[Box], patch: Box) -> None:
    x0, y0, x1, y1 = found[0]
    covers = x0 <= patch[0] and y0 <= patch[1] and x1 >= patch[2] and y1 >= patch[3]
    if set(found) != {found[0]} or not covers:
        raise ValueError("layers.sprite_*.box: one box is needed that covers their patch")
