"""Takes in one photo: written to disk as it comes, with a bound, judged by its first bytes.

What the request says about itself (its type, its length) is believed only where it refuses. Whether
the picture can be decoded is found out elsewhere, in a process with bounds (photo_child.py).
"""

import asyncio
from pathlib import Path
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from agent.gateway.problems import Problem
from avatar.errors import Sentence

MAX_BYTES: Final = 12 * 1024 * 1024
_PATIENCE_S: Final = 60.0
_HEAD_BYTES: Final = 12

TOO_LARGE = Sentence(
    "photo-large", "This photo is larger than 12 MB. Save it smaller, or take another one."
)
WRONG_KIND = Sentence(
    "photo-kind", "This is not a JPEG, PNG or WebP picture. Save the photo as one, then try again."
)
EMPTY = Sentence("photo-none", "There was no photo in this request. Choose one, then try again.")
BROKEN_OFF = Sentence("photo-broken-off", "The photo did not arrive whole. Try again.")


async def receive(request: Request, folder: Path) -> Path:
    """Write the request's body into `folder`; returns the file, named after its true kind.

    Raises Problem: 400 empty or broken off, 408 too slow, 413 too large, 415 not a picture we read.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BYTES:
        raise Problem(413, TOO_LARGE)
    partial = folder / "photo.part"
    try:
        async with asyncio.timeout(_PATIENCE_S):
            kind = await _write(request, partial)
    except TimeoutError:
        raise Problem(408, BROKEN_OFF) from None
    except ClientDisconnect:
        raise Problem(400, BROKEN_OFF) from None
    return partial.rename(folder / f"photo.{kind}")


async def _write(request: Request, path: Path) -> str:
    """The kind of picture it is. Writing 64 KiB is quicker than handing it to a thread."""
    size, head, kind = 0, b"", None
    with path.open("xb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BYTES:
                raise Problem(413, TOO_LARGE)
            if kind is None:
                head += chunk
                kind = kind_of(head)
                if kind is None and len(head) >= _HEAD_BYTES:
                    raise Problem(415, WRONG_KIND)
            file.write(chunk)
    if size == 0:
        raise Problem(400, EMPTY)
    if kind is None:
        raise Problem(415, WRONG_KIND)
    return kind


def kind_of(head: bytes) -> str | None:
    """jpg, png or webp by the first 12 bytes of a file; None for anything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    return None
