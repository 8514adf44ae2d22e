"""The steps from a photo or a film to a pack, in order, and the promise that nothing half-made is
left.

A pack is made in a hidden folder of the library and moved to its name when it is whole; the sheet
and the preview are made before that, from the finished pack, by the path a call takes.
"""

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.errors import PortraitError, Sentence
from avatar.portrait.library import is_name
from avatar.portrait.library import library as own_library
from avatar.portrait.pack import shipped_names
from avatar.prepare import Consent, Prepared, filmed, gates
from avatar.prepare.assemble import Found, write_pack
from avatar.prepare.detector import look
from avatar.prepare.errors import PrepareError
from avatar.prepare.film import Film
from avatar.prepare.framing import frame
from avatar.prepare.photo import read
from avatar.prepare.preview import write_clip, write_sheet
from avatar.prepare.skin import Floats

logger = logging.getLogger(__name__)

_ABANDONED_S = 3600.0
_FIRST_LOOK_PX = 1280

Step = Callable[[str, float], None]


def make(
    source: Path,
    *,
    video: bool,
    name: str,
    folder: Path | None,
    consent: Consent | None,
    replace: bool,
    preview: bool,
    on_step: Step,
) -> Prepared:
    """As avatar.prepare.prepare, with nothing left to a default."""
    library = folder if folder is not None else own_library()
    target = free(library, name, replace)
    shot = _filmed(source, on_step) if video else _Shot(_photographed(source, on_step))
    warnings = list(shot.found.warnings)
    on_step("making the layers", 0.3)
    with workshop(library, name) as made:
        try:
            write_pack(made, name, shot.found, consent)
            on_step("drawing the sheet", 0.55)
            write_sheet(made)
        except (PortraitError, ValueError, IndexError, cv2.error) as error:
            # a face so unlike others that a step has nothing to work on
            logger.exception("a face could not be made a portrait")
            raise PrepareError(
                Sentence(
                    "face-odd",
                    "this face could not be taken apart: use another photo, from the front and "
                    "whole",
                )
            ) from error
        if shot.film is not None and shot.followed is not None:
            filmed.write(
                made,
                shot.film,
                shot.followed,
                shot.found.framed,
                lambda share: on_step("cutting the video", 0.6 + 0.1 * share),
            )
            warnings += filmed.notes(shot.film, shot.followed)
        clip = None
        if preview:
            on_step("rendering the preview", 0.7)
            clip, trouble = write_clip(made)
            warnings += trouble
        put(made, target, replace)
    on_step("done", 1.0)
    return Prepared(
        pack=target,
        sheet=target / "sheet.png",
        preview=target / clip if clip else None,
        warnings=tuple(warnings),
    )


@dataclass(frozen=True, slots=True)
class _Shot:
    found: Found
    film: Film | None = None
    followed: filmed.Followed | None = None


def _photographed(photo: Path, on_step: Step) -> Found:
    on_step("reading the photo", 0.0)
    return find(read(photo), on_step)


def _filmed(video: Path, on_step: Step) -> _Shot:
    on_step("following the face", 0.0)
    film = Film(video)
    followed = filmed.follow(film)
    found = filmed.portrait(
        film,
        followed,
        lambda picture: find(picture, lambda step, share: on_step(step, 0.2 + share / 2)),
    )
    return _Shot(found, film, followed)


def free(library: Path, name: str, replace: bool) -> Path:
    """Where the pack of this name goes. Raises PrepareError if nothing may."""
    if not is_name(name):
        raise PrepareError(
            f"{name!r} cannot be a portrait's name: use 1 to 40 of a-z, 0-9 and -, as in my-face"
        )
    if name in shipped_names():
        raise PrepareError(f"{name!r} is the name of a shipped portrait: choose another one")
    target = library / name
    if target.exists() and not replace:
        raise PrepareError(
            f"there is a portrait {name!r} already: choose another name or --replace"
        )
    return target


def find(photo: NDArray[np.uint8], on_step: Step) -> Found:
    """photo: (h, w, 3) BGR. Raises PrepareError for a photo that makes no good avatar."""
    on_step("finding the face", 0.05)
    landmarks = _landmarks(photo)
    gates.check_size(landmarks)
    on_step("measuring the face", 0.15)
    framed = frame(photo, landmarks)
    seen = look(framed.image)
    if seen.landmarks is None:
        raise PrepareError(
            Sentence(
                "face-unread",
                "the face cannot be read: use a photo from the front, with nothing before the face",
            )
        )
    warnings = gates.check_face(framed, seen.landmarks)
    return Found(framed, seen.landmarks, seen.person, tuple(warnings))


def _landmarks(photo: NDArray[np.uint8]) -> Floats:
    """(478, 3) of the one face that is meant, in pixels of the photo."""
    k = min(1.0, _FIRST_LOOK_PX / max(photo.shape[:2]))
    small = cv2.resize(photo, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
    seen = look(small.astype(np.uint8, copy=False))
    box = gates.choose(seen.faces) / np.float32(k)
    if seen.landmarks is not None:
        landmarks = seen.landmarks / np.float32(k)
        if gates.belongs(landmarks, box):
            return landmarks
    near, origin, enlarged = _near(photo, box)
    seen = look(near)
    if seen.landmarks is None:
        raise PrepareError(
            "the face cannot be read: use a photo from the front, with nothing before the face"
        )
    landmarks = seen.landmarks / np.float32(enlarged)
    landmarks[:, :2] += origin
    return landmarks


def _near(photo: NDArray[np.uint8], box: Floats) -> tuple[NDArray[np.uint8], Floats, float]:
    """The photo round one face, where it starts, and by how much it was enlarged."""
    h, w = photo.shape[:2]
    side = float(max(box[2] - box[0], box[3] - box[1])) * 1.3
    cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    x0, y0 = max(0, int(cx - side)), max(0, int(cy - side))
    x1, y1 = min(w, int(cx + side)), min(h, int(cy + side))
    part = photo[y0:y1, x0:x1]
    k = 640 / max(part.shape[:2])
    how = cv2.INTER_AREA if k < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(part, None, fx=k, fy=k, interpolation=how)
    return scaled.astype(np.uint8, copy=False), np.array((x0, y0), np.float32), k


@contextmanager
def workshop(library: Path, name: str) -> Iterator[Path]:
    """A hidden folder beside the packs; what is still there at the end is thrown away."""
    try:
        library.mkdir(parents=True, exist_ok=True)
        _sweep(library)
        made = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=library))
    except OSError as error:
        raise PrepareError(f"{library} cannot be written: {error.strerror}") from error
    try:
        yield made
    except OSError as error:
        raise PrepareError(f"{library} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _sweep(library: Path) -> None:
    """Throw away what killed runs left: a face that nobody asked to be kept."""
    for left in library.glob(".*-*/"):
        if time.time() - left.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)


def put(made: Path, target: Path, replace: bool) -> None:
    """Give the finished folder its name; an older one is out of the way only for a moment."""
    made.chmod(0o755)
    if replace and target.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
        target.rename(old / target.name)
        made.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        made.rename(target)
