"""A portrait becomes finished pictures: LivePortrait draws mouth and eyes once, a pack keeps them.

Fifty pictures, seconds each on a CPU, and afterwards the CPU engine plays them in a call. What is
drawn lies in a hidden folder beside the pack to be: a bake that was stopped goes on where it
stopped, and the pack gets its name when it is whole.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from avatar.errors import PortraitError
from avatar.neural import still
from avatar.neural.driver import Driver
from avatar.neural.head import Nets, seat
from avatar.neural.still import U8
from avatar.portrait.archive import open_source
from avatar.portrait.library import library as own_library
from avatar.portrait.pack import CANVAS, STEP, Pack, load
from avatar.portrait.paint import Box
from avatar.portrait.sprites import EYES, NAMES, feather, shown
from avatar.prepare import studio

_QUALITY: Final = 95
_RECIPE: Final = "1"
"""Changed with whatever makes the same portrait another set of pictures."""


def bake(
    portrait: Callable[[], Path | str],
    nets: Callable[[], Nets],
    *,
    weights: str,
    library: Path | None = None,
    name: str,
    replace: bool = False,
    on_step: Callable[[int, int], None] = lambda done, whole: None,
) -> Path:
    """Bake a portrait under a new name into a library, by default the user's own; its folder.

    portrait, nets: made when it is known that the name is free. weights: what tells these weights
    from others. on_step: told how many pictures are there, and of how many.
    Raises AvatarError; what was drawn until then is kept for the next try.
    """
    folder = library if library is not None else own_library()
    target = studio.free(folder, name, replace)
    pack = load(portrait())
    if NAMES[0] in pack.layers:
        raise PortraitError(f"portrait {pack.path} is baked already: bake the one that it was")
    work = folder / f".{name}-baking"
    _fresh(work, _key(pack, weights))
    if any(not (work / f"{sprite}.jpg").is_file() for sprite in NAMES):
        _draw(pack, nets(), work, on_step)
    on_step(len(NAMES), len(NAMES))
    with studio.workshop(folder, name) as made:
        _write(pack, work, made, name)
        studio.put(made, target, replace)
    shutil.rmtree(work, ignore_errors=True)
    return target


def _key(pack: Pack, weights: str) -> str:
    """Of what the pictures are made; another name or date of the same face changes nothing."""
    made_of = hashlib.sha256(f"{_RECIPE} {weights}".encode())
    for layer in sorted(pack.layers):
        made_of.update(pack.layers[layer].data)
    for array in sorted(pack.geometry):
        made_of.update(pack.geometry[array].tobytes())
    made_of.update(repr((sorted(pack.boxes.items()), sorted(pack.mouth.items()))).encode())
    return made_of.hexdigest()


def _draw(pack: Pack, nets: Nets, work: Path, on_step: Callable[[int, int], None]) -> None:
    """Draw what is not in the work folder yet, a JPEG for every sprite."""
    face = still.of(str(pack.path), (CANVAS, CANVAS))  # upright, as the engine draws its patches
    head, paste = seat(nets, face)
    driver = Driver()
    picture = face.picture.copy()
    for done, name in enumerate(NAMES):
        path = work / f"{name}.jpg"
        if path.is_file():
            continue
        on_step(done, len(NAMES))
        drawn = head.draw(driver(shown(name)))
        paste(np.ascontiguousarray(drawn[..., ::-1]), picture)
        sprite = _faded(picture, face.picture, pack, name)
        encoded, data = cv2.imencode(".jpg", sprite, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        assert encoded, "OpenCV was built without JPEG"
        half = work / ".half"
        half.write_bytes(bytes(data))
        half.replace(path)


def _write(pack: Pack, drawn: Path, folder: Path, name: str) -> None:
    """The portrait and its finished pictures as a pack of another name, into a folder."""
    with open_source(pack.path) as source:
        manifest = json.loads(source.read("pack.json"))
        for part in manifest["parts"]:
            (folder / part).write_bytes(source.read(part))
    for sprite in NAMES:
        data = (drawn / f"{sprite}.jpg").read_bytes()
        (folder / f"{sprite}.jpg").write_bytes(data)
        manifest["parts"][f"{sprite}.jpg"] = hashlib.sha256(data).hexdigest()
        manifest["layers"][sprite] = {"file": f"{sprite}.jpg", "box": list(_box(pack, sprite))}
    manifest |= {"name": name, "baked": "liveportrait"}
    (folder / "pack.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    load(folder)  # whatever is wrong with it shows here and not in a call


def _fresh(work: Path, key: str) -> None:
    """Throw away what was drawn of another portrait, or with other weights."""
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PortraitError(f"{work.parent} cannot be written: {error.strerror}") from error
    work.touch()  # it is in use: what is left for an hour is swept away
    note = work / "key"
    if note.is_file() and note.read_text("utf-8") == key:
        return
    for left in work.iterdir():
        left.unlink()
    note.write_text(key, "utf-8")


def _faded(drawn: U8, rest: U8, pack: Pack, name: str) -> U8:
    """The sprite: its patch of what was drawn, faded into the face at rest at the edges."""
    x0, y0, x1, y1 = _box(pack, name)
    left, top, right, low = _patch(pack, name)
    share = np.zeros((y1 - y0, x1 - x0, 1), np.float32)
    share[top - y0 : low - y0, left - x0 : right - x0] = feather(low - top, right - left)
    own = rest[y0:y1, x0:x1].astype(np.float32)
    mixed = own + share * (drawn[y0:y1, x0:x1] - own)
    return np.asarray(mixed + 0.5, np.uint8)


def _patch(pack: Pack, name: str) -> Box:
    return pack.boxes["upper" if name in EYES else "lips"]


def _box(pack: Pack, name: str) -> Box:
    """The patch of a sprite, grown to whole steps."""
    x0, y0, x1, y1 = _patch(pack, name)
    return x0 // STEP * STEP, y0 // STEP * STEP, -(-x1 // STEP) * STEP, -(-y1 // STEP) * STEP
