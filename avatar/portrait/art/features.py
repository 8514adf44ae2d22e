"""What sits on the skin: eyes in their layers, brows hair by hair, marks of expression, ears, neck.

Eye layers are larger than the opening, the engine cuts them with the lids. The light comes from the
upper left, so the right side of every pair is a shade darker.
"""

import numpy as np

from avatar.portrait.art.face import Face
from avatar.portrait.art.skin import STOPS
from avatar.portrait.art.strokes import (
    XX,
    YY,
    Colour,
    Doubles,
    Floats,
    Layer,
    colour_in,
    curve,
    linear,
    mask,
    mix,
    moved,
    noise,
    paint,
    polygon,
    radial,
    ramp,
    soft_steps,
)


def sclera(f: Face, sx: int) -> Layer:
    x, y, w = f.cx + sx * f.eye_x, f.eye_y - 1, f.eye_half
    layer = Layer()
    tones = [f.sclera, mix(f.sclera, (220, 205, 200), 0.3), (206, 182, 174), (160, 126, 118)]
    shade = radial(x - 3, y - 2, w * 1.05, tones, [0, 0.45, 0.82, 1])
    ball = [(x - w * 1.25, y), (x, y - w), (x + w * 1.25, y), (x, y + w)]
    layer.fill(curve(ball, closed=True), shader=shade)
    layer.glow(x - sx * w * 0.96, f.eye_y + 3, 11, (206, 120, 112), 210)
    return layer


def iris(f: Face, sx: int) -> Layer:
    """With pupil and the lights of a window in it, the same side in both eyes."""
    x, y, r = f.cx + sx * f.eye_x, f.eye_y - 1, f.iris_r
    light, mid, dark = f.iris
    layer = Layer()
    disc = layer.canvas.drawCircle
    disc(x, y, r + 0.8, paint(mix(dark, (10, 6, 6), 0.3), 255, blur=0.9))
    disc(x, y, r - 0.6, paint(shader=radial(x, y + 3, r, [light, mid, dark], [0.25, 0.70, 1])))
    e = r - 0.6
    layer.clip(curve([(x - e, y), (x, y - e), (x + e, y), (x, y + e)], closed=True))
    rng = np.random.default_rng(5)
    for angle in np.linspace(0, 2 * np.pi, 72, endpoint=False):
        angle = angle + rng.normal(0, 0.03)
        way = np.array([np.cos(angle), np.sin(angle)]) * r
        end = rng.uniform(0.72, 0.95)
        bright = mix(light, (255, 230, 190), rng.uniform(0, 0.4))
        colour = bright if rng.random() < 0.5 else dark
        fibre = [(x, y) + way * 0.38, (x, y) + way * end]
        layer.stroke(fibre, (0.4, 0.4, 1.1), colour, 70)
    glint = mix(light, (255, 220, 170), 0.45)
    layer.glow(x + 2, y + r * 0.55, r * 0.75, glint, 170, stretch=(1.15, 0.55))
    layer.glow(x, y - r * 0.7, r * 1.1, (8, 4, 4), 150, stretch=(1.2, 0.55))
    layer.unclip()
    disc(x, y, r * 0.41, paint((12, 8, 8), 255, blur=0.6))
    disc(x - r * 0.36, y - r * 0.40, r * 0.225, paint((255, 255, 255), 245, blur=0.6))
    disc(x + r * 0.42, y + r * 0.42, r * 0.11, paint((255, 255, 255), 130, blur=0.6))
    return layer


def _ink(f: Face) -> Colour:
    return mix(f.brow_colour, (14, 8, 8), 0.6)


def lash_band(f: Face, sx: int) -> Layer:
    upper, _ = f.lids(sx, 41)
    v = np.linspace(0, 1, 41)
    thick = f.lash * np.interp(v, [0, 0.12, 0.5, 0.85, 1], [0.18, 0.5, 0.9, 1.1, 0.55])
    zero = np.zeros(41)
    above = upper - np.column_stack([zero, thick * 0.75])
    below = upper + np.column_stack([zero, thick * 0.32])
    tail = moved(upper[-1:], sx * 5.5, -3)
    layer = Layer()
    layer.fill(polygon(np.vstack([above, tail, below[::-1]])), _ink(f), 245, blur=0.6)
    for i in range(f.lashes):
        k = 0.62 + 0.38 * i / max(1, f.lashes - 1)
        root = upper[int(k * 40)]
        length = f.lash * (0.9 + 0.9 * (k - 0.6) / 0.4)
        mid = moved(root, sx * length * (0.3 + 0.5 * k), -length * 0.40)
        tip = moved(root, sx * length * (0.5 + 0.9 * k), -length * (1.15 - 0.45 * k))
        layer.stroke([root, mid, tip], (2.2, 0.2, 1.5), _ink(f), 200)
    return layer


