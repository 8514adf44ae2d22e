"""Takes the eyes of a photo apart into the layers of a pack: lid skin, ball, iris, lash lines.

Skin is filled in where the eye was; whatever is darker than that skin becomes the crease, the lash
band or the lower lid, by its place. Laid together at rest the layers are the photo again.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.portrait.mouth import spline_matrix
from avatar.prepare.skin import Floats, blur, darker, fill, grain, over

_UPPER: Final = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (362, 398, 384, 385, 386, 387, 388, 466, 263),
)
_LOWER: Final = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
    (362, 382, 381, 380, 374, 373, 390, 249, 263),
)
EYES: Final = tuple((*u, *d[-2:0:-1]) for u, d in zip(_UPPER, _LOWER, strict=True))
"""Face mesh numbers round the opening of each eye, the subject's right one first."""
_IRIS: Final = ((468, (469, 470, 471, 472)), (473, (474, 475, 476, 477)))
_CHEEK: Final = (50, 280)
LID_POINTS: Final = 41


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye of a photo. upper, lower: (41, 2) lid curves, picture left to right.

    box: x0, y0, x1, y1 of the pictures. skin: (h, w, 3) with a closed lid. layers: by name of
    pack.EYE_LAYERS, (h, w, 4) premultiplied BGRA.
    """

    upper: Floats
    lower: Floats
    box: tuple[int, int, int, int]
    skin: Floats
    layers: dict[str, Floats]


def eye_of(image: Floats, landmarks: Floats, index: int) -> Eye:
    """index: 0 the subject's right eye, 1 the left one."""
    upper = _curve(landmarks[list(_UPPER[index]), :2])
    lower = _curve(landmarks[list(_LOWER[index]), :2])
    return _Taking(image, landmarks, index, upper, lower).eye()


def _curve(points: Floats) -> Floats:
    spline = spline_matrix(len(points), LID_POINTS)
    return np.ascontiguousarray(spline @ points, np.float32)


