"""Backdrops: a room far out of focus behind the sitter.

Shapes are drawn sharp, blurred like a lens does (a disc, not a bell) and graded. Nothing has an
edge near the head: what little of the backdrop travels with a turned head must not show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from avatar.portrait.art.strokes import Colour, Floats, S

WIDE: Final = 1820
"""Width of a backdrop in pixels: 16:9 at the height of the canvas."""


@dataclass(frozen=True, slots=True)
class Pane:
    """A rectangle of the room: left, top, right, bottom in pixels of the wide picture."""

    box: tuple[float, float, float, float]
    colour: Colour
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Room:
    """wall: colours top left and bottom right. panes: from far to near. lights: how many round
    spots of the lens, their colour and the box they lie in. glow: light behind the head."""

    wall: tuple[Colour, Colour]
    panes: Sequence[Pane]
    glow: Colour
    lights: int = 0
    light: Colour = (255, 240, 214)
    lit: tuple[float, float, float, float] = (0, 0, WIDE, 500)
    lens: float = 46
    seed: int = 1


def backdrop(room: Room) -> Floats:
    """(1024, 1820, 4) opaque."""
    rng = np.random.default_rng(room.seed)
    y, x = np.mgrid[0:S, 0:WIDE].astype(np.float32)
    t = np.clip(0.75 * x / WIDE + 0.45 * y / S - 0.1, 0, 1)[..., None]
    a, b = (np.array(c, np.float32) for c in room.wall)
    picture = (a + (b - a) * t).astype(np.float32)
    for pane in room.panes:
        x0, y0, x1, y1 = (round(v) for v in pane.box)
        part = picture[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
        part += (np.array(pane.colour, np.float32) - part) * np.float32(pane.strength)
    picture = _lens(picture / 255, room.lens)
    for _ in range(room.lights):
        _spot(picture, room, rng)
    picture = cv2.GaussianBlur(picture, (0, 0), 5).astype(np.float32)
    near = np.exp(-(((x - WIDE * 0.46) / 430) ** 2) - (((y - 380) / 430) ** 2))[..., None]
    picture += (np.array(room.glow, np.float32) / 255 - picture) * near * np.float32(0.55)
    dim = ((x - WIDE / 2) / WIDE) ** 2 + ((y - S * 0.45) / S) ** 2 * 0.8
    picture *= (1.02 - 0.42 * dim)[..., None]
    grain = cv2.GaussianBlur(rng.standard_normal((S, WIDE)).astype(np.float32), (0, 0), 0.9)
    picture = np.clip(picture * (1 + 0.008 * grain[..., None]), 0, 1)
    return np.dstack([picture, np.ones((S, WIDE), np.float32)]).astype(np.float32)


def _lens(picture: Floats, r: float) -> Floats:
    """Out of focus: every bright point becomes a disc; in linear light, so that windows bloom."""
    small = cv2.resize(picture, (WIDE // 4, S // 4), interpolation=cv2.INTER_AREA) ** 2.2
    k = int(r / 4)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * k + 1, 2 * k + 1)).astype(np.float32)
    soft = cv2.filter2D(small, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    soft = cv2.GaussianBlur(soft, (0, 0), 2.2) ** (1 / 2.2)
    return cv2.resize(soft, (WIDE, S), interpolation=cv2.INTER_CUBIC).astype(np.float32)


def _spot(picture: Floats, room: Room, rng: np.random.Generator) -> None:
    """One light of the lens, off the middle, where the head is."""
    x0, y0, x1, y1 = room.lit
    x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
    share = 0.05 + 0.16 * rng.random() * min(1.0, abs(x - WIDE / 2) / 420)
    layer = np.zeros(picture.shape[:2], np.float32)
    cv2.circle(layer, (int(x), int(y)), int(rng.uniform(26, 54)), 1.0, -1, cv2.LINE_AA)
    layer = cv2.GaussianBlur(layer, (0, 0), 4)[..., None] * np.float32(share)
    picture += (np.array(room.light, np.float32) / 255 - picture) * layer
