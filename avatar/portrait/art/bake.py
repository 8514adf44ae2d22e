"""Bakes drawn layers into a portrait pack: solves the fields, cuts the layers, writes and signs.

Everything a call should not pay for happens here: the interpolation matrices of the lip and brow
fields, the depth grid, the weights of the shapes. Needs no drawing library and does not
draw; avatar/portrait/art/<name>.py does.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.params import FaceParams
from avatar.portrait.art.fields import BrowField, LipFields, PoseField
from avatar.portrait.art.shapes import ShapeTable
from avatar.portrait.pack import CANVAS, EYE_LAYERS, FORMAT, LAYERS, MARKS, OPAQUE, STEP, load
from avatar.portrait.rig import CONTROLS

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LICENCE: Final = "Apache-2.0"


@dataclass(frozen=True, slots=True)
class DrawnEye:
    """upper, lower: (41, 2) lid curves, inner to outer corner. layers: EYE_LAYERS, whole canvas."""

    upper: Doubles
    lower: Doubles
    layers: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Artwork:
    """A drawn face. Layers are premultiplied RGBA float32 0..1 on the 1024 canvas.

    plate: opaque, any size that covers it, 16:9 to fill wide frames. under: hair behind, body and
    head with closed lid skin and no lip line. overlay: front hair, glasses. eyes: subject's right,
    left. landmarks: (478, 3) face mesh numbering, NaN where unused. height: (1024, 1024) relief,
    larger is nearer. colours, mouth: as in docs/portraits.md, RGB 0..255 and mouth widths.
    teeth: by name of pack.TEETH, for photos. body: (1024, 1024) share of the movement, where not
    all that is figure belongs to the person. notes: what else pack.json says.
    """

    name: str
    title: str
    credits: str
    plate: Floats
    under: Floats
    overlay: Floats
    brows: Floats
    marks: Mapping[str, Floats]
    eyes: tuple[DrawnEye, DrawnEye]
    landmarks: Doubles
    outline: Doubles
    height: Floats
    colours: Mapping[str, tuple[float, ...]]
    tooth_top: float
    tooth_height: float
    limits: tuple[float, float, float] = (12.0, 10.0, 10.0)
    licence: str = LICENCE
    style: str = "drawn"
    teeth: Mapping[str, Floats] = field(default_factory=dict)
    body: Floats | None = None
    notes: Mapping[str, object] = field(default_factory=dict)


def bake(art: Artwork, folder: Path) -> Path:
    """Write the pack of a drawn face into folder (made if missing); returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, str] = {}

    def keep(name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)
        parts[name] = hashlib.sha256(data).hexdigest()

    # a backdrop is soft, a drawn one is out of focus: whole, it took a fifth of the time to load.
    # Enlarged so far, the blocks of a lossy one would show
    part, quality = (0.5, 92) if art.style == "photo" else (0.25, 101)
    small = cv2.resize(art.plate, None, fx=part, fy=part, interpolation=cv2.INTER_AREA)
    plate = _opaque(small.astype(np.float32, copy=False), quality)
    keep("plate.webp", plate)
    face = _Face(art)
    behind = _behind(plate)
    matte = over(art.under, art.overlay)[..., 3]
    keep("matte.webp", _grey(cv2.resize(matte, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)))
    layers: dict[str, object] = {}
    for name, picture in _pictures(art).items():
        x0, y0, x1, y1 = box = _layer_box(name, picture, face)
        if name in OPAQUE:
            file, data = f"{name}.jpg", _jpeg(over(behind, picture)[y0:y1, x0:x1])
        else:
            file = f"{name}.webp"
            data = _straight(picture[y0:y1, x0:x1], 94 if name == "overlay" else 101)
        keep(file, data)
        layers[name] = {"file": file, "box": list(box)}
    keep("geometry.npz", _archive(face.geometry()))
    manifest = {
        "format": FORMAT,
        "name": art.name,
        "title": art.title,
        "licence": art.licence,
        "style": art.style,
        "credits": art.credits,
        "canvas": CANVAS,
        "backdrop": _backdrop(art.plate),
        "limits": dict(zip(("yaw", "pitch", "roll"), art.limits, strict=True)),
        **face.numbers(),
        "colours": {key: _hex(np.array(value)) for key, value in art.colours.items()},
        "layers": layers,
        "parts": parts,
        **art.notes,
    }
    # a pack without a poster does not load, and the poster is drawn from the pack
    keep("poster.webp", plate)
    _write(folder, manifest)
    keep("poster.webp", _poster(folder))
    _write(folder, manifest)
    return folder