def lower_edge(f: Face, sx: int) -> Layer:
    _, low = f.lids(sx, 41)
    layer = Layer()
    layer.stroke(
        moved(low[3:], 0, 1.2), (0.6, 1.6, 1.8), mix(f.skin[0], _ink(f), 0.35), 150, blur=0.6
    )
    wet = mix(f.skin[3], f.blush, 0.35)
    layer.stroke(moved(low[4:38], 0, -1.4), (0.6, 0.6, 2.2), wet, 150, blur=0.6)
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
        ground = polygon(np.vstack([moved(top, 0, 1), moved(low[::-1], 0, -1)]))
        layer.fill(ground, f.brow_colour, int(150 - 60 * wild), blur=2.4)
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
    layer.stroke(hair, (1.2, 0.2, 1.7), colour, rng.uniform(70, 170))


def smile_mark(f: Face, sx: int) -> Layer:
    """Lifted cheek, fold from the nose, lower lid and, with age, crow's feet."""
    dark = mix(f.skin[0], f.skin[1], 0.35)
    n, w, m = f.nose_y, f.nose_half, f.mouth_half
    layer = Layer()

    def at(*points: tuple[float, float]) -> Doubles:
        return np.array([(f.cx + sx * dx, y) for dx, y in points])

    (cheek,), (low,) = at((98, n - 26)), at((92, n - 6))
    lit = mix(f.skin[4], f.skin[3], 0.3)
    layer.glow(
        cheek[0], cheek[1], 46, lit, 95 if sx < 0 else 60, stretch=(1.15, 0.72), turn=sx * 12
    )
    layer.glow(low[0], low[1], 40, f.blush, 46, stretch=(1.2, 0.6))
    fold = at((w + 9, n - 20), (w + 22, n - 6), (m + 16, n + 24), (m + 24, f.mouth_y - 2))
    layer.stroke(fold, (1, 1, 6.5), mix(dark, f.skin[1], 0.5), 80 + 70 * f.age, blur=3.2 - f.age)
    ridge = at((w + 15, n - 24), (w + 31, n - 8), (m + 27, n + 22))
    layer.stroke(ridge, (1, 1, 9), f.skin[4], 40 + 20 * f.age, blur=4)
    _, lid = f.lids(sx, 21)
    layer.stroke(moved(lid[3:19], 0, 9), (1, 1, 4), dark, 60 + 30 * f.age, blur=2.2)
    outer = f.eye_x + f.eye_half + 6
    for reach, drop in ((14, -4), (13, 5)):
        foot = at((outer, f.eye_y + drop), (outer + reach, f.eye_y + drop * 2 - 2))
        layer.stroke(foot, (0.8, 0.4, 2.6), dark, 22 + 98 * f.age, blur=1.5)
    return layer


def frown_mark(f: Face) -> Layer:
    dark = mix(f.skin[0], f.skin[1], 0.35)
    layer = Layer()
    y = f.eye_y
    for sx in (-1, 1):
        x = f.cx + np.array([13, 11, 16]) * sx
        fold = np.column_stack([x, (y - 62, y - 42, y - 22)])
        layer.stroke(fold, (0.6, 0.6, 4.5), dark, 80 + 50 * f.age, blur=2)
        layer.stroke(fold - [sx * 6, -1], (1, 1, 5), f.skin[4], 50, blur=2.5)
        socket = f.cx + sx * 42, y - 26
        layer.glow(*socket, 30, f.skin[0], 95, stretch=(1.2, 0.7), turn=sx * 18)
    return layer


