"""python -m avatar sadtalker PHOTO|PORTRAIT --audio a.wav --out o.mp4: SadTalker, offline.

A clip of 256 x 256 at 25 pictures a second. Needs the neural extra, and weights for research only
that nobody fetches for you: python -m avatar models list says where they go.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from avatar.cli.bake import Steps, portrait_of
from avatar.clip import check_writable, read_sound, write_mp4
from avatar.errors import AvatarError
from avatar.frames import VideoFrame

_NOSE_TIP = (1,)


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
    parser.add_argument("--seed", type=int, default=0, help="another seed moves differently")
    parser.add_argument("--style", type=int, default=0, help="of head movement, 0 to 45")
    parser.add_argument("--expression", type=float, default=1.0, help="how strong")
    parser.add_argument("--still", action="store_true", help="no head movement, no blinks")
    parser.add_argument("--on", help="torch's device (default: a GPU if there is one, else cpu)")
    return parser.parse_args(argv)


def _make(given: argparse.Namespace) -> int:
    import torch

    from avatar.neural import checkpoint, crop, device, sadtalker, still
    from avatar.neural.ear import Steps as Sound
    from avatar.portrait.pack import CANVAS
    from avatar.portrait.rig import CORNERS

    if not 0 <= given.style < sadtalker.STYLES:
        raise ValueError(f"--style is 0 to {sadtalker.STYLES - 1}, not {given.style}")
    check_writable(given.out)
    samples = read_sound(given.audio)
    where = device.choose(given.on or ("cuda" if torch.cuda.is_available() else "cpu"))
    # half precision was not compared
    nets = sadtalker.Nets.load(replace(where, dtype=torch.float32), checkpoint.own)
    with tempfile.TemporaryDirectory(prefix="visavis-sadtalker-") as made:
        pack = portrait_of(given.source, Path(made), "face")
        shown = still.of(str(pack), (CANVAS, CANVAS))
    corners = shown.part(CORNERS[:2])
    there = crop.to_crop(sadtalker.square(shown.eyes, corners), sadtalker.SIDE)
    rgb = np.ascontiguousarray(shown.picture[..., ::-1])
    face = crop.cut(rgb, there, sadtalker.SIDE)
    five = crop.moved(np.concatenate([shown.eyes, shown.part(_NOSE_TIP), corners]), there)
    sound = Sound()
    sound.feed(samples)
    sound.finish()
    manner = sadtalker.Manner(given.seed, given.style, given.expression, given.still)
    heard = sound.sound(0, len(sound))
    pictures = sadtalker.clip(nets, face, five, heard, manner)
    count = len(heard) * sadtalker.FPS // 16000
    size = sadtalker.SIDE, sadtalker.SIDE
    write_mp4(given.out, _frames(pictures, count), samples, fps=sadtalker.FPS, size=size)
    return 0


def _frames(pictures: Iterator[np.ndarray], count: int) -> Iterator[VideoFrame]:
    from avatar.neural import sadtalker, still

    steps = Steps()
    for index, picture in enumerate(pictures):
        steps(index, count)
        planes = np.empty(sadtalker.SIDE * sadtalker.SIDE * 3 // 2, np.uint8)
        still.to_i420(np.ascontiguousarray(picture[..., ::-1]), planes)
        yield VideoFrame(sadtalker.SIDE, sadtalker.SIDE, index, planes)
    steps(count, count)
