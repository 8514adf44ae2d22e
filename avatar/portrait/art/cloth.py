"""Clothes and the backdrop."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from avatar.portrait.art.strokes import (
    WHITE,
    XX,
    YY,
    Colour,
    Floats,
    Layer,
    Path,
    S,
    colour_in,
    curve,
    mask,
    mix,
    noise,
    ramp,
    soft_steps,
)

WIDE = 1820
"""Width of a backdrop in pixels: 16:9 at the height of the canvas."""

Fold = tuple[ArrayLike, float, float]


def backdrop(start: Colour, end: Colour, glow: Colour, seed: int) -> Floats:
    """(1024, 1820, 4) opaque: a gradient, a window's glow behind the head, a little grain."""
    rng = np.random.default_rng(seed)
    x = np.arange(WIDE, dtype=np.float32)[None] - (WIDE - S) / 2
    y = np.arange(S, dtype=np.float32)[:, None]
    t = np.clip(((x - 200) * 600 + y * S) / (600**2 + S**2), 0, 1)[..., None]
    picture = np.array(start, np.float32) * (1 - t) + np.array(end, np.float32) * t

    def spot(cx: float, cy: float, r: float, colour: Colour, share: float) -> None:
        near = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (r * 0.55) ** 2)[..., None] * share
        np.add(picture, (np.array(colour, np.float32) - picture) * near, out=picture)

    spot(360, 330, 620, glow, 0.72)
    for _ in range(9):
        place = rng.uniform(-380, S + 380), rng.uniform(0, S * 0.9)
        spot(*place, rng.uniform(110, 260), mix(glow, WHITE, 0.3), rng.uniform(0.05, 0.12))
    spot(980, 940, 640, mix(end, (0, 0, 0), 0.35), 0.28)
    grain = rng.standard_normal((S, WIDE)).astype(np.float32)
    cloud = cv2.GaussianBlur(grain, (0, 0), 34)
    grain = grain * 0.0035 + cloud / cloud.std() * 0.006
    picture = np.clip(picture * (1 + grain[..., None]), 0, 255) / 255
    return np.dstack([picture, np.ones((S, WIDE), np.float32)]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Cloth:
    """Colour, the left and right end of its light, its folds (points, width, strength: negative is
    a shadow) and how coarse the weave is."""

    colour: Colour
    span: tuple[float, float]
    folds: tuple[Fold, ...] = ()
    weave: float = 0
    seed: int = 0
    light: float = 1.12
    dark: float = 0.62


def cloth(layer: Layer, shape: ArrayLike | Path, how: Cloth) -> None:
    """A piece of clothing: a closed outline through points, or a path."""
    path = curve(shape, closed=True) if isinstance(shape, list | np.ndarray) else shape
    cover = mask(path)
    top = int(np.argwhere(cover > 0.5)[:, 0].min())
    u = np.clip((XX - how.span[0]) / (how.span[1] - how.span[0]), 0, 1)
    value = np.interp(u, [0, 0.12, 0.35, 0.7, 1], [0.78, 1, 1, 0.80, 0.52])
    value = value * (1 - 0.22 * np.clip((YY - top) / (S - top + 1), 0, 1))
    shadow, lit = Layer(), Layer()
    for points, width, strength in how.folds:
        fold = shadow if strength < 0 else lit
        widths = (width * 0.2, width * 0.3, width)
        fold.stroke(points, widths, WHITE, abs(strength) * 255, blur=width * 0.32)
    value = value * (1 - 0.58 * shadow.array()[..., 3]) + 0.30 * lit.array()[..., 3]
    rng = np.random.default_rng(how.seed)
    value = value + noise(rng, 16, 22, 0.014)
    if how.weave:
        thread = np.sin(XX * 1.15 + np.sin(YY * 0.05) * 2) * np.sin(YY)
        value = value + how.weave * thread + noise(rng, 0.8, 0.8, how.weave * 0.7)
    value = soft_steps((np.clip(value, 0, 1.2) / 1.2).astype(np.float32), 7, 0.16) * 1.2
    c = np.array(how.colour, float)
    tones = [c * how.dark * 0.55 + (6, 4, 14), c * how.dark + (4, 2, 8), c]
    tones.append(np.clip(c * how.light + 10, 0, 255))
    colour = np.clip(ramp(value, tones, [0.15, 0.5, 0.92, 1.15]), 0, 255)
    layer.add(colour_in(colour, cover))


def head_shadow(layer: Layer, colour: Colour = (62, 22, 18), alpha: float = 56) -> None:
    """The head's soft shadow on collar and chest."""
    spot = Layer()
    spot.glow(528, 852, 200, colour, alpha, stretch=(1, 0.42))
    layer.add(spot.array() * layer.array()[..., 3:])
