"""What is under a generated mouth: a portrait that is drawn, or a person who was filmed.

A body has a picture for every tick of 1/FPS s, the latents of the face in it, and the place where
a face that was made of them goes. A drawn one is always the same but for its eyes and brows. A
filmed one moves: a face belongs to the tick whose latents it was made of.
"""

import hashlib
import io
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.gaze import ease
from avatar.neural import blend, mouth, still, tokens
from avatar.neural.lips import Nets, Speaker
from avatar.neural.still import Still
from avatar.params import CHANNELS, FaceParams
from avatar.portrait.engine import Engine
from avatar.portrait.loop import FPS, SHRUNK, Loop
from avatar.portrait.pack import Pack
from avatar.portrait.paint import Box
from avatar.portrait.pictures import decode

logger = logging.getLogger(__name__)

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

OPEN: Final = (0.03, 0.06)
"""From so far apart on, in mouth widths, filmed lips are shut in silence; from so far on wholly."""

_MOUTH: Final = np.array(
    [n.startswith(("mouth", "jaw", "tongue", "cheekPuff", "noseSneer")) for n in CHANNELS]
)
_RECIPE: Final = "1"
"""Changed with whatever makes other latents of the same loop and weights."""
_KEPT: Final = "loop_latents.npz"
_QUALITY: Final = 95
_QUIET_FRAME: Final = 20


class Body(Protocol):
    """One thread calls it."""

    def picture(self, face: FaceParams, tick: int) -> U8:
        """Without a generated mouth: (h, w, 3) BGR, which the caller may change."""

    def latents(self, ticks: Sequence[int]) -> Tensor:
        """Of the face at each tick, or of one face for all of them: (n or 1, 8, 32, 32)."""

    def put(self, face: U8, picture: U8, tick: int, share: float) -> None:
        """Mix a generated face into the picture of its tick, in place."""

    def hush(self, picture: U8, tick: int) -> None:
        """Shut the mouth of a picture, in place, where it is open."""


