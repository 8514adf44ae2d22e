"""python -m avatar sheet NAME --out PNG: every mouth, expression and pose of a portrait on a page.

For the eye: what no test sees (a lid that looks swollen, a tooth that glows) is found here. Look at
it whenever a drawing or the engine changes. --mouth shows the mouth alone, twice as large, in the
fifteen visemes and the moods; --eyes shows the eyes.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.errors import AvatarError
from avatar.moods import PRESETS
from avatar.params import FaceParams, weights
from avatar.portrait.engine import Engine, limit_threads
from avatar.portrait.pack import CANVAS, Pack, load
from avatar.portrait.paint import Box
from avatar.visemes import SHAPES, VISEMES

Bytes = NDArray[np.uint8]

_SMILE: Final = {"mouthSmile": 0.8, "cheekSquint": 0.6, "browOuterUp": 0.2}
_EXPRESSIONS: Final[dict[str, dict[str, float]]] = {
    "blink": {"eyeBlink": 1},
    "half blink": {"eyeBlink": 0.5},
    "laugh": {**_SMILE, "jawOpen": 0.28, "mouthUpperUp": 0.5, "mouthLowerDown": 0.2},
    "gaze left": {"eyeLookOutLeft": 1, "eyeLookInRight": 1},
    "gaze right": {"eyeLookOutRight": 1, "eyeLookInLeft": 1},
    "gaze up": {"eyeLookUp": 1},
    "gaze down": {"eyeLookDown": 1},
}
_POSES: Final[dict[str, dict[str, float]]] = {
    "yaw -12": {"yaw": -12},
    "yaw +12": {"yaw": 12},
    "pitch -8": {"pitch": -8},
    "pitch +8": {"pitch": 8},
    "roll": {"roll": 7, "yaw": 5},
}
_COLUMNS: Final = 6
_INK: Final = (236, 236, 236)
_GROUND: Final = (34, 30, 28)
_MOUTHS: Final = (*VISEMES, "laugh", "happy", "sad")
_EYES: Final = (*_EXPRESSIONS, *(mood.value for mood in PRESETS))


def moments() -> dict[str, FaceParams]:
    """What a sheet shows, by caption."""
    shown = {name: FaceParams(weights=SHAPES[i]) for i, name in enumerate(VISEMES)}
    shown |= {name: FaceParams(weights=weights(**w)) for name, w in _EXPRESSIONS.items()}
    shown |= {mood.value: FaceParams(weights=preset) for mood, preset in PRESETS.items()}
    open_mouth = SHAPES[VISEMES.index("E")]
    return shown | {name: FaceParams(open_mouth, **pose) for name, pose in _POSES.items()}


def draw_bgr(engine: Engine, params: FaceParams) -> Bytes:
    """One picture of an engine as (h, w, 3) BGR."""
    width, height = engine.size
    frame = np.empty(width * height * 3 // 2, np.uint8)
    engine.draw(params, frame)
    bgr = cv2.cvtColor(frame.reshape(-1, width), cv2.COLOR_YUV2BGR_I420)
    return bgr.astype(np.uint8, copy=False)


def main(argv: list[str]) -> int:
    """0: written. 2: the portrait cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m avatar sheet", description=__doc__)
    parser.add_argument("name", help="a shipped portrait or the folder of a pack")
    parser.add_argument("--out", type=Path, required=True, help="PNG to write")
    parser.add_argument("--size", type=int, default=400, help="width of one picture in pixels")
    zoom = parser.add_mutually_exclusive_group()
    zoom.add_argument("--mouth", action="store_true", help="the mouth alone, twice as large")
    zoom.add_argument("--eyes", action="store_true", help="the eyes alone")
    given = parser.parse_args(argv)
    limit_threads()
    try:
        pack = load(given.name)
        engine = Engine(pack, size=(1024, 1024))
    except AvatarError as error:
        print(f"sheet: {error}", file=sys.stderr)
        return 2
    box, shown = _view(pack, mouth=given.mouth, eyes=given.eyes)
    x0, y0, x1, y1 = box
    cells = [
        _cell(draw_bgr(engine, params)[y0:y1, x0:x1], name, given.size)
        for name, params in moments().items()
        if not shown or name in shown
    ]
    cells += [np.full_like(cells[0], _GROUND)] * (-len(cells) % _COLUMNS)
    rows = [np.hstack(cells[i : i + _COLUMNS]) for i in range(0, len(cells), _COLUMNS)]
    cv2.imwrite(str(given.out), np.vstack(rows))
    return 0


def _view(pack: Pack, *, mouth: bool, eyes: bool) -> tuple[Box, tuple[str, ...]]:
    """What of the 1024 canvas is shown, and in which moments; none means all."""
    if mouth:
        x, y, half = pack.mouth["x"], pack.mouth["y"], pack.mouth["width"]
        around = (x - 0.78 * half, y - 0.55 * half, x + 0.78 * half, y + 0.85 * half)
        return _on_canvas(around), _MOUTHS
    if eyes:
        x0, y0, x1, y1 = pack.boxes["upper"]
        return _on_canvas((x0, y0 + (y1 - y0) * 0.25, x1, y1)), _EYES
    return (120, 24, 904, 1004), ()


def _on_canvas(box: tuple[float, float, float, float]) -> Box:
    x0, y0, x1, y1 = (int(np.clip(round(v), 0, CANVAS)) for v in box)
    return x0, y0, x1, y1


def _cell(picture: Bytes, caption: str, width: int) -> Bytes:
    """The picture at this width with its caption on a strip below."""
    height = round(width * picture.shape[0] / picture.shape[1])
    how = cv2.INTER_AREA if picture.shape[1] > width else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, (width, height), interpolation=how)
    strip = max(24, width // 10)
    cell = np.full((height + strip + 4, width + 4, 3), _GROUND, np.uint8)
    cell[2 : 2 + height, 2 : 2 + width] = scaled
    place = (10, height + 2 + round(strip * 0.70))
    scale = strip / 42
    thick = max(1, round(strip / 26))
    cv2.putText(cell, caption, place, cv2.FONT_HERSHEY_DUPLEX, scale, _INK, thick, cv2.LINE_AA)
    return cell