def raise_mark(f: Face) -> Layer:
    dark = mix(f.skin[0], f.skin[1], 0.35)
    layer = Layer()
    for y, w in ((f.eye_y - 104, 92), (f.eye_y - 124, 104), (f.eye_y - 143, 84)):
        x = f.cx + w * np.array([-1, -0.5, 0, 0.5, 1])
        line = np.column_stack([x, y - np.array([2, 7, 3, 7, 2])])
        layer.stroke(line, (0.6, 0.6, 4.2), dark, 34 + 56 * f.age, blur=2)
        layer.stroke(moved(line, 0, 6), (1, 1, 6), f.skin[4], 20 + 30 * f.age, blur=2.6)
    return layer


def marks(f: Face) -> dict[str, Floats]:
    """What expressions bring out, by the names the engine knows."""
    return {
        "smile_right": smile_mark(f, -1).array(),
        "smile_left": smile_mark(f, 1).array(),
        "frown": frown_mark(f).array(),
        "raise": raise_mark(f).array(),
    }


def ears(f: Face, layer: Layer, *, y: float, h: float = 62, out: float = 20) -> None:
    edge = f.half_width(y)
    for sx in (-1, 1):

        def at(*points: tuple[float, float], sx: int = sx) -> Doubles:
            return np.array([(f.cx + sx * (edge + dx), y + h * dy) for dx, dy in points])

        shell = at(
            (-12, -0.72),
            (out * 0.55, -0.92),
            (out + 4, -0.45),
            (out, 0.1),
            (out * 0.55, 0.62),
            (-2, 0.86),
            (-14, 0.5),
        )
        near, far = (f.skin[3], f.skin[2]) if sx < 0 else (f.skin[1], f.skin[2])
        tones = [near, mix(far, f.blush, 0.18), f.skin[1]]
        path = curve(shell, closed=True)
        span = at((out, 0), (-12, 0))
        layer.fill(path, shader=linear(span[0], span[1], tones, [0, 0.6, 1]))
        layer.clip(path)
        o = out
        fold = at((-4, -0.5), (o * 0.5, -0.66), (o * 0.72, -0.3), (o * 0.6, 0.2), (2, 0.45))
        layer.stroke(fold, (2, 2, 6), f.skin[0], 190, blur=1.8)
        layer.stroke(at((-8, -0.2), (6, -0.1), (4, 0.3)), (3, 2, 10), f.skin[0], 190, blur=2.5)
        rim = at((o * 0.1, -0.82), (o * 0.85, -0.5), (o * 0.85, 0.05))
        layer.stroke(rim, (1, 1, 4), f.skin[4], 110 if sx < 0 else 40, blur=1.6)
        layer.unclip()


def neck(f: Face, layer: Layer, *, width: float, base: float, flare: float) -> None:
    """With the shadow of the jaw; drawn before the clothes."""
    w, x, top = width, f.cx, f.chin - 110
    right = [(w, top), (w - 3, f.chin + 10), (w + 6, base - 40), (w + flare * 2.2, base)]
    right.append((w + flare * 3, base + 130))
    outline = [(x - dx, y) for dx, y in right] + [(x + dx, y) for dx, y in right[::-1]]
    u = (XX - x) / w
    value = 0.65 - 0.26 * u - 0.22 * np.clip(np.abs(u), 0, 1.4) ** 2.6
    value = value * (1 - 0.40 * mask(curve(moved(f.outline(), 14, 46), closed=True), 9))
    value += 0.03 * np.clip((YY - base) / 60, -1, 1)
    down = (YY - f.chin) / 420
    seen = np.clip((YY - f.chin - 20) / 60, 0, 1)
    value += 0.045 * np.exp(-(((np.abs(u) - 0.52 + down) / 0.10) ** 2)) * seen * (u < 0)
    value -= 0.06 * np.exp(-(((np.abs(u) - 0.36 + down) / 0.10) ** 2)) * seen
    grain = noise(np.random.default_rng(4), 14, 9, 0.01)
    t = soft_steps(np.clip(value + grain, 0, 1).astype(np.float32), 6, 0.3)
    warm = np.exp(-(((t - 0.44) / 0.10) ** 2))[..., None] * np.array((10, -2, -4), np.float32)
    colour = np.clip(ramp(t, f.skin, STOPS) + warm, 0, 255)
    layer.add(colour_in(colour, mask(curve(outline, closed=True))))
