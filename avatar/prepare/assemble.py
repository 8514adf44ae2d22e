"""Joins what was taken from a photo into the artwork that the baker writes as a pack."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avatar.portrait.art.bake import Artwork, DrawnEye, bake
from avatar.portrait.pack import CANVAS, EYE_LAYERS, MARKS, STEP
from avatar.portrait.rig import CONTROLS, at
from avatar.prepare import Consent
from avatar.prepare.brows import brows_of
from avatar.prepare.eyes import Eye, eye_of
from avatar.prepare.folds import folds_of
from avatar.prepare.framing import OVAL, Framed
from avatar.prepare.matte import body_of, figure_alpha, person_of, plate_of
from avatar.prepare.mouth import TOOTHY, Closed, close, smile_of
from avatar.prepare.skin import Floats, blur, floats, over
from avatar.prepare.teeth import drawn_row, shown_row


@dataclass(frozen=True, slots=True)
class Found:
    """A face on the canvas, good enough to be made an avatar.

    landmarks: (478, 3) canvas pixels. person: (1024, 1024) 0..1 as detected. warnings: what could
    be better.
    """

    framed: Framed
    landmarks: Floats
    person: Floats
    warnings: tuple[str, ...]


def write_pack(folder: Path, name: str, found: Found, consent: Consent | None) -> None:
    """Write a pack of the face into an existing folder."""
    bake(artwork_of(name, found, consent), folder)


def artwork_of(name: str, found: Found, consent: Consent | None) -> Artwork:
    """The face taken apart into the layers of a pack."""
    framed, landmarks, person = found.framed, found.landmarks, found.person
    image = floats(framed.image)
    unit = float(np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]))
    chin = float(landmarks[152, 1])
    cut = person_of(image, person)
    plate = plate_of(framed, cut)
    alpha = figure_alpha(cut, chin, unit)
    clean, brows = brows_of(image, landmarks)
    eyes = [eye_of(clean, landmarks, i) for i in (0, 1)]
    for eye in eyes:
        x0, y0, x1, y1 = eye.box
        clean[y0:y1, x0:x1] = eye.skin
    closed = close(np.dstack((clean, alpha)), landmarks, _lip_box(landmarks, unit))
    whites = np.stack([np.median(eye.layers["sclera"][..., :3], axis=(0, 1)) for eye in eyes])
    colours = _colours(image, landmarks, float(whites.mean()) * 255)
    moved = landmarks.astype(np.float64).copy()
    moved[list(CONTROLS), :2] = closed.controls
    under = closed.image.copy()
    under[..., :3], folds = folds_of(under[..., :3], landmarks, smile_of(closed.gap))
    under[..., :3] *= under[..., 3:]
    return Artwork(
        name=name,
        title=name,
        credits="made from a photo",
        licence="the owner's own: not for distribution",
        style="photo",
        notes={"consent": {"text": consent.text, "date": consent.date}} if consent else {},
        body=body_of(cut, chin, unit),
        teeth=_teeth(image, landmarks, closed, colours),
        plate=_rgb(plate),
        under=_rgb(under),
        overlay=np.zeros((CANVAS, CANVAS, 4), np.float32),
        brows=_rgb(brows),
        marks=_marks(landmarks, folds),
        eyes=(_drawn(eyes[0]), _drawn(eyes[1])),
        landmarks=moved,
        outline=moved[list(OVAL), :2],
        height=_height(landmarks),
        colours=colours,
        tooth_top=-0.10,
        tooth_height=0.24,
    )


def _rgb(layer: Floats) -> Floats:
    """BGR(A) to RGBA; what has no alpha is opaque."""
    code = cv2.COLOR_BGRA2RGBA if layer.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return cv2.cvtColor(layer, code).astype(np.float32, copy=False)


def _lip_box(landmarks: Floats, unit: float) -> tuple[int, int, int, int]:
    face = landmarks[list(OVAL), :2]
    seam = STEP * round((float(landmarks[4, 1]) - 0.12 * unit) / STEP)
    x0, x1 = face[:, 0].min() - 0.12 * unit, face[:, 0].max() + 0.12 * unit
    y1 = landmarks[152, 1] + 0.62 * unit
    box = (x0, seam, x1, y1)
    x0, y0, x1, y1 = (int(np.clip(round(v / 2) * 2, 0, CANVAS)) for v in box)
    return x0, y0, x1, y1


def _drawn(eye: Eye) -> DrawnEye:
    layers = {}
    x0, y0, x1, y1 = eye.box
    for name in EYE_LAYERS:
        whole = np.zeros((CANVAS, CANVAS, 4), np.float32)
        whole[y0:y1, x0:x1] = _rgb(eye.layers[name])
        layers[name] = whole
    return DrawnEye(eye.upper.astype(np.float64), eye.lower.astype(np.float64), layers)


def _teeth(
    image: Floats, landmarks: Floats, closed: Closed, colours: dict[str, tuple[float, ...]]
) -> dict[str, Floats]:
    """Both rows on the canvas: the upper one from the photo where it shows it."""
    left, right = landmarks[61, :2], landmarks[291, :2]
    width = float(np.linalg.norm(right - left))
    x, y = (closed.controls[at((61,))[0]] + closed.controls[at((291,))[0]]) / 2
    y = float(closed.controls[at((13,))[0], 1])
    tone = np.array(colours["tooth"][::-1], np.float32) * np.float32(1 / 255)
    rows = {}
    if closed.gap > TOOTHY:
        row, (left_x, top) = shown_row(image, landmarks)
        fall = 0.6 * closed.drop
        own = _on_canvas(row, left_x, round(top + fall))
        # drawn ones behind go on where the photo's fade out, or its corners would be black holes
        shade = tone * np.float32(0.72)
        behind = drawn_row(round(0.94 * width), round(0.22 * width), shade, upper=True)
        edge = float(landmarks[14, 1]) + fall - 0.28 * width
        rows["teeth_upper"] = over(_on_canvas(behind, round(x - 0.47 * width), round(edge)), own)
    else:
        row = drawn_row(round(0.94 * width), round(0.25 * width), tone, upper=True)
        rows["teeth_upper"] = _on_canvas(row, round(x - 0.47 * width), round(y - 0.11 * width))
    low = drawn_row(round(0.76 * width), round(0.19 * width), tone * np.float32(0.88), upper=False)
    rows["teeth_lower"] = _on_canvas(low, round(x - 0.38 * width), round(y - 0.06 * width))
    return rows


def _on_canvas(layer: Floats, x: int, y: int) -> Floats:
    """A BGRA layer at its place, RGBA."""
    whole = np.zeros((CANVAS, CANVAS, 4), np.float32)
    h, w = layer.shape[:2]
    whole[y : y + h, x : x + w] = _rgb(layer)
    return whole


def _marks(landmarks: Floats, folds: dict[str, Floats]) -> dict[str, Floats]:
    marks = {name: np.zeros((CANVAS, CANVAS, 4), np.float32) for name in MARKS}
    marks |= {name: _rgb(layer) for name, layer in folds.items()}
    # what a photo does not show is not invented; the baker measures the forehead by this spot
    x, y = landmarks[151, :2].astype(int)
    marks["raise"][y - 8 : y + 8, x - 8 : x + 8, 3] = 0.012
    return marks


def _height(landmarks: Floats) -> Floats:
    """Relief of the head for the baker: larger is nearer."""
    z = np.zeros((CANVAS // 16, CANVAS // 16), np.float64)
    weight = np.full_like(z, 1e-6)
    rows, columns = np.mgrid[0 : CANVAS // 16, 0 : CANVAS // 16] * 16 + 8
    for x, y, depth in landmarks[:468]:
        near = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 14.0**2))
        z += near * depth
        weight += near
    smooth = (z / weight).astype(np.float32)
    whole = cv2.resize(smooth, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)
    return ((90 - whole) / 1.5).astype(np.float32)


def _colours(image: Floats, landmarks: Floats, white: float) -> dict[str, tuple[float, ...]]:
    """What the engine draws a mouth with. white: 0..255, of the eyes: teeth are in their light."""
    soft = blur(image, 4)

    def tone(*numbers: int) -> Floats:
        spots = landmarks[list(numbers), :2].astype(int)
        colour: Floats = soft[spots[:, 1], spots[:, 0]].mean(0)[::-1] * 255
        return colour

    skin, lip = tone(50, 280, 101, 330), tone(0, 37, 267, 17, 84, 314)
    # deeper in, light gets redder
    red = lip * (1.0, 0.72, 0.72)
    grey = np.array((250.0, 241.0, 226.0)) * float(np.clip(white / 195, 0.25, 0.95))
    # a grey photo has grey teeth
    colour = float(np.clip(np.ptp(skin) / 40, 0, 1))
    grey = grey.mean() + (grey - grey.mean()) * colour
    line = red * 0.52
    pairs = {
        "tooth": grey,
        "tooth_shade": grey * 0.68,
        "cavity": red * 0.36,
        "cavity_deep": red * 0.17,
        "tongue": red * 0.58,
        "tongue_light": red * 0.80,
        "lip_dark": lip * 0.62,
        "lip_line": line,
        "corner": skin * 0.5 + line * 0.5,
    }
    return {key: tuple(float(v) for v in np.clip(value, 0, 255)) for key, value in pairs.items()}
