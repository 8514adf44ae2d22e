"""Sculpted skin: the face as a height field, lit, and coloured through one ramp.

A dome over the outline plus hills and dents gives normals; light, fill and occlusion give one
value; the value picks a colour from deep to highlight. That gave more than any number of
hand-placed gradients, and the same relief is the depth the head is turned by. Lids are closed here
and the mouth has no line: the engine draws both, every frame.
"""

import numpy as np

from avatar.portrait.art.face import Face
from avatar.portrait.art.strokes import (
    WHITE,
    XX,
    YY,
    Doubles,
    Floats,
    Layer,
    bump,
    colour_in,
    curve,
    linear,
    mask,
    mix,
    noise,
    polygon,
    ramp,
    resample,
    soft_steps,
    soften,
)

STOPS = (0.16, 0.36, 0.60, 0.80, 0.97)
"""Where on the light value the five skin colours stand."""

_LIGHT = np.array((-0.50, -0.52, 0.69), np.float32)


class Skin:
    """The relief and the painted skin of one face."""

    def __init__(self, face: Face) -> None:
        self._f = face
        self._x = XX - np.float32(face.cx)
        self._edge = self._to_edge()
        self.height = soften(self._relief(), 2.2)

    def _to_edge(self) -> Floats:
        """Distance from the middle of the face as a share of the way to its outline."""
        f = self._f
        outline = resample(f.outline(), 720, closed=True)
        cy = (f.eye_y + f.mouth_y) / 2 - 20
        dx, dy = outline[:, 0] - f.cx, outline[:, 1] - cy
        angle = np.arctan2(dy, dx)
        order = np.argsort(angle)
        reach = np.interp(
            np.arctan2(YY - cy, self._x), angle[order], np.hypot(dx, dy)[order], period=2 * np.pi
        )
        share: Floats = (np.hypot(self._x, YY - cy) / reach).astype(np.float32)
        return share

    def _hill(self, x: float, y: float, a: float, b: float) -> Floats:
        return bump(x, y, a, b, self._x)

    def _pair(self, x: float, y: float, a: float, b: float) -> Floats:
        return self._hill(x, y, a, b) + self._hill(-x, y, a, b)

    def _relief(self) -> Floats:
        rho = np.clip(self._edge, 0, 1.03)
        z = 165 * np.clip(1 - 0.93 * rho**2.5, 0.005, 1) ** 0.6
        parts = (self._eyes_and_brows(), self._nose(), self._lower_face(), self._age())
        return np.asarray(z + sum(parts), np.float32)

    def _eyes_and_brows(self) -> Floats:
        f = self._f
        ridge = np.exp(-(((YY - (f.eye_y - 50)) / 24) ** 2)) * np.exp(-((self._x / 125) ** 2))
        z = 9 * ridge + 15 * self._pair(f.eye_x, f.eye_y + 1, 36, 23)
        z -= 20 * self._pair(f.eye_x * 0.98, f.eye_y - 10, 47, 32)
        z -= 8 * self._pair(36, f.eye_y - 6, 18, 26)
        z -= 3.5 * f.age * self._pair(f.eye_x, f.eye_y + 38, 36, 8)
        z -= 9 * self._pair(168, f.eye_y - 64, 36, 60)
        return np.asarray(z, np.float32)

    def _nose(self) -> Floats:
        f = self._f
        tip = f.nose_y - 19
        k = np.clip((YY - (f.eye_y - 25)) / (tip - f.eye_y + 25), 0, 1.2)
        below = 1 / (1 + np.exp(np.clip((YY - (f.nose_y - 5)) / 6.5, -40, 40)))
        above = 1 / (1 + np.exp(np.clip(-(YY - (f.eye_y - 30)) / 14, -40, 40)))
        # a round ridge that runs out into the cheeks
        ridge = (1 + (self._x / (1.15 * f.bridge + 11 * k)) ** 2) ** -1.5
        z = f.nose_relief * (7 + 40 * k**1.35) * below * above * ridge
        z += f.nose_relief * 17 * self._hill(0, tip, 25, 20)
        z += f.nose_relief * 20 * self._pair(f.nose_half * 0.68, f.nose_y - 12, 17, 15)
        return np.asarray(z, np.float32)

    def _lower_face(self) -> Floats:
        f = self._f
        n, m = f.nose_y, f.mouth_y
        z = f.cheek * (13 * self._pair(106, n - 36, 50, 42) + 7 * self._pair(98, n - 22, 34, 26))
        z += 10 * self._hill(0, m - 4, 72, 46)
        groove = (n + m - f.lip_up) / 2 + 2
        z += 2 * self._pair(12, groove, 6, 16) - 4 * self._hill(0, groove, 6.5, 16)
        z += 6 * self._hill(0, m - f.lip_up * 0.5, f.mouth_half * 0.7, f.lip_up * 0.6)
        z += 9 * self._hill(0, m + f.lip_low * 0.5, f.mouth_half * 0.62, f.lip_low * 0.6)
        z -= 9 * self._hill(0, m + f.lip_low + 14, 36, 10)
        z += 13 * self._hill(0, f.chin - 44, 40, 27)
        z -= 7 * self._pair(140, m - 14, 36, 60)
        z -= 0.8 * self._pair(f.mouth_half + 5, m + f.corner + 3, 10, 12)
        return np.asarray(z, np.float32)

    def _age(self) -> Floats:
        """The fold from nose to mouth, and what years add to it."""
        f = self._f
        start = np.array([f.nose_half + 6, f.nose_y - 16])
        way = np.array([f.mouth_half + 15, f.mouth_y + 4]) - start
        aside = np.abs(self._x) - start[0]
        t = np.clip((aside * way[0] + (YY - start[1]) * way[1]) / (way**2).sum(), 0, 1)
        off = np.hypot(aside - 5 * np.sin(np.pi * t) - t * way[0], YY - start[1] - t * way[1])
        fold = np.exp(-((off / (8 + 3 * (1 - f.age))) ** 2)) * (1 - 0.5 * t)
        z = -(1.6 + 5.5 * f.age) * fold
        if f.age > 0.3:
            for i, y in enumerate((f.eye_y - 92, f.eye_y - 114, f.eye_y - 137)):
                line = np.exp(-(((YY - y - 5 * np.cos(self._x / 62 + i)) / 4) ** 2))
                z -= 1.7 * f.age * line * np.exp(-((self._x / 95) ** 4))
            z -= 2.2 * f.age * self._pair(11, f.eye_y - 48, 3.5, 16)
            for j in (-10, 0, 10):
                x, y = f.eye_x + f.eye_half + 20, f.eye_y - 2 + j * 1.2
                z -= 1.6 * f.age * self._pair(x, y, 14, 3.2)
        return np.asarray(z, np.float32)

    def layer(self, *, steps: int = 6, planes: float = 0.30) -> Layer:
        """Skin, nose and lips. planes: share of the painted, posterised look."""
        f = self._f
        rng = np.random.default_rng(f.seed)
        normal = self._normals()
        t = self._light(normal) + noise(rng, 9, 5, 0.008) + noise(rng, 26, 20, 0.010)
        t = soft_steps(np.clip(t, 0, 1), steps, planes)
        colour = ramp(t, f.skin, STOPS)
        # light that was scattered in the skin comes out red where it turns into shadow
        warm = np.exp(-(((t - 0.46) / 0.10) ** 2))
        colour += warm[..., None] * np.array((11, -2, -5), np.float32)
        self._blush(colour, t)
        self._shine(colour, normal)
        layer = Layer(colour_in(np.clip(colour, 0, 255), mask(curve(f.outline(), closed=True))))
        self._nostrils(layer)
        paint_lips(f, layer)
        return layer

    def _normals(self) -> Floats:
        down, across = np.gradient(self.height)
        normal = np.dstack([-across, -down, np.ones_like(across)])
        unit: Floats = (normal / np.linalg.norm(normal, axis=2, keepdims=True)).astype(np.float32)
        return unit

    def _light(self, normal: Floats) -> Floats:
        f, z = self._f, self.height
        key = normal @ (_LIGHT / np.linalg.norm(_LIGHT))
        fill = np.clip(normal @ np.array((0.44, 0.40, 0.80), np.float32), 0, 1)
        value = np.clip((key + 0.45) / 1.45, 0, 1) * 0.83 + 0.175 * fill
        for reach, strength in ((13, 0.24), (5, 0.18)):
            value -= np.clip((soften(z, reach) - z) / reach, 0, 1) * strength
        shadow = Layer()
        x, y, w = f.cx, f.nose_y, f.nose_half
        under = [(x - w * 0.75, y - 2), (x, y + 4), (x + w, y - 8), (x + w * 1.12, y + 3)]
        under += [(x + w * 0.3, y + 19), (x - w * 0.4, y + 10)]
        shadow.fill(curve(under, closed=True), WHITE, blur=5)
        value -= shadow.array()[..., 3] * 0.09
        value += 0.07 * self._hill(0, y - 5, 30, 9)
        value += 0.05 * self._hill(-30, f.eye_y - 130, 110, 70)
        return np.asarray(value, np.float32)

    def _blush(self, colour: Floats, t: Floats) -> None:
        f = self._f
        strength = f.blush_strength * (
            self._pair(108, f.nose_y - 22, 50, 34)
            + 0.8 * self._hill(0, f.nose_y - 20, 26, 18)
            + 0.35 * self._hill(0, f.chin - 40, 40, 20)
        )
        # little of it in the shadow, where it turns into a patch
        strength = strength * np.clip((t - 0.22) / 0.42, 0.18, 1)
        colour += strength[..., None] * (np.array(f.blush, np.float32) - colour)
        lids = 0.07 * self._pair(f.eye_x, f.eye_y - 26, 40, 12)
        colour += lids[..., None] * (np.array(mix(f.blush, f.skin[0], 0.5), np.float32) - colour)

    def _shine(self, colour: Floats, normal: Floats) -> None:
        f = self._f
        n = f.nose_y
        gloss = np.clip(normal @ np.array((-0.33, -0.36, 0.87), np.float32), 0, 1) ** 38
        where = 0.55 * self._hill(0, n - 26, 24, 22) + 0.42 * self._hill(0, f.eye_y + 45, 16, 50)
        where += 0.34 * self._hill(-100, n - 50, 60, 40) + 0.20 * self._hill(100, n - 50, 60, 40)
        where += 0.30 * self._hill(-25, f.eye_y - 110, 110, 50)
        where += 0.30 * self._hill(0, f.chin - 44, 40, 26)
        shine = np.clip(gloss * where, 0, 1)[..., None]
        colour += shine * (np.array(f.skin[4], np.float32) * 1.04 - colour)
        # warm light comes back from the room on the shadow side
        rim = np.clip((self._edge - 0.90) / 0.10, 0, 1) * np.clip(self._x / 120, 0, 1)
        rim = rim * np.clip(1 - np.abs(YY - n) / 200, 0, 1) * 0.28
        colour += rim[..., None] * (np.array(f.skin[2], np.float32) - colour)

    def _nostrils(self, layer: Layer) -> None:
        f = self._f
        dark = mix(f.skin[0], (40, 10, 10), 0.25)
        w, y = f.nose_half, f.nose_y
        for sx in (-1, 1):

            def at(*points: tuple[float, float], sx: int = sx) -> Doubles:
                return np.array([(f.cx + sx * w * dx, y + dy) for dx, dy in points])

            hole = at((0.20, -1), (0.38, -5.5), (0.60, -4), (0.70, 0))
            layer.stroke(hole, (1.5, 1.5, 6), dark, 205, blur=1.3)
            wing = at((0.90, -27), (1.07, -17), (1.02, -5), (0.76, 1))
            layer.stroke(wing, (0.6, 0.8, 3), dark, 125 if sx > 0 else 95, blur=1.3)
            light = f.cx + sx * w * 0.72, y - 18
            layer.glow(*light, 9, f.skin[4], 90 if sx < 0 else 40, stretch=(0.8, 1))
        septum = [(f.cx - w * 0.3, y + 0.5), (f.cx, y + 4), (f.cx + w * 0.3, y + 0.5)]
        layer.stroke(septum, (1, 1, 3), dark, 90, blur=1.6)


