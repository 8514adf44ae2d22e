"""A short beard, hair by hair, drawn from the chin up and kept off the lips."""

from typing import Final

import numpy as np

from avatar.portrait.art.face import Face
from avatar.portrait.art.hair import Dome, Hairs
from avatar.portrait.art.strokes import (
    XX,
    YY,
    Doubles,
    Floats,
    S,
    colour_in,
    curve,
    mask,
    mix,
    moved,
    resample,
    soften,
)

HAIR: Final = ((86, 80, 78), (146, 140, 136), (200, 194, 188), (240, 236, 230))
_HAIRS: Final = 5200
_VOLUME: Final = Dome(512, 590, 198, 206, 130)


class Beard:
    """Where it grows on a face."""

    def __init__(self, face: Face) -> None:
        self._f = face
        upper, _, lower = face.lips(41)
        lips = np.vstack([upper, moved(lower[::-1][1:-1], 0, 1)])
        self._lips = np.clip(soften(mask(curve(lips, closed=True)), 1.1), 0, 1)
        self.cover = self._grows()

    def _grows(self) -> Floats:
        f = self._f
        rim = [(188, 462), (180, 528), (164, 584), (136, 622), (106, 628), (80, 604), (44, 580)]
        low = [(192, 500), (184, 600), (160, 680), (114, 742), (52, 774), (0, 779)]
        shape = [(f.cx + x, y) for x, y in [*rim, (0, 585)]]
        shape += [(f.cx - x, y) for x, y in rim[::-1]]
        shape += [(f.cx - x, y) for x, y in low]
        shape += [(f.cx + x, y) for x, y in low[-2::-1]]
        cover = np.clip(mask(curve(shape, closed=True), 10) * 1.1, 0, 1) * (1 - self._lips)
        # thin spots beside the tuft under the lip
        x, y = (np.abs(XX - f.cx) - 33) / 15, (YY - (f.mouth_y + f.lip_low + 14)) / 11
        return np.asarray(cover * (1 - np.exp(-(x**2) - y**2) * 0.65), np.float32)

    def draw(self, rng: np.random.Generator) -> Floats:
        """Premultiplied RGBA, hair by hair from the chin up."""
        ground = colour_in(
            np.ones((S, S, 1), np.float32) * np.array(mix(HAIR[0], HAIR[1], 0.35), np.float32),
            soften(self.cover, 3) * np.float32(0.80),
        )
        hairs = Hairs(HAIR, _VOLUME)
        places = np.argwhere(self.cover > 0.22)
        share = self.cover[places[:, 0], places[:, 1]].astype(float)
        for y, x in places[rng.choice(len(places), _HAIRS, replace=False, p=share / share.sum())]:
            self._hair(hairs, float(x), float(y), rng)
        return hairs.draw(rng, ground)

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

    def _hair(self, hairs: Hairs, x: float, y: float, rng: np.random.Generator) -> None:
        f = self._f
        dx = x - f.cx
        way = self._way(dx, y)
        a = rng.normal(0, 0.20)
        way = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) @ way
        length = rng.uniform(11, 25) * (0.5 if y < 540 else 1)
        length *= 0.62 if abs(dx) > 150 else 1
        length *= 0.6 if y < f.mouth_y and abs(dx) < 90 else 1
        bend = np.array([way[1], -way[0]]) * rng.normal(0, 0.20) * length
        root = np.array([x, y])
        tip = root + way * length
        column, row = np.clip(tip, 0, S - 1).astype(int)
        if self._lips[row, column] > 0.25:
            return
        line = resample([root, root + way * length * 0.5 + bend, tip], 7)
        # upper hairs lie on lower ones
        lifted = _VOLUME.lift(line, (S - y) * 2)
        shade = 0.62 - 0.13 * dx / 190 - 0.16 * np.clip((y - 690) / 90, -0.4, 1)
        tone = float(np.clip(rng.normal(shade, 0.24), 0, 1))
        hairs.add(lifted[None], tone=tone, gloss=0.5, width=int(rng.choice((1, 2))))
