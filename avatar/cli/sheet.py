"""python -m avatar sheet NAME --out PNG: every mouth, expression and pose of a portrait on a page.

For the eye: what no test sees (a lid that looks swollen, a tooth that glows) is found here. Look at
it once whenever a drawing or the engine changes; --zoom shows only the mouth or the eyes.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.errors import AvatarError
from avatar.params import FaceParams, weights
from avatar.portrait.engine import Engine, limit_threads
from avatar.portrait.pack import Pack, load
from avatar.visemes import SHAPES, VISEMES

Bytes = NDArray[np.uint8]

_SMILE: Final = {"mouthSmile": 0.8, "cheekSquint": 0.6, "browOuterUp": 0.2}
_EXPRESSIONS: Final[dict[str, dict[str, float]]] = {
    "blink": {"eyeBlink": 1},
    "half blink": {"eyeBlink": 0.5},
    "smile": _SMILE,
    "laugh": {**_SMILE, "jawOpen": 0.28, "mouthUpperUp": 0.5, "mouthLowerDown": 0.2},
    "sad": {"browInnerUp": 0.8, "mouthFrown": 0.7, "eyeLookDown": 0.3},
    "surprised": {
        "browInnerUp": 0.9,
        "browOuterUp": 0.8,
        "eyeWide": 0.9,
        "jawOpen": 0.38,
        "mouthFunnel": 0.35,
    },
    "angry": {"browDown": 1, "eyeSquint": 0.45, "mouthPress": 0.5, "mouthFrown": 0.25},
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


def moments() -> dict[str, FaceParams]:
    """What a sheet shows, by caption."""
    shown = {name: FaceParams(weights=SHAPES[i]) for i, name in enumerate(VISEMES)}
    shown |= {name: FaceParams(weights=weights(**w)) for name, w in _EXPRESSIONS.items()}
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
    parser.add_argument("--zoom", choices=("face", "mouth", "eyes"), default="face")
    parser.add_argument("--cell", type=int, default=300, help="width of one picture in pixels")
    given = parser.parse_args(argv)
    limit_threads()
    try:
        pack = load(given.name)
        engine = Engine(pack, size=(1024, 1024))
    except AvatarError as error:
        print(f"sheet: {error}", file=sys.stderr)
        return 2
    x0, y0, x1, y1 = _crop(pack, given.zoom)
    cells = [
        _cell(draw_bgr(engine, params)[y0:y1, x0:x1], name, given.cell)
        for name, params in moments().items()
    ]
    cells += [np.full_like(cells[0], 40)] * (-len(cells) % _COLUMNS)
    rows = [np.hstack(cells[i : i + _COLUMNS]) for i in range(0, len(cells), _COLUMNS)]
    cv2.imwrite(str(given.out), np.vstack(rows))
    return 0


def _crop(pack: Pack, zoom: str) -> tuple[int, int, int, int]:
    """What of the 1024 canvas is shown."""
    if zoom == "face":
        return 130, 20, 894, 1000
    if zoom == "mouth":
        x, y, half = pack.mouth["x"], pack.mouth["y"], pack.mouth["width"]
        return int(x - half), int(y - half * 0.8), int(x + half), int(y + half)
    x0, y0, x1, y1 = pack.boxes["upper"]
    return x0, y0, x1, y1


def _cell(picture: Bytes, caption: str, width: int) -> Bytes:
    height = round(width * picture.shape[0] / picture.shape[1])
    how = cv2.INTER_AREA if picture.shape[1] > width else cv2.INTER_CUBIC
    cell = cv2.resize(picture, (width, height), interpolation=how)
    for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        place = (7, 20)
        cv2.putText(
            cell, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, colour, thick, cv2.LINE_AA
        )
    return cell.astype(np.uint8, copy=False)
