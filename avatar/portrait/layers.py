"""A pack at one size: decoded, scaled, premultiplied, read-only, shared by engines of a process.

The cache holds its entries weakly: they live as long as an engine uses them. Colour is
premultiplied before scaling, or curls get bright rims. The figure sits at the bottom of the frame,
as in a call.
"""

import threading
from dataclasses import dataclass, fields
from typing import Final
from weakref import WeakValueDictionary

import cv2
import numpy as np

from avatar.errors import PortraitError
from avatar.portrait.eyes import EyeLayers
from avatar.portrait.mouth import MouthStyle
from avatar.portrait.pack import CANVAS, MARKS, Pack
from avatar.portrait.paint import Box, Bytes, Floats, to_planes, under_matte
from avatar.portrait.pose import PoseFields

_SMALLEST, _LARGEST = 64, 2160


@dataclass(frozen=True, slots=True)
class Mark:
    """A fold or a blush that an expression brings out: premultiplied, at a place of its patch."""

    name: str
    x: int
    y: int
    layer: Bytes


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of the face that is redrawn: box on the canvas in pixels, all edges even."""

    box: Box
    skin: Bytes  # (h, w, 4), what lies below eyes, brows and front hair
    marks: tuple[Mark, ...]
    over: Bytes  # (h, w, 4) premultiplied front hair and glasses
    over_keep: Bytes  # (h, w, 4), 255 - alpha of it in every channel


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Layers:
    """Everything an engine draws from.

    size: width, height of the frame. canvas: side of the square the face lives in. origin: of the
    canvas in the frame. plate: I420 (w*h*3//2,). luma, chroma: the figure at rest as planes already
    multiplied by their matte A, (n, n, 4) Y 255-A - - and (n/2, n/2, 4) - V U 255-A.
    """

    pack: Pack
    size: tuple[int, int]
    canvas: int
    origin: tuple[int, int]
    plate: Bytes
    luma: Bytes
    chroma: Bytes
    upper: Patch
    lips: Patch
    brows: Bytes
    brow_box: Box
    eyes: tuple[EyeLayers, EyeLayers]
    mouth: MouthStyle
    pose: PoseFields


_cache: Final[WeakValueDictionary[tuple[str, int, tuple[int, int]], Layers]] = WeakValueDictionary()
_lock: Final = threading.Lock()


def layers_for(pack: Pack, size: tuple[int, int]) -> Layers:
    """The pack at a frame size (width, height; even numbers). Raises PortraitError, ValueError."""
    width, height = size
    if width % 2 or height % 2 or not all(_SMALLEST <= n <= _LARGEST for n in size):
        raise ValueError(
            f"frame size {size}: even numbers from {_SMALLEST} to {_LARGEST} are needed"
        )
    key = (str(pack.path), id(pack), size)
    with _lock:
        made = _cache.get(key)
        if made is None:
            made = _Maker(pack, size).make()
            _cache[key] = made
        return made


class _Maker:
    def __init__(self, pack: Pack, size: tuple[int, int]) -> None:
        self._pack = pack
        self._size = size
        self._n = min(size) // 16 * 16
        self._k = self._n / CANVAS
        self._origin = (size[0] - self._n) // 4 * 2, size[1] - self._n

    def make(self) -> Layers:
        pack, n = self._pack, self._n
        plate = self._plate()
        x, y = self._origin
        behind = plate[y : y + n, x : x + n]
        figure = self._layer("figure")
        rest = _over(behind, figure)
        matte = _matte(self._jaw_room(figure[..., 3]), n)
        luma, chroma = np.zeros((n, n, 4), np.uint8), np.zeros((n // 2, n // 2, 4), np.uint8)
        luma[..., 0], chroma[..., :3] = to_planes(_opaque(rest))
        luma[..., 1] = 255 - matte
        chroma[..., 3] = 255 - cv2.resize(matte, (n // 2, n // 2), interpolation=cv2.INTER_AREA)
        cv2.insertChannel(under_matte(luma[..., 0], luma[..., 1]), luma, 0)
        for channel in (1, 2):
            cv2.insertChannel(under_matte(chroma[..., channel], chroma[..., 3]), chroma, channel)
        under = np.ascontiguousarray(rest)
        ux, uy, layer = self._placed("under")
        at = slice(uy, uy + layer.shape[0]), slice(ux, ux + layer.shape[1])
        under[at] = _over(behind[at], layer)
        made = Layers(
            pack=pack,
            size=self._size,
            canvas=n,
            origin=self._origin,
            plate=_i420(plate),
            luma=luma,
            chroma=chroma,
            upper=self._patch("upper", under),
            lips=self._patch("lips", under),
            brows=self._crop("brows", self._even("brows")),
            brow_box=self._even("brows"),
            eyes=(self._eye("right", 0), self._eye("left", 1)),
            mouth=self._mouth(),
            pose=self._pose(),
        )
        _freeze(made)
        return made

    def _jaw_room(self, alpha: Bytes) -> Bytes:
        """Alpha grown down round the jaw: an open mouth moves the chin line over the backdrop."""
        x0, y0, x1, y1 = self._even("lips")
        drop = int(self._pack.mouth["width"] * self._k * 0.45)
        # the anchor at the bottom row makes every pixel look up
        down = np.ones((drop, 1), np.uint8)
        grown = alpha.copy()
        part = alpha[y0:y1, x0:x1]
        grown[y0:y1, x0:x1] = cv2.dilate(part, down, anchor=(0, drop - 1))
        return grown

    def _decode(self, data: bytes, flags: int, name: str) -> Bytes:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if image is None:
            raise PortraitError(f"picture {name!r} of portrait {self._pack.path} cannot be decoded")
        return image.astype(np.uint8, copy=False)

    def _plate(self) -> Bytes:
        """The backdrop cut to cover the frame, (h, w, 3)."""
        image = self._decode(self._pack.plate, cv2.IMREAD_COLOR, "plate")
        width, height = self._size
        h, w = image.shape[:2]
        scale = max(width / w, height / h)
        cut_w, cut_h = round(width / scale), round(height / scale)
        x, y = (w - cut_w) // 2, (h - cut_h) // 2
        cut = image[y : y + cut_h, x : x + cut_w]
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return cv2.resize(cut, (width, height), interpolation=how).astype(np.uint8, copy=False)

    def _layer(self, name: str) -> Bytes:
        """Premultiplied BGRA at the engine's scale."""
        image = self._decode(self._pack.layers[name].data, cv2.IMREAD_UNCHANGED, name)
        if image.ndim != 3 or image.shape[2] != 4:
            raise PortraitError(f"picture {name!r} of portrait {self._pack.path} has no alpha")
        image = cv2.cvtColor(image, cv2.COLOR_RGBA2mRGBA).astype(np.uint8, copy=False)
        size = round(image.shape[1] * self._k), round(image.shape[0] * self._k)
        if size == image.shape[1::-1]:
            return image
        how = cv2.INTER_AREA if self._k < 1 else cv2.INTER_CUBIC
        return cv2.resize(image, size, interpolation=how).astype(np.uint8, copy=False)

    def _placed(self, name: str) -> tuple[int, int, Bytes]:
        x0, y0 = self._pack.layers[name].box[:2]
        return round(x0 * self._k), round(y0 * self._k), self._layer(name)

    def _even(self, name: str) -> Box:
        """A box of the pack in pixels, grown to even edges."""
        x0, y0, x1, y1 = (v * self._k for v in self._pack.boxes[name])
        n = self._n
        return (
            int(x0) // 2 * 2,
            int(y0) // 2 * 2,
            min(n, int(np.ceil(x1 / 2)) * 2),
            min(n, int(np.ceil(y1 / 2)) * 2),
        )

    def _crop(self, name: str, box: Box) -> Bytes:
        """(h, w, 4), the part of a layer that lies in a box; nothing outside of it."""
        x, y, layer = self._placed(name)
        x0, y0, x1, y1 = box
        out = np.zeros((y1 - y0, x1 - x0, 4), np.uint8)
        a0, b0 = max(x, x0), max(y, y0)
        a1, b1 = min(x + layer.shape[1], x1), min(y + layer.shape[0], y1)
        if a0 < a1 and b0 < b1:
            out[b0 - y0 : b1 - y0, a0 - x0 : a1 - x0] = layer[b0 - y : b1 - y, a0 - x : a1 - x]
        return out

    def _patch(self, name: str, under: Bytes) -> Patch:
        box = self._even(name)
        x0, y0, x1, y1 = box
        marks = []
        for mark in MARKS:
            layer = self._crop(f"mark_{mark}", box)
            rows, columns = np.nonzero(layer[..., 3])
            if rows.size:
                top, left = int(rows.min()), int(columns.min())
                tight = layer[top : rows.max() + 1, left : columns.max() + 1]
                marks.append(Mark(mark, left, top, np.ascontiguousarray(tight)))
        over = self._crop("overlay", box)
        return Patch(
            box=box,
            skin=_opaque(under[y0:y1, x0:x1]),
            marks=tuple(marks),
            over=over,
            over_keep=np.repeat(255 - over[..., 3:], 4, axis=2),
        )

    def _eye(self, side: str, row: int) -> EyeLayers:
        curves = self._pack.geometry["lids"][row] * np.float32(self._k)
        width = curves[0, -1, 0] - curves[0, 0, 0]
        x0, x1 = curves[0, 0, 0] - width * 0.22, curves[0, -1, 0] + width * 0.22
        y0, y1 = curves[0, :, 1].min() - width * 0.40, curves[1, :, 1].max() + width * 0.18
        ux0, uy0, ux1, uy1 = self._even("upper")
        box = (
            max(ux0, int(x0)),
            max(uy0, int(y0)),
            min(ux1, int(x1) + 1),
            min(uy1, int(y1) + 1),
        )
        parts = {
            name: self._crop(f"eye_{side}_{name}", box)
            for name in ("sclera", "iris", "low", "crease", "lash")
        }
        return EyeLayers(side.capitalize(), box, curves[0], curves[1], **parts)

    def _mouth(self) -> MouthStyle:
        m, k = self._pack.mouth, self._k
        colours = {name: _bgr(value) for name, value in self._pack.colours.items()}
        return MouthStyle(
            centre=(m["x"] * k, m["y"] * k),
            width=m["width"] * k,
            tooth_top=m["tooth_top"] * k,
            tooth_height=m["tooth_height"] * k,
            **colours,
        )

    def _pose(self) -> PoseFields:
        pack, k = self._pack, self._k
        px, py, pz = pack.pivot
        return PoseFields(
            box=self._even("pose"),
            size=self._n,
            pivot=(px * k, py * k, pz * k),
            eye_distance=pack.eye_distance * k,
            depth=pack.geometry["pose_depth"] * np.float32(k),
            head=pack.geometry["pose_head"],
            chest=pack.geometry["pose_chest"],
        )


def _over(below: Bytes, layer: Bytes) -> Bytes:
    """A premultiplied layer over an opaque picture, both uint8."""
    keep = cv2.merge([cv2.bitwise_not(layer[..., 3])] * 3)
    shown = cv2.multiply(below, keep, scale=1 / 255)
    return cv2.add(shown, np.ascontiguousarray(layer[..., :3])).astype(np.uint8, copy=False)


def _matte(alpha: Bytes, n: int) -> Bytes:
    """Alpha grown and feathered: a rim of real background travels with the head, so that hair
    keeps its own edge and the seam lies in plain backdrop."""
    rim = max(2, n // 170)
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    grown = cv2.GaussianBlur(cv2.dilate(alpha, round_), (0, 0), rim * 0.5)
    return grown.astype(np.uint8, copy=False)


def _i420(bgr: Bytes) -> Bytes:
    luma, chroma = to_planes(_opaque(bgr))
    return np.concatenate((luma.ravel(), chroma[..., 2].ravel(), chroma[..., 1].ravel()))


def _opaque(bgr: Bytes) -> Bytes:
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA).astype(np.uint8, copy=False)


def _bgr(colour: str) -> Floats:
    """#rrggbb as (3, 1, 1) BGR."""
    channels = [int(colour[i : i + 2], 16) for i in (5, 3, 1)]
    return np.array(channels, np.float32).reshape(3, 1, 1)


def _freeze(made: Layers) -> None:
    marks = (*made.upper.marks, *made.lips.marks)
    parts = (made, made.upper, made.lips, made.mouth, made.pose, *made.eyes, *marks)
    for holder in parts:
        for part in fields(holder):  # type: ignore[arg-type]  # their join is object to mypy
            value = getattr(holder, part.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
