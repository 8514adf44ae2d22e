"""python -m avatar sadtalker PHOTO|PORTRAIT --audio a.wav --out o.mp4: SadTalker, offline.

A clip of 256 x 256 at 25 pictures a second; with --full of the whole photo, the face put back into
it. Needs the neural extra, and weights for research only
that nobody fetches for you: python -m avatar models list says where they go.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from avatar.cli.bake import PHOTOS, Steps
from avatar.clip import check_writable, read_sound, write_mp4
from avatar.errors import AvatarError
from avatar.frames import VideoFrame

if TYPE_CHECKING:
    from avatar.neural.sadtalker import Sitter

U8 = NDArray[np.uint8]

# in face mesh numbers, the picture's left first
_EYES: Final = ((33, 133, 159, 145), (362, 263, 386, 374))
_NOSE_TIP: Final = (1,)


def main(argv: list[str]) -> int:
    """0: done. 2: an extra, weights, the face or the sound are missing or cannot be used."""
    given = _parse(argv)
    try:
        return _make(given)
    except ImportError as error:
        print(f"sadtalker: {error.name} is missing: pip install 'visavis-avatar[neural,render]'",
              file=sys.stderr)  # fmt: skip
    except (AvatarError, ValueError) as error:
        print(f"sadtalker: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m avatar sadtalker",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="PHOTO|PORTRAIT")
    parser.add_argument("--audio", type=Path, required=True, help="a sound file")
    parser.add_argument("--out", type=Path, required=True, help="the MP4 to write")
    parser.add_argument("--full", action="store_true", help="the whole photo, not only the face")
    parser.add_argument("--seed", type=int, default=0, help="another seed moves differently")
    parser.add_argument("--style", type=int, default=0, help="of head movement, 0 to 45")
    parser.add_argument("--expression", type=float, default=1.0, help="how strong")
    parser.add_argument("--still", action="store_true", help="no head movement, no blinks")
    parser.add_argument("--on", help="torch's device (default: a GPU if there is one, else cpu)")
    return parser.parse_args(argv)


def _make(given: argparse.Namespace) -> int:
    import torch

    from avatar.neural import checkpoint, device, sadtalker
    from avatar.neural.ear import Steps as Sound

    if not 0 <= given.style < sadtalker.STYLES:
        raise ValueError(f"--style is 0 to {sadtalker.STYLES - 1}, not {given.style}")
    check_writable(given.out)
    samples = read_sound(given.audio)
    where = device.choose(given.on or ("cuda" if torch.cuda.is_available() else "cpu"))
    # half precision was not compared
    nets = sadtalker.Nets.load(replace(where, dtype=torch.float32), checkpoint.own)
    who = _sitter(given.source)
    sound = Sound()
    sound.feed(samples)
    sound.finish()
    manner = sadtalker.Manner(given.seed, given.style, given.expression, given.still)
    heard = sound.sound(0, len(sound))
    pictures = sadtalker.clip(nets, who.face, who.five, heard, manner)
    if given.full:
        pictures = map(who.paste, pictures)
    side = sadtalker.SIDE
    size = _even(who.picture) if given.full else (side, side)
    frames = _frames(pictures, size, len(heard) * sadtalker.FPS // 16000)
    write_mp4(given.out, frames, samples, fps=sadtalker.FPS, size=size)
    return 0


def _sitter(source: str) -> "Sitter":
    """Of a photo as it is, or of a portrait at rest. Raises PrepareError, PortraitError."""
    from avatar.neural import sadtalker, still
    from avatar.portrait.pack import CANVAS
    from avatar.portrait.rig import CORNERS

    corners = CORNERS[:2]
    if Path(source).suffix.lower() in PHOTOS:
        from avatar.prepare import photo, studio

        bgr = photo.read(Path(source))
        found = studio.find(bgr, lambda step, share: None)
        points = found.landmarks[:, :2]
        eyes = np.stack([points[list(eye)].mean(axis=0) for eye in _EYES])
        nose, mouth = points[list(_NOSE_TIP)], points[list(corners)]
        return sadtalker.sitter(_rgb(bgr), eyes, nose, mouth, found.framed.move)
    shown = still.of(source, (CANVAS, CANVAS))
    nose, mouth = shown.part(_NOSE_TIP), shown.part(corners)
    return sadtalker.sitter(_rgb(shown.picture), shown.eyes, nose, mouth, np.eye(2, 3))


def _rgb(bgr: U8) -> U8:
    return np.ascontiguousarray(bgr[..., ::-1])


def _even(picture: U8) -> tuple[int, int]:
    """Width and height of a picture without the odd row and column that video cannot have."""
    height, width = picture.shape[:2]
    return width // 2 * 2, height // 2 * 2


def _frames(pictures: Iterator[U8], size: tuple[int, int], count: int) -> Iterator[VideoFrame]:
    from avatar.neural import still

    steps = Steps()
    width, height = size
    for index, picture in enumerate(pictures):
        steps(index, count)
        planes = np.empty(width * height * 3 // 2, np.uint8)
        still.to_i420(_rgb(picture[:height, :width]), planes)
        yield VideoFrame(width, height, index, planes)
    steps(count, count)
