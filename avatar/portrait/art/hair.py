"""Hair: strands between guide curves, curly locks, pointed locks, and light over the whole.

A palette is four colours: dark, base, light, shine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avatar.portrait.art.strokes import (
    XX,
    YY,
    Colour,
    Doubles,
    Floats,
    Layer,
    linear,
    mix,
    moved,
    normals,
    paint,
    polygon,
    resample,
    ribbon,
)

Palette = tuple[Colour, Colour, Colour, Colour]
Range = tuple[float, float]
Guides = Sequence[ArrayLike]


@dataclass(frozen=True, slots=True)
class Strands:
    """How strands are laid. widths: thinnest and thickest. shine: where along the strand, and how
    far that varies. start, length: as shares of the guide."""

    widths: Range = (1.2, 4.0)
    alpha: Range = (60, 180)
    jitter: float = 5
    shine: Range = (0.35, 0.16)
    start: Range = (0, 0.35)
    length: Range = (0.55, 1.0)


def strands(
    layer: Layer,
    guides: Guides,
    count: int,
    palette: Palette,
    rng: np.random.Generator,
    how: Strands,
) -> None:
    """Tapered strokes between guide curves."""
    lines = [resample(guide, 16) for guide in guides]
    for _ in range(count):
        k = rng.uniform(0, 1) * (len(lines) - 1)
        i = min(len(lines) - 2, int(k))
        line = lines[i] * (1 - k + i) + lines[i + 1] * (k - i)
        begin = rng.uniform(*how.start)
        end = min(1.0, begin + rng.uniform(*how.length))
        first, last = int(begin * 15), max(int(begin * 15) + 4, int(end * 15))
        line = line[first : last + 1]
        if len(line) >= 4:
            _strand(layer, line, begin, end, palette, rng, how)


def _strand(
    layer: Layer,
    line: Doubles,
    begin: float,
    end: float,
    palette: Palette,
    rng: np.random.Generator,
    how: Strands,
) -> None:
    dark, base, light, shine = palette
    here = rng.normal(0, how.jitter, 2)
    there = here + rng.normal(0, how.jitter * 0.7, 2)
    k = np.linspace(0, 1, len(line))[:, None]
    line = line + here * (1 - k) + there * k
    r = rng.random()
    colour = mix(dark, base, rng.random()) if r < 0.55 else mix(base, light, rng.random())
    lit = mix(colour, shine, rng.uniform(0.25, 0.9)) if r > 0.35 else mix(colour, light, 0.3)
    place = how.shine[0] + rng.normal(0, how.shine[1] * 0.5)
    s = float(np.clip((place - begin) / max(0.05, end - begin), 0.06, 0.94))
    a = rng.uniform(*how.alpha)
    tones = [(*colour, a * 0.5), (*colour, a), (*lit, a), (*colour, a), (*dark, a * 0.3)]
    stops = [0, max(0.02, s - 0.22), s, min(0.97, s + 0.22), 1]
    shade = linear(line[0], line[-1], tones, stops)
    outline = ribbon(line, 0.3, 0.2, rng.uniform(*how.widths))
    layer.canvas.drawPath(polygon(outline), paint(shader=shade))


@dataclass(frozen=True, slots=True)
class Curl:
    """One curly lock: angle in radians, length, size of its waves, thickness, number of waves,
    brightness 0..1."""

    at: Doubles
    angle: float
    length: float
    wave: float
    width: float
    turns: float
    bright: float


def curl(layer: Layer, c: Curl, palette: Palette, rng: np.random.Generator, hairs: int = 6) -> None:
    """A dark wavy ribbon that tapers at both ends, with thin hairs on it, brightest on its
    crests."""
    dark, base, light, shine = palette
    n = max(26, int(c.turns * 22))
    t = np.linspace(0, 1, n)
    along = np.array([np.cos(c.angle), np.sin(c.angle)])
    across = np.array([-along[1], along[0]])
    phase = 2 * np.pi * c.turns * t + rng.uniform(0, 6.28)
    x = t * c.length + c.wave * 0.72 * np.cos(phase)
    y = c.wave * np.sin(phase) * np.interp(t, [0, 0.15, 1], [0.5, 1, 1.1])
    y += rng.normal(0, 0.16) * c.length * t * t
    line = c.at + x[:, None] * along + y[:, None] * across
    width = c.width * np.interp(t, [0, 0.25, 0.7, 0.9, 1], [0.25, 1, 0.9, 0.55, 0.12])
    width *= 1 + 0.14 * np.cos(phase)
    side = normals(line)
    b = float(np.clip(c.bright, 0, 1))

    def band(scale: float, shift: Sequence[float]) -> object:
        half = side * (width * scale / 2)[:, None]
        return polygon(np.vstack([line + half + shift, (line - half + shift)[::-1]]))

    layer.canvas.drawPath(band(1.35, (1.2, 1.8)), paint(dark, 110, blur=1.6))
    layer.canvas.drawPath(band(1.0, (0, 0)), paint(mix(dark, base, 0.15 + 0.75 * b), 235, blur=0.5))
    for k in range(hairs):
        off = (k + 0.5) / hairs - 0.5 + rng.normal(0, 0.05)
        # the upper edge of a lock is lighter than the lower one
        tone = float(np.clip(b * (0.95 - 0.9 * (off + 0.5)) + rng.normal(0.02, 0.12), 0, 1))
        colour = mix(base, light, tone * 1.5) if tone < 0.62 else mix(light, shine, tone * 2 - 1.24)
        first, last = rng.integers(0, n // 3), rng.integers(2 * n // 3, n) + 1
        hair = (line + side * (width * off * 0.95)[:, None])[first:last]
        outline = polygon(ribbon(hair, 0.2, 0.2, c.width * 0.17, n=24))
        layer.canvas.drawPath(outline, paint(colour, int(60 + 150 * b)))


def lock(
    layer: Layer,
    points: ArrayLike,
    width: float,
    tones: tuple[Colour, Colour],
    palette: Palette,
    rng: np.random.Generator,
    fine: int = 7,
) -> None:
    """A pointed lock of straight hair with fine lines on it; tones: base and light."""
    base, light = tones
    line = resample(points, 24)
    layer.stroke(moved(line, 2, 4), (width * 0.1, 0.5, width), (8, 6, 10), 110, blur=3)
    fade = [base, mix(base, light, 0.6), light, base, mix(base, (0, 0, 0), 0.3)]
    shade = linear(line[0], line[-1], fade, [0, 0.22, 0.40, 0.62, 1])
    layer.canvas.drawPath(polygon(ribbon(line, width * 0.12, 0.4, width, 24)), paint(shader=shade))
    side = normals(line)
    reach = np.interp(np.linspace(0, 1, 24), [0, 0.5, 1], [0.6, 1, 0.05])
    for _ in range(fine):
        off = rng.uniform(-0.4, 0.4) * width * reach
        hair = (line + side * off[:, None])[rng.integers(0, 6) : rng.integers(17, 24)]
        colour = mix(light, palette[3], 0.5) if rng.random() > 0.55 else palette[0]
        outline = polygon(ribbon(hair, 0.2, 0.2, rng.uniform(0.9, 2.2)))
        layer.canvas.drawPath(outline, paint(colour, rng.uniform(50, 130)))


def hair_light(layer: Layer, at: Range, reach: float, *, high: float, low: float) -> Floats:
    """The layer, brighter near a point and darker away from it: volume."""
    picture = layer.array()
    far = ((XX - at[0]) ** 2 + (YY - at[1]) ** 2) / reach**2
    gain = (low + (high - low) * np.exp(-far * 1.1))[..., None]
    lit = picture[..., :3] * gain * np.array((1.02, 1.0, 0.97), np.float32)
    picture[..., :3] = np.clip(lit, 0, picture[..., 3:])
    return picture
