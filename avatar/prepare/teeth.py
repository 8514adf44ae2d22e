"""Rows of teeth for a photographed face: cut from the photo where it shows them, else drawn.

Drawn ones are an arch of single teeth with soft borders, in the light of the skin; anything
brighter or whiter than the face they stand in would glow.
"""

from typing import Final

import cv2
import numpy as np

from avatar.portrait.rig import INNER_LOWER, INNER_UPPER
from avatar.prepare.skin import Floats, blur

# widths of the teeth from the middle outwards, and how far down each reaches, as shares
_UPPER: Final = ((0.27, 0.215, 0.20, 0.16, 0.12, 0.10), (0.95, 0.90, 0.92, 0.85, 0.78, 0.72))
_LOWER: Final = ((0.19, 0.20, 0.20, 0.17, 0.13, 0.11), (0.90, 0.90, 0.93, 0.84, 0.78, 0.70))
_FINER: Final = 4


def drawn_row(width: int, height: int, tone: Floats, *, upper: bool) -> Floats:
    """(height, width, 4) premultiplied BGRA of 0..1. tone: (3,) BGR of a lit tooth."""
    widths, lengths = (np.array(v) for v in (_UPPER if upper else _LOWER))
    w, h = width * _FINER, height * _FINER
    x = np.abs(np.linspace(-1, 1, w))
    y = np.linspace(0, 1, h)[:, None] if upper else np.linspace(1, 0, h)[:, None]
    edges = np.concatenate(([0], np.cumsum(widths))) / widths.sum()
    tooth = np.clip(np.searchsorted(edges, x) - 1, 0, len(widths) - 1)
    centre, half = (edges[tooth] + edges[tooth + 1]) / 2, (edges[tooth + 1] - edges[tooth]) / 2
    aside = np.clip(np.abs(x - centre) / half, 0, 1)
    reach = (lengths[tooth] - 0.035 * aside**4)[None].astype(np.float32)
    reach = cv2.GaussianBlur(reach, (0, 0), w * 0.004)
    alpha = np.clip((reach - y) * height * 1.2 + 0.5, 0, 1)
    alpha = alpha * np.clip((1 - x) / 0.06, 0, 1)
    border = cv2.GaussianBlur((aside**16)[None].astype(np.float32), (0, 0), w * 0.003)
    round_ = 1 - 0.07 * aside**2 - 0.10 * border * np.clip(1.1 - x, 0, 1)
    light = (1 - 0.45 * x**1.8) * round_ * (0.84 + 0.16 * np.sqrt(np.clip(y, 0, 1)))
    # less light is warmer light inside of a mouth
    colour = tone * light[..., None] ** np.array((1.4, 1.2, 0.95), np.float32)
    # the gum shows through where a tooth begins
    gum = np.clip((0.12 - y) / 0.12, 0, 1)[..., None] * 0.35
    colour = colour + (tone * (0.52, 0.50, 0.72) - colour) * gum
    layer = np.dstack((colour * alpha[..., None], alpha)).astype(np.float32)
    return cv2.resize(layer, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)


def shown_row(image: Floats, landmarks: Floats) -> tuple[Floats, tuple[int, int]]:
    """The upper teeth that a photo shows: premultiplied BGRA, and where it lies (x, y).

    Rows that a lip hides repeat the nearest one that shows.
    """
    inner_u, inner_l = landmarks[list(INNER_UPPER), :2], landmarks[list(INNER_LOWER), :2]
    width = float(np.linalg.norm(landmarks[61, :2] - landmarks[291, :2]))
    x0, x1 = int(inner_u[0, 0]), int(inner_u[-1, 0]) + 1
    top = float(inner_u[:, 1].min())
    y0, y1 = int(top - 0.12 * width), int(top + 0.36 * width)
    xs = np.arange(x0, x1, dtype=np.float32)
    ys = np.arange(y0, y1, dtype=np.float32)[:, None]
    upper = (np.interp(xs, *inner_u.T) + 0.022 * width).astype(np.float32)[None]
    lower = (np.interp(xs, *inner_l.T) - 0.028 * width).astype(np.float32)[None]
    lower = np.maximum(lower, upper + 1)
    rows = np.clip(ys, upper, lower).astype(np.float32)
    columns = np.broadcast_to(xs[None], rows.shape).astype(np.float32)
    colour = cv2.remap(image, columns, rows, cv2.INTER_LINEAR)[..., :3]
    shown = 1 - np.clip((ys - lower) / (0.025 * width) + 0.5, 0, 1)
    shown = shown * np.clip((lower - upper) / (0.03 * width) - 0.5, 0, 1)
    middle = (x0 + x1) / 2
    shown = shown * np.clip((0.46 - np.abs(xs - middle) / width) / 0.06, 0, 1)[None]
    # what is dark between the lips is the mouth behind the teeth, not a tooth
    light = blur(colour.astype(np.float32), 0.015 * width).mean(2)
    usual = float(np.median(light[shown > 0.5])) if (shown > 0.5).any() else 1.0
    shown = shown * np.clip((light / max(usual, 1e-3) - 0.50) / 0.20, 0, 1)
    alpha = blur(shown.astype(np.float32), 1.0)
    layer = np.dstack((colour * alpha[..., None], alpha)).astype(np.float32)
    return layer, (x0, y0)