class DrawnBody:
    """The CPU engine's portrait at rest, its eyes and brows alive."""

    def __init__(self, pack: Pack, shown: Still, speaker: Speaker) -> None:
        height, width = shown.picture.shape[:2]
        points, bridge = shown.box_points
        found = mouth.with_margin(mouth.box(points, bridge, height), height)
        labels = shown.labels(blend.square_around(found), blend.MAP)
        self._seat = blend.seat(blend.face_mask(labels), found, width, height)
        self._latents = speaker.latents(mouth.cut(shown.picture, found))
        self._engine = Engine(pack, size=(width, height))
        self._calm = FaceParams()
        self._planes = np.zeros(width * height * 3 // 2, np.uint8)
        self._rows = height * 3 // 2

    def picture(self, face: FaceParams, tick: int) -> U8:
        np.copyto(self._calm.weights, face.weights)
        self._calm.weights[_MOUTH] = 0  # the head stays where its latents were made
        self._engine.draw(self._calm, self._planes)
        rows = self._planes.reshape(self._rows, -1)
        return np.asarray(cv2.cvtColor(rows, cv2.COLOR_YUV2BGR_I420), np.uint8)

    def latents(self, ticks: Sequence[int]) -> Tensor:
        return self._latents

    def put(self, face: U8, picture: U8, tick: int, share: float) -> None:
        blend.put(face, picture, replace(self._seat, alpha=_thinned(self._seat.alpha, share)))

    def hush(self, picture: U8, tick: int) -> None:
        """Its lips touch at rest."""


class FilmedBody:
    """A loop. shown: what is seen where the film ends before the picture does."""

    def __init__(self, loop: Loop, kept: "Kept", shown: Still) -> None:
        self._loop, self._kept, self._back = loop, kept, shown.picture
        height, width = self._back.shape[:2]
        self._scale, self._offset = still.on_canvas((width, height))
        whole = self._fitted(
            np.asarray(cv2.resize(loop.cover, None, fx=SHRUNK, fy=SHRUNK), np.uint8), 1.0
        )
        self._cover = None if whole.min() == 255 else whole
        self._boxes = [_whole(box) for box in loop.boxes]

    def picture(self, face: FaceParams, tick: int) -> U8:
        index = self._loop.at(tick)
        half = self._scale <= 0.5
        shown = decode(self._loop.pictures[index], "a picture of the loop", channels=3, half=half)
        own = self._fitted(shown, 2.0 if half else 1.0)
        if self._cover is None:
            return own
        out = self._back.copy()
        blend.mix(own, out, self._cover)
        return out

    def _fitted(self, image: U8, reduced: float) -> U8:
        """A picture of the loop's rectangle as the call shows it; black beside it."""
        s = self._scale * reduced
        corner = np.array(self._loop.rect[:2]) * self._scale + self._offset
        x, y = corner + (s - 1) / 2  # a pixel's place is its middle
        size = (self._back.shape[1], self._back.shape[0])
        move = np.array([[s, 0, x], [0, s, y]])
        return np.asarray(cv2.warpAffine(image, move, size, flags=cv2.INTER_LINEAR), np.uint8)

    def latents(self, ticks: Sequence[int]) -> Tensor:
        return self._kept.latents[[self._loop.at(tick) for tick in ticks]]

    def put(self, face: U8, picture: U8, tick: int, share: float) -> None:
        index = self._loop.at(tick)
        box = self._boxes[index]
        x0, y0, x1, y1 = self._placed(blend.square_around(box))
        height, width = picture.shape[:2]
        left, top = max(0, int(x0)), max(0, int(y0))
        room = picture[top : min(height, int(y1) + 1), left : min(width, int(x1) + 1)]
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

    def hush(self, picture: U8, tick: int) -> None:
        index = self._loop.at(tick)
        share = _hushed(float(self._loop.gaps[index]))
        if share > 0:
            self.put(self._kept.shut(index), picture, tick, share)


@dataclass(frozen=True, slots=True)
class Kept:
    """What networks made of a loop. latents: (n, 8, 32, 32), where the networks are.

    faces: JPEGs of the faces that are to be shut in silence, one after the other; ends: where each
    picture's ends, those of shut lips are empty.
    """

    latents: Tensor
    faces: U8
    ends: NDArray[np.int64]  # (n,)

    def shut(self, index: int) -> U8:
        """The face of a picture with its mouth shut: (256, 256, 3) BGR."""
        start = int(self.ends[index - 1]) if index else 0
        image = cv2.imdecode(self.faces[start : self.ends[index]], cv2.IMREAD_COLOR)
        assert image is not None
        return np.asarray(image, np.uint8)


def kept(loop: Loop, nets: Nets, speaker: Speaker, weights: str) -> Kept:
    """The latents of a loop: those beside the pack if they are of it and of these weights, else new
    ones, which are written there if that is allowed.

    weights: what tells them from others; empty: nothing is read or written.
    """
    path = loop.path / _KEPT
    key = hashlib.sha256(f"{_RECIPE} {loop.key} {weights}".encode()).digest()
    found = _read(path, key, len(loop.pictures)) if weights else None
    if found is None:
        latents = _encoded(loop, speaker).half()  # as they are kept: the same every time
        faces = _shut(loop, latents, nets, speaker)
        found = Kept(
            latents,
            np.frombuffer(b"".join(faces), np.uint8),
            np.cumsum([len(face) for face in faces], dtype=np.int64),
        )
        if weights:
            _write(path, key, found)
    device = nets.device
    return replace(found, latents=found.latents.to(device.name, device.dtype))


def _encoded(loop: Loop, speaker: Speaker) -> Tensor:
    made = []
    for data, box in zip(loop.pictures, loop.boxes, strict=True):
        picture = decode(data, "a picture of the loop", channels=3)
        x, y = loop.rect[:2]
        left, top, right, low = (v - at for v, at in zip(_whole(box), (x, y, x, y), strict=True))
        height, width = picture.shape[:2]
        room = max(0, -left, -top, right - width, low - height)
        if room:  # the face leaves the film
            picture = cv2.copyMakeBorder(picture, *4 * (room,), cv2.BORDER_REPLICATE).astype(
                np.uint8
            )
        face = mouth.cut(picture, (left + room, top + room, right + room, low + room))
        made.append(speaker.latents(face))
    return torch.cat(made)


def _shut(loop: Loop, latents: Tensor, nets: Nets, speaker: Speaker) -> list[bytes]:
    """A JPEG of every picture's face as it is silent; empty where the film's own is."""
    faces = [b""] * len(loop.pictures)
    wanted = [i for i, gap in enumerate(loop.gaps) if _hushed(float(gap)) > 0]
    if not wanted:
        return faces
    rows = nets.encode(tokens.silence(1.0))
    quiet = tokens.gather(rows, 0, _QUIET_FRAME, FPS)[None].expand(speaker.block, -1, -1)
    for start in range(0, len(wanted), speaker.block):
        part = wanted[start : start + speaker.block]
        whole = [part[min(i, len(part) - 1)] for i in range(speaker.block)]
        made = speaker.begin(latents[whole].to(nets.device.dtype), quiet)()
        for index, face in zip(part, made, strict=False):
            done, data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            assert done, "OpenCV was built without JPEG"
            faces[index] = bytes(data)
    return faces


def _read(path: Path, key: bytes, count: int) -> Kept | None:
    """None where there is nothing, or something else."""
    try:
        with np.load(path, allow_pickle=False) as found:
            if found["key"].tobytes() != key:
                return None
            latents, faces, ends = found["latents"], found["faces"], found["ends"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("the latents of a loop cannot be read", extra={"reason": str(error)})
        return None
    if latents.shape != (count, 8, 32, 32) or ends.shape != (count,):
        return None
    return Kept(torch.from_numpy(latents), faces, ends)


def _write(path: Path, key: bytes, made: Kept) -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        key=np.frombuffer(key, np.uint8),
        latents=made.latents.cpu().numpy(),
        faces=made.faces,
        ends=made.ends,
    )
    half = path.with_name(f".{path.name}")
    try:
        half.write_bytes(buffer.getvalue())
        half.replace(path)
    except OSError as error:  # a library that is not ours to write to: made anew the next time
        logger.warning("the latents of a loop are not kept", extra={"reason": str(error)})


def _hushed(gap: float) -> float:
    low, high = OPEN
    return float(ease((gap - low) / (high - low)))


def _thinned(alpha: U8, share: float) -> U8:
    return alpha if share >= 1 else np.asarray(cv2.convertScaleAbs(alpha, alpha=share), np.uint8)


def _whole(box: F32) -> Box:
    left, top, right, low = (round(float(v)) for v in box)
    return left, top, right, low


def _onto(
    place: tuple[float, float, float, float], side: int, left: int, top: int
) -> NDArray[np.float64]:
    """From a square picture onto a place in a room that begins at left, top."""
    x0, y0, x1, y1 = place
    sx, sy = (x1 - x0) / side, (y1 - y0) / side
    return np.array([[sx, 0, x0 - left + (sx - 1) / 2], [0, sy, y0 - top + (sy - 1) / 2]])
