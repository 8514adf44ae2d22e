"""Two rows of teeth, modelled one by one on an arch and lit like the face.

Lengths are in mouth widths. The upper row hangs from the skull, the lower one stands in the jaw:
its layer is drawn where it lies when the mouth is shut. Both fade into the corners of the mouth.
"""

from typing import Final

import numpy as np

from avatar.portrait.art.face import Face
from avatar.portrait.art.light import Surface, openness, render
from avatar.portrait.art.strokes import XX, YY, Colour, Floats, S, mix, soften

# width and lower edge of each tooth from the middle outwards, and how square its end is
_UPPER: Final = (
    (0.106, 0.112, 5.0),
    (0.082, 0.098, 4.0),
    (0.080, 0.106, 2.4),
    (0.066, 0.090, 2.8),
    (0.056, 0.076, 3.0),
    (0.048, 0.062, 3.0),
)
_LOWER: Final = (
    (0.066, -0.062, 4.0),
    (0.064, -0.060, 4.0),
    (0.068, -0.064, 2.4),
    (0.060, -0.050, 2.8),
    (0.054, -0.040, 3.0),
)
_GUM: Final = (178, 96, 94)


def rows(f: Face, tooth: Colour) -> dict[str, Floats]:
    """The layers teeth_upper and teeth_lower, premultiplied RGBA on the canvas."""
    return {
        "teeth_upper": _row(f, _UPPER, tooth, root=-0.13, down=1),
        "teeth_lower": _row(f, _LOWER, mix(tooth, (150, 128, 118), 0.22), root=0.10, down=-1),
    }


def _row(
    f: Face, teeth: tuple[tuple[float, float, float], ...], tooth: Colour, root: float, down: int
) -> Floats:
    width = 2 * f.mouth_half
    # the engine lowers the jaw's row from the height of the corners
    middle_y = f.mouth_y + (f.corner if down < 0 else 0)
    x, y = (XX - f.cx) / width, (YY - middle_y) / width
    cover, form = np.zeros((S, S), np.float32), np.zeros((S, S), np.float32)
    at = 0.0
    for wide, edge, square in teeth:
        middle, half = at + wide / 2, wide / 2
        at += wide
        u = (np.abs(x) - middle) / half
        # the edge is a little longer in the middle of a tooth, its corners are round
        round_end = edge - down * 0.016 * np.abs(u) ** square
        inside = np.clip((1.0 - np.abs(u)) * half * width * 0.9 + 0.75, 0, 1)
        ends = np.clip(down * (round_end - y) * width * 0.8 + 0.5, 0, 1)
        share = (inside * ends).astype(np.float32)
        body = np.clip(1 - np.abs(u) ** 2.6, 0, 1) ** 0.5
        body *= np.clip(down * (round_end - y) / 0.03, 0, 1) ** 0.5
        form += share * np.asarray(body, np.float32) * np.float32(0.026 * width)
        cover = np.maximum(cover, share)
    # between two teeth there is shade, no hole
    gaps = np.clip(at - np.abs(x), 0, 0.006) / 0.006 * np.clip(down * (teeth[-1][1] - y) * 40, 0, 1)
    cover = np.maximum(cover, np.asarray(gaps, np.float32) * np.float32(0.94))
    arch = np.asarray(-70 * np.clip(np.abs(x) / 0.46, 0, 1.2) ** 2.2, np.float32)
    height = soften(form, 1.0) + arch * np.float32(width / 128)
    colour = np.ones((S, S, 1), np.float32) * np.array(tooth, np.float32)
    neck = np.clip(down * (root + down * 0.055 - y) / 0.06, 0, 1)[..., None]
    colour = colour + (np.array(mix(tooth, (206, 172, 140), 0.55), np.float32) - colour) * neck
    gum = np.clip(down * (root - y) / 0.02 + 0.5, 0, 1)[..., None]
    colour = colour + (np.array(_GUM, np.float32) - colour) * gum
    depth = 1 - 0.80 * np.clip(np.abs(x) / 0.44, 0, 1) ** 1.7
    surface = Surface(
        height=height.astype(np.float32),
        colour=colour.astype(np.float32),
        cover=cover,
        gloss=0.9,
        scatter=2.5,
        key=(0.78 * depth).astype(np.float32),
        open=(openness(soften(form, 0.8), (3, 0.55)) * depth).astype(np.float32),
        rim=0.0,
        tight=50.0,
    )
    lit = render(surface)
    far = np.clip((0.46 - np.abs(x)) / 0.05, 0, 1) * np.clip(down * (y - root) * 12 + 1, 0, 1)
    return np.asarray(lit * far[..., None], np.float32)
