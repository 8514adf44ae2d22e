"""A face as numbers: where its contours run, and the landmarks an engine moves it by.

The face is symmetric about its centre line; character is in the numbers of Face. Nothing is drawn
here. `sx` is the side: -1 for the left of the picture, which is the subject's right.
"""

from dataclasses import dataclass

import numpy as np

from avatar.portrait.art.strokes import Colour, Doubles, Floats, mix, resample

Point = tuple[float, float]

_UPPER_LIP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
_LOWER_LIP = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
_INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
# upper lid, lower lid (inner to outer corner), brow top, brow bottom (inner to outer), iris centre
_EYES = (
    (
        -1,
        (133, 173, 157, 158, 159, 160, 161, 246, 33),
        (133, 155, 154, 153, 145, 144, 163, 7, 33),
        (107, 66, 105, 63, 70),
        (55, 65, 52, 53, 46),
        468,
    ),
    (
        1,
        (362, 398, 384, 385, 386, 387, 388, 466, 263),
        (362, 382, 381, 380, 374, 373, 390, 249, 263),
        (336, 296, 334, 293, 300),
        (285, 295, 282, 283, 276),
        473,
    ),
)
_OVAL_LEFT = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397),
    *(365, 379, 378, 400, 377, 152),
)
_OVAL_RIGHT = (
    *(10, 109, 67, 103, 54, 21, 162, 127, 234, 93, 132, 58, 172),
    *(136, 150, 149, 176, 148, 152),
)


