"""Pixel work on a photo: smooth filling, skin grain, and what is darker than skin as a layer.

Pictures here are (h, w, 3) BGR float32 of 0..1, masks (h, w) float32 of 0..1, layers (h, w, 4)
premultiplied. Knows no faces.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_GRAIN_PX = 2.0  # coarser structure would show as a pattern where the tile repeats


def floats(picture: NDArray[np.uint8]) -> Floats:
    """0..255 as 0..1."""
    return picture.astype(np.float32) * np.float32(1 / 255)


def blur(picture: Floats, sigma: float) -> Floats:
    """Gaussian; a sigma of 0 changes nothing."""
    if sigma <= 0:
        return picture
    return cv2.GaussianBlur(picture, (0, 0), sigma).astype(np.float32, copy=False)


def fill(picture: Floats, weight: Floats) -> Floats:
    """picture where weight is 1; where it is 0, the smooth continuation of the rest (push-pull)."""
    h, w = weight.shape
    if min(h, w) <= 2 or float(weight.min()) >= 1:
        total = max(1e-6, float(weight.sum()))
        mean = (picture * weight[..., None]).sum((0, 1)) / total
        keep = weight[..., None]
        filled: Floats = (picture * keep + mean * (1 - keep)).astype(np.float32)
        return filled
    half = (w + 1) // 2, (h + 1) // 2
    small = cv2.resize(picture * weight[..., None], half, interpolation=cv2.INTER_AREA)
    share = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    colour = small / np.maximum(share, 1e-6)[..., None]
    below = fill(colour.astype(np.float32), np.minimum(1, share * 4).astype(np.float32))
    coarse = cv2.resize(below, (w, h), interpolation=cv2.INTER_LINEAR)
    mixed: Floats = coarse + (picture - coarse) * weight[..., None]
    return mixed


def polygon(points: NDArray[np.floating], size: tuple[int, int]) -> Floats:
    """(h, w) mask of a closed contour (n, 2); size is (h, w)."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    return floats(mask)


def grow(mask: Floats, radius: float) -> Floats:
    """The mask wider by so many pixels on all sides."""
    whole = cv2.convertScaleAbs(mask, alpha=255)  # bytes grow four times as fast
    return floats(cv2.dilate(whole, disc(radius)).astype(np.uint8, copy=False))


def disc(radius: float) -> NDArray[np.uint8]:
    """A round kernel for growing, shrinking and closing."""
    r = max(1, round(radius))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))
    return kernel.astype(np.uint8, copy=False)


def grain(picture: Floats, centre: tuple[float, float], side: int, size: tuple[int, int]) -> Floats:
    """(h, w, 3) fine texture of the skin round a point, mirrored to any size; its mean is 0."""
    x, y = (round(v) for v in centre)
    r = side // 2
    h, w = picture.shape[:2]
    y0, x0 = min(max(0, y - r), h - side), min(max(0, x - r), w - side)
    patch = picture[y0 : y0 + side, x0 : x0 + side]
    fine = (patch - blur(patch, _GRAIN_PX)) * 0.8
    tile = np.vstack((np.hstack((fine, fine[:, ::-1])), np.hstack((fine[::-1], fine[::-1, ::-1]))))
    times = size[0] // tile.shape[0] + 1, size[1] // tile.shape[1] + 1, 1
    tiled: Floats = np.tile(tile, times)[: size[0], : size[1]]
    return tiled


def darker(picture: Floats, skin: Floats, share: Floats, against: Floats | None = None) -> Floats:
    """The layer that turns skin into picture wherever picture is darker, times share in strength.

    skin composited with the layer at a share of 1 is exactly the picture, or skin where it is
    brighter. against: what tells how opaque the layer is, when it will lie over something else.
    """
    against = skin if against is None else np.maximum(skin, against)
    ratio = picture / np.maximum(against, 1e-3)
    alpha = np.clip(1 - ratio.min(2), 0, 0.97)
    # noise of the skin is no line, and nothing is darker than black
    alpha *= np.clip((alpha - 0.012) / 0.02, 0, 1)
    alpha *= np.clip(((against - picture).max(2) - 0.008) / 0.012, 0, 1)
    colour = (picture - (1 - alpha[..., None]) * skin) / np.maximum(alpha, 1e-3)[..., None]
    part = 1 - (1 - alpha) ** share
    layer: Floats = np.dstack((np.clip(colour, 0, 1) * part[..., None], part)).astype(np.float32)
    return layer


def over(below: Floats, layer: Floats) -> Floats:
    """A premultiplied layer over an opaque picture, or over another layer."""
    mixed: Floats = layer[..., : below.shape[2]] + below * (1 - layer[..., 3:])
    return mixed
