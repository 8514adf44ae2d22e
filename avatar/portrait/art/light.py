"""Light on a relief: normals, soft shadows, occlusion, scattering and gloss become a picture.

One key light from the upper left, warm; a cool fill from the right, sky above, a bounce from the
clothes below and a rim on the shadow side. Everything is summed in linear light. The fact you
would not guess: skin looks alive because red light is spread further than blue before it is seen.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from avatar.portrait.art.strokes import Floats, S, soften

KEY: Final = np.array((-0.58, -0.46, 0.67), np.float32)
FILL: Final = np.array((0.78, -0.06, 0.62), np.float32)
_WARM: Final = np.array((1.06, 0.985, 0.90), np.float32)
_COOL: Final = np.array((0.78, 0.90, 1.10), np.float32)
_SKY: Final = np.array((0.96, 1.0, 1.05), np.float32)
_BOUNCE: Final = np.array((1.12, 0.94, 0.80), np.float32)
_GAMMA: Final = 2.2


@dataclass(frozen=True, slots=True)
class Surface:
    """What is lit. All (1024, 1024), colours with three channels of 0..255.

    height: relief in pixels, larger is nearer. cover: 0..1. gloss: strength of the highlight.
    scatter: how far red light spreads under the surface, pixels. key: share of the key light that
    arrives. rim: strength of the light from behind.
    """

    height: Floats
    colour: Floats
    cover: Floats
    gloss: Floats | float = 0.0
    scatter: float = 0.0
    key: Floats | float = 1.0
    open: Floats | float = 1.0
    rim: float = 0.35
    tight: float = 34.0


def normals(height: Floats) -> Floats:
    """(1024, 1024, 3) unit normals of a relief; x right, y down, z towards the eye."""
    down, across = np.gradient(height)
    normal = np.dstack([-across, -down, np.ones_like(across)])
    unit: Floats = (normal / np.linalg.norm(normal, axis=2, keepdims=True)).astype(np.float32)
    return unit


def openness(height: Floats, *reaches: tuple[float, float]) -> Floats:
    """How much of the surroundings a point sees, 0..1; pairs of reach in pixels and strength."""
    seen = np.ones((S, S), np.float32)
    for reach, strength in reaches:
        dip = (soften(height, reach) - height) / np.float32(reach)
        seen *= 1 - np.float32(strength) * np.clip(dip, 0, 1)
    return seen


def arrives(onto: Floats, occluder: Floats, *, steps: int = 44, soft: float = 0.20) -> Floats:
    """Share of the key light that reaches `onto` past `occluder`, both reliefs in pixels.

    soft: how wide the lamp is. Marched at half size, which is finer than the penumbra.
    """
    small = S // 2, S // 2
    ground = cv2.resize(onto, small, interpolation=cv2.INTER_AREA)
    wall = cv2.resize(occluder, small, interpolation=cv2.INTER_AREA)
    flat = float(np.hypot(KEY[0], KEY[1]))
    rise, step = float(KEY[2]) / flat, 3.0
    blocked = np.zeros_like(ground)
    for i in range(1, steps):
        way = step * i
        shift = -float(KEY[0]) / flat * way / 2, -float(KEY[1]) / flat * way / 2
        move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        seen = cv2.warpAffine(wall, move, small, borderMode=cv2.BORDER_REPLICATE)
        above = (seen - ground - rise * way - 1.5) / (soft * way + 3)
        np.maximum(blocked, above, out=blocked)
    blocked = cv2.GaussianBlur(np.clip(blocked, 0, 1), (0, 0), 1.6)
    return 1 - cv2.resize(blocked, (S, S), interpolation=cv2.INTER_CUBIC).astype(np.float32)


def render(s: Surface) -> Floats:
    """The lit surface, premultiplied RGBA of 0..1."""
    normal = normals(s.height)
    light = _irradiance(normal, s)
    if s.scatter:
        light = _scattered(light, s.cover, s.scatter)
    albedo = (s.colour / np.float32(255)) ** np.float32(_GAMMA)
    out = albedo * light + _glossy(normal, s)[..., None] * _WARM
    colour = np.clip(_exposed(out), 0, 1) ** np.float32(1 / _GAMMA)
    return np.dstack([colour * s.cover[..., None], s.cover]).astype(np.float32)


def _irradiance(normal: Floats, s: Surface) -> Floats:
    # wrapped: the lamp is as wide as a window
    key = np.clip((normal @ KEY + 0.14) / 1.14, 0, 1) ** 1.1 * s.key
    fill = np.clip((normal @ FILL + 0.3) / 1.3, 0, 1)
    up = 0.5 - 0.5 * normal[..., 1]
    edge = np.clip(1 - normal[..., 2], 0, 1) ** 2.2 * np.clip(normal[..., 0] * 1.5, 0, 1)
    seen = np.asarray(s.open, np.float32)
    total: Floats = (
        (1.30 * key)[..., None] * _WARM
        + ((0.15 * fill + s.rim * edge) * seen)[..., None] * _COOL
        + (0.15 * up * seen)[..., None] * _SKY
        + (0.10 * (1 - up) * seen)[..., None] * _BOUNCE
    ).astype(np.float32)
    return total * (0.55 + 0.45 * seen)[..., None]


def _scattered(light: Floats, cover: Floats, reach: float) -> Floats:
    """Each channel spread by its own distance, nothing from beyond the edge."""
    out = np.empty_like(light)
    solid = np.maximum(cover, np.float32(1e-3))
    for channel, share in enumerate((1.0, 0.42, 0.26)):
        wide = soften(light[..., channel] * solid, reach * share) / soften(solid, reach * share)
        far = soften(light[..., channel] * solid, reach * share * 2.6)
        far /= soften(solid, reach * share * 2.6)
        out[..., channel] = 0.62 * wide + 0.38 * far
    # a part leaves where it came in: fine relief stays readable
    mixed: Floats = light * np.float32(0.30) + out * np.float32(0.70)
    return mixed


def _glossy(normal: Floats, s: Surface) -> Floats:
    half = KEY + np.array((0, 0, 1), np.float32)
    half /= np.linalg.norm(half)
    lobe = np.clip(normal @ half, 0, 1)
    tight, wide = lobe**s.tight, lobe ** (s.tight * 0.28)
    # at grazing angles every surface shines
    graze = np.clip(1 - normal[..., 2], 0, 1) ** 4 * np.clip(normal @ FILL, 0, 1)
    shine = (0.11 * tight + 0.055 * wide) * s.key + 0.05 * graze
    lit: Floats = (shine * s.gloss * np.asarray(s.open, np.float32)).astype(np.float32)
    return lit


def _exposed(linear: Floats) -> Floats:
    """A shoulder above 0.7, so that highlights keep their colour."""
    over = np.maximum(linear - np.float32(0.7), 0)
    exposed: Floats = np.minimum(linear, np.float32(0.7)) + over / (1 + over / np.float32(0.34))
    return exposed
