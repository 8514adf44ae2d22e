"""Solves the fields of a pack: how the controls of lips and brows carry the skin between them, and
the depth of the head.

Radial basis functions, solved once here; at run time a field is one matrix product. Matern 3/2 as
the kernel: a Gaussian rings beside the lips, a thin plate drags the whole cheek.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.portrait.pack import BROW_GRID
from avatar.portrait.paint import Box, grid
from avatar.portrait.pose import POSE_GRID
from avatar.portrait.rig import LOWER_FIELD, UPPER_FIELD
from avatar.portrait.warp import LIP_GRID

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

BROW_POINTS = (
    *(70, 63, 105, 66, 107, 46, 53, 52, 65, 55),
    *(300, 293, 334, 296, 336, 276, 283, 282, 295, 285),
)
UPPER_LIDS = (
    *(33, 246, 161, 160, 159, 158, 157, 173, 133),
    *(362, 398, 384, 385, 386, 387, 388, 466, 263),
)


def smoothstep(x: Doubles) -> Doubles:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _kernel(r: Doubles) -> Doubles:
    fall: Doubles = (1 + 6.5 * r) * np.exp(-6.5 * r)
    return fall


def matrix(controls: Doubles, cells: Doubles, reach: float, smoothing: float) -> Doubles:
    """(cells, controls): displacement of the cells from displacement of the controls."""

    def distance(a: Doubles, b: Doubles) -> Doubles:
        apart: Doubles = np.linalg.norm(a[:, None] - b[None], axis=2) / reach
        return apart

    own = _kernel(distance(controls, controls)) + smoothing * np.eye(len(controls))
    solved = np.linalg.solve(own, _kernel(distance(cells, controls)).T)
    return np.ascontiguousarray(solved.T)


def surface(known: Doubles, values: Doubles, cells: Doubles, smoothing: float = 5) -> Doubles:
    """Values at the cells of the smooth surface through scattered points (linear radial basis)."""
    n = len(known)
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = -np.linalg.norm(known[:, None] - known[None], axis=2)
    system[:n, :n] += smoothing * np.eye(n)
    system[n, :n] = system[:n, n] = 1
    solved = np.linalg.solve(system, np.append(values, 0))
    at = -np.linalg.norm(cells[:, None] - known[None], axis=2)
    found: Doubles = at @ solved[:n] + solved[n]
    return found


def _cells(box: Box, shape: tuple[int, int]) -> Doubles:
    gx, gy = grid(box, *shape)
    return np.column_stack((gx.ravel(), gy.ravel())).astype(np.float64)


class LipFields:
    """One field a lip, both anchored on the neck and beside the face."""

    def __init__(self, points: Doubles, width: float, eye_distance: float) -> None:
        self._points, self._width, self._unit = points, width, eye_distance

    def solve(self, box: Box, *, chin: float) -> tuple[Doubles, Doubles]:
        x0, y0, x1, _ = box
        below = [(x, chin + 0.60 * self._unit) for x in np.linspace(x0, x1, 5)]
        beside = [
            (x, y)
            for x in (x0 - 0.12 * self._unit, x1 + 0.12 * self._unit)
            for y in np.linspace(y0, chin, 5)
        ]
        anchors = np.array(below + beside)
        cells = _cells(box, LIP_GRID)
        upper, lower = (
            # anchors never move, so their columns are not kept
            matrix(np.vstack((chosen, anchors)), cells, self._width * 1.15, 1.5e-3)[
                :, : len(chosen)
            ]
            for chosen in (self._points[UPPER_FIELD], self._points[LOWER_FIELD])
        )
        return upper, lower


class BrowField:
    """Twenty points along the brows, anchored on the lids and the bridge of the nose."""

    def __init__(self, landmarks: Doubles, eye_distance: float) -> None:
        self._marks, self._unit = landmarks, eye_distance

    def solve(self, box: Box) -> Doubles:
        brows = self._marks[list(BROW_POINTS), :2]
        anchors = self._marks[[*UPPER_LIDS, 168, 6, 9], :2]
        cells = _cells(box, BROW_GRID)
        solved = matrix(np.vstack((brows, anchors)), cells, self._unit * 0.34, 1e-2)
        return np.ascontiguousarray(solved[:, : len(brows)])


class PoseField:
    """Depth of the head over the pose box, and what moves with it."""

    def __init__(self, landmarks: Doubles, outline: Doubles, height: Floats, alpha: Floats) -> None:
        self._marks, self._outline = landmarks, outline
        self._height, self._alpha = height, alpha

    def solve(self, box: Box, *, chin: float, unit: float) -> tuple[Doubles, Doubles, Doubles]:
        """(depth, head, chest), each POSE_GRID."""
        points, depth = self._samples()
        far = float(np.percentile(depth, 97))
        contours, _ = cv2.findContours(
            (self._alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        rim = max(contours, key=len)[:, 0, :].astype(float)
        rim = rim[:: max(1, len(rim) // 60)]
        known = np.vstack((points, rim))
        values = np.concatenate((depth, np.full(len(rim), far * 1.6)))
        cells = _cells(box, POSE_GRID)
        z = np.clip(surface(known, values, cells).reshape(POSE_GRID), depth.min(), far * 2.2)
        z = cv2.GaussianBlur(z.astype(np.float32), (0, 0), 0.8).astype(np.float64)
        y = cells[:, 1].reshape(POSE_GRID)
        head = 1 - smoothstep((y - (chin - 0.10 * unit)) / (1.15 * unit))
        chest = smoothstep((y - (chin + 0.2 * unit)) / (1.2 * unit))
        return z, head, chest

    def _samples(self) -> tuple[Doubles, Doubles]:
        """Points on the face and their depth: every control plus an even scatter."""
        marks = self._marks[~np.isnan(self._marks[:, 0])]
        xs, ys = np.meshgrid(np.arange(16, 1024, 28.0), np.arange(16, 1024, 28.0))
        scatter = np.column_stack((xs.ravel(), ys.ravel()))
        shape = self._outline.astype(np.float32).reshape(-1, 1, 2)
        inside = [cv2.pointPolygonTest(shape, (float(x), float(y)), False) > 0 for x, y in scatter]
        points = np.vstack((marks[:, :2], scatter[inside]))
        column, row = np.clip(points.round().astype(int), 0, 1023).T
        # depth is half as deep again as the drawn relief, or a turned head looks flat
        return points, 90 - 1.5 * self._height[row, column].astype(np.float64)
