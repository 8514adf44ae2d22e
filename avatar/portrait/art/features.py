"""What sits on the skin: eyes in their layers, and brows hair by hair.

Eye layers are larger than the opening, the engine cuts them with the lids. The lamp is mirrored in
both eyes on the same side: eyes with mirrored lights squint.
"""

import numpy as np

from avatar.portrait.art.face import Face
from avatar.portrait.art.strokes import (
    Colour,
    Doubles,
    Layer,
    curve,
    mix,
    moved,
    paint,
    polygon,
    radial,
)


def sclera(f: Face, sx: int) -> Layer:
    """A ball, not a paper: it darkens to both corners and below."""
    x, y, w = f.cx + sx * f.eye_x, f.eye_y - 1, f.eye_half
    white = mix(f.sclera, f.skin[3], 0.15)
    layer = Layer()
    tones = [white, mix(white, (206, 190, 188), 0.45), (184, 160, 156), (132, 100, 94)]
    shade = radial(x - 4, y - 1, w * 1.06, tones, [0, 0.50, 0.80, 1])
    ball = [(x - w * 1.25, y), (x, y - w), (x + w * 1.25, y), (x, y + w)]
    layer.fill(curve(ball, closed=True), shader=shade)
    layer.glow(x, y + f.lid_low + 8, w, (170, 130, 126), 120, stretch=(1.1, 0.34))
    layer.glow(x - sx * w * 0.97, f.eye_y + 4, 12, (196, 108, 100), 215)
    layer.glow(x - sx * w * 0.99, f.eye_y + 3, 4, (240, 196, 188), 120)
    return layer


def iris(f: Face, sx: int) -> Layer:
    """Ring, fibres, pupil, and the light of a window in it, the same side in both eyes."""
    x, y, r = f.cx + sx * f.eye_x, f.eye_y - 1, f.iris_r
    light, mid, dark = f.iris
    layer = Layer()
    disc = layer.canvas.drawCircle
    ring = mix(dark, (8, 5, 6), 0.35)
    disc(x, y, r, paint(ring, 255, blur=1.3))
    disc(
        x,
        y,
        r - 1.2,
        paint(shader=radial(x, y, r, [mid, mix(mid, light, 0.4), mid, ring], [0.3, 0.6, 0.84, 1])),
    )
    e = r - 1.2
    layer.clip(curve([(x - e, y), (x, y - e), (x + e, y), (x, y + e)], closed=True))
    rng = np.random.default_rng(5)
    for angle in np.linspace(0, 2 * np.pi, 120, endpoint=False):
        angle = angle + rng.normal(0, 0.03)
        way = np.array([np.cos(angle), np.sin(angle)]) * r
        bright = mix(light, (255, 226, 180), rng.uniform(0, 0.35))
        colour = bright if rng.random() < 0.55 else dark
        fibre = [(x, y) + way * 0.36, (x, y) + way * rng.uniform(0.66, 0.92)]
        layer.stroke(fibre, (0.4, 0.3, 1.0), colour, 72)
    glow = mix(light, (255, 222, 172), 0.40)
    layer.glow(x + 3, y + r * 0.52, r * 0.85, glow, 185, stretch=(1.15, 0.58), turn=-12)
    layer.glow(x, y - r * 0.75, r * 1.2, (6, 3, 4), 190, stretch=(1.2, 0.62))
    layer.unclip()
    disc(x, y, r * 0.40, paint((9, 6, 7), 255, blur=0.9))
    _window(layer, x - r * 0.33, y - r * 0.38, r * 0.20)
    layer.glow(x + r * 0.44, y + r * 0.46, r * 0.22, (255, 250, 244), 150)
    return layer


def _window(layer: Layer, x: float, y: float, r: float) -> None:
    """The lamp as the eye mirrors it."""
    corners = [(-1, -0.8), (0.1, -1.05), (0.95, -0.75), (1, 0.5), (0.2, 0.95), (-0.9, 0.75)]
    pane = np.array([(x + r * u, y + r * v) for u, v in corners])
    layer.glow(x, y, r * 2.2, (255, 250, 240), 54)
    layer.fill(curve(pane, closed=True), (255, 254, 250), 248, blur=0.7)


def _ink(f: Face) -> Colour:
    return mix(f.brow_colour, (14, 8, 8), 0.6)


def lash_band(f: Face, sx: int) -> Layer:
    """The line of the lashes, thicker outwards, and the lashes themselves."""
    upper, _ = f.lids(sx, 41)
    v = np.linspace(0, 1, 41)
    thick = f.lash * np.interp(v, [0, 0.12, 0.5, 0.85, 1], [0.12, 0.42, 0.80, 1.0, 0.45])
    zero = np.zeros(41)
    above = upper - np.column_stack([zero, thick * 0.62])
    below = upper + np.column_stack([zero, thick * 0.30])
    tail = moved(upper[-1:], sx * 4.5, -2)
    layer = Layer()
    layer.fill(polygon(np.vstack([above, tail, below[::-1]])), _ink(f), 150, blur=1.6)
    layer.fill(
        polygon(np.vstack([moved(above, 0, 0.8), tail, below[::-1]])), _ink(f), 225, blur=0.7
    )
    rng = np.random.default_rng(f.seed)
    for i in range(f.lashes):
        k = 0.20 + 0.79 * (i + rng.uniform(-0.3, 0.3)) / max(1, f.lashes - 1)
        k = float(np.clip(k, 0.12, 1))
        root = upper[int(k * 40)] - (0, thick[int(k * 40)] * 0.3)
        length = f.lash * (0.50 + 1.15 * k**2) * rng.uniform(0.8, 1.15)
        mid = moved(root, sx * length * (k - 0.30) * 0.9, -length * 0.62)
        tip = moved(root, sx * length * (k - 0.16) * 1.6, -length * (1.05 - 0.25 * k))
        layer.stroke([root, mid, tip], (1.7, 0.2, 1.2), _ink(f), 190)
    return layer


