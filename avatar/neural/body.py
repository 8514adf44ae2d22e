"""What is under a generated mouth: a portrait that is drawn, or a person who was filmed.

A body has a picture for every tick of 1/FPS s, and the place in it where a generated face goes. A
drawn one is always the same but for its eyes and brows. A filmed one moves: a face belongs to the
tick that it was made of. It knows nothing of the networks that make faces.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.gaze import ease
from avatar.neural import blend, mouth, still
from avatar.neural.device import Device
from avatar.neural.still import Still
from avatar.params import CHANNELS, FaceParams
from avatar.portrait import loop
from avatar.portrait.engine import Engine
from avatar.portrait.loop import SHRUNK, Loop
from avatar.portrait.pack import Pack
from avatar.portrait.paint import Box
from avatar.portrait.pictures import decode
from avatar.renderers.cpu import TO_REST_S, TO_SPEECH_S

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

OPEN: Final = (0.03, 0.06)
"""From so far apart on, in mouth widths, filmed lips are shut in silence; from so far on wholly."""

_MOUTH: Final = np.array(
    [n.startswith(("mouth", "jaw", "tongue", "cheekPuff", "noseSneer")) for n in CHANNELS]
)


class Body(Protocol):
    """One thread calls it."""

    def picture(self, face: FaceParams, tick: int) -> U8:
        """Without a generated mouth: (h, w, 3) BGR, which the caller may change."""

    def cut(self, picture: U8, tick: int, side: int) -> U8:
        """The face in a picture of this tick: (side, side, 3)."""

    def put(self, face: U8, picture: U8, tick: int, share: float) -> None:
        """Mix a generated face, a square of any size, into the picture of its tick, in place."""

    def finish(self, picture: U8) -> None:
        """What lies over body and mouth, at the end, in place."""

    def apart(self, tick: int) -> float:
        """How much of its own lips must be covered in silence, because they are apart: 0..1."""


def of(pack: Pack, shown: Still) -> "Body":
    """The film of a portrait that has one, else the portrait. Raises PortraitError."""
    film = loop.of(pack.path)
    return DrawnBody(pack, shown) if film is None else FilmedBody(film, shown)


class Shown:
    """How a generated mouth is seen on a body: it eases in as speech begins and out as it ends.

    shut: the face of a picture and its tick with the mouth shut, for a body whose own lips are
    apart; None: it cannot be had now.
    """

    def __init__(self, under: Body, device: Device, shut: Callable[[U8, int], U8 | None]) -> None:
        self._body, self._device, self._shut = under, device, shut
        self.last: U8 | None = None
        """The face that was said last."""
        self._share = 0.0
        self._at_s: float | None = None

    def put(self, time_s: float, said: U8 | None, picture: U8, tick: int) -> None:
        """Blend the face of this moment, None in silence, into the picture of its tick."""
        elapsed = 0.0 if self._at_s is None else max(0.0, time_s - self._at_s)
        self._at_s = time_s
        step = elapsed / TO_SPEECH_S if said is not None else -elapsed / TO_REST_S
        self._share = min(1.0, max(0.0, self._share + step))
        if said is not None:
            self.last = said
        if self.last is None or self._share < 1:
            self._hush(picture, tick)
        if self.last is not None and self._share > 0:
            with self._device.stage("blend"):
                self._body.put(self.last, picture, tick, ease(self._share))
        self._body.finish(picture)

    def _hush(self, picture: U8, tick: int) -> None:
        share = self._body.apart(tick)
        face = self._shut(picture, tick) if share > 0 else None
        if face is not None:
            self._body.put(face, picture, tick, share)


class DrawnBody:
    """The CPU engine's portrait at rest, its eyes and brows alive."""

    def __init__(self, pack: Pack, shown: Still) -> None:
        height, width = shown.picture.shape[:2]
        points, bridge = shown.box_points
        self.box = mouth.with_margin(mouth.box(points, bridge, height), height)
        labels = shown.labels(blend.square_around(self.box), blend.MAP)
        self._seat = blend.seat(blend.face_mask(labels), self.box, width, height)
        self._engine = Engine(pack, size=(width, height))
        self._calm = FaceParams()
        self._planes = np.zeros(width * height * 3 // 2, np.uint8)
        self._rows = height * 3 // 2

    def picture(self, face: FaceParams, tick: int) -> U8:
        np.copyto(self._calm.weights, face.weights)
        self._calm.weights[_MOUTH] = 0  # the head stays where its face was cut
        self._engine.draw(self._calm, self._planes)
        rows = self._planes.reshape(self._rows, -1)
        return np.asarray(cv2.cvtColor(rows, cv2.COLOR_YUV2BGR_I420), np.uint8)

    def cut(self, picture: U8, tick: int, side: int) -> U8:
        left, top, right, low = self.box
        return np.asarray(cv2.resize(picture[top:low, left:right], (side, side)), np.uint8)

    def put(self, face: U8, picture: U8, tick: int, share: float) -> None:
        blend.put(face, picture, replace(self._seat, alpha=_thinned(self._seat.alpha, share)))

    def finish(self, picture: U8) -> None:
        """There is nothing."""

    def apart(self, tick: int) -> float:
        return 0.0  # its lips touch at rest


class FilmedBody:
    """A loop. shown: what is seen where the film ends before the picture does."""

    def __init__(self, film: Loop, shown: Still) -> None:
        self._loop, self._back = film, shown.picture
        height, width = self._back.shape[:2]
        self._scale, self._offset = still.on_canvas((width, height))
        beside = 255 - self._covered(film)
        self._beside = beside if beside.any() else None
        self._boxes = [whole(box) for box in film.boxes]

    def picture(self, face: FaceParams, tick: int) -> U8:
        index = self._loop.at(tick)
        half = self._scale <= 0.5
        shown = decode(self._loop.pictures[index], "a picture of the loop", channels=3, half=half)
        return self._fitted(shown, self._loop.rect[:2], 2.0 if half else 1.0)

    def finish(self, picture: U8) -> None:
        """The portrait's backdrop where the film ends, over a mouth too: a face that leaves the
        film was made of what only repeats its border."""
        if self._beside is not None:
            blend.mix(self._back, picture, self._beside)

    def _covered(self, film: Loop) -> U8:
        """How much of the call's picture is the film's, 0..255; soft on each side where it ends."""
        left, top, right, low = self._placed(film.rect)
        height, width = self._back.shape[:2]
        ring = np.pad(film.cover, 1, mode="edge")
        ends = left >= 1, right <= width - 1, top >= 1, low <= height - 1
        for side, inside in zip((ring[:, 0], ring[:, -1], ring[0], ring[-1]), ends, strict=True):
            if inside:
                side[:] = 0
        large = cv2.resize(ring, None, fx=SHRUNK, fy=SHRUNK)
        corner = film.rect[0] - SHRUNK, film.rect[1] - SHRUNK
        return self._fitted(np.asarray(large, np.uint8), corner, 1.0)

    def _fitted(self, image: U8, corner: tuple[int, int], reduced: float) -> U8:
        """An image that begins at this corner of the canvas as the call shows it; beside it, its
        border goes on."""
        s = self._scale * reduced
        x, y = np.array(corner) * self._scale + self._offset + (s - 1) / 2  # a pixel's middle
        size = (self._back.shape[1], self._back.shape[0])
        out = cv2.warpAffine(
            image,
            np.array([[s, 0, x], [0, s, y]]),
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(out, np.uint8)

    def cut(self, picture: U8, tick: int, side: int) -> U8:
        place = self._placed(self._boxes[self._loop.at(tick)])
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        move = _onto(place, side, 0, 0)
        out = cv2.warpAffine(
            picture, move, (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(out, np.uint8)

    def put(self, face: U8, picture: U8, tick: int, share: float) -> None:
        index = self._loop.at(tick)
        box = self._boxes[index]
        x0, y0, x1, y1 = self._placed(blend.square_around(box))
        height, width = picture.shape[:2]
        left, top = max(0, int(x0)), max(0, int(y0))
        low, right = max(0, min(height, int(y1) + 1)), max(0, min(width, int(x1) + 1))
        room = picture[top:low, left:right]
        if room.size == 0:
            return
        size = room.shape[1], room.shape[0]
        mask = cv2.warpAffine(
            self._loop.masks[index],
            _onto((x0, y0, x1, y1), self._loop.masks.shape[1], left, top),
            size,
        )
        over = room.copy()
        move = _onto(self._placed(box), face.shape[0], left, top)
        cv2.warpAffine(face, move, size, dst=over, borderMode=cv2.BORDER_TRANSPARENT)
        blend.mix(over, room, _thinned(np.asarray(mask, np.uint8), share))

    def _placed(self, box: Box) -> tuple[float, float, float, float]:
        """A box of the canvas in the call's picture."""
        ox, oy = (float(v) for v in self._offset)
        left, top, right, low = (v * self._scale for v in box)
        return left + ox, top + oy, right + ox, low + oy

    def apart(self, tick: int) -> float:
        return covered(float(self._loop.gaps[self._loop.at(tick)]))


def covered(gap: float) -> float:
    """How much of lips so far apart, in mouth widths, is covered in silence: 0..1."""
    low, high = OPEN
    return float(ease((gap - low) / (high - low)))


def whole(box: F32) -> Box:
    """A box in whole pixels."""
    left, top, right, low = (round(float(v)) for v in box)
    return left, top, right, low


def _thinned(alpha: U8, share: float) -> U8:
    return alpha if share >= 1 else np.asarray(cv2.convertScaleAbs(alpha, alpha=share), np.uint8)


def _onto(
    place: tuple[float, float, float, float], side: int, left: int, top: int
) -> NDArray[np.float64]:
    """From a square picture onto a place in a room that begins at left, top."""
    x0, y0, x1, y1 = place
    sx, sy = (x1 - x0) / side, (y1 - y0) / side
    return np.array([[sx, 0, x0 - left + (sx - 1) / 2], [0, sy, y0 - top + (sy - 1) / 2]])
