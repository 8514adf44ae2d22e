"""Skin: the relief of head, ears and neck, coloured and lit.

Colour comes in zones (redder where blood is near, yellower on the forehead), lips are a part of the
skin, not a patch on it. Hair that hangs over the face casts its shadow here. The line between the
lips is not drawn and the lids are closed: the engine draws both, every frame.
"""

from typing import Final

import numpy as np

from avatar.portrait.art.cloth import BODY_SCALE
from avatar.portrait.art.face import Face
from avatar.portrait.art.light import Surface, arrives, openness, render
from avatar.portrait.art.relief import Relief
from avatar.portrait.art.strokes import (
    XX,
    YY,
    Doubles,
    Floats,
    Layer,
    S,
    curve,
    enlarged,
    mask,
    mix,
    noise,
    over,
    soften,
)

_FAR: Final = np.float32(-400)
"""Height of nothing: an occluder that shades nobody."""


class Skin:
    """The skin of one face; every layer is premultiplied RGBA on the canvas."""

    def __init__(self, face: Face) -> None:
        self._f = face
        self._relief = Relief(face)
        self.height = self._relief.face()
        self.cover = mask(curve(face.outline(), closed=True), 0.7)
        self._rng = np.random.default_rng(face.seed)
        upper, _, lower = face.lips(41)
        self._lips = soften(mask(curve(np.vstack([upper, lower[::-1][1:-1]]), closed=True)), 1.15)
        self._fine, self._tint = self._pores(), self._colour()

    def head(self, hair: Floats) -> Floats:
        """Face and lips in the shadow of hair (coverage of what hangs over the face)."""
        layer = Layer(render(self._surface(self.height, hair)))
        self._nostrils(layer)
        return layer.array()

    def marks(self, hair: Floats, covered: Floats) -> dict[str, Floats]:
        """What expressions change, by the names the engine knows: the face lit with other folds,
        as a layer that turns the face at rest into it. covered: where beard hides the skin."""
        base = render(self._surface(self.height, hair))
        seen = self.cover * (1 - covered)
        out: dict[str, Floats] = {}
        for name, delta in self._relief.expressions().items():
            lit = render(self._surface(self.height + delta, hair))
            out[name] = _change(base, lit, seen)
        smile = out.pop("smile")
        right = np.clip((self._f.cx - XX) / 16 + 0.5, 0, 1)[..., None]
        out["smile_right"], out["smile_left"] = smile * right, smile * (1 - right)
        return out

    def _surface(self, height: Floats, hair: Floats) -> Surface:
        f = self._f
        key = arrives(height, soften(height, 1.5)) * _hair_shadow(hair)
        gloss = f.shine * (0.45 + self._oily()) + f.gloss * 2.6 * self._lips
        seen = openness(height, (5, 0.55), (14, 0.60), (36, 0.50))
        seen *= 1 - 0.34 * soften(hair, 20)
        return Surface(
            height=height + self._fine,
            colour=self._tint,
            cover=self.cover,
            gloss=gloss.astype(np.float32),
            scatter=f.scatter,
            key=key.astype(np.float32),
            open=seen.astype(np.float32),
        )

    def ears(self, *, y: float, h: float = 62, out: float = 20) -> Floats:
        """Both ears, to lie behind the face; y their middle, h half their height."""
        f, both = self._f, np.zeros((S, S, 4), np.float32)
        red = np.array(mix(f.tone, f.blush, 0.22), np.float32)
        for sx in (-1, 1):
            height, cover = self._relief.ear(sx, y, h, out)
            beside = soften(self.cover, 7)
            seen = openness(height, (4, 0.8), (10, 0.7)) * (1 - 0.5 * beside)
            ear = Surface(
                height=height,
                colour=np.ones((S, S, 1), np.float32) * red,
                cover=cover,
                gloss=f.shine * 0.5,
                scatter=f.scatter * 0.8,
                key=np.float32(0.92 if sx < 0 else 0.30) * np.ones((S, S), np.float32),
                open=seen.astype(np.float32),
            )
            both = over(both, render(ear))
        return both

    def neck(self, *, width: float, base: float, flare: float) -> Floats:
        """Neck and the skin above the neckline, in the shadow of the jaw."""
        f = self._f
        height = self._relief.neck(width, base, flare)
        x, top = f.cx, f.chin - 150
        right = [(width - 4, top), (width - 2, f.chin - 10), (width + 2, base - 46)]
        right += [(width + flare * 1.4, base - 8), (width + flare * 5, base + 40)]
        right.append((width + flare * 8, base + 140))
        outline = [(x - dx, y) for dx, y in right] + [(x + dx, y) for dx, y in right[::-1]]
        smaller = 1 / BODY_SCALE[0], 1 / BODY_SCALE[1]
        cover = np.clip(enlarged(self.cover, *smaller), 0, 1)
        above = np.maximum(enlarged(self.height, *smaller), 70)
        jaw = np.where(cover > 0.5, above, _FAR).astype(np.float32)
        key = arrives(height, jaw, soft=0.42)
        near = soften(cover, 26)
        seen = openness(height, (8, 0.6), (24, 0.5)) * (1 - 0.66 * near)
        tone = np.array(mix(f.tone, f.blush, 0.06), np.float32)
        surface = Surface(
            height=height,
            colour=tone + noise(self._rng, 16, 10, 2.0)[..., None],
            cover=mask(curve(outline, closed=True), 0.7),
            gloss=f.shine * 0.35,
            scatter=f.scatter * 1.5,
            key=(0.94 * key).astype(np.float32),
            open=seen.astype(np.float32),
        )
        return render(surface)

    def _pores(self) -> Floats:
        f = self._f
        fine = noise(self._rng, 1.2, 1.2, 0.055) + noise(self._rng, 3.0, 2.4, 0.05)
        t = np.sin((XX - f.cx) * 1.25 + 2 * np.sin(YY * 0.11) + noise(self._rng, 5, 9, 1.2))
        return np.asarray(fine * (1 - self._lips) + 0.06 * t * self._lips, np.float32)

    def _oily(self) -> Floats:
        """Where skin shines: nose, forehead, the tops of the cheeks, the chin."""
        f, r = self._f, self._relief
        n = f.nose_y
        where = 1.0 * r.hill(0, n - 22, 26, 22) + 0.5 * r.hill(0, f.eye_y + 40, 15, 60)
        where += 0.7 * r.pair(112, n - 56, 52, 30) + 0.45 * r.hill(0, f.eye_y - 120, 130, 56)
        where += 0.4 * r.hill(0, f.chin - 44, 36, 24) + 0.3 * r.pair(f.eye_x, f.eye_y - 22, 40, 10)
        return np.asarray(where, np.float32)

    def _colour(self) -> Floats:
        f, r = self._f, self._relief
        n = f.nose_y
        colour = np.ones((S, S, 1), np.float32) * np.array(f.tone, np.float32)

        def tint(target: tuple[float, ...], share: Floats) -> None:
            np.add(colour, share[..., None] * (np.array(target, np.float32) - colour), out=colour)

        blood = r.pair(114, n - 26, 54, 38) + 0.85 * r.hill(0, n - 20, 30, 22)
        blood += 0.40 * r.hill(0, f.chin - 40, 42, 22) + 0.35 * r.pair(f.eye_x, f.eye_y - 4, 56, 30)
        tint(tuple(f.blush), np.clip(f.blush_strength * blood, 0, 0.6).astype(np.float32))
        tint(tuple(mix(f.tone, (255, 214, 140), 0.5)), 0.12 * r.hill(0, f.eye_y - 130, 150, 70))
        tired = 0.20 * r.pair(f.eye_x - 4, f.eye_y + 27, 38, 13) + 0.16 * r.pair(
            40, f.eye_y, 14, 22
        )
        tint(tuple(mix(f.skin[0], f.blush, 0.35)), tired.astype(np.float32))
        colour += noise(self._rng, 11, 9, 1.6)[..., None] * np.array((0.7, 1, 1), np.float32)
        colour += noise(self._rng, 2.2, 2.0, 1.1)[..., None]
        self._lip_colour(colour)
        return np.clip(colour, 0, 255).astype(np.float32)

    def _lip_colour(self, colour: Floats) -> None:
        """The corners stay light: a dark tip sticks out like a thorn when the mouth is rounded."""
        f = self._f
        dark, mid, light = (np.array(tone, np.float32) for tone in f.lip)
        v = (YY - f.mouth_y) / np.where(f.mouth_y > YY, f.lip_up, f.lip_low)
        upper = mid + (dark - mid) * np.clip(1 + v, 0, 1)[..., None] * np.float32(0.55)
        lower = mid + (light - mid) * np.exp(-(((v - 0.5) / 0.42) ** 2))[..., None]
        tone = np.where((f.mouth_y > YY)[..., None], upper, lower)
        inner = np.clip(1 - np.abs(YY - f.mouth_y) / 5, 0, 1)[..., None] * np.float32(0.5)
        tone = tone + (dark - tone) * inner
        corner = np.clip((np.abs(XX - f.cx) / f.mouth_half - 0.70) / 0.3, 0, 1)
        share = self._lips * (1 - 0.35 * corner)
        colour += share[..., None] * (tone - colour)

    def _nostrils(self, layer: Layer) -> None:
        f = self._f
        dark = mix(f.skin[0], (34, 8, 8), 0.40)
        w, y = f.nose_half, f.nose_y
        for sx in (-1, 1):

            def at(*points: tuple[float, float], sx: int = sx) -> Doubles:
                return np.array([(f.cx + sx * w * dx, y + dy) for dx, dy in points])

            hole = at((0.20, 1), (0.36, -4.5), (0.58, -4), (0.70, 1))
            layer.stroke(hole, (2, 2, 8.5), dark, 225, blur=1.7)
            crease = at((1.00, -24), (1.08, -15), (1.00, -4), (0.78, 2))
            layer.stroke(crease, (0.6, 0.8, 3.6), f.skin[0], 96, blur=2.4)
        septum = [(f.cx - w * 0.3, y + 2), (f.cx, y + 6), (f.cx + w * 0.3, y + 2)]
        layer.stroke(septum, (1, 1, 3), f.skin[0], 70, blur=2.2)


def _change(base: Floats, lit: Floats, seen: Floats) -> Floats:
    """A layer that lies over base and makes it lit, as thin as its colours allow."""
    apart = (lit - base)[..., :3] * seen[..., None]
    alpha = np.clip(np.abs(apart).max(2) * 3.2, 0, 1)
    alpha[alpha < 0.02] = 0
    solid = np.maximum(alpha, np.float32(1e-3))[..., None]
    colour = np.clip(base[..., :3] + apart / solid, 0, 1)
    return np.dstack([colour * alpha[..., None], alpha]).astype(np.float32)


def _hair_shadow(hair: Floats) -> Floats:
    """Share of the key light under hair that stands off the face a little."""
    fallen = np.zeros_like(hair)
    for i, (far, wide) in enumerate(((9, 5), (20, 10), (36, 18))):
        moved = np.roll(hair, (far, round(far * 0.75)), (0, 1))
        fallen = np.maximum(fallen, soften(moved, wide) * (0.80 - 0.18 * i))
    return np.asarray(1 - 0.80 * np.clip(fallen, 0, 1), np.float32)
