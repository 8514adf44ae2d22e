"""Puts a drawn face together into what the baker takes: a face only draws what is its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from avatar.portrait.art import features, teeth
from avatar.portrait.art.bake import Artwork, DrawnEye
from avatar.portrait.art.cloth import BODY_SCALE
from avatar.portrait.art.face import Face
from avatar.portrait.art.strokes import (
    Doubles,
    Floats,
    enlarged,
    mix,
    over,
    resample,
    soften,
)

CREDITS: Final = "Drawn by code for the Visavis project; nobody's likeness"


@dataclass(frozen=True, slots=True)
class Parts:
    """Layers from back to front; everything (1024, 1024, 4) but the plate."""

    plate: Floats
    hair_back: Floats
    body: Floats
    head: Floats
    hair_front: Floats
    brows: Floats
    marks: Mapping[str, Floats]
    glasses: Floats | None = None


def assemble(name: str, title: str, face: Face, parts: Parts, height: Floats) -> Artwork:
    """height: relief of the skin, Skin.height."""
    nothing = np.zeros_like(parts.body)
    body = np.minimum(enlarged(parts.body, *BODY_SCALE), 1)
    under = over(over(parts.hair_back, body), parts.head)
    glasses = nothing if parts.glasses is None else parts.glasses
    # the whole depth makes the near eye too wide when the head turns
    relief = soften(height, 8) * np.float32(0.56)
    colours = _mouth(face)
    return Artwork(
        name=name,
        title=title,
        credits=CREDITS,
        plate=parts.plate,
        under=under,
        overlay=over(parts.hair_front, glasses),
        brows=parts.brows,
        marks=parts.marks,
        eyes=(_eye(face, -1), _eye(face, 1)),
        landmarks=face.landmarks(relief),
        outline=resample(face.outline(), 240, closed=True),
        height=relief,
        colours=colours,
        tooth_top=-0.13,
        tooth_height=0.26,
        teeth=teeth.rows(face, colours["tooth"]),
    )


def _eye(face: Face, sx: int) -> DrawnEye:
    upper, lower = face.lids(sx, 41)
    drawn = {
        "sclera": features.sclera,
        "iris": features.iris,
        "low": features.lower_edge,
        "crease": features.crease,
        "lash": features.lash_band,
    }
    return DrawnEye(upper, lower, {name: draw(face, sx).array() for name, draw in drawn.items()})


def _mouth(face: Face) -> dict[str, tuple[float, ...]]:
    """Colours inside the mouth; teeth are toned down with the skin, or they glow."""
    light = float(np.dot(face.skin[3], (0.3, 0.59, 0.11)))
    k = 0.90 + 0.10 * min(1.0, light / 200)
    line = mix(face.lip[0], (30, 4, 8), 0.45)
    return {
        "tooth": (252 * k, 238 * k, 218 * k),
        "tooth_shade": (176 * k, 158 * k, 150 * k),
        "cavity": (92, 30, 34),
        "cavity_deep": (40, 10, 16),
        "tongue": (150, 62, 64),
        "tongue_light": (200, 104, 100),
        "lip_dark": tuple(face.lip[0]),
        "lip_line": line,
        "corner": mix(mix(face.lip[0], (30, 4, 8), 0.3), face.skin[0], 0.5),
    }


def mirrored(sx: int, points: list[tuple[float, float]], cx: float = 512) -> Doubles:
    """Points given as distance from the centre line, on one side of it."""
    return np.array([(cx + sx * x, y) for x, y in points], float)
