"""Imani: a woman in her thirties, warm brown skin, natural curls, teal blazer. Host, presenter."""

from collections.abc import Callable
from typing import Final

import numpy as np

from avatar.portrait.art import features
from avatar.portrait.art.assemble import Parts, assemble, mirrored, picture, shade
from avatar.portrait.art.bake import Artwork
from avatar.portrait.art.cloth import Cloth, backdrop, cloth, head_shadow
from avatar.portrait.art.face import Face
from avatar.portrait.art.hair import Curl, curl, hair_light
from avatar.portrait.art.skin import Skin
from avatar.portrait.art.strokes import (
    Doubles,
    Floats,
    Layer,
    S,
    colour_in,
    curve,
    mask,
    mix,
    moved,
    radial,
    soften,
)

HAIR: Final = ((24, 13, 13), (66, 37, 29), (126, 76, 50), (214, 150, 102))
TEAL: Final = (30, 116, 118)

FACE: Final = Face(
    skin=((84, 40, 32), (124, 71, 54), (167, 104, 76), (199, 136, 99), (236, 184, 146)),
    blush=(178, 62, 48),
    blush_strength=0.12,
    lip=((104, 38, 38), (150, 66, 62), (190, 104, 92)),
    gloss=0.55,
    lip_up=17,
    lip_low=23,
    mouth_half=68,
    corner=-13,
    mouth_y=622,
    iris=((132, 82, 44), (84, 46, 24), (30, 15, 10)),
    iris_r=21,
    lid_up=18.5,
    lid_low=12,
    eye_half=46,
    tilt=7,
    lash=6.4,
    lashes=9,
    crease=11,
    brow=((43, -55), (68, -66), (106, -72), (147, -54)),
    brow_widths=(11, 14, 11, 2.5),
    brow_colour=(44, 24, 18),
    nose_half=40,
    nose_y=558,
    nose_relief=0.72,
    bridge=16,
    chin=742,
    seed=11,
    half=(
        *((0, 170), (98, 186), (160, 254), (182, 346), (186, 440), (179, 522)),
        *((160, 602), (126, 674), (80, 722), (36, 740), (0, 743)),
    ),
)

Where = Callable[[float, float], bool]


def draw() -> Artwork:
    rng = np.random.default_rng(21)
    skin = Skin(FACE)
    mass = _Mass()
    parts = Parts(
        plate=backdrop((196, 208, 196), (138, 160, 158), (236, 236, 218), 3),
        hair_back=_hair_back(mass, rng),
        body=_body(),
        head=_head(skin),
        hair_front=_hair_front(mass, rng),
        brows=features.brows(FACE, (86, 50, 34), 190).array(),
    )
    return assemble("imani", "Imani", FACE, parts, skin.height)


class _Mass:
    """The outline of the whole hair."""

    def __init__(self) -> None:
        angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        s = np.sin(angle)
        rx = np.interp(s, [-1, -0.5, 0, 0.5, 1], [292, 288, 282, 272, 236])
        ry = np.where(s < 0, 272, 350)
        wobble = 1 + 0.022 * np.sin(angle * 11) + 0.016 * np.sin(angle * 17 + 1)
        x, y = 512 + np.cos(angle) * rx * wobble, 372 + s * ry * wobble
        self.outline = np.column_stack([x, y])
        self._cover = mask(curve(self.outline, closed=True))

    def holds(self, x: float, y: float, margin: float = 1.0) -> bool:
        """Whether a point lies inside; a margin above 1 keeps away from the edge."""
        u, v = 512 + (x - 512) * margin, 372 + (y - 372) * margin
        row, column = int(np.clip(v, 0, S - 1)), int(np.clip(u, 0, S - 1))
        return bool(self._cover[row, column] > 0.5)


def _scatter(rng: np.random.Generator, count: int, where: Where, apart: float) -> list[Doubles]:
    """Places for locks, back to front: far from the middle of the head first."""
    places: list[Doubles] = []
    for _ in range(count * 30):
        if len(places) >= count:
            break
        p = np.array([rng.uniform(150, 874), rng.uniform(60, 800)])
        if where(*p) and all(np.hypot(*(p - q)) > apart for q in places[-400:]):
            places.append(p)
    places.sort(key=lambda p: -np.hypot(p[0] - 512, p[1] - 330) + rng.normal(0, 26))
    return places


