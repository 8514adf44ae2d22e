"""The portraits there are: those that ship, and one's own, each with its pictures.

Read from disk on every request. A request names a portrait and can never name a path: only names
that a listing gives are opened. Whether somebody may see one's own is the caller's to decide
(guards.PhotoRule), who says so with `own`.
"""

import logging
import shutil
import uuid
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from agent.gateway.photos import kind_of
from agent.gateway.previews import shipped_clip
from agent.gateway.problems import Problem
from avatar.errors import AvatarError
from avatar.portrait import pack
from avatar.portrait.library import library, own_names

logger = logging.getLogger(__name__)

NO_PICTURE: Final = "There is no such picture of this portrait."

EXTRAS: Final = {
    "sheet": ("sheet.png", "image/png"),
    "preview": ("preview.mp4", "video/mp4"),
}
"""What lies beside a pack that was made from a photo: the file in its folder, and its type.
The portraits that ship have a preview too, made when it is first asked for."""


class PortraitCard(BaseModel):
    """One portrait. Pictures are addresses; None where the pack has no such file.

    poster: the face at rest, WebP. sheet: every mouth and expression on one page, PNG.
    preview: some seconds of it talking, MP4. backdrop: middle and edge of what is behind the face.
    """

    name: str
    title: str
    own: bool
    poster: str | None
    sheet: str | None
    preview: str | None
    backdrop: tuple[str, str]


def names(*, own: bool) -> tuple[str, ...]:
    """The names that a request may use."""
    shipped = pack.shipped_names()
    return (*shipped, *(name for name in mine() if name not in shipped)) if own else shipped


def mine() -> tuple[str, ...]:
    """The user's own portraits, by name."""
    shipped = pack.shipped_names()
    return tuple(name for name in own_names() if name not in shipped)


def card(name: str) -> PortraitCard | None:
    """How a portrait is shown; None for a pack that cannot be read."""
    found = open_pack(name)
    if found is None:
        return None
    return PortraitCard(
        name=name,
        title=found.title,
        own=name in mine(),
        poster=address(found, name, "poster"),
        sheet=address(found, name, "sheet"),
        preview=address(found, name, "preview"),
        backdrop=found.backdrop,
    )


def listing(*, own: bool) -> list[PortraitCard]:
    """Every portrait that can be read; one's own, the newest first, after those that ship."""
    mine_first = sorted(mine(), key=_made, reverse=True) if own else []
    found = (card(name) for name in (*pack.shipped_names(), *mine_first))
    return [each for each in found if each is not None]


def require(name: str, known: tuple[str, ...]) -> None:
    """Raises Problem(422) naming the portraits there are, when `name` is none of them."""
    if name not in known:
        raise Problem(422, f"There is no portrait {name}. There are: {', '.join(known)}.")


def poster(name: str, known: tuple[str, ...]) -> tuple[bytes, str]:
    """The picture and its type. Raises Problem(404) when there is none."""
    found = open_pack(name) if name in known else None
    if found is None:
        raise Problem(404, NO_PICTURE)
    return found.poster, _picture_type(found.poster)


def extra(name: str, kind: str, known: tuple[str, ...]) -> tuple[Path, str]:
    """The file and its type. Raises Problem(404) when there is none."""
    found = open_pack(name) if name in known and kind in EXTRAS else None
    if found is None:
        raise Problem(404, NO_PICTURE)
    file, media_type = EXTRAS[kind]
    path: Path | None = found.path / file
    if kind == "preview" and name in pack.shipped_names():
        path = shipped_clip(found, name)
    if path is None or not path.is_file():
        raise Problem(404, NO_PICTURE)
    return path, media_type


def delete(name: str) -> None:
    """Delete one of one's own, gone at once for whoever asks next. Raises Problem."""
    if name in pack.shipped_names():
        raise Problem(403, f"{name} belongs to Visavis and stays.")
    if name not in mine():
        raise Problem(404, f"There is no face of yours called {name}.")
    folder = library() / name
    aside = folder.with_name(f".deleted-{uuid.uuid4().hex}")
    try:
        folder.rename(aside)
    except OSError as error:
        logger.warning("portrait not deleted", extra={"portrait": name, "reason": str(error)})
        raise Problem(500, f"{name} could not be deleted. Look at its folder's rights.") from error
    shutil.rmtree(aside, ignore_errors=True)
    logger.info("portrait deleted", extra={"portrait": name})


def free_name(taken: set[str], wanted: str = "me") -> str:
    """`wanted`, or the first of wanted-2, wanted-3, … that nobody has."""
    if wanted not in taken:
        return wanted
    return next(name for n in range(2, len(taken) + 3) if (name := f"{wanted}-{n}") not in taken)


def open_pack(name: str) -> pack.Pack | None:
    """The pack of that name; None, and a line in the log, when it cannot be read."""
    try:
        return pack.load(name)
    except AvatarError as error:
        logger.warning("portrait not shown", extra={"portrait": name, "reason": str(error)})
        return None


def address(found: pack.Pack, name: str, kind: str) -> str | None:
    """Where the page finds a picture. The stamp keeps a browser from showing an older one."""
    there = kind == "poster" or (kind == "preview" and name in pack.shipped_names())
    file = "pack.json" if there else EXTRAS[kind][0]
    try:
        stamp = (found.path / file).stat().st_mtime_ns
    except OSError:
        return None
    return f"/api/portraits/{name}/{kind}?v={stamp // 1_000_000:x}"


def _picture_type(data: bytes) -> str:
    return "image/png" if kind_of(data) == "png" else "image/webp"


def _made(name: str) -> float:
    try:
        return (library() / name / "pack.json").stat().st_mtime
    except OSError:
        return 0.0
