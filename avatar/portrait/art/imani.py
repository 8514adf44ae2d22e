"""Imani: a woman in her thirties, warm brown skin, natural curls, teal blazer. Host, presenter."""

from typing import Final

import numpy as np

from avatar.portrait.art import features
from avatar.portrait.art.assemble import Parts, assemble, mirrored
from avatar.portrait.art.backdrop import Pane, Room, backdrop
from avatar.portrait.art.bake import Artwork
from avatar.portrait.art.cloth import Cloth, cloth, head_shadow
from avatar.portrait.art.face import Face
from avatar.portrait.art.hair import Dome, Hairs, ringlet
from avatar.portrait.art.skin import Skin
from avatar.portrait.art.strokes import (
    Doubles,
    Floats,
    Layer,
    S,
    curve,
    mix,
    moved,
    over,
    paint,
    resample,
)

HAIR: Final = ((24, 13, 13), (66, 37, 29), (126, 76, 50), (214, 150, 102))
TEAL: Final = (30, 116, 118)

ROOM: Final = Room(
    wall=((214, 222, 212), (132, 156, 152)),
    panes=(
        Pane((120, 40, 560, 720), (246, 248, 240), 0.85),
        Pane((326, 40, 346, 720), (190, 200, 190)),
        Pane((0, 720, 700, 760), (150, 150, 136), 0.8),
        Pane((1330, 300, 1820, 330), (120, 108, 90), 0.8),
        Pane((1400, 150, 1450, 300), (188, 120, 84), 0.9),
        Pane((1470, 190, 1500, 300), (226, 206, 170), 0.9),
        Pane((1510, 120, 1570, 300), (70, 112, 104), 0.9),
        Pane((1600, 180, 1640, 300), (216, 170, 96), 0.9),
        Pane((1330, 600, 1820, 630), (120, 108, 90), 0.8),
        Pane((1480, 420, 1700, 600), (74, 116, 84), 0.7),
        Pane((0, 830, 1820, 1024), (118, 122, 112), 0.55),
    ),
    glow=(226, 232, 218),
    seed=3,
)

FACE: Final = Face(
    skin=((84, 40, 32), (124, 71, 54), (167, 104, 76), (199, 136, 99), (236, 184, 146)),
    blush=(170, 58, 44),
    blush_strength=0.20,
    lip=((112, 38, 38), (162, 68, 60), (196, 102, 88)),
    gloss=0.55,
    lip_up=19,
    lip_low=27,
    lip_full=1.15,
    mouth_half=66,
    corner=-12,
    mouth_y=634,
    iris=((150, 92, 48), (88, 48, 25), (28, 14, 10)),
    iris_r=26.5,
    eye_x=92,
    eye_half=51,
    lid_up=22,
    lid_low=13,
    tilt=7,
    lash=6.4,
    lashes=26,
    crease=12,
    brow=((42, -62), (72, -72), (112, -77), (152, -59)),
    brow_widths=(13, 16, 12, 3),
    brow_colour=(44, 24, 18),
    nose_half=47,
    nose_y=566,
    nose_relief=0.90,
    nose_ball=1.4,
    bridge=19,
    cheek=1.35,
    hollow=1.3,
    chin=744,
    chin_bone=1.25,
    jaw_bone=1.3,
    seed=11,
    half=(
        *((0, 168), (100, 186), (154, 250), (172, 330), (181, 420), (183, 474), (176, 530)),
        *((163, 588), (143, 644), (108, 696), (64, 730), (30, 742), (0, 744)),
    ),
)

SKULL: Final = Dome(512, 372, 190, 214, 150)
VOLUME: Final = Dome(512, 372, 286, 286, 210)


def draw() -> Artwork:
    rng = np.random.default_rng(21)
    skin = Skin(FACE)
    front = _hair_front(rng)
    parts = Parts(
        plate=backdrop(ROOM),
        hair_back=_hair_back(rng),
        body=_body(skin),
        head=_head(skin, front[..., 3]),
        hair_front=front,
        marks=skin.marks(front[..., 3], np.zeros((S, S), np.float32)),
        brows=features.brows(FACE, (86, 50, 34), 190).array(),
    )
    return assemble("imani", "Imani", FACE, parts, skin.height)


def _head(skin: Skin, hair: Floats) -> Floats:
    head = over(skin.ears(y=FACE.eye_y + 34, h=56, out=20), skin.head(hair))
    return over(head, _earrings())


def _earrings() -> Floats:
    """Small gold hoops."""
    layer = Layer()
    for sx in (-1, 1):
        x, y = FACE.cx + sx * 184, FACE.eye_y + 80
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        ring = np.column_stack([x + 7 * np.cos(angle), y + 11 * np.sin(angle)])
        hoop = curve(ring, closed=True)
        layer.canvas.drawPath(hoop, paint((70, 40, 20), 150, blur=2.5, stroke=4))
        layer.canvas.drawPath(hoop, paint((196, 142, 66), stroke=3))
        layer.glow(x - 4, y - 8, 5, (255, 240, 196), 220)
        layer.glow(x + 3, y + 9, 4, (255, 226, 160), 170)
    return layer.array()


