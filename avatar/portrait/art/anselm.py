"""Anselm: an older man, grey hair swept back, short beard, round glasses, corduroy. A teacher."""

from typing import Final

import numpy as np

from avatar.portrait.art import features
from avatar.portrait.art.assemble import Parts, assemble, mirrored
from avatar.portrait.art.backdrop import Pane, Room, backdrop
from avatar.portrait.art.bake import Artwork
from avatar.portrait.art.beard import Beard
from avatar.portrait.art.cloth import Cloth, cloth, head_shadow
from avatar.portrait.art.face import Face
from avatar.portrait.art.hair import Clump, Dome, Hairs
from avatar.portrait.art.skin import Skin
from avatar.portrait.art.strokes import (
    Colour,
    Doubles,
    Floats,
    Layer,
    curve,
    linear,
    mask,
    mix,
    moved,
    over,
    paint,
    polygon,
    resample,
)

HAIR: Final = ((74, 72, 74), (136, 134, 134), (192, 190, 188), (238, 236, 232))
SHIRT: Final = (232, 234, 238)
CORD: Final = (120, 88, 52)

SKULL: Final = Dome(512, 350, 222, 250, 190)

BOOKS: Final = ((150, 62, 48), (196, 150, 96), (82, 92, 84), (224, 204, 168), (110, 72, 52))
ROOM: Final = Room(
    wall=((206, 176, 138), (120, 86, 66)),
    panes=(
        *(Pane((0, y, 1820, y + 26), (96, 66, 48), 0.7) for y in (150, 420, 690)),
        *(
            Pane((x, y + 40 + 17 * ((x // 62) % 4), x + 46, y + 270), colour, 0.60)
            for y in (-90, 150, 420, 690)
            for x, colour in zip(range(10, 1820, 62), BOOKS * 6, strict=False)
        ),
        Pane((40, 0, 330, 900), (255, 232, 188), 0.72),
    ),
    glow=(222, 190, 150),
    lens=74,
    seed=8,
)

FACE: Final = Face(
    skin=((122, 66, 54), (172, 110, 88), (214, 156, 128), (235, 188, 160), (252, 222, 202)),
    blush=(204, 84, 70),
    blush_strength=0.24,
    age=0.9,
    lip=((140, 74, 68), (182, 108, 98), (208, 140, 126)),
    gloss=0.25,
    shine=0.8,
    lip_up=13,
    lip_low=19,
    mouth_half=67,
    corner=-8,
    mouth_y=634,
    bow=3,
    iris=((146, 168, 172), (84, 112, 126), (30, 42, 52)),
    iris_r=24,
    eye_x=89,
    eye_half=44,
    lid_up=21,
    lid_low=11.5,
    tilt=-1,
    lash=5.2,
    lashes=14,
    crease=9,
    brow=((36, -60), (62, -70), (106, -73), (152, -50)),
    brow_widths=(17, 20, 17, 6),
    brow_colour=(78, 74, 74),
    brow_bone=1.5,
    nose_half=49,
    nose_y=570,
    nose_relief=1.02,
    nose_bump=0.9,
    nose_ball=1.2,
    bridge=18,
    chin=752,
    seed=31,
    cheek=1.15,
    half=(
        *((0, 166), (106, 184), (168, 256), (186, 350), (189, 440), (186, 524)),
        *((178, 600), (158, 664), (124, 712), (78, 744), (36, 753), (0, 754)),
    ),
)


def draw() -> Artwork:
    rng = np.random.default_rng(41)
    skin = Skin(FACE)
    glasses, cast = _glasses()
    beard = Beard(FACE)
    front = _hair_front(rng)
    parts = Parts(
        plate=backdrop(ROOM),
        hair_back=_hair_back(rng),
        body=_body(skin),
        head=_head(skin, front[..., 3], cast, beard.draw(rng)),
        hair_front=front,
        marks=skin.marks(front[..., 3], beard.cover),
        brows=features.brows(FACE, (196, 192, 188), 170, wild=0.12).array(),
        glasses=glasses,
    )
    return assemble("anselm", "Anselm", FACE, parts, skin.height)


def _glasses() -> tuple[Floats, Floats]:
    """The glasses, and the shadow they cast on the face."""
    frame, cast = Layer(), Layer()
    y = FACE.eye_y + 14
    for sx in (-1, 1):
        _lens(frame, cast, sx, y)
        hinge = FACE.cx + sx * (FACE.eye_x + 59)
        end = FACE.cx + sx * 196
        arm = [(hinge, y - 16), (hinge + sx * 18, y - 20), (end, y - 24)]
        frame.stroke(arm, (6, 5, 6), (64, 46, 32))
        frame.stroke(moved(arm, 0, -1.2), (2, 1, 2), (206, 168, 112), 200)
    x = FACE.cx
    bridge = [(x - 34, y - 8), (x - 14, y - 19), (x + 14, y - 19), (x + 34, y - 8)]
    cast.stroke(moved(bridge, 5, 10), (4, 4, 5), FACE.skin[0], 105, blur=4)
    frame.stroke(bridge, (5, 5, 5.2), (58, 42, 30))
    frame.stroke(moved(bridge, 0, -1), (2, 2, 2.4), (216, 180, 120))
    return frame.array(), cast.array()


def _lens(frame: Layer, cast: Layer, sx: int, y: float) -> None:
    r = 58.0
    x = FACE.cx + sx * (FACE.eye_x + 2)
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = np.column_stack([x + np.cos(angle) * r, y + np.sin(angle) * r * 0.94])
    cast.canvas.drawPath(
        curve(moved(ring, 7, 13), closed=True), paint(FACE.skin[0], 105, blur=4.5, stroke=5)
    )
    path = curve(ring, closed=True)
    corners = (x - r, y - r), (x + r, y + r)
    glass = [(255, 255, 255, 18), (255, 255, 255, 2), (220, 235, 245, 12)]
    frame.fill(path, shader=linear(*corners, glass, [0, 0.5, 1]))
    frame.clip(path)
    glare = [(x - 50, y - 6), (x - 10, y - 60), (x + 6, y - 60), (x - 44, y + 18)]
    frame.fill(polygon(glare), (255, 255, 255), 16, blur=3)
    frame.unclip()
    frame.canvas.drawPath(path, paint((96, 70, 44), stroke=4))
    gold = [(226, 190, 130), (150, 108, 62), (90, 62, 38), (190, 150, 96)]
    metal = linear(*corners, gold, [0, 0.35, 0.7, 1])
    frame.canvas.drawPath(
        curve(moved(ring, -0.6, -0.8), closed=True), paint(shader=metal, stroke=2.4)
    )


def _hair_back(rng: np.random.Generator) -> Floats:
    """What shows behind the ears."""
    hairs = Hairs(HAIR, SKULL)
    left = [(512, 116), (430, 120), (370, 148), (328, 204), (310, 290), (312, 370), (330, 440)]
    right = [(694, 440), (712, 370), (714, 290), (696, 204), (654, 148), (594, 120)]
    ground = Layer()
    ground.fill(curve([*left, *right], closed=True), mix(HAIR[0], HAIR[1], 0.35), blur=3)
    for sx in (-1, 1):
        guides = [
            mirrored(sx, [(180, 330), (194, 390), (186, 448)]),
            mirrored(sx, [(204, 320), (210, 380), (196, 440)]),
        ]
        hairs.lay(guides, 24, rng, Clump(18, 7, 4, 1.6, 0.4), 0.35)
    return hairs.draw(rng, ground.array())


def _head(skin: Skin, hair: Floats, cast: Floats, beard: Floats) -> Floats:
    head = over(skin.ears(y=FACE.eye_y + 34, h=66, out=25), skin.head(hair))
    inside = mask(curve(FACE.outline(), closed=True))[..., None]
    return over(over(head, cast * inside), beard)


def _hair_front(rng: np.random.Generator) -> Floats:
    hairs = Hairs(HAIR, SKULL)
    edge = [(328, 420), (334, 330), (356, 262), (396, 232), (450, 212), (512, 206), (574, 212)]
    edge += [(628, 232), (668, 262), (690, 330), (696, 420), (716, 400), (724, 280), (702, 200)]
    edge += [(660, 144), (594, 116), (512, 110), (430, 116), (364, 144), (322, 200), (300, 280)]
    ground = Layer()
    ground.fill(curve([*edge, (308, 400)], closed=True), mix(HAIR[0], HAIR[1], 0.5), blur=8)
    for sx in (1, -1):
        _swept(hairs, sx, rng)
        _fine(hairs, sx, rng)
    return hairs.draw(rng, ground.array())


def _swept(hairs: Hairs, sx: int, rng: np.random.Generator) -> None:
    """Combed back from a parting on the left of the picture, the sides down behind the ears."""

    def at(*points: tuple[float, float]) -> Doubles:
        return mirrored(sx, list(points))

    top = [
        at((-30, 222), (-30, 176), (-18, 134), (6, 104)),
        at((10, 222), (20, 172), (44, 130), (76, 106)),
        at((44, 228), (70, 176), (102, 136), (130, 126)),
        at((82, 240), (114, 192), (146, 158), (170, 158)),
        at((122, 256), (152, 214), (182, 198), (202, 222)),
        at((154, 282), (176, 250), (202, 250), (214, 292)),
    ]
    side = [
        at((164, 292), (184, 270), (206, 282), (214, 330)),
        at((172, 312), (190, 300), (208, 320), (214, 360)),
        at((182, 344), (196, 350), (208, 378), (206, 420)),
        at((184, 384), (194, 400), (200, 420), (194, 456)),
    ]
    hairs.lay(side, 64, rng, Clump(22, 9, 4), 0.42)
    hairs.lay(top, 92, rng, Clump(34, 13, 5, 2.4), 0.56 if sx < 0 else 0.46)


def _fine(hairs: Hairs, sx: int, rng: np.random.Generator) -> None:
    """Single hairs: the hairline and what strays from the outline."""
    for _ in range(150):
        x = rng.uniform(0, 158)
        y = 214 + 0.0022 * x**2 + rng.normal(0, 5)
        s = rng.uniform(16, 40)
        lean = x / 190
        line = mirrored(sx, [(x, y + 6), (x + s * lean * 0.4, y - s * 0.5), (x + s * lean, y - s)])
        hairs.add(SKULL.lift(resample(line, 8), -40)[None], tone=0.4, gloss=0.4, width=1)
    rim = mirrored(sx, [(0, 112), (84, 120), (150, 148), (196, 208), (216, 290), (218, 380)])
    for i in rng.integers(0, 52, 60):
        line = resample(rim, 60)
        out = (line[i] - (512, 330)) / 260 * rng.uniform(2, 12)
        stray = np.array([line[i] - out * 0.3, line[i + 3] + out * 0.6, line[i + 6] + out * 0.5])
        hairs.add(SKULL.lift(resample(stray, 8))[None], tone=0.7, gloss=0.5, width=1)


def _body(skin: Skin) -> Floats:
    layer = Layer(skin.neck(width=102, base=846, flare=18))
    chest = [(404, 836), (512, 930), (620, 836), (700, 900), (690, 1050), (334, 1050), (324, 900)]
    fold = (([(440, 900), (470, 980), (470, 1040)], 22, -0.2),)
    cloth(layer, chest, Cloth(SHIRT, fold))
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
    cloth(layer, shape, Cloth((110, 34, 44), weave=0.05, seed=3))
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
    how = Cloth(SHIRT, fold, seed=2)
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
    cloth(layer, front, Cloth(CORD, folds, weave=0.012, seed=5))
    wales = [
        at((90 + k, 800), (96 + k * 1.05, 900), (92 + k * 1.12, 1040)) for k in range(0, 400, 9)
    ]
    _ribs(layer, front, wales, (56, 36, 20))
    lapel = at((112, 800), (150, 826), (166, 866), (196, 876), (176, 908), (140, 970))
    lapel = np.vstack([lapel, at((96, 1056), (86, 1000), (100, 920), (106, 850))])
    under = at((166, 872), (190, 892), (140, 982), (104, 1050))
    layer.stroke(under, (4, 6, 14), (30, 18, 10), 120, blur=6)
    light = mix(CORD, (176, 134, 84), 0.35)
    cloth(layer, lapel, Cloth(light, weave=0.012, seed=6))
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
