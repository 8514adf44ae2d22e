"""Anselm: an older man, grey hair swept back, short beard, round glasses, corduroy. A teacher."""

from typing import Final

import numpy as np

from avatar.portrait.art import features
from avatar.portrait.art.assemble import Parts, assemble, mirrored, picture, shade
from avatar.portrait.art.bake import Artwork
from avatar.portrait.art.beard import Beard
from avatar.portrait.art.cloth import Cloth, backdrop, cloth, head_shadow
from avatar.portrait.art.face import Face
from avatar.portrait.art.hair import Palette, Strands, hair_light, strands
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
    linear,
    mask,
    mix,
    moved,
    over,
    paint,
    polygon,
    ramp,
    resample,
)

HAIR: Final = ((74, 72, 74), (136, 134, 134), (192, 190, 188), (238, 236, 232))
SHIRT: Final = (232, 234, 238)
CORD: Final = (120, 88, 52)

FACE: Final = Face(
    skin=((122, 66, 54), (172, 110, 88), (214, 156, 128), (235, 188, 160), (252, 222, 202)),
    blush=(206, 84, 70),
    blush_strength=0.17,
    age=0.85,
    lip=((128, 62, 58), (172, 96, 88), (206, 136, 122)),
    gloss=0.25,
    lip_up=10,
    lip_low=17,
    mouth_half=64,
    corner=-11,
    mouth_y=630,
    bow=3,
    iris=((128, 150, 158), (78, 104, 118), (30, 42, 52)),
    iris_r=19,
    lid_up=16.5,
    lid_low=11,
    eye_half=42,
    tilt=-1,
    lash=3.6,
    lashes=0,
    crease=8,
    brow=((37, -52), (62, -63), (104, -66), (148, -44)),
    brow_widths=(15, 18, 15, 5),
    brow_colour=(112, 108, 106),
    nose_half=43,
    nose_y=566,
    nose_relief=1.02,
    bridge=15.5,
    chin=748,
    seed=31,
    cheek=1.1,
    half=(
        *((0, 168), (104, 184), (168, 256), (190, 350), (193, 440), (188, 524)),
        *((174, 608), (142, 682), (96, 730), (42, 748), (0, 750)),
    ),
)


def draw() -> Artwork:
    rng = np.random.default_rng(41)
    skin = Skin(FACE)
    glasses, cast = _glasses()
    parts = Parts(
        plate=backdrop((216, 198, 172), (158, 128, 108), (248, 232, 204), 8),
        hair_back=_hair_back(),
        body=_body(),
        head=_head(skin, cast, rng),
        hair_front=_hair_front(rng),
        brows=features.brows(FACE, (206, 202, 198), 170, wild=0.12).array(),
        glasses=glasses,
    )
    return assemble("anselm", "Anselm", FACE, parts, skin.height)


def _glasses() -> tuple[Floats, Floats]:
    """The glasses, and the shadow they cast on the face."""
    frame, cast = Layer(), Layer()
    y = FACE.eye_y + 8
    for sx in (-1, 1):
        _lens(frame, cast, sx, y)
        hinge = FACE.cx + sx * (FACE.eye_x + 64)
        end = FACE.cx + sx * 196
        arm = [(hinge, y - 16), (hinge + sx * 18, y - 20), (end, y - 24)]
        frame.stroke(arm, (6, 5, 6), (64, 46, 32))
        frame.stroke(moved(arm, 0, -1.2), (2, 1, 2), (206, 168, 112), 200)
    x = FACE.cx
    bridge = [(x - 28, y - 10), (x - 12, y - 22), (x + 12, y - 22), (x + 28, y - 10)]
    cast.stroke(moved(bridge, 5, 10), (4, 4, 5), FACE.skin[0], 105, blur=4)
    frame.stroke(bridge, (5, 5, 5.2), (58, 42, 30))
    frame.stroke(moved(bridge, 0, -1), (2, 2, 2.4), (216, 180, 120))
    return frame.array(), cast.array()


def _lens(frame: Layer, cast: Layer, sx: int, y: float) -> None:
    r = 63.0
    x = FACE.cx + sx * (FACE.eye_x + 2)
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = np.column_stack([x + np.cos(angle) * r, y + np.sin(angle) * r * 0.94])
    cast.canvas.drawPath(
        curve(moved(ring, 7, 13), closed=True), paint(FACE.skin[0], 105, blur=4.5, stroke=5)
    )
    path = curve(ring, closed=True)
    corners = (x - r, y - r), (x + r, y + r)
    glass = [(255, 255, 255, 30), (255, 255, 255, 6), (220, 235, 245, 22)]
    frame.fill(path, shader=linear(*corners, glass, [0, 0.5, 1]))
    frame.clip(path)
    glare = [(x - 58, y - 6), (x - 10, y - 70), (x + 10, y - 70), (x - 50, y + 22)]
    frame.fill(polygon(glare), (255, 255, 255), 24, blur=3)
    frame.unclip()
    frame.canvas.drawPath(path, paint((58, 42, 30), stroke=5.2))
    gold = [(226, 190, 130), (150, 108, 62), (90, 62, 38), (190, 150, 96)]
    metal = linear(*corners, gold, [0, 0.35, 0.7, 1])
    frame.canvas.drawPath(
        curve(moved(ring, -0.6, -0.8), closed=True), paint(shader=metal, stroke=3)
    )


