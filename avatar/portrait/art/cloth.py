"""Clothes: pieces of cloth with a thickness, folds and a weave, lit like everything else."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike

from avatar.portrait.art.light import Surface, openness, render
from avatar.portrait.art.strokes import (
    WHITE,
    XX,
    YY,
    Colour,
    Floats,
    Layer,
    Path,
    S,
    curve,
    mask,
    noise,
    soften,
)

Fold = tuple[ArrayLike, float, float]

BODY_SCALE: Final = (1.09, 1.13)
"""Bodies are drawn a little small, across and down, and enlarged under the head."""


@dataclass(frozen=True, slots=True)
class Cloth:
    """Colour, folds (points, width, strength: negative is a valley), how coarse the weave is, and
    how thick the cloth is at its edge in pixels."""

    colour: Colour
    folds: tuple[Fold, ...] = ()
    weave: float = 0
    seed: int = 0
    thick: float = 5
    gloss: float = 0.15


def cloth(layer: Layer, shape: ArrayLike | Path, how: Cloth) -> None:
    """Lay a piece of clothing over what is there, with its shadow: a closed outline through points,
    or a path."""
    path = curve(shape, closed=True) if isinstance(shape, list | np.ndarray) else shape
    cover = mask(path)
    rng = np.random.default_rng(how.seed)
    height = _torso() + _edge(cover, how.thick) + _folds(how)
    height += noise(rng, 26, 34, 1.8) + noise(rng, 9, 14, 0.35)
    seen = openness(height, (6, 0.6), (20, 0.6), (48, 0.4))
    near_head = np.exp(-(((XX - 540) / 150) ** 2) - (((YY - 830) / 90) ** 2))
    seen *= (1 - 0.40 * near_head).astype(np.float32)
    colour = np.ones((S, S, 1), np.float32) * np.array(how.colour, np.float32)
    colour *= 1 + noise(rng, 30, 40, 0.02)[..., None]
    if how.weave:
        thread = np.sin(XX * 1.15 + np.sin(YY * 0.05) * 2) * np.sin(YY)
        colour *= (1 + how.weave * thread + noise(rng, 0.8, 0.8, how.weave))[..., None]
    surface = Surface(
        height=height.astype(np.float32),
        colour=np.clip(colour, 0, 255).astype(np.float32),
        cover=cover,
        gloss=how.gloss,
        scatter=2.0,
        key=(1 - 0.45 * near_head).astype(np.float32),
        open=seen.astype(np.float32),
        rim=0.5,
        tight=9.0,
    )
    layer.put(_shaded(layer.array(), cover))
    layer.add(render(surface))


def _torso() -> Floats:
    """Shoulders and chest as one round form."""
    u, v = (XX - 512) / 470, np.clip((YY - 790) / 300, -0.2, 1)
    z = 190 * np.sqrt(np.clip(1 - u**2, 0.02, 1)) + 70 * np.sin(np.pi / 2 * np.clip(v, 0, 1))
    return np.asarray(z, np.float32)


def _edge(cover: Floats, thick: float) -> Floats:
    """Cloth is rounded where it ends."""
    inside = (cover > 0.5).astype(np.uint8)
    away = cv2.distanceTransform(inside, cv2.DIST_L2, 3).astype(np.float32)
    k = np.clip(away / (2.2 * thick + 1), 0, 1)
    bevel: Floats = np.float32(thick) * np.sqrt(1 - (1 - k) ** 2)
    k = np.clip(away / 60, 0, 1)
    return soften((bevel + 14 * np.sqrt(1 - (1 - k) ** 2)).astype(np.float32), 1.4)


def _folds(how: Cloth) -> Floats:
    valley, ridge = Layer(), Layer()
    for points, width, strength in how.folds:
        fold = valley if strength < 0 else ridge
        widths = (width * 0.15, width * 0.25, width)
        fold.stroke(points, widths, WHITE, min(1.0, 2.6 * abs(strength)) * 255, blur=width * 0.30)
    folded: Floats = 15 * (ridge.array()[..., 3] - valley.array()[..., 3])
    return folded


def _shaded(below: Floats, cover: Floats) -> Floats:
    """What lies below a piece of cloth, in its shadow."""
    shadow = soften(np.roll(cover, (7, 5), (0, 1)), 7) * np.float32(0.55)
    out = below.copy()
    out[..., :3] *= 1 - shadow[..., None]
    return out


def head_shadow(layer: Layer, colour: Colour = (62, 22, 18), alpha: float = 56) -> None:
    """The head's soft shadow on collar and chest."""
    spot = Layer()
    spot.glow(540, 856, 200, colour, alpha, stretch=(1, 0.42))
    layer.add(spot.array() * layer.array()[..., 3:])
