"""The folds beside a smiling mouth: taken out of the skin at rest, brought back with a smile.

Only as far as the photo smiles: the folds of a calm face are its own. What is taken out becomes
the two smile marks of the pack.
"""

from typing import Final

import cv2
import numpy as np

from avatar.prepare.skin import Floats, blur, darker, disc

_PATHS: Final = {"smile_right": (129, 203, 206, 216, 212), "smile_left": (358, 423, 426, 436, 432)}
_MOST: Final = 0.75


def folds_of(image: Floats, landmarks: Floats, smile: float) -> tuple[Floats, dict[str, Floats]]:
    """(image (h, w, 3) with softer folds, marks by name (h, w, 4) premultiplied).

    smile: 0..1, how much the photo does.
    """
    unit = float(np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]))
    out, marks = image.copy(), {}
    for name, path in _PATHS.items():
        points = landmarks[list(path), :2]
        points = np.vstack((points, points[-1] + (points[-1] - points[-2]) * 0.6))
        mask = np.zeros(image.shape[:2], np.float32)
        line = [np.round(points * 16).astype(np.int32)]
        cv2.polylines(mask, line, False, (1.0,), max(2, round(0.11 * unit)), cv2.LINE_8, 4)
        mask = blur(mask, 0.035 * unit) * np.float32(_MOST * smile)
        rows, columns = np.nonzero(mask > 0.003)
        marks[name] = np.zeros((*image.shape[:2], 4), np.float32)
        if not rows.size:
            continue
        pad = int(0.15 * unit)
        y0, y1 = max(0, rows.min() - pad), rows.max() + pad
        x0, x1 = max(0, columns.min() - pad), columns.max() + pad
        part, share = image[y0:y1, x0:x1], mask[y0:y1, x0:x1, None]
        # a closing takes away what is dark and narrow: the fold, not the shadow of the cheek
        wide = cv2.morphologyEx(part, cv2.MORPH_CLOSE, disc(0.055 * unit)).astype(np.float32)
        smooth = np.maximum(blur(wide, 0.025 * unit), part)
        softer = part + (smooth - part) * share
        out[y0:y1, x0:x1] = softer
        whole = np.ones(part.shape[:2], np.float32)
        marks[name][y0:y1, x0:x1] = darker(part, softer.astype(np.float32), whole)
    return out, marks