def _curls(
    layer: Layer,
    rng: np.random.Generator,
    count: int,
    where: Where,
    size: float,
    bright: float,
    hang: float = 0.0,
) -> None:
    """hang: 0 the locks stand out from the head, 1 they hang down."""
    for p in _scatter(rng, count, where, size * 0.34):
        d = p - (512, 330)
        out = np.arctan2(d[1], d[0])
        angle = out + np.clip(np.cos(out) * 0.9, -1, 1) * 0.55
        down = np.pi / 2 + np.sign(d[0]) * -0.12
        angle = angle + (down - angle) * hang + rng.normal(0, 0.38 * (1 - 0.6 * hang))
        light = np.clip((-d[0] * 0.45 - d[1] * 0.85) / 300, -1, 1)
        way = np.array([np.cos(angle), np.sin(angle)])
        c = Curl(
            at=p - way * size * 0.45,
            angle=float(angle),
            length=size * rng.uniform(0.8, 1.35),
            wave=size * rng.uniform(0.09, 0.15),
            width=size * rng.uniform(0.11, 0.165),
            turns=rng.uniform(1.3, 2.6),
            bright=float(bright + 0.04 + 0.40 * light + rng.normal(0, 0.13)),
        )
        curl(layer, c, HAIR, rng)


def _hair_back(mass: _Mass, rng: np.random.Generator) -> Floats:
    layer = Layer()
    tones = [HAIR[1], mix(HAIR[0], HAIR[1], 0.4), HAIR[0]]
    ground = radial(430, 250, 520, tones, [0, 0.5, 1])
    layer.fill(curve(mass.outline, closed=True), shader=ground, blur=3)
    _curls(layer, rng, 600, lambda x, y: _above_jaw(x, y) and mass.holds(x, y, 1.10), 60, 0.26)
    _curls(
        layer,
        rng,
        460,
        lambda x, y: _above_jaw(x, y) and mass.holds(x, y) and not mass.holds(x, y, 1.15),
        40,
        0.46,
    )
    for _ in range(150):
        a = rng.uniform(-np.pi * 1.15, 0.15 * np.pi)
        out = np.array([np.cos(a), np.sin(a)])
        root = np.array([512, 372]) + out * (280, 266 if out[1] < 0 else 330)
        side = np.array([-out[1], out[0]]) * rng.choice([-1, 1])
        s = rng.uniform(14, 30)
        bent = [root, root + out * s * 0.7 + side * s * 0.3, root + out * s + side * s * 0.9]
        layer.stroke([*bent, root + out * s * 0.7 + side * s * 1.2], (1.4, 0.3, 1.3), HAIR[1], 140)
    return hair_light(layer, (400, 190), 330, high=1.32, low=0.72)


def _above_jaw(x: float, y: float) -> bool:
    """Locks end beside the cheeks; under the jaw a stray tip looks like dirt."""
    return y < 676 and (y < 620 or abs(x - 512) > 150)


def _at_the_face(mass: _Mass, x: float, y: float) -> bool:
    """Where front curls start: the hairline, which is nowhere even, and the sides."""
    u, v = x - 512, y - 400
    wave = 0.05 * np.sin(u * 0.055 + 0.7) + 0.035 * np.sin(u * 0.13 + 2)
    if y < 400:
        far = (u / 160) ** 2 + (v / 150) ** 2 > 1.0 + wave
        return bool(far and mass.holds(x, y, 1.105))
    beside = abs(u) > 167 + 3 * np.sin(y * 0.07 + np.sign(u)) - max(0, y - 520) * 0.10
    edge = 1 + 0.05 * np.sin(y * 0.11 + u * 0.05)
    return bool(y < 690 and beside and (u / 256) ** 2 + ((y - 420) / 262) ** 2 < edge)


def _hair_front(mass: _Mass, rng: np.random.Generator) -> Floats:
    def front(x: float, y: float) -> bool:
        return _at_the_face(mass, x, y)

    cover = np.zeros((S, S), np.float32)
    for y in range(60, 700, 2):
        for x in range(150, 874, 2):
            cover[y : y + 2, x : x + 2] = front(x, y)
    cover = np.clip((soften(cover, 5) - 0.45) * 3, 0, 1).astype(np.float32)
    ground = np.ones((S, S, 3), np.float32) * np.array(mix(HAIR[0], HAIR[1], 0.35), np.float32)
    layer = Layer(colour_in(ground, cover))
    _baby_hairs(layer, rng)
    _curls(layer, rng, 330, lambda x, y: y < 400 and front(x, y), 60, 0.40)
    # beside the face the locks hang along it: those that stood out looked like hooks
    _curls(layer, rng, 260, lambda x, y: y >= 380 and front(x, y), 48, 0.34, hang=0.9)

    def lit(x: float, y: float) -> bool:
        return front(x, y) and (x - 440) ** 2 / 200**2 + (y - 200) ** 2 / 96**2 < 1

    _curls(layer, rng, 80, lit, 58, 0.72)
    return hair_light(layer, (400, 190), 300, high=1.32, low=0.72)


