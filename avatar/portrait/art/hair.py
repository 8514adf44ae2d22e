"""Hair as what it is: thousands of thin strands in space, lit along their length.

A strand is a polyline (x, y on the canvas, z towards the eye). Strands come in clumps, are lit by
the Kajiya-Kay rule (a thread is brightest where it runs across the light) and by the volume they
lie on, and are drawn from back to front at twice the size. A palette is four colours: dark, base,
light, shine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from avatar.portrait.art.light import KEY
from avatar.portrait.art.strokes import Colour, Doubles, Floats, S, resample

Palette = tuple[Colour, Colour, Colour, Colour]
Range = tuple[float, float]

_TWICE: Final = 2
_SUB: Final = 3  # bits of a sub-pixel


@dataclass(frozen=True, slots=True)
class Dome:
    """The volume hair lies on: centre and half axes in pixels."""

    x: float
    y: float
    rx: float
    ry: float
    rz: float

    def depth(self, points: Doubles) -> Doubles:
        """z of the front of the dome at (..., 2) points; falls off behind its rim."""
        u, v = (points[..., 0] - self.x) / self.rx, (points[..., 1] - self.y) / self.ry
        inside = 1 - u**2 - v**2
        deep: Doubles = self.rz * np.where(inside > 0, np.sqrt(np.abs(inside)), inside)
        return deep

    def lift(self, points: Doubles, above: float = 0) -> Doubles:
        """(..., 2) points as (..., 3), on the dome or above it."""
        return np.concatenate([points, self.depth(points)[..., None] + above], axis=-1)

    def normals(self, points: Doubles) -> Doubles:
        """(..., 3) unit normals of the dome at (..., 3) points."""
        out = (points - (self.x, self.y, 0)) / np.square((self.rx, self.ry, self.rz))
        unit: Doubles = out / (np.linalg.norm(out, axis=-1, keepdims=True) + 1e-9)
        return unit


@dataclass(frozen=True, slots=True)
class Clump:
    """How hairs lie about their guide. hairs: how many. root, tip: how far they spread at both
    ends, pixels. wave: how much each wanders. trim: how much shorter some are."""

    hairs: int = 24
    root: float = 9
    tip: float = 2.5
    wave: float = 1.6
    trim: float = 0.25


def clump(guide: Doubles, how: Clump, rng: np.random.Generator) -> Doubles:
    """(hairs, k, 3) strands about a guide (k, 3)."""
    k = len(guide)
    t = np.linspace(0, 1, k)
    spread = how.root + (how.tip - how.root) * t
    spread = spread * (0.75 + 0.6 * np.sin(np.pi * np.clip(t * 1.1, 0, 1)))
    at = rng.normal(0, 0.5, (how.hairs, 1, 3)) * spread[None, :, None]
    sway = np.sin(
        t[None, :, None] * rng.uniform(2, 6, (how.hairs, 1, 1))
        + rng.uniform(0, 6, (how.hairs, 1, 3))
    )
    lines = guide[None] + at + sway * how.wave * t[None, :, None]
    ends = 1 - how.trim * rng.random(how.hairs) ** 2
    return np.stack([_cut(line, end) for line, end in zip(lines, ends, strict=True)])


def _cut(line: Doubles, end: float) -> Doubles:
    """The first part of a line with as many points as before."""
    at = np.linspace(0, (len(line) - 1) * end, len(line))
    return np.column_stack([np.interp(at, np.arange(len(line)), axis) for axis in line.T])


def between(
    guides: Sequence[ArrayLike], count: int, rng: np.random.Generator, k: int = 16
) -> Doubles:
    """(count, k, 2) curves at random places between neighbouring guides."""
    lines = np.stack([resample(guide, k) for guide in guides])
    at = rng.uniform(0, len(lines) - 1, count)
    i = np.minimum(at.astype(int), len(lines) - 2)
    f = (at - i)[:, None, None]
    mixed: Doubles = lines[i] * (1 - f) + lines[i + 1] * f
    return mixed


def ringlet(
    root: Doubles,
    way: Doubles,
    rng: np.random.Generator,
    *,
    length: float,
    radius: float,
    turns: float,
    hairs: int = 7,
    k: int = 26,
) -> Doubles:
    """(hairs, k, 3) strands of one curl that grows from a root into a direction."""
    t = np.linspace(0, 1, k)
    aside = np.cross(way, rng.normal(size=3))
    aside /= np.linalg.norm(aside) + 1e-9
    other = np.cross(way, aside)
    phase = 2 * np.pi * turns * t + rng.uniform(0, 2 * np.pi)
    grow = radius * np.interp(t, [0, 0.2, 0.85, 1], [0.4, 1, 1, 0.55])
    axis = root + way * (length * t)[:, None]
    axis = axis + np.array((0, 0.16, 0)) * length * (t**2)[:, None]
    line = axis + aside * (grow * np.cos(phase))[:, None] + other * (grow * np.sin(phase))[:, None]
    off = rng.normal(0, 0.16 * radius, (hairs, 1, 3)) + rng.normal(0, 0.05 * radius, (hairs, k, 3))
    along = way * rng.normal(0, 0.12 * radius, (hairs, 1, 1))
    strands: Doubles = line[None] + off * (0.5 + 0.8 * t[None, :, None]) + along
    return strands


class Hairs:
    """Collects strands and draws them as one layer."""

    def __init__(self, palette: Palette, dome: Dome) -> None:
        self._palette = np.array(palette, float)
        self._dome = dome
        self._strands: list[tuple[Doubles, float, float, int]] = []

    def add(self, lines: Doubles, *, tone: float = 0.5, gloss: float = 1.0, width: int = 2) -> None:
        """lines: (n, k, 3). tone: 0 dark .. 1 light, of the clump. width: at twice the size."""
        self._strands.append((lines, tone, gloss, width))

    def lay(
        self,
        guides: Sequence[ArrayLike],
        count: int,
        rng: np.random.Generator,
        how: Clump,
        tone: float,
        above: float = 12,
    ) -> None:
        """Clumps on the dome between guides, up to `above` pixels over it."""
        for line in between(guides, count, rng):
            guide = self._dome.lift(line, rng.uniform(0, above))
            shade = float(np.clip(rng.normal(tone, 0.16), 0.05, 1))
            self.add(clump(guide, how, rng), tone=shade)

    def draw(self, rng: np.random.Generator, ground: Floats | None = None) -> Floats:
        """Premultiplied RGBA. ground: what lies below, drawn over."""
        colour, cover = _canvas(ground, self._palette[0])
        order = np.argsort([float(lines[..., 2].mean()) for lines, *_ in self._strands])
        for i in order:
            lines, tone, gloss, width = self._strands[i]
            _draw(colour, cover, lines, self._tones(lines, tone, gloss, rng), width)
        half = (S, S)
        share = cv2.resize(cover, half, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        weight = cover[..., None].astype(np.float32) / 255
        solid = cv2.resize(colour * weight, half, interpolation=cv2.INTER_AREA) / 255
        return np.dstack([np.minimum(solid, share[..., None]), share]).astype(np.float32)

    def _tones(
        self, lines: Doubles, tone: float, gloss: float, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """(n, k - 1, 3) colours of the segments."""
        along = np.diff(lines, axis=1)
        along /= np.linalg.norm(along, axis=2, keepdims=True) + 1e-9
        middle = (lines[:, 1:] + lines[:, :-1]) / 2
        out = self._dome.normals(middle)
        # the sky lights what the lamp does not reach, and the room a little from the right
        volume = np.clip(0.42 + 0.62 * (out @ KEY), 0.08, 1) + 0.12 * np.clip(-out[..., 1], 0, 1)
        volume = np.clip(volume + 0.14 * np.clip(out[..., 0], 0, 1), 0, 1.05)
        half = KEY + np.array((0, 0, 1))
        half = half / np.linalg.norm(half)
        across = np.sqrt(np.clip(1 - (along @ KEY) ** 2, 0, 1))
        lobe = np.sqrt(np.clip(1 - (along @ half + rng.normal(0, 0.05)) ** 2, 0, 1))
        t = np.linspace(0, 1, along.shape[1])[None]
        own = tone + rng.normal(0, 0.10, (len(lines), 1))
        value = volume * (0.42 + 0.58 * across) * (0.40 + 0.85 * own) * (0.72 + 0.28 * t)
        shine = gloss * (0.55 * lobe**90 + 0.30 * lobe**18) * volume**2
        value = np.clip(0.78 * value + shine * 0.50, 0, 1)
        stops = (0.10, 0.40, 0.70, 1.0)
        return np.stack([np.interp(value, stops, self._palette[:, c]) for c in range(3)], axis=-1)


def _canvas(ground: Floats | None, dark: Doubles) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    side = S * _TWICE
    colour = np.empty((side, side, 3), np.uint8)
    colour[:] = np.clip(dark, 0, 255).astype(np.uint8)
    cover = np.zeros((side, side), np.uint8)
    if ground is not None:
        big = cv2.resize(ground, (side, side), interpolation=cv2.INTER_LINEAR)
        alpha = big[..., 3:]
        seen = np.clip(alpha * 40, 0, 1)
        straight = big[..., :3] / np.maximum(alpha, 1e-3) * 255
        colour[:] = np.clip(straight * seen + colour * (1 - seen), 0, 255).astype(np.uint8)
        cover[:] = np.clip(alpha[..., 0] * 255, 0, 255).astype(np.uint8)
    return colour, cover


def _draw(
    colour: NDArray[np.uint8],
    cover: NDArray[np.uint8],
    lines: Doubles,
    tones: NDArray[np.float64],
    width: int,
) -> None:
    one = 1 << _SUB
    points = np.round((lines[..., :2] + 0.25) * _TWICE * one).astype(np.int32)
    shown = tones.astype(int).tolist()
    last = int(lines.shape[1] * 0.72)
    for line, tone in zip(points, shown, strict=True):
        knots = line.tolist()
        for i, shade in enumerate(tone):
            thick = width if i < last else max(1, width - 1)
            a, b = knots[i], knots[i + 1]
            cv2.line(colour, a, b, shade, thick, cv2.LINE_AA, _SUB)
            cv2.line(cover, a, b, 255, thick, cv2.LINE_AA, _SUB)
