"""A pack as bytes: a folder, or the same files in a zip, read without trusting either.

Whatever a zip claims is held against bounds before anything is unpacked, and nothing is ever
written: a pack is read where it lies. Refused are links, folders, doubled names, encryption, and
whatever unpacks to more than the bounds. The surprise: the size of the zip's own directory is
checked before zipfile parses it, because a million entries cost seconds and a gigabyte.
"""

import stat
import struct
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from avatar.errors import PortraitError

MAX_PART_BYTES: Final = 16 << 20
MAX_TOTAL_BYTES: Final = 48 << 20
MAX_ENTRIES: Final = 128
_MAX_DIRECTORY_BYTES: Final = 64 << 10
_MAX_RATIO: Final = 200
_SMALL: Final = 64 << 10
"""Below this a part may be packed as tightly as it likes."""

_END: Final = struct.Struct("<4s4H2LH")
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    IndexError,
    RuntimeError,  # encrypted, or packed in a way zipfile does not know
)


class Source(Protocol):
    """The files of one pack. Close it after reading."""

    def read(self, name: str) -> bytes: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_source(path: Path) -> Source:
    """The pack in a folder or in a zip file. Raises PortraitError."""
    return Folder(path) if path.is_dir() else Zipped(path, f"portrait {path}")


class Folder:
    """Reads files that lie in the folder itself, and follows no link out of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> bytes:
        path = self._path / name
        if not _plain(name):
            raise PortraitError(
                f"portrait part {name!r:.80} points outside of {self._path}: use plain names"
            )
        try:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                raise PortraitError(f"portrait part {path} is a link, it may point outside")
            if not stat.S_ISREG(found.st_mode):
                raise PortraitError(f"portrait part {path} is not a file")
            if found.st_size > MAX_PART_BYTES:
                raise PortraitError(
                    f"portrait part {path} is larger than {MAX_PART_BYTES >> 20} MiB"
                )
            return path.read_bytes()
        except OSError as error:
            raise PortraitError(
                f"portrait part {path} cannot be read: bake the pack again"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held open."""


class Zipped:
    """Reads the members of a zip that has only plain files at its top."""

    def __init__(self, file: Path | BinaryIO, label: str) -> None:
        """label: what a refusal calls it."""
        self._label = label
        self._stream: BinaryIO | None = None
        try:
            stream = self._stream = file.open("rb") if isinstance(file, Path) else file
            _check_directory(stream)
            self._archive = zipfile.ZipFile(stream)
            self._members = _members(self._archive)
        except _DAMAGE as error:
            self._close()
            raise self._refusal(str(error)) from error

    def read(self, name: str) -> bytes:
        info = self._members.get(name)
        if info is None:
            raise PortraitError(f"{self._label} has no part {name!r:.80}")
        try:
            with self._archive.open(info) as stream:
                data = stream.read(info.file_size + 1)
        except _DAMAGE as error:
            raise self._refusal(f"{name}: {error}") from error
        if len(data) != info.file_size:
            raise self._refusal(f"{name} is not as long as it says")
        return data

    def _refusal(self, why: str) -> PortraitError:
        return PortraitError(f"{self._label} is not a zip that can be used: {why:.200}")

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()
        self._close()


def _plain(name: str) -> bool:
    """A file name that cannot lead anywhere on any system."""
    return bool(name) and name[0] != "." and not set(name) & set('/\\:\0"*?<>|')


def _check_directory(stream: BinaryIO) -> None:
    size = stream.seek(0, 2)
    if size > MAX_TOTAL_BYTES:
        raise ValueError(f"it is larger than {MAX_TOTAL_BYTES >> 20} MiB")
    tail_at = max(0, size - (1 << 16) - _END.size)
    stream.seek(tail_at)
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + _END.size:
        raise ValueError("it has no directory")
    _, disk, _, here, entries, length, _, _ = _END.unpack_from(tail, at)
    if tail[max(0, at - 20) : at].startswith(b"PK\x06\x07") or disk or here != entries:
        raise ValueError("it is a 64-bit or a split one")
    if entries > MAX_ENTRIES or length > _MAX_DIRECTORY_BYTES:
        raise ValueError(f"it has more than {MAX_ENTRIES} entries")
    stream.seek(0)


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for info in archive.infolist():
        name = info.filename
        if name in members:
            raise ValueError(f"{name!r:.80} is in it twice")
        if not _plain(name) or info.orig_filename != name:
            raise ValueError(f"{name!r:.80} is not a plain file name, it points outside")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise ValueError(f"{name!r:.80} is a link or a folder, only files may be in it")
        if info.flag_bits & 1:
            raise ValueError(f"{name!r:.80} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name!r:.80} is packed by another method than deflate")
        if info.file_size > max(_SMALL, _MAX_RATIO * info.compress_size):
            raise ValueError(f"{name!r:.80} unpacks to more than {_MAX_RATIO} times its size")
        total += info.file_size
        if info.file_size > MAX_PART_BYTES or total > MAX_TOTAL_BYTES:
            raise ValueError(
                f"a part may have {MAX_PART_BYTES >> 20} MiB, all {MAX_TOTAL_BYTES >> 20} MiB"
            )
        members[name] = info
    return members
