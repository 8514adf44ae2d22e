"""The brows of a photo: a layer that moves, over skin from which they are filled out.

Dark brows are hair alone; brows no darker than their skin are a soft-edged patch that takes its
skin along.
"""

from typing import Final

import cv2
import numpy as np

from avatar.portrait.art.fields import BROW_POINTS
from avatar.prepare.skin import Floats, blur, darker, disc, fill, grain, grow, polygon

_DARKER: Final = 0.05


def brows_of(image: Floats, landmarks: Floats) -> tuple[Floats, Floats]:
    """(image without brows (h, w, 3), layer of both brows (h, w, 4) premultiplied)."""
    unit = float(np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]))
    size = image.shape[:2]
    mask = np.zeros(size, np.float32)
    for side in (BROW_POINTS[:10], BROW_POINTS[10:]):
        points = landmarks[list(side), :2]
        outline = np.vstack((points[:5], points[5:][::-1]))
        mask = np.maximum(mask, polygon(outline, size))
    core = grow(mask, 0.020 * unit)
    alpha = np.clip(blur(core, 0.016 * unit) * 1.25, 0, 1)
    hole = grow(mask, 0.045 * unit)
    rows, columns = np.nonzero(hole)
    pad = int(0.3 * unit)
    y0, y1 = max(0, rows.min() - pad), min(size[0], rows.max() + pad)
    x0, x1 = max(0, columns.min() - pad), min(size[1], columns.max() + pad)
    part = image[y0:y1, x0:x1]
    skin = blur(fill(part, 1 - np.minimum(1, hole[y0:y1, x0:x1] * 4)), 0.02 * unit)
    # a closing takes thin dark hair away and keeps the light of the place
    near = cv2.morphologyEx(part, cv2.MORPH_CLOSE, disc(0.045 * unit)).astype(np.float32)
    skin = np.maximum(skin, blur(near, 0.02 * unit))
    spot = landmarks[151, :2]
    skin = skin + grain(image, (float(spot[0]), float(spot[1])), int(0.2 * unit), skin.shape[:2])
    share = blur(hole, 0.02 * unit)[y0:y1, x0:x1, None]
    clean = image.copy()
    clean[y0:y1, x0:x1] = np.clip(part + (skin - part) * share, 0, 1)
    contrast = (clean - image)[mask > 0.5].mean(1)
    if contrast.size and float(np.quantile(contrast, 0.8)) > _DARKER:
        return clean, darker(image, clean, np.clip(blur(hole, 0.012 * unit) * 1.2, 0, 1))
    return clean, np.dstack((image * alpha[..., None], alpha)).astype(np.float32)
