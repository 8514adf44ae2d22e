"""A pack at one size: decoded, scaled, premultiplied, read-only, shared by engines of a process.

The cache holds its entries weakly: they live as long as an engine uses them. Colour is
premultiplied before scaling, or curls get bright rims. The figure sits at the bottom of the frame,
as in a call. The figure itself is opaque, over its own backdrop: what the matte leaves of that is
the rim which travels with the head.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Final
from weakref import WeakValueDictionary

import cv2
import numpy as np

from avatar.errors import PortraitError
from avatar.portrait.eyes import CREASE_FADE, LID_SHADE, EyeLayers
from avatar.portrait.mouth import MouthStyle
from avatar.portrait.pack import CANVAS, MARKS, OPAQUE, Pack
from avatar.portrait.paint import Box, Bytes, Floats, kept, to_planes
from avatar.portrait.pictures import decode
from avatar.portrait.pose import Backdrop, PoseFields, squares_of
from avatar.portrait.sprites import EYES, MOUTHS, Sprites
from avatar.portrait.teeth import Teeth

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
    over: Bytes | None  # (h, w, 4) premultiplied front hair and glasses; None where there are none
    over_keep: Bytes | None  # (h, w, 4), what it leaves of the skin
    sprites: Sprites | None  # finished pictures of it, in a baked pack: nothing else is drawn then


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Layers:
    """Everything an engine draws from.

    size: width, height of the frame. canvas: side of the square the face lives in. origin: of the
    canvas in the frame. window: the pose box in the frame. plate: I420 (w*h*3//2,). backdrop: of
    the plate in the window. luma: (n + 1, n + 1), the figure at rest, its last row and column
    twice. squares: (n, n, 4), of luma. chroma: (n/2, n/2, 4), unused, V, U, matte.
    """

    pack: Pack
    size: tuple[int, int]
    canvas: int
    origin: tuple[int, int]
    window: Box
    plate: Bytes
    backdrop: Backdrop
    luma: Bytes
    squares: Bytes
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
            try:
                made = _Maker(pack, size).make()
            except cv2.error as error:
                raise PortraitError(
                    f"portrait {pack.path} cannot be drawn at {width}x{height}: {error!s:.200}"
                ) from error
            _cache[key] = made
        return made


_Placed = tuple[int, int, Bytes]
"""x and y in the canvas, and the layer that lies there."""


class _Maker:
    def __init__(self, pack: Pack, size: tuple[int, int]) -> None:
        self._pack = pack
        self._size = size
        self._pictures: dict[str, Future[Bytes]] = {}
        self._n = min(size) // 16 * 16
        self._k = self._n / CANVAS
        self._origin = (size[0] - self._n) // 4 * 2, size[1] - self._n
        self._how = cv2.INTER_AREA if self._k < 1 else cv2.INTER_CUBIC

    def make(self) -> Layers:
        pack, small = self._pack, self._k <= 0.5
        # decoding is most of what a pack costs, and needs no interpreter
        with ThreadPoolExecutor(2, "pictures") as pool:
            for name in sorted(pack.layers, key=lambda name: -len(pack.layers[name].data)):
                channels, data = 3 if name in OPAQUE else 4, pack.layers[name].data
                self._pictures[name] = pool.submit(
                    decode, data, name, channels=channels, half=small
                )
            self._pictures["plate"] = pool.submit(decode, pack.plate, "plate", channels=3)
            self._pictures["matte"] = pool.submit(decode, pack.matte, "matte", channels=1)
            return self._made()

    def _made(self) -> Layers:
        pack, n = self._pack, self._n
        rest = self._opaque("figure")
        matte = _rimmed(self._jaw_room(self._matte()), n)
        y, colour = to_planes(rest)
        luma = cv2.copyMakeBorder(y, 0, 1, 0, 1, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
        squares = np.empty((n, n, 4), np.uint8)
        squares_of(luma, squares)
        small = cv2.resize(matte, (n // 2, n // 2), interpolation=cv2.INTER_AREA)
        chroma = np.dstack((colour, small)).astype(np.uint8, copy=False)
        under = self._opaque("under")
        plate, window = _i420(self._plate()), self._window()
        overlay = self._placed("overlay")
        made = Layers(
            pack=pack,
            size=self._size,
            canvas=n,
            origin=self._origin,
            window=window,
            plate=plate,
            backdrop=Backdrop.of(plate, self._size, window),
            luma=luma,
            squares=squares,
            chroma=chroma,
            upper=self._patch("upper", under, overlay, self._sprites(EYES, "upper")),
            lips=self._patch("lips", under, overlay, self._sprites(MOUTHS, "lips")),
            brows=_cropped(self._placed("brows"), self._even("brows")),
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

    def _plate(self) -> Bytes:
        """The backdrop over the whole frame, (h, w, 3).

        On the canvas it lies as the figure was painted over it; a frame that is taller than wide,
        or wider than the backdrop, sees it mirrored beyond.
        """
        image = self._pictures["plate"].result()
        n, (x, y), width = self._n, self._origin, self._size[0]
        wide = max(n, round(image.shape[1] * n / image.shape[0]))
        how = cv2.INTER_AREA if n < image.shape[0] else cv2.INTER_LINEAR
        image = _resized(image, (wide, n), how)
        left = (wide - n) // 2 - x
        cut = image[:, max(0, left) : left + width]
        beyond = max(0, left + width - wide)
        out = cv2.copyMakeBorder(cut, y, 0, max(0, -left), beyond, cv2.BORDER_REFLECT)
        return out.astype(np.uint8, copy=False)

    def _matte(self) -> Bytes:
        """(n, n), how much of the canvas is figure."""
        image = self._pictures["matte"].result()
        how = cv2.INTER_AREA if self._n < image.shape[0] else cv2.INTER_LINEAR
        return _resized(image, (self._n, self._n), how)

    def _opaque(self, name: str) -> Bytes:
        """BGRA of a layer without alpha, at the engine's scale."""
        x0, y0, x1, y1 = self._pack.layers[name].box
        image = self._pictures[name].result()
        size = round((x1 - x0) * self._k), round((y1 - y0) * self._k)
        return _opaque(_resized(image, size, self._how))

    def _layer(self, name: str) -> Bytes:
        """Premultiplied BGRA at the engine's scale."""
        image = cv2.cvtColor(self._pictures[name].result(), cv2.COLOR_RGBA2mRGBA).astype(
            np.uint8, copy=False
        )
        size = round(image.shape[1] * self._k), round(image.shape[0] * self._k)
        return _resized(image, size, self._how)

    def _placed(self, name: str) -> _Placed:
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

    def _sprites(self, names: tuple[str, ...], box_name: str) -> Sprites | None:
        if names[0] not in self._pack.layers:
            return None
        x0, y0, x1, y1 = self._even(box_name)
        pictures = np.empty((len(names), y1 - y0, x1 - x0, 4), np.uint8)
        for picture, name in zip(pictures, names, strict=True):
            left, top = (round(v * self._k) for v in self._pack.layers[name].box[:2])
            np.copyto(picture, self._opaque(name)[y0 - top : y1 - top, x0 - left : x1 - left])
        return Sprites(pictures)

    def _patch(self, name: str, under: Bytes, overlay: _Placed, sprites: Sprites | None) -> Patch:
        """under: the layer of that name; it covers the patch."""
        box = self._even(name)
        x0, y0 = (round(v * self._k) for v in self._pack.layers["under"].box[:2])
        skin = under[box[1] - y0 : box[3] - y0, box[0] - x0 : box[2] - x0]
        marks = []
        for mark in MARKS:
            layer = _cropped(self._placed(f"mark_{mark}"), box)
            left, top, width, height = cv2.boundingRect(layer[..., 3])
            if width:
                tight = layer[top : top + height, left : left + width]
                marks.append(Mark(mark, left, top, np.ascontiguousarray(tight)))
        over = _cropped(overlay, box)
        there = bool(over[..., 3].any())
        return Patch(
            box=box,
            skin=np.ascontiguousarray(skin),
            marks=tuple(marks),
            over=over if there else None,
            over_keep=kept(over) if there else None,
            sprites=sprites,
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
            name: _cropped(self._placed(f"eye_{side}_{name}"), box)
            for name in ("sclera", "iris", "low", "crease", "lash")
        }
        # in a photo the lid's shadow is on the ball already, and a crease is more than a line
        shade, fade = (0.0, 0.85) if self._pack.style == "photo" else (LID_SHADE, CREASE_FADE)
        return EyeLayers(
            side.capitalize(), box, curves[0], curves[1], **parts, shade=shade, fade=fade
        )

    def _mouth(self) -> MouthStyle:
        m, k = self._pack.mouth, self._k
        colours = {name: _bgr(value) for name, value in self._pack.colours.items()}
        red = np.float32(0.75) * colours["tongue_light"] + np.float32(0.25) * colours["lip_dark"]
        return MouthStyle(
            centre=(m["x"] * k, m["y"] * k),
            width=m["width"] * k,
            tooth_top=m["tooth_top"] * k,
            tooth_height=m["tooth_height"] * k,
            teeth_upper=self._teeth("teeth_upper"),
            teeth_lower=self._teeth("teeth_lower"),
            **colours,
            pursed=red if self._pack.style == "photo" else None,
        )

    def _teeth(self, name: str) -> Teeth | None:
        if name not in self._pack.layers:
            return None
        x, y, layer = self._placed(name)
        return Teeth(x, y, layer)

    def _window(self) -> Box:
        left, top = self._origin
        x0, y0, x1, y1 = self._even("pose")
        return x0 + left, y0 + top, x1 + left, y1 + top

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


def _cropped(placed: _Placed, box: Box) -> Bytes:
    """(h, w, 4), the part of a layer that lies in a box; nothing outside of it."""
    x, y, layer = placed
    x0, y0, x1, y1 = box
    out = np.zeros((y1 - y0, x1 - x0, 4), np.uint8)
    a0, b0 = max(x, x0), max(y, y0)
    a1, b1 = min(x + layer.shape[1], x1), min(y + layer.shape[0], y1)
    if a0 < a1 and b0 < b1:
        out[b0 - y0 : b1 - y0, a0 - x0 : a1 - x0] = layer[b0 - y : b1 - y, a0 - x : a1 - x]
    return out


def _resized(image: Bytes, size: tuple[int, int], how: int) -> Bytes:
    if size == image.shape[1::-1]:
        return image
    return cv2.resize(image, size, interpolation=how).astype(np.uint8, copy=False)


def _rimmed(alpha: Bytes, n: int) -> Bytes:
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
    sprites = [patch.sprites for patch in (made.upper, made.lips) if patch.sprites is not None]
    own = (made, made.upper, made.lips, made.mouth, made.pose, made.backdrop)
    parts = (*own, *made.eyes, *marks, *sprites)
    for holder in parts:
        for part in fields(holder):  # type: ignore[arg-type]  # their join is object to mypy
            value = getattr(holder, part.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
