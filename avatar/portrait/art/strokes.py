"""Shapes, strokes and layers: what every drawing here is made of.

skia draws vectors with soft edges, numpy holds them. The canvas is 1024 x 1024, colours are RGB
tuples of 0..255, layers are premultiplied RGBA float32 of 0..1. The surprise: a skia surface does
not keep its pixels alive, so a Layer holds on to its buffer.
"""

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
import skia
from numpy.typing import ArrayLike, NDArray

S: Final = 1024
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Colour = Sequence[float]
Path = Any  # skia ships no types

YY, XX = np.mgrid[0:S, 0:S].astype(np.float32)
WHITE: Final = (255.0, 255.0, 255.0)


def mix(a: Colour, b: Colour, t: float) -> tuple[float, ...]:
    """a at t = 0, b at t = 1."""
    return tuple(float(p) * (1 - t) + float(q) * t for p, q in zip(a, b, strict=True))


def ink(colour: Colour, alpha: float = 255) -> int:
    """A colour of three channels, or of four with its own alpha, for skia."""
    channels = (*colour[:3], colour[3] if len(colour) > 3 else alpha)
    packed: int = skia.Color(*(int(np.clip(v, 0, 255)) for v in channels))
    return packed


def paint(
    colour: Colour | None = None,
    alpha: float = 255,
    *,
    shader: object = None,
    blur: float = 0,
    stroke: float = 0,
) -> Any:
    """A skia paint; a stroke width makes it a round pen."""
    p = skia.Paint(AntiAlias=True)
    if colour is not None:
        p.setColor(ink(colour, alpha))
    if shader is not None:
        p.setShader(shader)
    if blur:
        p.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
    if stroke:
        p.setStyle(skia.Paint.kStroke_Style)
        p.setStrokeWidth(stroke)
        p.setStrokeCap(skia.Paint.kRound_Cap)
        p.setStrokeJoin(skia.Paint.kRound_Join)
    return p


def linear(
    start: Sequence[float],
    end: Sequence[float],
    colours: Sequence[Colour],
    stops: Sequence[float] | None = None,
) -> Any:
    """Gradient along a line."""
    ends = [(float(start[0]), float(start[1])), (float(end[0]), float(end[1]))]
    return skia.GradientShader.MakeLinear(ends, [ink(c) for c in colours], stops)


def radial(
    x: float, y: float, r: float, colours: Sequence[Colour], stops: Sequence[float] | None = None
) -> Any:
    """Gradient round a point."""
    centre = float(x), float(y)
    return skia.GradientShader.MakeRadial(centre, float(r), [ink(c) for c in colours], stops)


def curve(points: ArrayLike, *, closed: bool = False) -> Path:
    """Catmull-Rom spline as a path."""
    knots = np.asarray(points, float)
    n = len(knots)
    path = skia.Path()
    path.moveTo(*map(float, knots[0]))
    for i in range(n if closed else n - 1):
        around = [i - 1, i, i + 1, i + 2]
        a, b, c, d = (knots[k % n if closed else min(max(k, 0), n - 1)] for k in around)
        path.cubicTo(*map(float, (*(b + (c - a) / 6), *(c - (d - b) / 6), *c)))
    if closed:
        path.close()
    return path


def polygon(points: ArrayLike) -> Path:
    path = skia.Path()
    path.addPoly([skia.Point(float(x), float(y)) for x, y in np.asarray(points)], True)
    return path


