"""The mouth of a photo: closed where it smiled, its lip line healed, its teeth kept.

The engine wants lips that touch at rest and no line between them; it draws that line itself. So an
open mouth is closed once with the same two fields that will move it later, and a closed one has
its painted line filled in. Teeth that show are cut out first and stay the person's own.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from avatar.portrait.art.fields import LipFields
from avatar.portrait.mouth import spline_matrix
from avatar.portrait.rig import (
    CONTROLS,
    INNER_LOWER,
    INNER_UPPER,
    JAW,
    OUTER_LOWER,
    OUTER_UPPER,
    UNDER_LIP,
    Lips,
    at,
)
from avatar.portrait.warp import LipWarp
from avatar.prepare.skin import Floats, blur, fill, floats

TOOTHY: Final = 0.10
"""Gap in mouth widths from which teeth are worth cutting out."""

_SHUT: Final = 0.04
_IU, _IL, _OU, _OL = at(INNER_UPPER), at(INNER_LOWER), at(OUTER_UPPER), at(OUTER_LOWER)
_JAW, _UNDER = at(JAW), at(UNDER_LIP)


@dataclass(frozen=True, slots=True)
class Closed:
    """A face whose lips touch.

    image: (h, w, 4) BGRA, alpha moved along with the chin. controls: (89, 2) where it moved to.
    gap: how far the mouth was open, in mouth widths. drop: pixels that the upper lip came down.
    """

    image: Floats
    controls: Floats
    gap: float
    drop: float


def gap_of(landmarks: Floats) -> float:
    """The widest opening between the lips in mouth widths."""
    width = float(np.linalg.norm(landmarks[61, :2] - landmarks[291, :2]))
    down = landmarks[list(INNER_LOWER), 1] - landmarks[list(INNER_UPPER), 1]
    return max(0.0, float(down.max())) / width


def smile_of(gap: float) -> float:
    """How wide a smile is, 0..1, by how far it opens the mouth (in mouth widths)."""
    return float(np.clip((gap - 0.05) / 0.12, 0, 1))


def close(image: Floats, landmarks: Floats, box: tuple[int, int, int, int]) -> Closed:
    """image: (1024, 1024, 4) BGRA 0..1. box: of the lower face, as in a pack."""
    points = landmarks[list(CONTROLS), :2].astype(np.float64)
    width = float(np.linalg.norm(landmarks[61, :2] - landmarks[291, :2]))
    unit = float(np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]))
    gap = gap_of(landmarks)
    if gap < _SHUT:
        healed = image.copy()
        healed[..., :3] = _heal(image[..., :3], points, width, thick=0.045 + gap)
        middle = (points[_IU] + points[_IL]) / 2
        points[_IU] = points[_IL] = middle
        return Closed(healed, points.astype(np.float32), gap, 0.0)
    _inset(points, width)
    base = _base(points, width)
    x0, y0, x1, y1 = box
    fields = LipFields(points, width, unit).solve(box, chin=float(landmarks[152, 1]))
    warp = LipWarp(box, *(f.astype(np.float32) for f in fields))
    target = (points + base).T.astype(np.float32)
    lips = Lips(base.T.astype(np.float32), target[:, _IU], target[:, _IL], 0.0, 0.0)
    source = np.clip(image[y0:y1, x0:x1] * 255 + 0.5, 0, 255).astype(np.uint8)
    out = np.empty_like(source)
    warp.apply(source, lips, out)
    moved = image.copy()
    moved[y0:y1, x0:x1] = floats(out)
    controls = points + base
    controls[_IU] = controls[_IL] = (controls[_IU] + controls[_IL]) / 2
    moved[..., :3] = _heal(moved[..., :3], controls, width, thick=0.032)
    return Closed(moved, controls.astype(np.float32), gap, float(base[_IU[5], 1]))


def _inset(points: np.ndarray, width: float) -> None:
    """Landmarks sit a pixel or two inside the teeth: move them into the lips, in place."""
    gap = np.clip(points[_IL, 1] - points[_IU, 1], 0, None)
    share = gap / max(1e-3, float(gap.max()))
    points[_IU, 1] -= share * 0.022 * width
    points[_IL, 1] += share * 0.045 * width


def _base(points: np.ndarray, width: float) -> np.ndarray:
    """(89, 2) displacement that closes the mouth, and takes half of a wide smile back."""
    d = np.zeros_like(points)
    gap = np.clip(points[_IL, 1] - points[_IU, 1], 0, None)
    most = float(gap.max())
    middle = (points[_IU[0], 0] + points[_IU[-1], 0]) / 2
    t = (points[:, 0] - middle) / (width / 2)
    d[_IU, 1] += 0.30 * gap
    d[_OU, 1] += 0.18 * gap
    d[_IL, 1] -= 0.70 * gap
    d[_OL, 1] -= 0.55 * gap
    d[_UNDER, 1] -= 0.30 * most
    d[_JAW, 1] -= 0.28 * most * np.clip(1 - 0.5 * t[_JAW] ** 2, 0, 1)
    smile = smile_of(most / width) * 0.5
    rows = np.unique(np.concatenate((_IU, _IL, _OU, _OL)))
    aside = np.clip(np.abs(t[rows]), 0, 1.2) ** 1.25
    d[rows, 0] -= np.sign(t[rows]) * aside * 0.10 * width * smile
    d[rows, 1] += (0.085 * aside - 0.010 * np.clip(1 - t[rows] ** 2, 0, 1)) * width * smile
    return d


def _heal(picture: Floats, points: np.ndarray, width: float, thick: float) -> Floats:
    """The picture without the line between closed lips, which the engine draws per frame."""
    spline = spline_matrix(11, 60)
    line = spline @ ((points[_IU] + points[_IL]) / 2)
    # the shadow of the corners goes on: rounded lips would pull it out as a second line
    ends = line[0] + (line[0] - line[6]) * 1.0, line[-1] + (line[-1] - line[-7]) * 1.0
    line = np.vstack((ends[0], line, ends[1]))
    mask = np.zeros(picture.shape[:2], np.uint8)
    size = max(2, round(width * thick))
    cv2.polylines(mask, [np.round(line * 16).astype(np.int32)], False, (255,), size, cv2.LINE_AA, 4)
    x0, y0 = np.maximum(line.min(0).astype(int) - 4 * size, 0)
    x1, y1 = line.max(0).astype(int) + 4 * size
    part, hole = picture[y0:y1, x0:x1], floats(mask[y0:y1, x0:x1])
    filled = fill(part, (hole < 0.05).astype(np.float32))
    soft = np.minimum(1, blur(hole, size * 0.25) * 1.6)[..., None]
    out = picture.copy()
    out[y0:y1, x0:x1] = part + (filled - part) * soft
    return out
