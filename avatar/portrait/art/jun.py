"""Jun: a young East Asian person, short textured black hair, marigold sweater. Support host."""

from typing import Final

import numpy as np

from avatar.portrait.art import features
from avatar.portrait.art.assemble import Parts, assemble, mirrored
from avatar.portrait.art.backdrop import Pane, Room, backdrop
from avatar.portrait.art.bake import Artwork
from avatar.portrait.art.cloth import Cloth, cloth, head_shadow
from avatar.portrait.art.face import Face
from avatar.portrait.art.hair import Clump, Dome, Hairs, clump
from avatar.portrait.art.skin import Skin
from avatar.portrait.art.strokes import (
    Doubles,
    Floats,
    Layer,
    S,
    curve,
    mix,
    moved,
    normals,
    over,
    paint,
    resample,
)

HAIR: Final = ((13, 11, 14), (30, 26, 32), (50, 44, 50), (122, 113, 118))
MARIGOLD: Final = (232, 164, 52)
CROWN: Final = np.array([560.0, 160.0])  # the hair falls forward and to the left from here
SKULL: Final = Dome(512, 330, 222, 240, 190)

ROOM: Final = Room(
    wall=((222, 226, 240), (142, 150, 190)),
    panes=(
        Pane((180, 0, 700, 640), (250, 250, 255), 0.7),
        Pane((430, 0, 448, 640), (186, 192, 214)),
        Pane((1200, 90, 1640, 560), (232, 214, 204), 0.7),
        Pane((1250, 140, 1590, 510), (196, 142, 122), 0.6),
        Pane((1330, 140, 1480, 510), (240, 196, 140), 0.6),
        Pane((0, 800, 1820, 1024), (150, 146, 170), 0.5),
    ),
    glow=(226, 229, 244),
    lights=14,
    light=(255, 250, 240),
    lit=(0, 40, 760, 620),
    seed=12,
)

FACE: Final = Face(
    eye_y=462,
    skin=((146, 90, 74), (196, 140, 117), (228, 178, 150), (245, 207, 181), (255, 236, 218)),
    blush=(226, 104, 92),
    blush_strength=0.24,
    lip=((172, 88, 82), (210, 126, 116), (230, 154, 142)),
    gloss=0.45,
    lip_up=13,
    lip_low=20,
    mouth_half=59,
    corner=-10,
    mouth_y=622,
    bow=3.5,
    iris=((116, 74, 48), (64, 38, 26), (22, 13, 12)),
    iris_r=25.5,
    eye_x=93,
    eye_half=49,
    lid_up=18.5,
    lid_low=12.5,
    lid_power=0.64,
    tilt=6,
    lash=4.6,
    lashes=14,
    crease=0,
    brow=((42, -60), (68, -68), (110, -70), (152, -56)),
    brow_widths=(13, 16, 13, 4),
    brow_colour=(34, 28, 30),
    deep_set=0.55,
    hollow=0.7,
    nose_half=34,
    nose_y=562,
    nose_relief=0.80,
    bridge=15,
    chin=722,
    seed=51,
    cheek=1.05,
    half=(
        *((0, 172), (100, 188), (160, 256), (180, 346), (187, 430), (187, 490), (181, 545)),
        *((166, 600), (138, 652), (98, 694), (54, 716), (24, 722), (0, 722)),
    ),
)


def draw() -> Artwork:
    rng = np.random.default_rng(61)
    skin = Skin(FACE)
    front = _hair_front(rng)
    parts = Parts(
        plate=backdrop(ROOM),
        hair_back=_hair_back(rng),
        body=_body(skin),
        head=over(skin.ears(y=FACE.eye_y + 32, h=58, out=22), skin.head(front[..., 3])),
        hair_front=front,
        marks=skin.marks(front[..., 3], np.zeros((S, S), np.float32)),
        brows=features.brows(FACE, (58, 50, 52), 150).array(),
    )
    return assemble("jun", "Jun", FACE, parts, skin.height)