def _roots(rng: np.random.Generator, count: int) -> Doubles:
    """(count, 3) directions from the middle of the skull, evenly over the sphere."""
    way: Doubles = rng.normal(size=(count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    return way


def _hairline(x: float) -> float:
    """Lowest height of the roots in front of the ears."""
    u = abs(x - 512)
    fall = min(70.0, max(0.0, u - 122) * 1.7)
    return float(262 + 0.0026 * u**2 + 5 * np.sin(x * 0.05) + 3 * np.sin(x * 0.13) + fall)


def _curls(hairs: Hairs, rng: np.random.Generator, count: int, *, front: bool) -> None:
    """Ringlets that stand out from the skull and hang a little."""
    for way in _roots(rng, count * 4):
        root = np.array((SKULL.x, SKULL.y, 0)) + way * (SKULL.rx, SKULL.ry, SKULL.rz)
        before = way[2] > 0.02 and root[1] < _hairline(root[0])
        if bool(before) != front:
            continue
        if not front and (way[2] > 0.05 or way[1] > 0.80):
            continue
        hang = np.clip(way[1] + 0.35, 0, 1)
        grow = way * (1, 1, 0.85) + np.array((0, 0.75 * hang, 0)) + rng.normal(0, 0.16, 3)
        if front:
            edge = np.clip(1 - (_hairline(root[0]) - root[1]) / 60, 0, 1)
            grow += np.array((0, -0.75 * edge, 0.1))
        grow /= np.linalg.norm(grow)
        short = 0.55 + 0.45 * np.clip((_hairline(root[0]) - root[1]) / 70, 0, 1) if front else 1.0
        length = rng.uniform(66, 104) * short
        curl = ringlet(
            root + way * rng.uniform(0, 16) * short,
            grow,
            rng,
            length=length,
            radius=rng.uniform(6.0, 9.5) * (0.6 + 0.4 * short),
            turns=length / rng.uniform(22, 34),
        )
        hairs.add(curl, tone=float(np.clip(rng.normal(0.45, 0.2), 0.05, 0.95)), gloss=0.9)


def _hair_back(rng: np.random.Generator) -> Floats:
    hairs = Hairs(HAIR, VOLUME)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    s = np.sin(angle)
    ring = np.column_stack([512 + 244 * np.cos(angle), 372 + s * np.where(s < 0, 250, 270)])
    ground = Layer()
    ground.fill(curve(ring, closed=True), mix(HAIR[0], HAIR[1], 0.25), blur=7)
    _curls(hairs, rng, 760, front=False)
    return hairs.draw(rng, ground.array())


def _hair_front(rng: np.random.Generator) -> Floats:
    hairs = Hairs(HAIR, VOLUME)
    xs = np.linspace(344, 680, 33)
    edge = [(x, _hairline(x) - 16) for x in xs]
    cap = [*edge, (690, 300), (650, 180), (512, 120), (374, 180), (334, 300)]
    ground = Layer()
    ground.fill(curve(cap, closed=True), mix(HAIR[0], HAIR[1], 0.2), blur=9)
    _baby_hairs(hairs, rng)
    _curls(hairs, rng, 900, front=True)
    return hairs.draw(rng, ground.array())


def _baby_hairs(hairs: Hairs, rng: np.random.Generator) -> None:
    """Fine hairs that soften the hairline."""
    for x in rng.uniform(366, 658, 420):
        root = np.array((x, _hairline(x) + rng.normal(-3, 5)))
        lean = (x - 512) / 150 + rng.normal(0, 0.5)
        s = rng.uniform(12, 30)
        bend = np.array([(0, 0), (lean * 0.3, -0.5), (lean * 0.7, -0.8), (lean, -0.9)]) * s
        line = SKULL.lift(resample(root + bend, 8), -30)[None]
        hairs.add(line, tone=0.35, gloss=0.3, width=1)


def _body(skin: Skin) -> Floats:
    layer = Layer(skin.neck(width=84, base=846, flare=18))
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
    cloth(layer, blouse, Cloth((238, 228, 210), folds))
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
    cloth(layer, front, Cloth(TEAL, folds, weave=0.006, seed=5))
    lapel = at((88, 802), (128, 830), (136, 872), (160, 884), (138, 912), (96, 972))
    lapel = np.vstack([lapel, at((34, 1052), (30, 1010), (52, 930), (70, 872))])
    light = mix(TEAL, (60, 160, 158), 0.35)
    fold = ((at((76, 850), (74, 920), (44, 1010)), 16, 0.14),)
    under = at((142, 878), (166, 890), (142, 922), (100, 984), (42, 1056))
    layer.stroke(under, (3, 4, 12), (6, 40, 44), 110, blur=5)
    cloth(layer, lapel, Cloth(light, fold, weave=0.005, seed=6))
    edge = at((124, 836), (138, 874), (160, 884), (138, 914), (96, 974), (36, 1050))
    layer.stroke(edge, (1, 1.5, 3), (8, 44, 50), 150, blur=1.2)
    layer.stroke(at((136, 873), (112, 880)), (1, 1, 2.4), (8, 44, 50), 170, blur=0.7)
