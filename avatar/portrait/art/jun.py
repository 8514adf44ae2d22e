"""Jun: a young East Asian person, short textured black hair, marigold sweater. Support host."""

from typing import Final

import numpy as np

from avatar.portrait.art import features
from avatar.portrait.art.assemble import Parts, assemble, mirrored, picture, shade
from avatar.portrait.art.bake import Artwork
from avatar.portrait.art.cloth import Cloth, backdrop, cloth, head_shadow
from avatar.portrait.art.face import Face
from avatar.portrait.art.hair import Strands, lock, strands
from avatar.portrait.art.skin import Skin
from avatar.portrait.art.strokes import (
    XX,
    YY,
    Colour,
    Doubles,
    Floats,
    Layer,
    colour_in,
    curve,
    mask,
    mix,
    moved,
    normals,
    radial,
    ramp,
    resample,
)

HAIR: Final = ((14, 13, 18), (34, 31, 40), (72, 68, 84), (150, 150, 172))
MARIGOLD: Final = (232, 164, 52)
CROWN: Final = np.array([566.0, 168.0])  # the hair falls forward and to the left from here

FACE: Final = Face(
    eye_y=460,
    skin=((146, 90, 74), (196, 140, 117), (228, 178, 150), (245, 207, 181), (255, 236, 218)),
    blush=(226, 104, 92),
    blush_strength=0.20,
    lip=((160, 76, 70), (204, 116, 106), (230, 154, 140)),
    gloss=0.5,
    lip_up=13,
    lip_low=19,
    mouth_half=60,
    corner=-13,
    mouth_y=616,
    bow=3.5,
    iris=((96, 60, 40), (58, 34, 24), (22, 13, 12)),
    iris_r=21.5,
    lid_up=17,
    lid_low=12,
    lid_power=0.62,
    eye_half=48,
    tilt=6,
    lash=4.6,
    lashes=4,
    crease=0,
    brow=((40, -53), (66, -62), (106, -65), (146, -54)),
    brow_widths=(12, 15, 12, 3),
    brow_colour=(34, 28, 30),
    nose_half=36,
    nose_y=558,
    nose_relief=0.60,
    bridge=17,
    chin=726,
    seed=51,
    cheek=0.9,
    half=(
        *((0, 172), (100, 188), (162, 258), (183, 350), (186, 440), (180, 520)),
        *((161, 598), (125, 665), (80, 709), (36, 724), (0, 727)),
    ),
)


def draw() -> Artwork:
    rng = np.random.default_rng(61)
    skin = Skin(FACE)
    parts = Parts(
        plate=backdrop((206, 212, 232), (150, 158, 196), (240, 240, 250), 12),
        hair_back=_hair_back(),
        body=_body(),
        head=_head(skin),
        hair_front=_hair_front(rng),
        brows=features.brows(FACE, (58, 50, 52), 150).array(),
    )
    return assemble("jun", "Jun", FACE, parts, skin.height)