def resample(points: ArrayLike, n: int, *, closed: bool = False) -> Doubles:
    """n points of the spline through the given ones, evenly spaced along it."""
    p = np.asarray(points, float)
    if closed:
        q = np.vstack([p[-1:], p, p[:2]])
    else:
        q = np.vstack([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, 24, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(q, q[1:], q[2:], q[3:], strict=False):
        cubic = 3 * b - a - 3 * c + d
        pieces.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + cubic * t**3)
        )
    line = np.vstack([*pieces, q[-2:-1]])
    along = np.r_[0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
    even = np.linspace(0, along[-1], n)
    return np.column_stack([np.interp(even, along, line[:, axis]) for axis in (0, 1)])


def moved(points: ArrayLike, dx: float, dy: float) -> Doubles:
    """The points, shifted."""
    shifted: Doubles = np.asarray(points, float) + np.array([dx, dy])
    return shifted


def normals(line: Doubles) -> Doubles:
    """Unit normals of a polyline."""
    d = np.gradient(line, axis=0)
    across = np.column_stack([-d[:, 1], d[:, 0]])
    unit: Doubles = across / (np.linalg.norm(d, axis=1)[:, None] + 1e-6)
    return unit


def ribbon(
    points: ArrayLike, start: float, end: float, middle: float | None = None, n: int = 18
) -> Doubles:
    """Outline of a tapered brush stroke; widths at the start, the end and the middle."""
    line = resample(points, n)
    widths = (start, max(start, end) if middle is None else middle, end)
    half = np.interp(np.linspace(0, 1, n), [0, 0.5, 1], widths)[:, None] / 2
    side = normals(line) * half
    return np.vstack([line + side, (line - side)[::-1]])


class Layer:
    """One layer that is drawn with skia."""

    def __init__(self, base: Floats | None = None) -> None:
        self._pixels = np.zeros((S, S, 4), np.uint8)
        self._surface = skia.Surface(
            self._pixels,
            colorType=skia.kRGBA_8888_ColorType,
            alphaType=skia.kPremul_AlphaType,
        )
        self.canvas = self._surface.getCanvas()
        if base is not None:
            self.put(base)

    def put(self, picture: Floats) -> None:
        """Replace everything by a picture."""
        self._surface.flushAndSubmit()
        self._pixels[:] = np.clip(picture * 255 + 0.5, 0, 255)

    def array(self) -> Floats:
        """What has been drawn so far, (1024, 1024, 4)."""
        self._surface.flushAndSubmit()
        return self._pixels.astype(np.float32) * np.float32(1 / 255)

    def add(self, picture: Floats) -> None:
        """Lay a picture over what is there."""
        self.put(over(self.array(), picture))

    def fill(
        self,
        path: Path,
        colour: Colour | None = None,
        alpha: float = 255,
        *,
        shader: object = None,
        blur: float = 0,
    ) -> None:
        self.canvas.drawPath(path, paint(colour, alpha, shader=shader, blur=blur))

    def stroke(
        self,
        points: ArrayLike,
        widths: Sequence[float],
        colour: Colour,
        alpha: float = 255,
        *,
        blur: float = 0,
    ) -> None:
        """A tapered stroke; widths: start, end and, if there is a third, the middle."""
        outline = ribbon(points, widths[0], widths[1], widths[2] if len(widths) > 2 else None)
        self.canvas.drawPath(polygon(outline), paint(colour, alpha, blur=blur))

    def glow(
        self,
        x: float,
        y: float,
        r: float,
        colour: Colour,
        alpha: float,
        *,
        stretch: tuple[float, float] = (1, 1),
        turn: float = 0,
    ) -> None:
        """A soft spot; turn in degrees."""
        shades = [(*colour[:3], alpha), (*colour[:3], alpha * 0.55), (*colour[:3], 0)]
        self.canvas.save()
        self.canvas.translate(float(x), float(y))
        self.canvas.rotate(float(turn))
        self.canvas.scale(*map(float, stretch))
        spot = paint(shader=radial(0, 0, r, shades, [0, 0.45, 1]))
        self.canvas.drawCircle(0, 0, float(r), spot)
        self.canvas.restore()

    def clip(self, path: Path) -> None:
        self.canvas.save()
        self.canvas.clipPath(path, True)

    def unclip(self) -> None:
        self.canvas.restore()


def over(below: Floats, layer: Floats) -> Floats:
    """Premultiplied layer over premultiplied picture."""
    return layer + below * (1 - layer[..., 3:])


def mask(path: Path, blur: float = 0) -> Floats:
    """(1024, 1024) coverage of a path."""
    layer = Layer()
    layer.fill(path, WHITE)
    m = np.ascontiguousarray(layer.array()[..., 3])
    return soften(m, blur) if blur else m


def soften(picture: Floats, sigma: float, sigma_y: float | None = None) -> Floats:
    """Gaussian blur; sigma in pixels, across and down."""
    blurred = cv2.GaussianBlur(picture, (0, 0), sigmaX=sigma, sigmaY=sigma_y or sigma)
    return blurred.astype(np.float32, copy=False)


def enlarged(picture: Floats, across: float, down: float) -> Floats:
    """A picture scaled about the middle of its lower edge; what comes from outside is empty."""
    move = np.array([[across, 0, S / 2 * (1 - across)], [0, down, S * (1 - down)]], np.float32)
    scaled = cv2.warpAffine(picture, move, (S, S), flags=cv2.INTER_CUBIC)
    return np.clip(scaled, 0, None).astype(np.float32)


def colour_in(rgb: NDArray[np.floating[Any]], coverage: Floats) -> Floats:
    """An opaque picture of 0..255 cut out by a mask."""
    return np.dstack([rgb / 255 * coverage[..., None], coverage]).astype(np.float32)


def noise(rng: np.random.Generator, across: float, down: float, strength: float) -> Floats:
    """Cloudy noise over the canvas with this standard deviation."""
    grain = soften(rng.standard_normal((S, S)).astype(np.float32), across, down)
    scaled: Floats = grain / grain.std() * np.float32(strength)
    return scaled


def bump(x: float, y: float, a: float, b: float, across: Floats = XX) -> Floats:
    """A Gaussian hill on the canvas; `across` may be distances from a centre line."""
    hill: Floats = np.exp(-(((across - x) / a) ** 2) - ((YY - y) / b) ** 2)
    return hill