def _hair_back() -> Floats:
    left = [(512, 108), (430, 112), (362, 142), (318, 204), (298, 290), (302, 380), (318, 430)]
    right = [(684, 450), (706, 430), (722, 380), (726, 290), (706, 204), (662, 142), (594, 112)]
    tones = [mix(HAIR[1], HAIR[2], 0.3), HAIR[1], HAIR[0]]
    layer = Layer()
    skull = curve([*left, (340, 450), *right], closed=True)
    layer.fill(skull, shader=linear((300, 150), (730, 500), tones, [0, 0.4, 1]), blur=2)
    return layer.array()


def _head(skin: Skin, cast: Floats, rng: np.random.Generator) -> Floats:
    layer = Layer()
    features.ears(FACE, layer, y=FACE.eye_y + 24, h=66, out=25)
    head = picture(layer, skin.layer())
    edge = [(300, 480), (330, 440), (338, 330), (380, 250), (450, 226), (512, 222), (574, 226)]
    edge += [(644, 250), (686, 330), (694, 440), (724, 480), (740, 140), (284, 140)]
    head = shade(head, FACE, np.array(edge, float), FACE.skin[0], 0.34)
    inside = mask(curve(FACE.outline(), closed=True))[..., None]
    bearded = Layer(over(head, cast * inside))
    Beard(FACE, skin.height).draw(bearded, rng)
    return bearded.array()


def _hair_front(rng: np.random.Generator) -> Floats:
    edge = [(330, 330), (330, 300), (356, 250), (396, 238), (438, 222), (480, 206), (512, 202)]
    edge += [(544, 206), (586, 222), (628, 238), (668, 250), (694, 300), (694, 330), (722, 340)]
    edge += [(724, 280), (702, 200), (660, 142), (594, 112), (512, 106), (430, 112), (364, 142)]
    edge += [(322, 200), (300, 280), (302, 340)]
    lit = 0.80 - 0.55 * (XX - 360) / 380 - 0.1 * np.clip((YY - 180) / 150, 0, 1)
    ground = ramp(np.clip(lit, 0, 1), HAIR[:3], [0, 0.5, 1]) * 0.92
    layer = Layer(colour_in(ground, mask(curve(edge, closed=True), 4)))
    for sx in (-1, 1):
        _swept(layer, sx, rng)
    _loose(layer, rng)
    return hair_light(layer, (420, 150), 330, high=1.18, low=0.86)


def _swept(layer: Layer, sx: int, rng: np.random.Generator) -> None:
    tones: Palette = HAIR
    if sx > 0:
        a, b, c, d = (mix(tone, (60, 56, 60), 0.22) for tone in HAIR)
        tones = a, b, c, d

    def at(*points: tuple[float, float]) -> Doubles:
        return mirrored(sx, list(points))

    guides = [
        at((-14, 208), (-16, 170), (-10, 130), (0, 104)),
        at((14, 212), (24, 168), (44, 128), (72, 108)),
        at((40, 216), (64, 170), (96, 132), (124, 126)),
        at((78, 230), (108, 186), (140, 154), (166, 160)),
        at((120, 246), (148, 210), (178, 196), (198, 222)),
        at((152, 270), (172, 244), (198, 246), (212, 290)),
        at((174, 306), (188, 290), (204, 306), (212, 352)),
        at((182, 340), (194, 340), (206, 368), (206, 410)),
    ]
    how = Strands((1.4, 4.2), (90, 210), 5, (0.38, 0.2), (0, 0.4), (0.5, 1.0))
    strands(layer, guides, 900, tones, rng, how)
    side = [
        at((176, 316), (187, 372), (188, 436)),
        at((196, 300), (205, 366), (200, 432)),
        at((208, 310), (214, 366), (206, 424)),
    ]
    strands(layer, side, 330, tones, rng, Strands((1.2, 3.2), (90, 200), 4, (0.3, 0.2)))
    burns = [at((182, 400), (186, 440), (184, 478)), at((192, 400), (194, 440), (190, 486))]
    strands(layer, burns, 90, tones, rng, Strands((1.0, 2.4), (90, 200), 3))


def _loose(layer: Layer, rng: np.random.Generator) -> None:
    """Hairs that break the outline."""
    top = [(306, 300), (324, 200), (366, 142), (432, 112), (512, 106), (592, 112), (658, 142)]
    edge = resample([*top, (700, 200), (718, 300)], 160)
    for i in rng.integers(2, 156, 150):
        p = edge[i]
        along = edge[i + 3] - p
        along = along / np.linalg.norm(along) * (1 if p[0] > 512 else -1)
        out = np.array([p[0] - 512, p[1] - 320]) / 260
        s = rng.uniform(16, 44)
        hair = [
            p - out * rng.uniform(0, 8) - along * s * 0.4,
            p + out * rng.uniform(-1, 5) + along * s * 0.1,
            p + out * rng.uniform(-3, 3) + along * s * 0.7,
        ]
        colour = mix(HAIR[1], HAIR[3], rng.random())
        layer.stroke(hair, (0.6, 0.2, 1.6), colour, rng.uniform(80, 190))