def _both(half: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A contour from its right half, given as distance from the centre line."""
    left = [(512 - x, y) for x, y in half]
    return left + [(512 + x, y) for x, y in half[::-1] if x]


def _hair_back() -> Floats:
    layer = Layer()
    half: list[tuple[float, float]] = [
        (0, 96),
        (82, 102),
        (152, 134),
        (194, 192),
        (206, 270),
        (202, 350),
        (184, 420),
    ]
    outline = curve(_both([*half, (168, 450)]), closed=True)
    ground = radial(440, 190, 380, [HAIR[2], HAIR[1], HAIR[0]], [0, 0.5, 1])
    layer.fill(outline, shader=ground, blur=0.8)
    return layer.array()


def _head(skin: Skin) -> Floats:
    layer = Layer()
    features.ears(FACE, layer, y=FACE.eye_y + 22, h=60, out=22)
    head = picture(layer, skin.layer())
    edge = [(300, 470), (338, 452), (346, 370), (372, 352), (420, 366), (470, 350), (520, 362)]
    edge += [(570, 346), (620, 352), (660, 342), (680, 380), (688, 452), (724, 470)]
    edge += [(740, 120), (284, 120)]
    return shade(head, FACE, np.array(edge, float), FACE.skin[0], 0.42)


def _hair_front(rng: np.random.Generator) -> Floats:
    cap = [(324, 396), (328, 360), (340, 320), (362, 292), (420, 288), (470, 280), (512, 278)]
    cap += [(560, 270), (610, 272), (650, 284), (684, 318), (696, 360), (700, 396), (710, 372)]
    cap += [(717, 320), (718, 258), (704, 190), (660, 136), (594, 106), (512, 98), (430, 106)]
    cap += [(362, 138), (320, 192), (306, 260), (307, 330), (314, 376)]
    lit = np.exp(-(((XX - 440) / 170) ** 2 + ((YY - 190) / 80) ** 2)) * 0.6 + 0.12
    ground = ramp(lit, HAIR[:3], [0, 0.5, 1])
    layer = Layer(colour_in(ground, mask(curve(cap, closed=True), 0.8)))
    for sx in (-1, 1):
        _sides(layer, sx, rng)
    _crown(layer, rng)
    _fringe(layer, rng)
    _loose_tips(layer, rng)
    return layer.array()


def _sides(layer: Layer, sx: int, rng: np.random.Generator) -> None:
    """Short, fading into the temple."""
    tones = HAIR if sx < 0 else _dimmed(0.4)

    def at(*points: tuple[float, float]) -> Doubles:
        return mirrored(sx, list(points))

    guides = [
        at((174, 270), (178, 330), (180, 392)),
        at((186, 240), (191, 330), (187, 414)),
        at((197, 230), (202, 320), (194, 416)),
        at((203, 240), (207, 310), (199, 396)),
    ]
    how = Strands((1.4, 3.6), (110, 230), 4, (0.35, 0.25), (0, 0.5), (0.35, 0.8))
    strands(layer, guides, 420, tones, rng, how)
    burns = [at((178, 380), (182, 412), (181, 446)), at((190, 380), (192, 420), (188, 452))]
    strands(layer, burns, 90, tones, rng, Strands((0.9, 2.0), (70, 170), 3.5))


def _dimmed(share: float) -> tuple[Colour, Colour, Colour, Colour]:
    a, b, c, d = (mix(tone, (10, 9, 14), share) for tone in HAIR)
    return a, b, c, d


def _tones(k: float) -> tuple[Colour, Colour]:
    """Base and light of a lock, darker to the right."""
    return mix(HAIR[0], HAIR[1], 0.3 + 0.7 * k), mix(HAIR[1], HAIR[2], 0.25 + 0.75 * k)


def _crown(layer: Layer, rng: np.random.Generator) -> None:
    for _ in range(130):
        a = rng.uniform(np.pi * 0.98, np.pi * 2.02)
        r = rng.uniform(0.72, 1.03)
        end = np.array([512 + np.cos(a) * 208 * r, 304 + np.sin(a) * 205 * r])
        way = end - CROWN
        rise = abs(np.cos(a))
        line = np.array(
            [
                CROWN + way * 0.22 + rng.normal(0, 9, 2),
                moved(CROWN + way * 0.55, 0, -9 * rise),
                moved(CROWN + way * 0.88, 0, -6 * rise),
                moved(end, np.cos(a) * 8, 4 + 44 * rise * rng.random()),
            ]
        )
        k = float(np.clip(0.60 - 0.8 * (end[0] - 400) / 400 + rng.normal(0, 0.1), 0, 1))
        lock(layer, line, rng.uniform(11, 20), _tones(k), HAIR, rng)
    left = [
        [(500, 108), (400, 116), (330, 184), (308, 270)],
        [(500, 112), (420, 116), (352, 168)],
        [(505, 130), (420, 146), (336, 226)],
        [(510, 150), (430, 186), (340, 280)],
    ]
    right = [
        [(612, 108), (672, 136), (712, 200), (718, 270)],
        [(610, 116), (664, 144), (700, 206)],
        [(620, 140), (668, 180), (706, 256)],
    ]
    how = Strands((1.0, 2.8), (70, 180), 5, (0.55, 0.2))
    for guides, tones in ((left, HAIR), (right, _dimmed(0.45))):
        strands(layer, [np.array([CROWN, *g], float) for g in guides], 230, tones, rng, how)


def _fringe(layer: Layer, rng: np.random.Generator) -> None:
    """Swept to the left, with a gap over one brow."""
    xs = np.linspace(352, 690, 46)
    drop = 14 * np.sin(xs * 0.045 + 1) + rng.normal(0, 13, 46)
    drop += 22 * np.clip((400 - xs) / 60, 0, 1) - 34 * np.exp(-(((xs - 606) / 26) ** 2))
    for i in np.argsort(-np.abs(xs - 560) + rng.normal(0, 46, 46)):
        tip = np.array([xs[i], 332 + drop[i]])
        sweep = -30 if xs[i] < 612 else 22
        root = moved(CROWN, (xs[i] - 540) * 0.30, rng.uniform(-34, 24))
        line = np.array(
            [
                root,
                moved(root * 0.62 + tip * 0.38, -sweep * 0.8, -30),
                moved(root * 0.25 + tip * 0.75, -sweep * 0.5, -12),
                moved(tip, sweep * 0.5 + rng.normal(0, 7), 0),
            ]
        )
        k = float(np.clip(0.75 - 0.8 * (xs[i] - 400) / 300 + rng.normal(0, 0.14), 0, 1))
        lock(layer, line, rng.uniform(13, 25), _tones(k), HAIR, rng, 9)


def _loose_tips(layer: Layer, rng: np.random.Generator) -> None:
    """Break the outline."""
    for _ in range(60):
        a = rng.uniform(np.pi * 1.03, np.pi * 1.97)
        out = np.array([np.cos(a), np.sin(a)])
        edge = np.array([512, 306]) + out * (212, 208)
        along = np.array([-out[1], out[0]]) * np.sign(out[0] + 0.12)
        s = rng.uniform(22, 44)
        line = [
            edge - along * s * 0.6 - out * 6,
            edge + out * rng.uniform(0, 5),
            edge + along * s * 0.6 + out * rng.uniform(-2, 7),
        ]
        colour = mix(HAIR[0], HAIR[1], rng.random())
        layer.stroke(line, (1, 0.2, rng.uniform(2, 6)), colour, 235)


def _body() -> Floats:
    layer = Layer()
    back = [(406, 818), (424, 797), (512, 782), (600, 797), (618, 818)]
    layer.stroke(back, (22, 22, 24), (168, 104, 22))
    features.neck(FACE, layer, width=86, base=838, flare=16)
    tee = [(414, 832), (446, 872), (512, 892), (578, 872), (610, 832), (640, 900), (384, 900)]
    cloth(layer, tee, Cloth((240, 240, 240), (400, 660)))
    half: list[tuple[float, float]] = [
        (0, 904),
        (52, 890),
        (92, 852),
        (110, 812),
        (178, 834),
        (254, 856),
        (330, 896),
    ]
    half += [(384, 970), (418, 1090), (428, 1190)]
    folds = (
        ([(210, 900), (250, 960), (246, 1050)], 36, -0.30),
        ([(178, 930), (208, 985), (206, 1050)], 24, 0.12),
        ([(812, 900), (776, 960), (780, 1050)], 36, -0.34),
        ([(320, 880), (300, 950), (330, 1050)], 30, -0.16),
        ([(704, 880), (724, 950), (694, 1050)], 30, -0.20),
        ([(400, 900), (440, 960), (512, 985)], 26, -0.14),
        ([(624, 900), (590, 960), (520, 990)], 26, -0.16),
        ([(330, 850), (260, 880), (200, 925)], 20, 0.14),
    )
    sweater = Cloth(MARIGOLD, (90, 940), folds, weave=0.012, seed=9)
    cloth(layer, _both(half), sweater)
    _collar(layer)
    head_shadow(layer, mix(FACE.skin[0], (150, 70, 40), 0.5), 58)
    return layer.array()


def _collar(layer: Layer) -> None:
    ring = [(402, 806), (418, 854), (460, 894), (512, 909), (564, 894), (606, 854), (622, 806)]
    line = resample(ring, 90)
    layer.stroke(moved(line, 0, 14), (12, 12, 12), (120, 70, 10), 120, blur=6)
    layer.stroke(line, (26, 26, 27), (206, 138, 36))
    layer.stroke(moved(line[7:-7], 0, -7), (1, 1, 8), (246, 192, 92), 200, blur=2)
    side = normals(line)
    for i in range(4, 86):
        rib = [line[i] - side[i] * 11, line[i], line[i] + side[i] * 11]
        layer.stroke(rib, (1, 1, 2), (126, 76, 12), 110, blur=0.5)