def _both(half: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A contour from its right half, given as distance from the centre line."""
    left = [(512 - x, y) for x, y in half]
    return left + [(512 + x, y) for x, y in half[::-1] if x]


def _hair_back(rng: np.random.Generator) -> Floats:
    """The sides behind the ears, short."""
    hairs = Hairs(HAIR, SKULL)
    half: list[tuple[float, float]] = [(0, 122), (80, 130), (138, 160), (178, 212), (192, 290)]
    outline = curve(_both([*half, (192, 370), (178, 428), (168, 446)]), closed=True)
    ground = Layer()
    ground.fill(outline, mix(HAIR[0], HAIR[1], 0.4), blur=3)
    for sx in (-1, 1):
        guides = [
            mirrored(sx, [(182, 330), (196, 390), (184, 452)]),
            mirrored(sx, [(204, 310), (208, 370), (192, 436)]),
        ]
        hairs.lay(guides, 26, rng, Clump(16, 7, 3), 0.3)
    return hairs.draw(rng, ground.array())


def _hair_front(rng: np.random.Generator) -> Floats:
    cap = [(326, 410), (330, 360), (346, 318), (386, 296), (450, 290), (512, 288), (574, 288)]
    cap += [(638, 296), (680, 320), (696, 360), (700, 410), (712, 372), (716, 300), (692, 202)]
    cap += [(650, 156), (590, 126), (512, 117), (434, 126), (374, 156), (332, 206), (312, 300)]
    ground = Layer()
    ground.fill(curve([*cap, (312, 376)], closed=True), mix(HAIR[0], HAIR[1], 0.5), blur=6)
    hairs = Hairs(HAIR, SKULL)
    for sx in (-1, 1):
        _sides(hairs, sx, rng)
    _crown(hairs, rng)
    _fringe(hairs, rng)
    return hairs.draw(rng, ground.array())


def _sides(hairs: Hairs, sx: int, rng: np.random.Generator) -> None:
    """Short, fading into the temple."""

    def at(*points: tuple[float, float]) -> Doubles:
        return mirrored(sx, list(points))

    guides = [
        at((172, 280), (178, 340), (181, 400)),
        at((178, 214), (192, 330), (188, 420)),
        at((158, 200), (200, 306), (194, 412)),
    ]
    hairs.lay(guides, 60, rng, Clump(20, 8, 5, 1.2, 0.5), 0.34)
    burns = [at((180, 380), (183, 416), (181, 462)), at((190, 380), (192, 424), (188, 462))]
    hairs.lay(burns, 12, rng, Clump(7, 5, 3, 0.8, 0.8), 0.3)
    for _ in range(44):  # single hairs where the temple begins
        y = rng.uniform(290, 440)
        x, s = rng.normal(179, 3) + (y - 290) * 0.04, rng.uniform(10, 24)
        stray = at((x, y), (x - s * 0.10, y + s * 0.5), (x - s * 0.28, y + s))
        hairs.add(SKULL.lift(resample(stray, 8), 16)[None], tone=0.5, gloss=0.4, width=1)


def _crown(hairs: Hairs, rng: np.random.Generator) -> None:
    """From the whorl round the skull, down to the sides."""
    middle = np.array((512.0, 312.0))
    way = CROWN - middle
    start, near = float(np.arctan2(way[1], way[0])), float(np.hypot(*way))
    for _ in range(260):
        a = rng.uniform(-np.pi * 1.06, np.pi * 0.06)
        far = 138 + 76 * np.sqrt(rng.random())
        t = np.linspace(0.04, 1, 16)
        angle = start + (a - start) * t + rng.normal(0, 0.03)
        r = near + (far - near) * np.sin(np.pi / 2 * np.clip(t * 1.5, 0, 1))
        line = middle + np.column_stack([np.cos(angle), np.sin(angle)]) * r[:, None]
        line[:, 1] += 60 * abs(np.cos(a)) * t**3 * rng.random()
        lock = clump(SKULL.lift(line, rng.uniform(0, 12)), Clump(30, 11, 4, 2.0, 0.3), rng)
        hairs.add(lock, tone=float(np.clip(rng.normal(0.42, 0.14), 0, 1)))


def _fringe(hairs: Hairs, rng: np.random.Generator) -> None:
    """Locks that fall to the left in two layers and leave a gap over one brow."""
    for row, (count, lift, rise) in enumerate(((40, 30, -20), (34, 48, 0))):
        xs = np.linspace(346, 684, count) + rng.normal(0, 4, count)
        drop = 11 * np.sin(xs * 0.045 + 1 + row) + rng.normal(0, 10, count)
        drop += 30 * np.clip((404 - xs) / 60, 0, 1) + 22 * np.clip((xs - 640) / 44, 0, 1)
        drop -= 42 * np.exp(-(((xs - 604) / 26) ** 2))
        for x, d in zip(xs, drop, strict=True):
            tip = np.array([x, 342 + rise + d])
            sweep = -34 if x < 606 else 24
            root = moved(CROWN, (x - 540) * 0.30, rng.uniform(-20, 24))
            line = [
                root,
                moved(root * 0.62 + tip * 0.38, -sweep * 0.9, -34),
                moved(root * 0.25 + tip * 0.75, -sweep * 0.6, -16),
                moved(tip, sweep * 0.5 + rng.normal(0, 6), 0),
            ]
            guide = SKULL.lift(resample(line, 18), lift)
            lock = clump(guide, Clump(34, 12, 1.2, 1.6, 0.22), rng)
            hairs.add(lock, tone=float(np.clip(rng.normal(0.46, 0.15), 0, 1)))


def _body(skin: Skin) -> Floats:
    layer = Layer()
    back = [(415, 802), (432, 784), (512, 770), (592, 784), (609, 802)]
    layer.stroke(back, (22, 22, 24), (168, 104, 22))
    layer.add(skin.neck(width=84, base=842, flare=18))
    tee = [(414, 832), (446, 872), (512, 892), (578, 872), (610, 832), (640, 900), (384, 900)]
    cloth(layer, tee, Cloth((240, 240, 240)))
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
    sweater = Cloth(MARIGOLD, folds, weave=0.012, seed=9)
    cloth(layer, _both(half), sweater)
    _collar(layer)
    head_shadow(layer, mix(FACE.skin[0], (150, 70, 40), 0.5), 58)
    return layer.array()


def _collar(layer: Layer) -> None:
    ring = [(415, 798), (418, 830), (431, 864), (466, 893), (512, 906), (558, 893), (593, 864)]
    ring += [(606, 830), (609, 798)]
    line = resample(ring, 90)
    layer.stroke(moved(line, 0, 14), (12, 12, 12), (120, 70, 10), 120, blur=6)
    for x, y in (line[0], line[-1]):
        layer.canvas.drawCircle(float(x), float(y), 12.6, paint((188, 122, 28)))
    layer.stroke(line, (26, 26, 27), (206, 138, 36))
    layer.stroke(moved(line[7:-7], 0, -7), (1, 1, 8), (246, 192, 92), 200, blur=2)
    side = normals(line)
    for i in range(2, 88):
        rib = [line[i] - side[i] * 11, line[i], line[i] + side[i] * 11]
        layer.stroke(rib, (1, 1, 2), (126, 76, 12), 110, blur=0.5)
