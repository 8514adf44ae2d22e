"""Fetches one file over HTTP and goes on where it stopped; knows nothing of models.

A stop keeps what came in a `.part` file. It is continued only if the server still has the same
version, else begun anew. The file appears under its name when it is whole.
"""

import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, Protocol

from avatar.errors import ModelError
from avatar.models import partial, size

Progress = Callable[[int, int], None]
"""Told the bytes that are here and the bytes of the whole file (0: unknown)."""

_BLOCK: Final = 1 << 18
_PATIENCE_S: Final = 60.0
_SPARE: Final = 64 << 20
"""Bytes that a disk keeps free."""


class _Answer(Protocol):
    status: int
    headers: http.client.HTTPMessage

    def read(self, amount: int) -> bytes: ...


def fetch(url: str, path: Path, progress: Progress) -> None:
    """Fetch a file to `path`. Raises ModelError, which says whether another try goes on."""
    part, version = partial(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.is_file() and version.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "visavis"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", version.read_text("utf-8"))
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            _receive(answer, path, have, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # what is here is longer than what there is: not the same file
            part.unlink()
        raise ModelError(f"{url} answers {error.code} {error.reason}{_hint(error.code)}") from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ModelError(f"{url} cannot be fetched: {reason}; run it again to go on") from error


def _hint(code: int) -> str:
    if code in (401, 403):
        return ": its authors may want you to accept terms there first"
    return ": run it again" if code in (416, 429, 500, 502, 503, 504) else ""


def _receive(answer: _Answer, path: Path, have: int, progress: Progress) -> None:
    part, version = partial(path)
    if answer.status != 206:
        have = 0
    coming = int(answer.headers.get("Content-Length") or 0)
    whole = have + coming if coming else 0
    _check_room(path.parent, coming)
    tag = answer.headers.get("ETag", "")
    if have == 0:  # a weak tag promises too little to go on by
        version.unlink(missing_ok=True)
        if tag and not tag.startswith("W/"):
            version.write_text(tag, "utf-8")
    with part.open("ab" if have else "wb") as file:
        have = _copy(answer, file, have, whole, progress)
    if whole and have != whole:
        raise ModelError(
            f"the connection ended after {size(have)} of {size(whole)}: run it again to go on"
        )
    part.replace(path)
    version.unlink(missing_ok=True)


def _copy(answer: _Answer, file: IO[bytes], have: int, whole: int, progress: Progress) -> int:
    progress(have, whole)
    while block := answer.read(_BLOCK):
        file.write(block)
        have += len(block)
        progress(have, whole)
    return have


def _check_room(folder: Path, coming: int) -> None:
    free = shutil.disk_usage(folder).free
    if coming + _SPARE > free:
        raise ModelError(
            f"{folder} has {size(free)} free, and {size(coming)} are to come: make room, "
            "or name another folder with VISAVIS_MODELS"
        )