@dataclass(frozen=True, slots=True)
class Face:
    """Lengths in canvas pixels. Colours of `skin`: deep, shadow, mid, light, highlight; of `lip`
    and `iris`: three tones, dark to light for the lip, light to dark for the iris."""

    skin: tuple[Colour, ...]
    blush: Colour
    lip: tuple[Colour, ...]
    iris: tuple[Colour, ...]
    brow_colour: Colour
    half: tuple[Point, ...]  # right half of the outline, from the top to the chin
    brow: tuple[Point, ...]  # inner to outer, from the centre line and the eye line
    brow_widths: tuple[float, ...]
    cx: float = 512
    eye_y: float = 456
    eye_x: float = 88  # centre line to the middle of an eye
    eye_half: float = 42
    lid_up: float = 20
    lid_low: float = 13
    lid_power: float = 0.72
    tilt: float = 4  # outer corner above the inner one
    iris_r: float = 19.5
    sclera: Colour = (242, 237, 232)
    crease: float = 11  # above the lid edge; 0 is a single lid
    lash: float = 5
    lashes: int = 7
    nose_y: float = 566
    nose_half: float = 38
    nose_relief: float = 1
    bridge: float = 13
    mouth_y: float = 628
    mouth_half: float = 64
    lip_up: float = 15
    lip_low: float = 20
    bow: float = 4
    corner: float = -2  # of the mouth, negative is up
    gloss: float = 0.5
    chin: float = 744
    age: float = 0
    cheek: float = 1
    hollow: float = 1  # under the cheek bone
    brow_bone: float = 1
    deep_set: float = 1  # of the eyes
    chin_bone: float = 1
    jaw_bone: float = 1
    nose_ball: float = 1
    nose_bump: float = 0
    lip_full: float = 1
    adam: float = 0  # the apple of the throat
    shine: float = 1  # of the skin
    scatter: float = 9  # of light in the skin, pixels
    blush_strength: float = 0.16
    seed: int = 1

    @property
    def tone(self) -> Colour:
        """The colour of the skin itself, before light."""
        return mix(self.skin[2], self.skin[3], 0.5)

    def outline(self) -> Doubles:
        """Closed contour of the face, clockwise from the top."""
        h = np.array(self.half, float)
        right = np.column_stack([self.cx + h[:, 0], h[:, 1]])
        left = np.column_stack([self.cx - h[-2:0:-1, 0], h[-2:0:-1, 1]])
        return np.vstack([right, left])

    def half_width(self, y: float) -> float:
        """Of the face at a height."""
        h = resample(np.array(self.half, float), 400)
        return float(np.interp(y, h[:, 1], h[:, 0]))

    def lids(self, sx: int, n: int = 9) -> tuple[Doubles, Doubles]:
        """Upper and lower lid, inner to outer corner."""
        v = np.linspace(0, 1, n)
        x = self.cx + sx * (self.eye_x + self.eye_half * (2 * v - 1))
        base = self.eye_y + 3 - (3 + self.tilt) * v
        up = base - self.lid_up * np.sin(np.pi * v**0.93) ** self.lid_power
        low = base + self.lid_low * np.clip(np.sin(np.pi * v**1.12), 0, 1) ** 0.85
        return np.column_stack([x, up]), np.column_stack([x, low])

    def brow_edges(self, sx: int, n: int = 5) -> tuple[Doubles, Doubles]:
        """Upper and lower edge of a brow, inner to outer."""
        p = np.array(self.brow, float)
        line = resample(np.column_stack([self.cx + sx * p[:, 0], self.eye_y + p[:, 1]]), n)
        t = np.linspace(0, 1, n)
        width = np.interp(t, np.linspace(0, 1, len(self.brow_widths)), self.brow_widths)
        half = np.column_stack([np.zeros(n), width / 2])
        return line - half, line + half

    def lips(self, n: int = 11) -> tuple[Doubles, Doubles, Doubles]:
        """Outer upper edge, mouth line, outer lower edge, picture left to right."""
        t = np.linspace(-1, 1, n)
        a = np.abs(t)
        x = self.cx + t * self.mouth_half
        lift = self.corner * (0.35 * a**1.5 + 0.65 * a**3.2)
        line = self.mouth_y + lift + 2 * np.exp(-((t / 0.2) ** 2))
        line -= 0.8 * np.exp(-(((a - 0.42) / 0.2) ** 2))
        swell = np.clip(1 - a**1.9, 0, 1) ** 0.95 * (1 + 0.20 * np.exp(-(((a - 0.22) / 0.16) ** 2)))
        upper = (
            line - self.lip_up * swell + self.bow * np.exp(-((t / 0.11) ** 2)) - 1.5 * (a < 0.99)
        )
        lower = line + self.lip_low * np.clip(1 - a**2.3, 0, 1) ** 0.8
        upper[[0, -1]] = lower[[0, -1]] = line[[0, -1]]
        return (
            np.column_stack([x, upper]),
            np.column_stack([x, line]),
            np.column_stack([x, lower]),
        )

    def landmarks(self, height: Floats) -> Doubles:
        """(478, 3) in face mesh numbering, NaN where unused; z smaller is nearer, from a relief."""
        marks = np.full((478, 3), np.nan)
        self._put_lips(marks)
        self._put_eyes(marks)
        self._put_oval(marks)
        self._put_skin(marks)
        used = ~np.isnan(marks[:, 0])
        column, row = np.clip(marks[used, :2].round().astype(int), 0, 1023).T
        marks[used, 2] = 90 - 1.5 * height[row, column]
        return marks

    def _put_lips(self, marks: Doubles) -> None:
        upper, line, lower = self.lips(11)
        marks[list(_UPPER_LIP), :2] = upper
        marks[list(_LOWER_LIP), :2] = lower
        inner = line.copy()
        inner[0, 0] += 3
        inner[-1, 0] -= 3
        marks[list(_INNER_UPPER), :2] = inner
        marks[list(_INNER_LOWER), :2] = inner

    def _put_eyes(self, marks: Doubles) -> None:
        for sx, up, low, top, bottom, iris in _EYES:
            a, b = self.lids(sx)
            marks[list(low), :2] = b
            marks[list(up), :2] = a
            a, b = self.brow_edges(sx)
            marks[list(top), :2] = a
            marks[list(bottom), :2] = b
            centre = np.array([self.cx + sx * self.eye_x, self.eye_y - 1])
            r = self.iris_r
            marks[iris : iris + 5, :2] = centre + np.array(
                [(0, 0), (r, 0), (0, -r), (-r, 0), (0, r)]
            )

    def _put_oval(self, marks: Doubles) -> None:
        half = resample(np.array(self.half, float), 400)
        eye = int(np.argmin(np.abs(half[:, 1] - self.eye_y)))
        rows = np.r_[np.linspace(0, eye, 8), np.linspace(eye, 399, 12)[1:]].astype(int)
        x, y = half[rows].T
        marks[list(_OVAL_LEFT), :2] = np.column_stack([self.cx + x, y])
        marks[list(_OVAL_RIGHT), :2] = np.column_stack([self.cx - x, y])

    def _put_skin(self, marks: Doubles) -> None:
        n, m, c, e = self.nose_y, self.mouth_y, self.chin, self.eye_y
        low = m + self.lip_low
        middle = {1: n - 20, 4: n - 22, 2: n + 3, 94: n - 1, 168: e - 18, 6: e + 6, 9: e - 52}
        middle |= {18: low + 9, 200: (low + c) / 2, 199: c - 22}
        for number, y in middle.items():
            marks[number, :2] = self.cx, y
        wide = self.half_width
        pairs = {
            (98, 327): (self.nose_half * 0.78, n - 2),
            (129, 358): (self.nose_half, n - 12),
            (83, 313): (18, low + 7),
            (36, 266): (self.nose_half + 26, n - 14),
            (50, 280): (wide(n - 46) * 0.64, n - 46),
            (205, 425): (wide(n) * 0.52, n - 2),
            (123, 352): (wide(n - 30) * 0.82, n - 26),
            (187, 411): (wide(n + 20) * 0.68, n + 26),
            (207, 427): (wide(m) * 0.60, m - 10),
            (192, 416): (wide(m) * 0.74, m - 18),
            (215, 435): (wide(m) * 0.78, m + 12),
        }
        for (right, left), (dx, y) in pairs.items():
            marks[right, :2] = self.cx - dx, y
            marks[left, :2] = self.cx + dx, y