def paint_lips(f: Face, layer: Layer) -> None:
    """Closed lips without the line between them. The corners stay light: a dark tip would stick
    out like a thorn when the mouth is rounded."""
    upper, line, lower = f.lips(41)
    dark, mid, light = f.lip
    whole = curve(np.vstack([upper, lower[::-1][1:-1]]), closed=True)
    layer.fill(whole, mid, 90, blur=4)
    top, low = float(upper[:, 1].min()), float(lower[:, 1].max())
    layer.canvas.saveLayer(None, None)
    shade = linear((0, top), (0, f.mouth_y + 2), [mix(mid, light, 0.25), mid, dark], [0, 0.45, 1])
    layer.fill(curve(np.vstack([upper, line[::-1][1:-1]]), closed=True), shader=shade, blur=0.7)
    tones = [mix(mid, dark, 0.35), light, mix(mid, dark, 0.15)]
    shade = linear((0, f.mouth_y), (0, low), tones, [0, 0.45, 1])
    layer.fill(curve(np.vstack([line, lower[::-1][1:-1]]), closed=True), shader=shade, blur=0.7)
    # no skin may shine through where the lips meet
    thin = np.column_stack([np.zeros(41), 1.6 * np.sin(np.linspace(0, np.pi, 41)) ** 0.4])
    seam = np.vstack([line - thin, (line + thin)[::-1]])
    layer.fill(polygon(seam), mix(mid, dark, 0.55))
    layer.clip(whole)
    half = f.mouth_half
    layer.glow(f.cx + half * 0.62, f.mouth_y + 4, half * 0.6, dark, 70, stretch=(1, 0.7))
    rng = np.random.default_rng(3)
    for _ in range(26):
        t = rng.uniform(-0.75, 0.75)
        x = f.cx + t * half
        fine = [(x, f.mouth_y + 2), (x + t * 4, f.mouth_y + f.lip_low * 0.75)]
        layer.stroke(fine, (0.5, 0.3, 1.1), dark, 34)
    shine = (255, 236, 226)
    low_y = f.mouth_y + f.lip_low * 0.5
    layer.glow(f.cx - 9, low_y, 26, shine, 150 * f.gloss, stretch=(1.15, 0.20), turn=-2)
    layer.glow(f.cx + 20, low_y - 1, 13, shine, 100 * f.gloss, stretch=(1.1, 0.22), turn=-4)
    layer.glow(f.cx - half * 0.2, top + 5, 18, shine, 70 * f.gloss, stretch=(1.2, 0.22), turn=-8)
    layer.unclip()
    layer.canvas.restore()