def _body() -> Floats:
    layer = Layer()
    features.neck(FACE, layer, width=104, base=842, flare=16)
    chest = [(404, 836), (512, 930), (620, 836), (700, 900), (690, 1050), (334, 1050), (324, 900)]
    fold = (([(440, 900), (470, 980), (470, 1040)], 22, -0.2),)
    cloth(layer, chest, Cloth(SHIRT, (320, 760), fold))
    _vest(layer)
    for sx in (-1, 1):
        _collar(layer, sx)
    for sx in (-1, 1):
        _jacket(layer, sx)
    head_shadow(layer)
    return layer.array()


def _vest(layer: Layer) -> None:
    shape = [(372, 850), (430, 880), (512, 1010), (594, 880), (652, 850), (720, 930)]
    shape += [(720, 1060), (304, 1060), (304, 930)]
    cloth(layer, shape, Cloth((110, 34, 44), (300, 800), weave=0.05, seed=3))
    layer.clip(curve(shape, closed=True))
    for x in range(312, 712, 13):
        rib = [(x, 860), (x + (512 - x) * 0.06, 1030)]
        layer.stroke(rib, (2, 2, 4), (50, 10, 18), 70, blur=1.4)
    layer.unclip()
    neck = [(376, 852), (432, 884), (512, 1012), (592, 884), (648, 852)]
    layer.stroke(neck, (3, 3, 12), (84, 22, 32), 230, blur=1)
    layer.stroke(moved(neck, 0, -7), (1, 1, 3), (170, 80, 84), 150, blur=1)


def _collar(layer: Layer, sx: int) -> None:
    def at(*points: tuple[float, float]) -> Doubles:
        return mirrored(sx, list(points))

    shadow = at((114, 842), (102, 890), (70, 940), (36, 916))
    layer.stroke(shadow, (6, 4, 14), (40, 16, 24), 120, blur=6)
    wing = at((112, 800), (120, 836), (104, 880), (70, 930), (36, 906), (6, 892), (30, 872))
    wing = np.vstack([wing, at((70, 846))])
    fold = ((at((100, 850), (80, 890), (64, 918)), 16, -0.12),)
    how = Cloth(SHIRT, (380, 690), fold, seed=2, light=1.08, dark=0.72)
    cloth(layer, polygon(resample(wing, 80, closed=True)), how)
    edge = at((114, 838), (98, 880), (70, 924), (34, 902))
    layer.stroke(edge, (1, 1, 1.6), (150, 150, 160), 120)


def _jacket(layer: Layer, sx: int) -> None:
    def at(*points: tuple[float, float]) -> Doubles:
        return mirrored(sx, list(points))

    front = at((116, 806), (190, 834), (276, 856), (358, 894), (410, 960), (446, 1080))
    front = np.vstack([front, at((452, 1180), (92, 1180), (104, 1000), (120, 920))])
    folds = (
        (at((318, 900), (276, 960), (276, 1040)), 36, -0.34),
        (at((348, 920), (316, 985), (312, 1040)), 24, 0.12),
        (at((210, 880), (226, 950), (206, 1040)), 30, -0.18),
    )
    cloth(layer, front, Cloth(CORD, (70, 960), folds, weave=0.012, seed=5))
    wales = [
        at((90 + k, 800), (96 + k * 1.05, 900), (92 + k * 1.12, 1040)) for k in range(0, 400, 9)
    ]
    _ribs(layer, front, wales, (56, 36, 20))
    lapel = at((112, 800), (150, 826), (166, 866), (196, 876), (176, 908), (140, 970))
    lapel = np.vstack([lapel, at((96, 1056), (86, 1000), (100, 920), (106, 850))])
    under = at((166, 872), (190, 892), (140, 982), (104, 1050))
    layer.stroke(under, (4, 6, 14), (30, 18, 10), 120, blur=6)
    light = mix(CORD, (176, 134, 84), 0.35)
    cloth(layer, lapel, Cloth(light, (240, 860), weave=0.012, seed=6))
    wales = [at((84 + k, 790), (92 + k, 900), (60 + k, 1050)) for k in range(0, 130, 9)]
    _ribs(layer, lapel, wales, (70, 46, 24))
    edge = at((150, 826), (168, 868), (196, 876), (176, 908), (140, 970), (98, 1050))
    layer.stroke(edge, (1, 1.5, 2.6), (40, 24, 12), 170, blur=1)
    layer.stroke(at((167, 867), (140, 872)), (1, 1, 2.4), (40, 24, 12), 180, blur=0.7)


def _ribs(layer: Layer, shape: Doubles, wales: list[Doubles], colour: Colour) -> None:
    layer.clip(curve(shape, closed=True))
    for wale in wales:
        layer.stroke(wale, (1.5, 2, 3), colour, 70, blur=1)
    layer.unclip()