class _Taking:
    """Everything in pixels of a box round the eye; rows relative to the lid curves."""

    def __init__(
        self, image: Floats, marks: Floats, index: int, upper: Floats, lower: Floats
    ) -> None:
        self._upper, self._lower = upper, lower
        width = float(upper[-1, 0] - upper[0, 0])
        self._w = width
        x0, x1 = upper[0, 0] - 0.30 * width, upper[-1, 0] + 0.30 * width
        y0, y1 = upper[:, 1].min() - 0.48 * width, lower[:, 1].max() + 0.36 * width
        self.box = int(x0), int(y0), int(x1), int(y1)
        x0, y0, x1, y1 = self.box
        self._photo = image[y0:y1, x0:x1]
        h, w = self._photo.shape[:2]
        columns = np.arange(x0, x1, dtype=np.float32)
        self._top = (np.interp(columns, *upper.T) - y0).astype(np.float32)[None]
        self._low = (np.interp(columns, *lower.T) - y0).astype(np.float32)[None]
        self._y = np.arange(h, dtype=np.float32)[:, None]
        ends = np.minimum(columns - upper[0, 0], upper[-1, 0] - columns)
        self._inside = np.clip(ends / (0.10 * width) + 1, 0, 1)[None].astype(np.float32)
        centre, rim = _IRIS[index]
        self._centre = marks[centre, :2] - (x0, y0)
        radii = np.linalg.norm(marks[list(rim), :2] - marks[centre, :2], axis=1)
        self._radius = float(radii.mean())
        spot = marks[_CHEEK[index], :2]
        self._grain = grain(
            image, (float(spot[0]), float(spot[1])), max(24, int(width * 0.5)), (h, w)
        )
        yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
        self._open = self._step(self._y - self._top + 0.5) * self._step(self._low - self._y + 0.5)
        self._far = np.hypot(xx - self._centre[0], yy - self._centre[1]) / self._radius

    def eye(self) -> Eye:
        skin = self._skin()
        ball = self._ball()
        sclera, iris = self._sclera(ball), self._iris(ball)
        shown = over(sclera, iris)
        below = skin + (shown - skin) * self._open[..., None]
        crease, lash, low = self._bands()
        layers = {
            "sclera": _solid(sclera),
            "iris": iris,
            "low": darker(self._photo, below, low),
            "crease": darker(self._photo, below, crease),
            # also dark against the iris: that part of the line lies over skin in a blink
            "lash": darker(self._photo, below, lash, against=skin),
        }
        return Eye(self._upper, self._lower, self.box, skin, layers)

    @staticmethod
    def _step(x: NDArray[np.floating]) -> Floats:
        stepped: Floats = np.clip(x, 0, 1).astype(np.float32)
        return stepped

    def _zone(self, above: float, below: float, soft: float) -> Floats:
        """1 from so far above the upper to so far below the lower lid, in eye widths."""
        w = self._w
        up = self._step((self._y - (self._top - above * w)) / (soft * w) + 0.5)
        down = self._step((self._low + below * w - self._y) / (soft * w) + 0.5)
        zone: Floats = up * down * self._inside
        return zone

    def _skin(self) -> Floats:
        """The photo with the eye filled in by the skin round it: the lid of a closed eye."""
        w = self._w
        hole = self._zone(0.17, 0.10, 0.02)
        filled = fill(self._photo, 1 - np.minimum(1, hole * 4))
        filled = blur(filled, 0.04 * w) + self._grain
        # the lid that shows is often lighter than what lies above and below
        lid = self._photo - filled
        seen = self._step((self._top - 0.05 * w - self._y) / (0.03 * w))
        under = self._step((self._y - self._low - 0.05 * w) / (0.03 * w))
        filled = filled + np.maximum(blur(lid, 0.02 * w), 0) * (seen + under)[..., None]
        t = (self._y - self._top) / np.maximum(self._low - self._top, 1)
        shade = 1 - 0.06 * np.exp(-(((t - 0.05) / 0.2) ** 2)) - 0.07 * self._step(t) ** 3
        filled = filled * np.where((t > -0.5) & (t < 1.5), shade, 1)[..., None]
        mask = self._zone(0.20, 0.13, 0.08)[..., None]
        skin: Floats = np.clip(self._photo + (filled - self._photo) * mask, 0, 1).astype(np.float32)
        return skin

    def _ball(self) -> Floats:
        """The photo with the lashes at the upper edge of the ball replaced by what is below."""
        reach = 0.055 * self._w
        at = np.maximum(self._y, np.minimum(self._top + reach, (self._top + self._low) / 2))
        at = np.minimum(at, np.maximum(self._low - 1.5, self._top))
        columns = np.arange(at.shape[1], dtype=np.float32)[None].repeat(at.shape[0], 0)
        ball = cv2.remap(self._photo, columns, at.astype(np.float32), cv2.INTER_LINEAR)
        return ball.astype(np.float32, copy=False)

    def _seen(self) -> Floats:
        """Where the ball is really visible in the photo."""
        top = self._y > self._top + 0.05 * self._w
        seen: Floats = (top & (self._y < self._low - 0.03 * self._w)).astype(np.float32)
        return seen

    def _sclera(self, ball: Floats) -> Floats:
        """The white of the eye, whole: where nothing of it shows, its usual tone."""
        white = self._seen() * (self._far > 1.28)
        if float(white.sum()) < 12:
            white = self._seen()
        light = ball[white > 0] if white.any() else ball.reshape(-1, 3)
        tone = light[light.sum(1) >= np.quantile(light.sum(1), 0.3)].mean(0)
        base = np.where(white[..., None] > 0, ball, tone).astype(np.float32)
        return blur(
            fill(base, np.maximum(white, 0.08 * (1 - self._open)).astype(np.float32)),
            0.02 * self._w,
        )

    def _iris(self, ball: Floats) -> Floats:
        """A disc; what the lids hide of it has the colour that it has at that radius elsewhere."""
        seen = self._seen() * (self._far < 1.25)
        edges = np.linspace(0, 1.25, 11)
        ring = np.clip(np.digitize(self._far, edges) - 1, 0, len(edges) - 2)
        known = seen > 0
        profile = np.zeros((len(edges) - 1, 4), np.float32)
        for i in range(len(profile)):
            here = known & (ring == i)
            if int(here.sum()) >= 3:
                # below the mean: the catch light is not the colour of the iris
                profile[i] = *np.quantile(ball[here], 0.35, axis=0), 1
        kept = profile[:, 3] > 0
        if not kept.any():
            profile[:, :3] = ball.mean((0, 1))
            kept[:] = True
        at, middles = self._far.ravel(), (edges[:-1] + edges[1:]) / 2
        guess = np.stack([np.interp(at, middles[kept], profile[kept, c]) for c in range(3)], 1)
        share = np.minimum(blur(seen.astype(np.float32), 0.02 * self._w), seen)[..., None]
        whole = guess.reshape(ball.shape) * (1 - share) + ball * share
        alpha = self._step((1.20 - self._far) / 0.18)
        return np.dstack((np.clip(whole, 0, 1) * alpha[..., None], alpha)).astype(np.float32)

    def _bands(self) -> tuple[Floats, Floats, Floats]:
        """Shares of crease, lash and lower lid: they sum to 1 outside of the ball."""
        w = self._w
        lash = self._step((self._y - (self._top - 0.09 * w)) / (0.04 * w))
        low = self._step((self._y - (self._low - 0.035 * w)) / (0.03 * w))
        # where the lids meet, the lower one begins under the middle of both
        low = low * (self._y > (self._top + self._low) / 2)
        crease = 1 - lash
        # lower in the ball nothing is a lash: what differs there is the rim of the iris
        fade = self._step((self._top + 0.075 * w - self._y) / (0.04 * w))
        lash = lash * (1 - self._open * (1 - fade))
        return crease, lash * (1 - low), low


def _solid(picture: Floats) -> Floats:
    alpha = np.ones(picture.shape[:2], np.float32)
    return np.dstack((np.clip(picture, 0, 1), alpha)).astype(np.float32)


def rest(eye: Eye) -> Floats:
    """The eye as the layers show it at rest, for a look at what was lost."""
    x0, y0 = eye.box[:2]
    h, w = eye.skin.shape[:2]
    columns = np.arange(x0, x0 + w, dtype=np.float32)
    top = (np.interp(columns, *eye.upper.T) - y0).astype(np.float32)[None]
    low = (np.interp(columns, *eye.lower.T) - y0).astype(np.float32)[None]
    y = np.arange(h, dtype=np.float32)[:, None]
    open_ = np.clip(y - top + 0.5, 0, 1) * np.clip(low - y + 0.5, 0, 1)
    ball = over(eye.layers["sclera"][..., :3], eye.layers["iris"])
    out: Floats = eye.skin + (ball - eye.skin) * open_[..., None]
    for name in ("low", "crease", "lash"):
        out = over(out, eye.layers[name])
    return out
