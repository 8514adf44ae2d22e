"""A short beard, hair by hair, drawn from the chin up and kept off the lips."""

from typing import Final

import numpy as np

from avatar.portrait.art.face import Face
from avatar.portrait.art.strokes import (
    XX,
    YY,
    Doubles,
    Floats,
    Layer,
    colour_in,
    curve,
    mask,
    mix,
    moved,
    ramp,
    soften,
)

TONES: Final = ((82, 76, 74), (140, 134, 130), (196, 190, 184), (236, 232, 226))
_HAIRS: Final = 3400


class Beard:
    """Where it grows on a face, and how it is lit."""

    def __init__(self, face: Face, height: Floats) -> None:
        self._f = face
        upper, _, lower = face.lips(41)
        lips = np.vstack([upper, moved(lower[::-1][1:-1], 0, 1)])
        self._lips = np.clip(soften(mask(curve(lips, closed=True)), 1.1), 0, 1)
        self._cover = self._grows()
        _, slope = np.gradient(soften(height, 6))
        aside = 0.30 * (XX - face.cx) / 190
        below = 0.22 * np.clip((YY - 690) / 80, 0, 1.2)
        self._lit = np.clip(0.62 - 0.15 * slope - aside - below, 0.05, 1)

    def _grows(self) -> Floats:
        f = self._f
        rim = [(196, 452), (188, 512), (168, 566), (132, 604), (100, 610), (76, 596), (44, 579)]
        low = [(196, 520), (187, 608), (160, 690), (112, 748), (50, 776), (0, 780)]
        shape = [(f.cx + x, y) for x, y in [*rim, (0, 585)]]
        shape += [(f.cx - x, y) for x, y in rim[::-1]]
        shape += [(f.cx - x, y) for x, y in low]
        shape += [(f.cx + x, y) for x, y in low[-2::-1]]
        cover = np.clip(mask(curve(shape, closed=True), 10) * 1.1, 0, 1) * (1 - self._lips)
        # thin spots beside the tuft under the lip
        x, y = (np.abs(XX - f.cx) - 33) / 15, (YY - (f.mouth_y + f.lip_low + 14)) / 11
        return np.asarray(cover * (1 - np.exp(-(x**2) - y**2) * 0.65), np.float32)

    def draw(self, layer: Layer, rng: np.random.Generator) -> None:
        ground = ramp(self._lit, TONES, [0.1, 0.42, 0.8, 1.05]) * 0.80
        layer.add(colour_in(ground, self._cover * np.float32(0.86)))
        places = np.argwhere(self._cover > 0.30)
        places = places[rng.choice(len(places), _HAIRS, replace=False)]
        for y, x in places[np.argsort(-places[:, 0])]:
            self._hair(layer, float(x), float(y), rng)

    def _way(self, dx: float, y: float) -> Doubles:
        """Which way hair grows: the moustache out and down, the rest down to the chin."""
        f = self._f
        if y < f.mouth_y - 2 and abs(dx) < f.mouth_half + 20:
            way = np.array([np.sign(dx) * (0.5 + abs(dx) / 60), 0.85])
        else:
            inward = 0.30 * np.clip((y - 650) / 90, 0, 1)
            way = np.array([dx / 260 - np.sign(dx) * inward, 1.0])
        unit: Doubles = way / np.linalg.norm(way)
        return unit

    def _hair(self, layer: Layer, x: float, y: float, rng: np.random.Generator) -> None:
        f = self._f
        dx = x - f.cx
        way = self._way(dx, y)
        a = rng.normal(0, 0.17)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        way = turn @ way
        length = rng.uniform(12, 27) * (0.55 if y < 560 else 1)
        length *= 0.62 if y < f.mouth_y and abs(dx) < 90 else 1
        bend = np.array([way[1], -way[0]]) * rng.normal(0, 0.16) * length
        root = np.array([x, y])
        tip = root + way * length
        column, row = np.clip(tip, 0, 1023).astype(int)
        if self._lips[row, column] > 0.25:
            return
        v = float(np.clip(self._lit[int(y), int(x)] + rng.normal(-0.03, 0.15), 0, 0.93)) * 3
        i = min(2, int(v))
        alpha = rng.uniform(90, 210) * min(1.0, float(self._cover[int(y), int(x)]) * 1.3)
        hair = [root, root + way * length * 0.5 + bend, tip]
        colour = mix(TONES[i], TONES[i + 1], v - i)
        layer.stroke(hair, (1.4, 0.2, rng.uniform(1.1, 2.3)), colour, alpha)
