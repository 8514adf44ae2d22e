"""Cuts the person from the backdrop and paints the backdrop behind it.

The trick that keeps hair native: the matte is made wider by a rim of real backdrop, which travels
with the head, so that the seam lies in plain backdrop. Below the shoulders nothing is cut at all:
a detector loses clothes, and there the picture hardly moves.
"""

import cv2
import numpy as np

from avatar.portrait.pack import CANVAS
from avatar.prepare.framing import Framed
from avatar.prepare.skin import Floats, blur, fill, floats, grow

_RIM = CANVAS // 64


def person_of(image: Floats, person: Floats) -> Floats:
    """(h, w) the detector's matte with its edge laid along the edges of the picture."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    soft = np.clip((person - 0.5) * 2.2 + 0.5, 0, 1).astype(np.float32)
    guided = _guided(grey.astype(np.float32), soft, CANVAS // 64, 1e-3)
    tight: Floats = np.clip((guided - 0.1) / 0.8, 0, 1).astype(np.float32)
    return tight


def figure_alpha(person: Floats, chin: float, unit: float) -> Floats:
    """(h, w) what moves: the person with its rim, and everything below the shoulders."""
    rim = blur(grow(person, _RIM), _RIM * 0.45)
    y = np.arange(CANVAS, dtype=np.float32)[:, None]
    t = np.clip((y - (chin - 0.1 * unit)) / (0.9 * unit), 0, 1)
    cut = 1 - t * t * (3 - 2 * t)
    alpha: Floats = (1 - (1 - rim) * cut).astype(np.float32)
    return alpha


def body_of(person: Floats, chin: float, unit: float) -> Floats:
    """(h, w) how much a place moves with the person: below the chin, where nothing is cut, the
    backdrop beside the shoulders must not breathe."""
    near = blur(grow(person, 1.5 * _RIM), 1.6 * _RIM)
    y = np.arange(CANVAS, dtype=np.float32)[:, None]
    low = np.clip((y - (chin - 0.2 * unit)) / (0.3 * unit), 0, 1)
    body: Floats = (1 - (1 - near) * low).astype(np.float32)
    return body


def plate_of(framed: Framed, person: Floats) -> Floats:
    """(1024, 1820, 3) the backdrop without the person; where the photo ends it goes on."""
    wide = floats(framed.wide)
    hole = np.zeros(wide.shape[:2], np.float32)
    aside = (wide.shape[1] - CANVAS) // 2
    body = grow(blur(grow(person, _RIM), _RIM * 0.45), _RIM)
    hole[:, aside : aside + CANVAS] = body > 0.02
    hole[~framed.known_wide] = 1
    hole = grow(hole, 3)
    # at a quarter of the size: only a soft rim of it is ever seen
    small = cv2.resize(wide, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    free = 1 - cv2.resize(hole, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    soft = blur(fill(small.astype(np.float32), (free > 0.99).astype(np.float32)), 2.0)
    far = cv2.resize(soft, wide.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    share = blur(hole, CANVAS / 170)
    plate = cv2.blendLinear(wide, far.astype(np.float32, copy=False), 1 - share, share)
    return plate.astype(np.float32, copy=False)


def _guided(guide: Floats, mask: Floats, radius: int, smooth: float) -> Floats:
    """The guided filter: mask follows the edges of guide."""
    size = 2 * radius + 1, 2 * radius + 1

    def mean(x: Floats) -> Floats:
        return cv2.boxFilter(x, -1, size).astype(np.float32, copy=False)

    mean_g, mean_m = mean(guide), mean(mask)
    slope = (mean(guide * mask) - mean_g * mean_m) / (mean(guide * guide) - mean_g**2 + smooth)
    return mean(slope) * guide + mean(mean_m - slope * mean_g)
