"""What MuseTalk's networks make of a body's face before it speaks: latents, and shut mouths.

Of a portrait that is drawn they are made when it is opened. Those of a loop are kept beside its
pack, for the weights that made them.
"""

import hashlib
import io
import logging
import threading
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

from avatar.neural import body, mouth, tokens
from avatar.neural.lips import Nets, Speaker
from avatar.portrait.loop import FPS, Loop
from avatar.portrait.pictures import decode

logger = logging.getLogger(__name__)

U8 = NDArray[np.uint8]

_RECIPE: Final = "1"
"""Changed with whatever makes other latents of the same loop and weights."""
_KEPT: Final = "loop_latents.npz"
_QUALITY: Final = 95
_QUIET_FRAME: Final = 20
_one_at_a_time = threading.Lock()


class Looks(Protocol):
    """The face of a body as the networks know it."""

    def latents(self, ticks: Sequence[int]) -> Tensor:
        """Of the face at each tick, or of one face for all of them: (n or 1, 8, 32, 32)."""

    def shut(self, picture: U8, tick: int) -> U8 | None:
        """The face of a tick with its mouth shut: (256, 256, 3) BGR. None: its own is."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One face, at rest. made: (1, 8, 32, 32)."""

    made: Tensor

    def latents(self, ticks: Sequence[int]) -> Tensor:
        return self.made

    def shut(self, picture: U8, tick: int) -> U8 | None:
        return None


@dataclass(frozen=True, slots=True)
class Filmed:
    """The faces of a loop. made: what is kept of them."""

    loop: Loop
    made: "Kept"

    def latents(self, ticks: Sequence[int]) -> Tensor:
        return self.made.latents[[self.loop.at(tick) for tick in ticks]]

    def shut(self, picture: U8, tick: int) -> U8 | None:
        return self.made.shut(self.loop.at(tick))


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
    with _one_at_a_time:  # calls that want the same loop find what the first of them made
        found = _read(path, key, len(loop.pictures)) if weights else None
        if found is None:
            found = _made(loop, nets, speaker)
            if weights:
                _write(path, key, found)
    device = nets.device
    return replace(found, latents=found.latents.to(device.name, device.dtype))


def _made(loop: Loop, nets: Nets, speaker: Speaker) -> Kept:
    latents = _encoded(loop, speaker).half()  # as they are kept: the same every time
    faces = _shut(loop, latents, nets, speaker)
    ends = np.cumsum([len(face) for face in faces], dtype=np.int64)
    return Kept(latents, np.frombuffer(b"".join(faces), np.uint8), ends)


def _encoded(loop: Loop, speaker: Speaker) -> Tensor:
    made = []
    for data, box in zip(loop.pictures, loop.boxes, strict=True):
        picture = decode(data, "a picture of the loop", channels=3)
        x, y = loop.rect[:2]
        left, top, right, low = (
            v - at for v, at in zip(body.whole(box), (x, y, x, y), strict=True)
        )
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
    wanted = [i for i, gap in enumerate(loop.gaps) if body.covered(float(gap)) > 0]
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