def lower_edge(f: Face, sx: int) -> Layer:
    """The lower lid: its wet rim, the shade above the rim and a few short lashes."""
    _, low = f.lids(sx, 41)
    layer = Layer()
    rim = mix(f.skin[3], f.blush, 0.30)
    layer.stroke(moved(low[2:39], 0, 0.4), (0.8, 0.8, 3.4), rim, 210, blur=0.8)
    layer.stroke(moved(low[8:32], -1, -0.4), (0.4, 0.4, 1.2), (255, 240, 232), 90, blur=0.6)
    line = mix(f.skin[0], _ink(f), 0.4)
    layer.stroke(moved(low[6:], 0, 2.6), (0.4, 1.8, 1.6), line, 120, blur=0.9)
    rng = np.random.default_rng(f.seed + 1)
    for k in np.linspace(0.45, 0.96, f.lashes // 2):
        root = moved(low[int(k * 40)], 0, 2)
        s = f.lash * rng.uniform(0.45, 0.75)
        layer.stroke([root, moved(root, sx * s * 0.5, s)], (0.9, 0.2, 0.7), _ink(f), 90)
    return layer


def crease(f: Face, sx: int) -> Layer:
    upper, _ = f.lids(sx, 41)
    v = np.linspace(0, 1, 41)
    layer = Layer()
    if f.crease:
        rise = f.crease * np.interp(v[2:40], [0, 0.3, 0.75, 1], [0.55, 1, 1, 0.8])
        line = upper[2:40] - np.column_stack([np.zeros(38), rise])
        layer.stroke(line, (0.8, 0.8, 3.2), f.skin[0], 170, blur=1.1)
        layer.stroke(line - [0, 3.5], (0.8, 0.8, 7), f.skin[0], 45, blur=3)
    else:
        rise = 6 * np.interp(v[6:], [0.15, 0.6, 1], [0.3, 0.8, 1.2])
        line = upper[6:] - np.column_stack([np.zeros(35), rise])
        layer.stroke(line, (0.6, 1.4, 2), f.skin[0], 110, blur=1.2)
    return layer


def brows(f: Face, tips: Colour, hairs: int, wild: float = 0) -> Layer:
    """tips: second colour of the hairs. wild: how much they stray."""
    layer = Layer()
    rng = np.random.default_rng(f.seed + 7)
    for sx in (-1, 1):
        top, low = f.brow_edges(sx, 21)
        ground = polygon(np.vstack([moved(top[2:], 0, 1), moved(low[:1:-1], 0, -1)]))
        layer.fill(ground, f.brow_colour, int(140 - 60 * wild), blur=3.4)
        core = polygon(np.vstack([moved(top[6:], 0, 1), moved(low[:5:-1], 0, -1)]))
        layer.fill(core, f.brow_colour, int(120 - 50 * wild), blur=1.6)
        for _ in range(hairs):
            _brow_hair(f, layer, rng, sx, top, low, tips, wild)
    return layer


def _brow_hair(
    f: Face,
    layer: Layer,
    rng: np.random.Generator,
    sx: int,
    top: Doubles,
    low: Doubles,
    tips: Colour,
    wild: float,
) -> None:
    t = rng.uniform(0, 1)
    j = min(19, int(t * 20))
    q = rng.uniform(0.04, 0.98)
    root = top[j] * (1 - q) + low[j] * q
    along = top[j + 1] - top[j]
    along /= np.linalg.norm(along) + 1e-6
    # hairs stand up at the nose and lie down towards the temple
    stand = np.interp(t, [0, 0.2, 0.5, 1], [1.05, 0.62, 0.30, 0.06])
    turn = stand * (0.25 + 0.75 * q) + rng.normal(0, 0.07 + wild)
    along = along * np.cos(turn) + np.array([along[1], -along[0]]) * np.sin(turn) * sx
    length = rng.uniform(11, 20) * (1 - 0.3 * t) * (1 + wild)
    length = min(length, float(np.linalg.norm(low[-1] - root)) + 6)
    colour = mix(f.brow_colour, tips, rng.uniform(0, 1))
    hair = [root, root + along * length * 0.5 - [0, 0.4], root + along * length]
    # the inner end is thin, or a brow looks cut off
    layer.stroke(hair, (1.2, 0.2, 1.7), colour, rng.uniform(70, 170) * min(1.0, 0.4 + 5 * t))