def _baby_hairs(layer: Layer, rng: np.random.Generator) -> None:
    """Fine hairs that soften the hairline."""
    for _ in range(190):
        a = rng.uniform(-np.pi * 0.98, -np.pi * 0.02)
        r = rng.uniform(0.90, 1.03)
        root = np.array([512 + np.cos(a) * 160 * r, 400 + np.sin(a) * 150 * r])
        inward = -np.array([np.cos(a), np.sin(a)])
        side = np.array([-inward[1], inward[0]]) * rng.choice([-1, 1])
        s = rng.uniform(9, 20)
        bend = [root - inward * s, root, root + inward * s * 0.4 + side * s * 0.8]
        layer.stroke(bend, (1.6, 0.2, 1.1), HAIR[0], rng.uniform(60, 130), blur=0.4)


def _head(skin: Skin) -> Floats:
    layer = Layer()
    features.ears(FACE, layer, y=FACE.eye_y + 22)
    head = picture(layer, skin.layer())
    left = [(300, 480), (344, 470), (352, 380), (384, 318), (450, 286), (520, 280)]
    right = [(590, 290), (646, 326), (676, 384), (684, 480), (740, 480), (740, 120), (300, 120)]
    deep = tuple(0.9 * v for v in FACE.skin[0])
    return shade(head, FACE, np.array(left + right, float), deep, 0.50)


def _body() -> Floats:
    layer = Layer()
    features.neck(FACE, layer, width=88, base=838, flare=16)
    chain = np.array(
        [(428, 828), (450, 856), (482, 878), (512, 886), (542, 878), (574, 856), (596, 828)]
    )
    layer.stroke(moved(chain, 2, 5), (2, 2, 3), FACE.skin[0], 150, blur=2)
    layer.stroke(chain, (2, 2, 2.6), (206, 158, 78))
    layer.stroke(moved(chain, 0, -0.7), (0.8, 0.8, 1.2), (255, 232, 170), 200)
    folds = (
        ([(450, 880), (490, 960), (500, 1030)], 26, -0.22),
        ([(570, 880), (536, 950), (528, 1030)], 22, -0.25),
    )
    blouse = [(430, 836), (512, 905), (594, 836), (640, 1040), (384, 1040)]
    cloth(layer, blouse, Cloth((238, 228, 210), (380, 700), folds))
    hem = [(428, 838), (470, 880), (512, 906), (554, 880), (596, 838)]
    layer.stroke(hem, (2, 2, 7), (255, 250, 238), 230)
    layer.stroke(moved(hem, 0, 8.5), (1, 1, 6), (120, 98, 84), 110, blur=2.5)
    for sx in (-1, 1):
        _blazer(layer, sx)
    head_shadow(layer)
    return layer.array()


def _blazer(layer: Layer, sx: int) -> None:
    def at(*points: tuple[float, float]) -> Doubles:
        return mirrored(sx, list(points))

    front = at((92, 806), (160, 830), (250, 852), (332, 886), (386, 950))
    front = np.vstack([front, at((420, 1080), (430, 1180), (30, 1180), (44, 1000), (72, 930))])
    folds = (
        (at((300, 905), (262, 960), (258, 1040)), 34, -0.34),
        (at((332, 920), (300, 985), (292, 1040)), 24, 0.12),
        (at((196, 880), (214, 950), (190, 1040)), 30, -0.20),
        (at((120, 850), (200, 862), (262, 884)), 18, 0.13),
        (at((350, 900), (372, 960), (384, 1040)), 22, -0.16),
    )
    cloth(layer, front, Cloth(TEAL, (100, 930), folds, weave=0.006, seed=5))
    lapel = at((88, 802), (128, 830), (136, 872), (160, 884), (138, 912), (96, 972))
    lapel = np.vstack([lapel, at((34, 1052), (30, 1010), (52, 930), (70, 872))])
    light = mix(TEAL, (60, 160, 158), 0.35)
    fold = ((at((76, 850), (74, 920), (44, 1010)), 16, 0.14),)
    under = at((142, 878), (166, 890), (142, 922), (100, 984), (42, 1056))
    layer.stroke(under, (3, 4, 12), (6, 40, 44), 110, blur=5)
    cloth(layer, lapel, Cloth(light, (250, 860), fold, weave=0.005, seed=6))
    edge = at((124, 836), (138, 874), (160, 884), (138, 914), (96, 974), (36, 1050))
    layer.stroke(edge, (1, 1.5, 3), (8, 44, 50), 150, blur=1.2)
    layer.stroke(at((136, 873), (112, 880)), (1, 1, 2.4), (8, 44, 50), 170, blur=0.7)