def _write(folder: Path, manifest: dict[str, object]) -> None:
    text = json.dumps(manifest, indent=1, sort_keys=False) + "\n"
    (folder / "pack.json").write_text(text, "utf-8")


def _pictures(art: Artwork) -> dict[str, Floats]:
    boxes = _Face(art).boxes
    pictures = {
        "figure": over(art.under, art.overlay),
        "under": art.under,
        "overlay": _inside(art.overlay, boxes["upper"], boxes["lips"]),
        "brows": art.brows,
        **{f"mark_{name}": art.marks[name] for name in MARKS},
    }
    for side, eye in zip(("right", "left"), art.eyes, strict=True):
        pictures |= {f"eye_{side}_{name}": eye.layers[name] for name in EYE_LAYERS}
    return {name: pictures[name] for name in LAYERS} | dict(art.teeth)


class _Face:
    """The geometry of one drawn face, everything in canvas pixels."""

    def __init__(self, art: Artwork) -> None:
        self._art = art
        marks = art.landmarks
        self.points = marks[list(CONTROLS), :2]
        left, right = marks[61, :2], marks[291, :2]
        self.width = float(right[0] - left[0])
        self.eye_distance = float(np.hypot(*(marks[33, :2] - marks[263, :2])))
        self.chin = float(marks[152, 1])
        self.boxes = self._boxes()

    def _boxes(self) -> dict[str, tuple[int, int, int, int]]:
        art, unit = self._art, self.eye_distance
        face = art.outline
        # one edge for both patches, so that neither overwrites what the other drew
        seam = STEP * round((float(art.landmarks[4, 1]) - 0.12 * unit) / STEP)
        x0, x1 = face[:, 0].min() - 0.12 * unit, face[:, 0].max() + 0.12 * unit
        lips = (x0, seam, x1, self.chin + 0.62 * unit)
        lids = np.concatenate([eye.upper for eye in art.eyes])
        rows, columns = np.nonzero(art.brows[..., 3] > 0.01)
        brows = (
            columns.min() - 0.08 * unit,
            rows.min() - 0.14 * unit,
            columns.max() + 0.08 * unit,
            min(lids[:, 1].max() + 0.05 * unit, seam - 2),
        )
        raised = np.nonzero(art.marks["raise"][..., 3] > 0.01)[0].min()
        upper = (min(x0, brows[0]), min(raised - 4, brows[1]), max(x1, brows[2]), seam)
        pose = self._reach()
        named = {"upper": upper, "lips": lips, "brows": brows, "pose": pose}
        return {key: _even(box) for key, box in named.items()}

    def _reach(self) -> tuple[float, float, float, float]:
        """Where the figure may get to: the head swings about the neck, the body only breathes."""
        alpha = over(self._art.under, self._art.overlay)[..., 3] > 0.01
        split = int(self.chin + 0.3 * self.eye_distance)
        rows, columns = np.nonzero(alpha[:split])
        body = np.nonzero(alpha[split:])[1]
        swing = 0.40 * self.eye_distance
        return (
            min(columns.min() - swing, body.min() - 16),
            rows.min() - swing,
            max(columns.max() + swing, body.max() + 16),
            CANVAS,
        )

    def numbers(self) -> dict[str, object]:
        """The part of pack.json that is measured."""
        marks = self._art.landmarks
        x, y = (marks[61, :2] + marks[291, :2]) / 2
        pivot = (0.3 * marks[152, 0] + 0.7 * marks[168, 0], self.chin + 0.35 * self.eye_distance)
        return {
            "eye_distance": round(self.eye_distance, 3),
            "pivot": {"x": pivot[0], "y": pivot[1], "z": 0.75 * self.eye_distance},
            "mouth": {
                "x": float(x),
                "y": float(y),
                "width": self.width,
                "upper_thickness": float(marks[13, 1] - marks[0, 1]),
                "lower_thickness": float(marks[17, 1] - marks[14, 1]),
                "tooth_top": self._art.tooth_top * self.width,
                "tooth_height": self._art.tooth_height * self.width,
            },
            "boxes": {key: list(box) for key, box in self.boxes.items()},
        }

    def geometry(self) -> dict[str, NDArray[np.generic]]:
        """Arrays of geometry.npz, docs/portraits.md."""
        art = self._art
        ear = float(art.landmarks[454, 1])
        shapes = ShapeTable(self.points, width=self.width, ear=ear, chin=self.chin).build()
        lip_upper, lip_lower = LipFields(self.points, self.width, self.eye_distance).solve(
            self.boxes["lips"], chin=self.chin
        )
        depth, head, chest = PoseField(
            art.landmarks, art.outline, art.height, over(art.under, art.overlay)[..., 3]
        ).solve(self.boxes["pose"], chin=self.chin, unit=self.eye_distance)
        if art.body is not None:
            x0, y0, x1, y1 = self.boxes["pose"]
            size = head.shape[1], head.shape[0]
            share = cv2.resize(art.body[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
            head, chest = head * share, chest * share
        lids = np.stack([np.stack(_by_x(eye)) for eye in art.eyes])
        arrays = {
            "controls": self.points.astype("<f4"),
            "shapes": shapes.astype("<f4"),
            "lip_upper": lip_upper.astype("<f2"),
            "lip_lower": lip_lower.astype("<f2"),
            "lids": lids.astype("<f4"),
            "brow_field": BrowField(art.landmarks, self.eye_distance)
            .solve(self.boxes["brows"])
            .astype("<f2"),
            "pose_depth": depth.astype("<f2"),
            "pose_head": head.astype("<f2"),
            "pose_chest": chest.astype("<f2"),
        }
        return {key: np.ascontiguousarray(value) for key, value in arrays.items()}


def _by_x(eye: DrawnEye) -> tuple[Doubles, Doubles]:
    if eye.upper[0, 0] > eye.upper[-1, 0]:
        return eye.upper[::-1], eye.lower[::-1]
    return eye.upper, eye.lower


def _even(box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (int(np.clip(round(v / 2) * 2, 0, CANVAS)) for v in box)
    return x0, y0, x1, y1


def over(below: Floats, layer: Floats) -> Floats:
    """Premultiplied layer over premultiplied picture."""
    return layer + below * (1 - layer[..., 3:])


def _inside(picture: Floats, *boxes: tuple[int, int, int, int]) -> Floats:
    """The picture inside the boxes, rounded out to STEP; nothing elsewhere."""
    out = np.zeros_like(picture)
    for box in boxes:
        x0, y0, x1, y1 = _stepped(*box)
        out[y0:y1, x0:x1] = picture[y0:y1, x0:x1]
    return out


def _stepped(x0: int, y0: int, x1: int, y1: int) -> tuple[int, int, int, int]:
    return x0 // STEP * STEP, y0 // STEP * STEP, -(-x1 // STEP) * STEP, -(-y1 // STEP) * STEP


def _layer_box(name: str, picture: Floats, face: _Face) -> tuple[int, int, int, int]:
    if name == "figure":
        return 0, 0, CANVAS, CANVAS
    if name == "under":
        upper, lips = face.boxes["upper"], face.boxes["lips"]
        return _stepped(
            min(upper[0], lips[0]),
            min(upper[1], lips[1]),
            max(upper[2], lips[2]),
            max(upper[3], lips[3]),
        )
    return _tight(picture)


def _tight(picture: Floats) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(picture[..., 3] > 0.004)
    if not rows.size:
        return 0, 0, STEP, STEP
    return _stepped(
        int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    )


def _straight(picture: Floats, quality: int) -> bytes:
    """Straight-alpha WebP; a quality above 100 is lossless."""
    alpha = picture[..., 3:]
    colour = np.clip(picture[..., 2::-1] / np.maximum(alpha, 1e-4), 0, 1)
    image = np.clip(np.dstack([colour, alpha]) * 255 + 0.5, 0, 255).astype(np.uint8)
    image[image[..., 3] == 0] = 0
    return _encode(image, quality)


def _opaque(picture: Floats, quality: int) -> bytes:
    return _encode(np.clip(picture[..., 2::-1] * 255 + 0.5, 0, 255).astype(np.uint8), quality)


def _jpeg(picture: Floats) -> bytes:
    """For what has no alpha: it decodes four times faster than WebP."""
    image = np.clip(picture[..., 2::-1] * 255 + 0.5, 0, 255).astype(np.uint8)
    return _encode(image, 95, ".jpg", cv2.IMWRITE_JPEG_QUALITY)


def _grey(matte: NDArray[np.generic]) -> bytes:
    values = np.clip(matte.astype(np.float32) * 255 + 0.5, 0, 255).astype(np.uint8)
    return _encode(values, 101)


def _behind(plate: bytes) -> Floats:
    """The backdrop behind the canvas as an engine will decode it, so that the rim shows no edge."""
    image = cv2.imdecode(np.frombuffer(plate, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    whole = cv2.resize(image, None, fx=CANVAS / image.shape[0], fy=CANVAS / image.shape[0])
    x = (whole.shape[1] - CANVAS) // 2
    out = np.ones((CANVAS, CANVAS, 4), np.float32)
    out[..., :3] = whole[:, x : x + CANVAS, ::-1].astype(np.float32) / 255
    return out


def _encode(
    image: NDArray[np.uint8],
    quality: int,
    kind: str = ".webp",
    flag: int = cv2.IMWRITE_WEBP_QUALITY,
) -> bytes:
    done, data = cv2.imencode(kind, image, [flag, quality])
    assert done, f"OpenCV was built without {kind}"
    return bytes(data)


def _archive(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """An .npz without time stamps: the same drawing gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    return out.getvalue()


def _poster(folder: Path) -> bytes:
    from avatar.portrait.engine import Engine

    engine = Engine(load(folder), size=(1024, 1024))
    frame = np.empty(1024 * 1024 * 3 // 2, np.uint8)
    engine.draw(FaceParams(), frame)
    bgr = cv2.cvtColor(frame.reshape(-1, 1024), cv2.COLOR_YUV2BGR_I420)
    small = cv2.resize(bgr, (512, 512), interpolation=cv2.INTER_AREA)
    return _encode(small.astype(np.uint8, copy=False), 88)


def _backdrop(plate: Floats) -> list[str]:
    h, w = plate.shape[:2]
    middle = plate[h // 4 : h // 2, w * 3 // 8 : w * 5 // 8, :3].mean((0, 1))
    border = np.concatenate(
        [plate[-h // 10 :, :, :3].reshape(-1, 3), plate[:, -w // 16 :, :3].reshape(-1, 3)]
    )
    return [_hex(middle * 255), _hex(border.mean(0) * 255)]


def _hex(colour: NDArray[np.floating]) -> str:
    r, g, b = (int(np.clip(round(float(v)), 0, 255)) for v in colour)
    return f"#{r:02x}{g:02x}{b:02x}"
