"""Draws what a mouth shows: cavity, tongue, one band of teeth, the line where closed lips touch.

Works on the warped picture of the lip box and changes nothing beyond the lips' own window. The
teeth belong to the skull and stay, the tongue lies in the jaw and moves: that alone makes a jaw
read as a jaw. The interior fades in with the gap, or it would pop at the first pixel of opening.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2
import numpy as np

from avatar.portrait.paint import Box, Bytes, Floats, ease, smoothstep
from avatar.portrait.rig import Lips
from avatar.portrait.teeth import Teeth, lay_teeth

_SAMPLES: Final = 40


@dataclass(frozen=True, slots=True)
class MouthStyle:
    """Lengths in pixels of the engine, colours as (3, 1, 1) BGR float32.

    centre: middle of the closed mouth. width: corner to corner. tooth_top: upper edge of the tooth
    band from the centre (negative is up). tooth_height: of the band at the middle.
    """

    centre: tuple[float, float]
    width: float
    tooth_top: float
    tooth_height: float
    tooth: Floats
    tooth_shade: Floats
    cavity: Floats
    cavity_deep: Floats
    tongue: Floats
    tongue_light: Floats
    lip_dark: Floats
    lip_line: Floats
    corner: Floats
    teeth_upper: Teeth | None = None
    teeth_lower: Teeth | None = None
    pursed: Floats | None = None
    """The red of lips that are pushed out: of a photo, whose own lips are drawn thin by then."""


class _Window(NamedTuple):
    """The rectangle round the lips: pixel bounds, contours in it, coordinates from the centre."""

    x0: int
    y0: int
    width: int
    height: int
    upper: Floats  # (samples, 2)
    lower: Floats
    x: Floats  # (1, width)
    y: Floats  # (height, 1)
    rows: slice  # what the opening covers with its soft edge
    columns: slice


class MouthPainter:
    """Paints the interior of one pack's mouth at one scale."""

    def __init__(self, box: Box, style: MouthStyle) -> None:
        """box: the lip box in pixels of the canvas."""
        self._style = style
        self._origin = np.array(box[:2], np.float32)[:, None]
        self._size = box[2] - box[0], box[3] - box[1]
        self._spline = spline_matrix(11, _SAMPLES)
        cx, cy = style.centre
        self._x = (np.arange(self._size[0], dtype=np.float32) + np.float32(box[0] - cx))[None]
        self._y = (np.arange(self._size[1], dtype=np.float32) + np.float32(box[1] - cy))[:, None]
        self._mask = np.zeros(self._size[::-1], np.uint8)
        self._planes = np.empty(3 * self._size[0] * self._size[1], np.float32)
        self._margin = int(style.width * (0.09 if style.pursed is None else 0.20)) + 3
        self._soft = int(style.width * 0.021) + 3
        # of a corner's pit nothing is left beyond three widths of its bell
        self._pit = tuple(
            np.arange(-reach, reach + 1, dtype=np.float32)
            for reach in (int(style.width * 0.14) + 1, int(style.width * 0.09) + 1)
        )

    def paint(self, picture: Bytes, lips: Lips, tongue_up: float, tongue_out: float = 0.0) -> None:
        """picture: (h, w, 4) of the lip box, changed in place. tongue_up, tongue_out: 0..1."""
        win = self._window(lips, tongue_out)
        view = picture[win.y0 : win.y0 + win.height, win.x0 : win.x0 + win.width]
        # planes, because a product over a last axis of three is slow
        paper = self._planes[: 3 * win.height * win.width].reshape(3, win.height, win.width)
        np.copyto(paper, view.transpose(2, 0, 1)[:3])
        width = self._style.width
        if lips.gap > width * 0.002:
            mask = self._opening(win)
            layer = self._interior(_opened(win), lips, tongue_up)
            under = paper[:, win.rows, win.columns]
            layer -= under
            seen = mask[win.rows, win.columns]
            layer *= seen * np.float32(ease(lips.gap / (width * 0.045)))
            under += layer
            if self._style.pursed is not None and lips.round > 0:
                self._purse(paper, win, mask, lips)
            self._shadow_on_lips(paper, mask, lips.gap)
        self._touch_line(paper, win, lips.gap)
        self._corner_pits(paper, win, lips.round)
        if tongue_out > 0:
            self._tongue_out(paper, win, lips, tongue_out)
        np.clip(paper, 0, 255, out=paper)
        for channel in range(3):
            view[..., channel] = paper[channel]

    def _window(self, lips: Lips, tongue_out: float) -> _Window:
        upper = self._spline @ (lips.upper - self._origin).T
        lower = self._spline @ (lips.lower - self._origin).T
        width, height = self._size
        m, soft = self._margin, self._soft
        left, top = upper.min(0).tolist()
        right, bottom = upper.max(0).tolist()
        top = min(top, float(lower[:, 1].min()))
        bottom = max(bottom, float(lower[:, 1].max()))
        x0, x1 = max(0, int(left) - m), min(width, int(right) + m + 1)
        low = m + tongue_out * self._style.width * 0.22
        y0, y1 = max(0, int(top) - m), min(height, int(bottom + low) + 1)
        corner = np.array((x0, y0), np.float32)
        return _Window(
            x0,
            y0,
            x1 - x0,
            y1 - y0,
            upper - corner,
            lower - corner,
            self._x[:, x0:x1],
            self._y[y0:y1],
            slice(max(0, int(top) - y0 - soft), min(y1, int(bottom) + soft + 1) - y0),
            slice(max(0, int(left) - x0 - soft), min(x1, int(right) + soft + 1) - x0),
        )

    def _opening(self, win: _Window) -> Floats:
        """(h, w) coverage of the gap between the lips, softened at its edge."""
        mask = self._mask[: win.height, : win.width]
        mask[:] = 0
        outline = np.vstack((win.upper, win.lower[::-1]))
        points = [np.round(outline * 16).astype(np.int32)]
        cv2.fillPoly(mask, points, (255,), cv2.LINE_AA, 4)
        sigma = max(0.6, self._style.width * 0.007)
        soft = cv2.GaussianBlur(mask, (0, 0), sigma).astype(np.float32)
        soft *= np.float32(1 / 255)
        return soft

    def _interior(self, win: _Window, lips: Lips, tongue_up: float) -> Floats:
        """(3, h, w) the inside of the mouth over the whole window."""
        st = self._style
        cy = np.float32(st.centre[1])
        top, low = float(lips.upper[1, 5] - cy), float(lips.lower[1, 5] - cy)
        depth = np.clip((win.y - top) / max(low - top, 1.0), 0, 1)
        layer = np.empty((3, win.height, win.width), np.float32)
        layer[:] = st.cavity_deep + (st.cavity - st.cavity_deep) * depth
        tip = ease((tongue_up - 0.62) / 0.15)
        if tip < 1:
            self._tongue(layer, win, low, tongue_up, lips.round)
        if st.teeth_upper is None:
            self._teeth(layer, win, lips.round)
        else:
            self._own_teeth(layer, win, lips.round, low)
        if tip > 0:
            # between the teeth: before the upper row
            self._tongue(layer, win, low, tongue_up, 1 - tip, front=True)
        left, right = win.upper[0, 0], win.upper[-1, 0]
        half = max(1.0, float(right - left) / 2)
        columns = np.arange(win.columns.start, win.columns.stop, dtype=np.float32)
        aside = np.clip(np.abs(columns - (left + right) / 2) / half, 0, 1)
        lip = np.interp(columns, win.upper[:, 0], win.upper[:, 1]).astype(np.float32)
        rows = np.arange(win.rows.start, win.rows.stop, dtype=np.float32)[:, None]
        below = np.clip((rows - lip) / (st.width * 0.11), 0, 1)
        shade = (1 - 0.50 * aside**3) * (0.52 + 0.48 * below)
        layer *= shade
        return layer

    def _tongue(
        self, layer: Floats, win: _Window, low: float, up: float, hidden: float, front: bool = False
    ) -> None:
        """hidden: 0..1, how far it draws back: behind rounded lips it is not seen. front: its tip
        lies between the teeth."""
        st = self._style
        width = st.width
        middle = low + width * (0.055 - 0.20 * up + 0.06 * hidden)
        half, tall = width * 0.30, width * (0.20 - 0.03 * up)
        if front:
            middle, half, tall = low - width * 0.005, width * 0.23, width * 0.115
        dome = (win.x / half) ** 2 + ((win.y - middle) / tall) ** 2
        lit = np.clip(
            1
            - ((win.x + width * 0.05) / (half * 0.9)) ** 2
            - ((win.y - middle + tall * 0.45) / (tall * 0.75)) ** 2,
            0,
            1,
        )
        groove = np.exp(-((win.x / (width * 0.022)) ** 2)) * np.clip(
            (win.y - middle + tall) / tall, 0, 1
        )
        colour = st.tongue + (st.tongue_light - st.tongue) * lit
        colour *= 1 - np.float32(0.07) * groove
        colour -= layer
        colour *= smoothstep((np.float32(1.02) - dome) * np.float32(3.2)) * np.float32(1 - hidden)
        layer += colour

    def _tongue_out(self, paper: Floats, win: _Window, lips: Lips, out: float) -> None:
        """The tongue over the lower lip, in the shadow of the upper one."""
        st = self._style
        width = st.width
        half, tall = width * 0.20, width * (0.03 + 0.25 * out)
        low = float(lips.lower[1, 5]) - np.float32(st.centre[1])
        top = float(lips.upper[1, 5]) - np.float32(st.centre[1])
        top += 0.42 * (low - top)  # below the upper teeth
        u, v = win.x / half, (win.y - low) / tall
        rim = 1 - u**2 - np.clip(v, 0, None) ** 2.4
        under = np.float32(width * 0.015) + np.float32(0.3) * (low - top)
        seen = smoothstep(rim * np.float32(3)) * smoothstep((win.y - top) / under)
        lit = np.clip(rim, 0, 1) * np.clip((win.y - top) / (width * 0.10), 0.25, 1)
        groove = 0.14 * np.exp(-((u / 0.11) ** 2)) * np.clip(1 - v, 0, 1)
        colour = st.tongue + (st.tongue_light - st.tongue) * lit
        colour *= 1 - groove.astype(np.float32)
        colour -= paper
        colour *= seen * np.float32(ease(out * 4))
        paper += colour

    def _teeth(self, layer: Floats, win: _Window, rounded: float) -> None:
        """One band without separations; it hides behind rounded lips."""
        st = self._style
        width = st.width
        top = st.tooth_top - rounded * width * 0.07
        aside = np.abs(win.x)
        edge = top + st.tooth_height * (1 - 0.30 * (win.x / (width * 0.44)) ** 2)
        soft = max(1.2, width * 0.020)
        ends = smoothstep((np.float32(width * 0.47) - aside) / np.float32(width * 0.05))
        seen = smoothstep((edge - win.y) / np.float32(soft) + np.float32(0.5))
        seen *= ends * np.float32(1 - 0.95 * rounded)
        cast = smoothstep((edge + width * 0.035 - win.y) / np.float32(width * 0.04))
        cast *= (1 - seen) * np.float32(0.35 * (1 - rounded))
        layer *= 1 - cast
        light = np.float32(0.55) + np.float32(0.45) * np.clip((win.y - top) / st.tooth_height, 0, 1)
        light = light * (1 - 0.55 * (aside / (width * 0.5)) ** 2.2)
        colour = st.tooth_shade + (st.tooth - st.tooth_shade) * np.clip(light, 0, 1)
        colour -= layer
        colour *= seen
        layer += colour

    def _own_teeth(self, layer: Floats, win: _Window, rounded: float, low: float) -> None:
        """The rows of a pack; low: how far the lower lip is down."""
        st = self._style
        corner = float(win.x[0, 0]) + st.centre[0], float(win.y[0, 0]) + st.centre[1]
        if st.teeth_lower is not None:
            wide = ease((low / st.width - 0.20) / 0.14)
            strength = 0.85 * wide * (1 - rounded)
            lay_teeth(layer, st.teeth_lower, corner, down=low, strength=strength)
        if st.teeth_upper is not None:
            up = -0.05 * rounded * st.width
            lay_teeth(layer, st.teeth_upper, corner, down=up, strength=1 - 0.93 * rounded)

    def _shadow_on_lips(self, paper: Floats, mask: Floats, gap: float) -> None:
        """The inner edge of the lips turns away from the light."""
        width = self._style.width
        rim = cv2.GaussianBlur(mask, (0, 0), max(1.0, width * 0.016)) - mask
        rim = np.clip(rim, 0, 1) * np.float32(0.55 * ease(gap / (width * 0.08)))
        paper += (self._style.lip_dark * np.float32(0.75) - paper) * rim

    def _purse(self, paper: Floats, win: _Window, mask: Floats, lips: Lips) -> None:
        """Lips of a soft red round the opening, thin at its corners; the upper one in the shade,
        the lower one lit where it bulges."""
        width, red = self._style.width, self._style.pursed
        near = cv2.GaussianBlur(mask, (0, 0), width * 0.05, sigmaY=width * 0.09)
        rim = smoothstep(near * np.float32(5.5) - np.float32(0.15))
        rim *= (1 - mask) * np.float32(0.76 * lips.round * ease(lips.gap / (width * 0.05)))
        middle = (lips.upper[1, 5] + lips.lower[1, 5]) / 2 - np.float32(self._style.centre[1])
        down = np.clip((win.y - middle) / np.float32(width * 0.24) + np.float32(0.5), 0, 1)
        light = np.float32(0.84) + np.float32(0.18) * down
        light = light + np.float32(0.35) * (1 - near) * rim * down
        paper += (red * light - paper) * rim

    def _touch_line(self, paper: Floats, win: _Window, gap: float) -> None:
        width = self._style.width
        strength = min(1.0, max(0.0, 1 - gap / (width * 0.05))) * 0.85
        if strength <= 0:
            return
        mask = self._mask[: win.height, : win.width]
        mask[:] = 0
        middle = [np.round((win.upper + win.lower) * 8).astype(np.int32)]
        thick = max(1, round(width * 0.018))
        cv2.polylines(mask, middle, False, (255,), thick, cv2.LINE_AA, 4)
        line = cv2.GaussianBlur(mask, (0, 0), max(0.6, width * 0.007)).astype(np.float32)
        line *= np.float32(strength / 255)
        paper += (self._style.lip_line - paper) * line

    def _corner_pits(self, paper: Floats, win: _Window, rounded: float) -> None:
        width = self._style.width
        strength = np.float32(0.45 * (1 - 0.95 * rounded))
        aside, down = self._pit
        for x, y in (win.upper[0].tolist(), win.upper[-1].tolist()):
            left, top = int(x) - len(aside) // 2, int(y) - len(down) // 2
            columns = aside[max(0, -left) : win.width - left] + np.float32(int(x) - x)
            rows = down[max(0, -top) : win.height - top] + np.float32(int(y) - y)
            columns *= columns
            rows *= rows
            columns *= -1 / (width * 0.045) ** 2
            rows *= -1 / (width * 0.030) ** 2
            pit = np.exp(rows[:, None] + columns)
            pit *= strength
            x0, y0 = max(0, left), max(0, top)
            part = paper[:, y0 : y0 + len(rows), x0 : x0 + len(columns)]
            part += (self._style.corner - part) * pit


def _opened(win: _Window) -> _Window:
    """The part of a window that the opening covers; contours stay in the window's pixels."""
    rows, columns = win.rows, win.columns
    return win._replace(
        width=columns.stop - columns.start,
        height=rows.stop - rows.start,
        x=win.x[:, columns],
        y=win.y[rows],
    )


def spline_matrix(knots: int, samples: int) -> Floats:
    """(samples, knots) natural cubic spline through evenly spaced knots."""
    a = np.eye(knots)
    b = np.zeros((knots, knots))
    for i in range(1, knots - 1):
        a[i, i - 1 : i + 2] = 1 / 6, 2 / 3, 1 / 6
        b[i, i - 1 : i + 2] = 1, -2, 1
    curvature = np.linalg.solve(a, b)
    t = np.linspace(0, knots - 1, samples)
    i = np.minimum(t.astype(int), knots - 2)
    f = (t - i)[:, None]
    eye = np.eye(knots)
    line = eye[i] * (1 - f) + eye[i + 1] * f
    bend = ((1 - f) ** 3 - (1 - f)) / 6 * curvature[i] + (f**3 - f) / 6 * curvature[i + 1]
    return np.ascontiguousarray(line + bend, np.float32)
