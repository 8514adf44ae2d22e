"""The head as a relief: a dome over the outline, then bone and flesh as hills and dents.

Heights in canvas pixels, larger is nearer. The same relief is lit (light.py) and is the depth the
head is turned by. Lids are closed and the mouth is shut here: the engine opens both.
"""

import numpy as np

from avatar.portrait.art.face import Face
from avatar.portrait.art.strokes import XX, YY, Doubles, Floats, bump, resample, soften


class Relief:
    """Hills of one face; `face()`, `neck()` and `ear()` are (1024, 1024) heights."""

    def __init__(self, face: Face) -> None:
        self._f = face
        self.x = XX - np.float32(face.cx)
        self.edge = self._to_edge()

    def _to_edge(self) -> Floats:
        """Distance from the middle of the face as a share of the way to its outline."""
        f = self._f
        outline = resample(f.outline(), 720, closed=True)
        cy = (f.eye_y + f.mouth_y) / 2 - 20
        dx, dy = outline[:, 0] - f.cx, outline[:, 1] - cy
        angle = np.arctan2(dy, dx)
        order = np.argsort(angle)
        reach = np.interp(
            np.arctan2(YY - cy, self.x), angle[order], np.hypot(dx, dy)[order], period=2 * np.pi
        )
        share: Floats = (np.hypot(self.x, YY - cy) / reach).astype(np.float32)
        return share

    def hill(self, x: float, y: float, a: float, b: float) -> Floats:
        """A hill beside the centre line."""
        return bump(x, y, a, b, self.x)

    def pair(self, x: float, y: float, a: float, b: float) -> Floats:
        """The same hill on both sides."""
        return self.hill(x, y, a, b) + self.hill(-x, y, a, b)

    def face(self) -> Floats:
        rho = np.clip(self.edge, 0, 1.04)
        z = 196 * np.clip(1 - 0.93 * rho**2.25, 0.004, 1) ** 0.52
        parts = (self._forehead(), self._sockets(), self._cheeks(), self._jaw(), self._age())
        z = soften((z + sum(parts)).astype(np.float32), 4.0)
        z += self._nose() + self._lips() + self._lids()
        return soften(np.asarray(z, np.float32), 1.6)

    def _forehead(self) -> Floats:
        f = self._f
        z = 8 * self.pair(50, f.eye_y - 128, 62, 52)
        z -= 15 * self.pair(176, f.eye_y - 58, 40, 66)  # temples
        brow = np.exp(-(((YY - (f.eye_y - 52 + 0.0009 * self.x**2)) / 20) ** 2))
        z += (5 + 5 * f.age) * f.brow_bone * brow * np.exp(-((self.x / 128) ** 4))
        return np.asarray(z, np.float32)

    def _sockets(self) -> Floats:
        f = self._f
        z = -17 * f.deep_set * self.pair(f.eye_x, f.eye_y - 12, 54, 30)
        z -= 11 * f.deep_set * self.pair(38, f.eye_y - 2, 17, 30)
        z -= 6 * self.pair(f.eye_x + 8, f.eye_y + 32, 50, 15)
        z -= 4.0 * f.age * self.pair(f.eye_x - 6, f.eye_y + 40, 34, 8)
        return np.asarray(z, np.float32)

    def _lids(self) -> Floats:
        """The ball under the closed lids."""
        f = self._f
        z = 13 * self.pair(f.eye_x, f.eye_y + 1, f.eye_half * 0.86, 25)
        z += 2.2 * f.age * self.pair(f.eye_x - 4, f.eye_y + 30, 30, 7)
        return np.asarray(z, np.float32)

    def _cheeks(self) -> Floats:
        f = self._f
        n, m = f.nose_y, f.mouth_y
        z = f.cheek * 15 * self.pair(112, n - 44, 50, 34)
        z += f.cheek * 11 * self.pair(92, n - 14, 40, 34)
        z -= f.hollow * 13 * self.pair(132, m - 18, 40, 48)
        z += 3 * self.pair(f.mouth_half + 28, m - 4, 20, 24)
        return np.asarray(z, np.float32)

    def _jaw(self) -> Floats:
        f = self._f
        m = f.mouth_y
        z = 13 * self.hill(0, m - 6, 78, 50)  # the teeth behind the lips
        z -= 8.5 * self.hill(0, m + f.lip_low + 15, 46, 13)
        z += 17 * f.chin_bone * self.hill(0, f.chin - 46, 42, 30)
        z += 6 * f.jaw_bone * self.pair(120, f.chin - 88, 46, 40)
        return np.asarray(z, np.float32)

    def _nose(self) -> Floats:
        f = self._f
        top, tip = f.eye_y - 20, f.nose_y - 21
        k = np.clip((YY - top) / (tip - top), 0, 1.3)
        # the tip hangs a little lower than the wings
        u = np.abs(self.x) / f.nose_half
        base = f.nose_y - 7 + 6 * np.exp(-((u / 0.30) ** 2)) + 3 * np.exp(-(((u - 0.8) / 0.2) ** 2))
        below = 1 / (1 + np.exp(np.clip((YY - base) / 4.2, -40, 40)))
        above = 1 / (1 + np.exp(np.clip(-(YY - top + 2) / 15, -40, 40)))
        width = f.bridge * (0.92 + 0.30 * k**2)
        ridge = np.exp(-((np.abs(self.x) / width) ** 2)) * 0.72
        ridge += 0.28 * np.exp(-((self.x / (2.2 * width)) ** 2))
        line = f.nose_relief * (
            9 + 33 * k**1.25 + f.nose_bump * 9 * np.exp(-(((k - 0.42) / 0.2) ** 2))
        )
        z = line * below * above * ridge
        z += f.nose_relief * 20 * f.nose_ball * self.hill(0, tip, f.nose_half * 0.60, 21)
        wing = f.nose_half * 0.70
        z += f.nose_relief * 25 * self.pair(wing, f.nose_y - 13, f.nose_half * 0.30, 14)
        z -= f.nose_relief * 7 * self.pair(f.nose_half * 1.13, f.nose_y - 16, 6.5, 14)
        z -= 6 * self.pair(f.nose_half * 0.40, f.nose_y + 1, f.nose_half * 0.22, 5)
        return np.asarray(z, np.float32)

    def _lips(self) -> Floats:
        f = self._f
        n, m = f.nose_y, f.mouth_y
        groove = (n + m - f.lip_up) / 2 + 2
        z = 2.4 * self.pair(12, groove, 6, 15) - 4.6 * self.hill(0, groove, 6.5, 15)
        full = f.lip_full
        z += (
            7
            * full
            * self.pair(
                f.mouth_half * 0.27, m - f.lip_up * 0.46, f.mouth_half * 0.42, f.lip_up * 0.56
            )
        )
        z += 3 * full * self.hill(0, m - f.lip_up * 0.40, 9, f.lip_up * 0.5)
        z += (
            9
            * full
            * self.pair(
                f.mouth_half * 0.24, m + f.lip_low * 0.5, f.mouth_half * 0.40, f.lip_low * 0.56
            )
        )
        z -= 5 * np.exp(-(((YY - m) / 3.2) ** 2)) * np.exp(-((self.x / (f.mouth_half * 0.86)) ** 4))
        z -= 3 * self.pair(f.mouth_half + 5, m + f.corner + 3, 9, 10)
        return np.asarray(z, np.float32)

    def _age(self) -> Floats:
        """The fold from nose to mouth, and what years add to it."""
        f = self._f
        start = np.array([f.nose_half + 7, f.nose_y - 18])
        way = np.array([f.mouth_half + 17, f.mouth_y + 2]) - start
        aside = np.abs(self.x) - start[0]
        t = np.clip((aside * way[0] + (YY - start[1]) * way[1]) / (way**2).sum(), 0, 1)
        off = np.hypot(aside - 6 * np.sin(np.pi * t) - t * way[0], YY - start[1] - t * way[1])
        fold = np.exp(-((off / (9 + 3 * (1 - f.age))) ** 2)) * (1 - 0.6 * t)
        z = -(1.8 + 7.3 * f.age) * fold
        if f.age > 0.3:
            z -= self._wrinkles()
        return np.asarray(z, np.float32)

    def _wrinkles(self) -> Doubles:
        f = self._f
        z = np.zeros_like(self.x, float)
        for i, y in enumerate((f.eye_y - 94, f.eye_y - 118, f.eye_y - 142)):
            line = np.exp(-(((YY - y - 5 * np.cos(self.x / 62 + i)) / 4.5) ** 2))
            z += 2.6 * f.age * line * np.exp(-((self.x / 96) ** 4))
        z += 3.2 * f.age * self.pair(11, f.eye_y - 50, 4, 17)
        for j in (-10, 0, 10):
            x, y = f.eye_x + f.eye_half + 20, f.eye_y - 2 + j * 1.2
            z += 2.4 * f.age * self.pair(x, y, 15, 3.4)
        return z

    def expressions(self) -> dict[str, Floats]:
        """What a smile, a frown and raised brows add to the relief."""
        moves = {"smile": self._smile(), "frown": self._frown(), "raise": self._raised()}
        return {name: soften(np.asarray(z, np.float32), 1.2) for name, z in moves.items()}

    def _smile(self) -> Floats:
        """Cheeks go up and push the lower lids; the fold beside the nose deepens."""
        f = self._f
        n, m, e = f.nose_y, f.mouth_y, f.eye_y
        z = 13 * self.pair(106, n - 46, 46, 30) - 6 * self.pair(112, n + 4, 44, 20)
        z += 5.0 * self.pair(f.eye_x, e + 25, f.eye_half * 0.86, 9)
        z -= (2.2 + 3 * f.age) * self.pair(f.eye_x + 2, e + 38, f.eye_half * 0.9, 5)
        z -= 5 * self.pair(f.mouth_half + 20, m - 14, 7, 13)
        z += 3 * self.pair(f.mouth_half + 38, m - 20, 16, 24)
        for start, way, deep in (
            ((f.nose_half + 7, n - 22), (f.mouth_half + 22, m - 12), 2.8 + 4.6 * f.age),
        ):
            a, b = np.array(start), np.array(way) - np.array(start)
            aside = np.abs(self.x) - a[0]
            t = np.clip((aside * b[0] + (YY - a[1]) * b[1]) / (b**2).sum(), 0, 1)
            off = np.hypot(aside - 8 * np.sin(np.pi * t) - t * b[0], YY - a[1] - t * b[1])
            z -= deep * np.exp(-((off / 6.5) ** 2)) * (1 - 0.35 * t)
        for j in (-9, 2, 12):
            x, y = f.eye_x + f.eye_half + 17, e - 2 + j * 1.3
            z -= (0.6 + 2.0 * f.age) * self.pair(x, y, 12, 2.8)
        return np.asarray(z, np.float32)

    def _frown(self) -> Floats:
        f = self._f
        e = f.eye_y
        deep = 0.5 + 0.5 * f.age
        z = deep * (6 * self.pair(24, e - 52, 13, 20) + 3 * self.hill(0, e - 52, 6, 20))
        z -= deep * 7 * self.pair(11, e - 50, 4.0, 19)
        z -= 8 * self.pair(46, e - 26, 26, 14) + 3 * self.hill(0, e - 24, 16, 4)
        return np.asarray(z, np.float32)

    def _raised(self) -> Floats:
        f = self._f
        z = np.zeros_like(self.x)
        for i, y in enumerate((f.eye_y - 100, f.eye_y - 121, f.eye_y - 142)):
            away = YY - y - 4 * np.cos(self.x / 58 + i)
            wide = np.exp(-((self.x / (104 - 8 * i)) ** 4))
            z += (
                (1.0 + 1.6 * f.age)
                * (np.exp(-(((away - 8) / 6) ** 2)) - np.exp(-((away / 4) ** 2)))
                * wide
            )
        z -= 5 * self.pair(f.eye_x, f.eye_y - 40, 52, 9)
        return np.asarray(z, np.float32)

    def neck(self, width: float, base: float, flare: float) -> Floats:
        """A column behind the jaw with its two cords and the pit between the collar bones."""
        f = self._f
        half = width + flare * 1.2 * np.clip((YY - f.chin - 20) / (base - f.chin), 0, 2.4) ** 1.6
        u = np.clip(np.abs(self.x) / half, 0, 1.2)
        z = -150 + 96 * np.clip(1 - u**2.4, 0.01, 1) ** 0.55 + 14 * np.clip((YY - base) / 120, 0, 1)
        down = (YY - f.chin) / 330
        seen = np.clip((YY - f.chin - 10) / 60, 0, 1)
        z += 4.5 * np.exp(-(((u - 0.66 + 0.55 * down) / 0.13) ** 2)) * seen
        z -= 8 * np.exp(-((self.x / 22) ** 2)) * np.clip((YY - base + 30) / 60, 0, 1)
        z += 4 * f.adam * self.hill(0, f.chin + 62, 16, 22)
        return soften(np.asarray(z, np.float32), 2.5)

    def ear(self, sx: int, y: float, h: float, out: float) -> tuple[Floats, Floats]:
        """Height and coverage of one ear; y its middle, h half its height, out how far it stands
        out of the face."""
        f = self._f
        rim = f.half_width(y) - 10
        u = (sx * self.x - rim) / (out + 10) - 0.16 * (y - YY) / h
        v = (YY - y) / h
        wide = np.where(v < 0, 1.0, 1 - 0.42 * np.clip(v, 0, 1) ** 1.3)
        e = np.hypot(u / wide, v)
        cover = np.clip((1 - e) * h * 0.55 + 0.5, 0, 1).astype(np.float32)
        z = -34 + 20 * np.clip(1 - e**3, 0, 1) ** 0.5 + 12 * np.clip(u, 0, 1)
        outer = np.clip(u * 2.4 + 0.5 - 0.5 * v, 0, 1)
        z += 11 * np.exp(-(((e - 0.86) / 0.10) ** 2)) * np.clip(1 - (v - 0.25) * 3, 0, 1)
        z -= 10 * np.exp(-(((e - 0.66) / 0.10) ** 2)) * outer * np.clip(1 - (v - 0.2) * 3, 0, 1)
        z += 8 * np.exp(-(((np.hypot(u - 0.10, (v + 0.05) * 0.8) - 0.42) / 0.09) ** 2)) * outer
        z -= 16 * np.exp(-(((u - 0.12) / 0.24) ** 2) - (((v - 0.12) / 0.27) ** 2))
        z += 8 * np.exp(-((u / 0.14) ** 2) - (((v - 0.18) / 0.13) ** 2))
        z += 6 * np.exp(-(((u - 0.26) / 0.22) ** 2) - (((v - 0.72) / 0.2) ** 2))
        return soften(np.asarray(z, np.float32), 1.2), cover
