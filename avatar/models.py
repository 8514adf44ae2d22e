"""Which weights there are, on what terms, and which of them lie here. Needs no torch.

models.toml lists them; each model has a folder with its files and `files.json`, where the sha256
of every file is written down when it first came. Nothing is ever fetched without being asked for.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from avatar.errors import ModelError
from avatar.portrait.library import models as default_folder

State = Literal["absent", "partly", "here"]

_RECORD: Final = "files.json"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Weights:
    """One published file. repo: empty when we name no address for it. sha256: empty if unpinned."""

    networks: tuple[str, ...]
    path: str
    bytes: int
    licence: str
    repo: str = ""
    sha256: str = ""

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Model:
    """Files that are used together."""

    name: str
    says: str
    commercial: bool
    files: tuple[Weights, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


@cache
def known() -> dict[str, Model]:
    """All models by name."""
    listed = tomllib.loads(files("avatar").joinpath("models.toml").read_text("utf-8"))
    found = {}
    for name, entry in listed.items():
        parts = tuple(
            Weights(**{**file, "networks": tuple(file["networks"])}) for file in entry["file"]
        )
        found[name] = Model(name, entry["says"], entry.get("commercial", True), parts)
    return found


def model(name: str) -> Model:
    """A model by name. Raises ModelError for an unknown one."""
    try:
        return known()[name]
    except KeyError:
        raise ModelError(f"no model {name!r}: choose one of {', '.join(known())}") from None


class Store:
    """The models in a folder, by default the user's own (VISAVIS_MODELS)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else default_folder()

    def path(self, of: Model, file: Weights) -> Path:
        """Where a file lies, or would."""
        return self.folder / of.name / file.name

    def state(self, of: Model) -> State:
        """Whether a model's files are there; says nothing about what is in them."""
        there = [self.path(of, file).is_file() for file in of.files]
        return "here" if all(there) else "partly" if any(there) else "absent"

    def of_network(self, network: str) -> Path:
        """The file with a network's weights. Raises ModelError if it is not here."""
        for candidate in known().values():
            for file in candidate.files:
                if network in file.networks:
                    path = self.path(candidate, file)
                    if path.is_file():
                        return path
                    how = (
                        f"run python -m avatar models pull {candidate.name}"
                        if file.repo
                        else f"nobody fetches them for you ({file.licence}); if you may use them, "
                        f"put {file.name} there"
                    )
                    raise ModelError(f"no weights for {network} at {path}: {how}")
        raise ModelError(f"no weights are known for {network}")

    def recorded(self, of: Model, file: Weights) -> str:
        """The sha256 that the file must have: pinned, else as it first came; empty if neither."""
        return file.sha256 or self._record(of).get(file.name, "")

    def record(self, of: Model, file: Weights, sha256: str) -> None:
        """Remember what a file is."""
        folder = self.folder / of.name
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**self._record(of), file.name: sha256}, indent=2, sort_keys=True)
        made = folder / f".{_RECORD}"
        made.write_text(text + "\n", "utf-8")
        made.replace(folder / _RECORD)

    def _record(self, of: Model) -> dict[str, str]:
        path = self.folder / of.name / _RECORD
        try:
            read = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read ({error}): delete it") from error
        return {str(name): str(sha256) for name, sha256 in dict(read).items()}

    def check(self, of: Model, file: Weights) -> str:
        """The sha256 of a file that is there. Raises ModelError if it is not what it was."""
        path = self.path(of, file)
        try:
            found = sha256_of(path)
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}") from error
        wanted = self.recorded(of, file)
        if wanted and found != wanted:
            raise ModelError(
                f"{path} has sha256 {found}, expected {wanted}: "
                f"remove it (python -m avatar models rm {of.name}) and pull it again"
            )
        return found

    def remove(self, of: Model) -> int:
        """Delete a model's files, partly fetched ones too; what they were stays written down.

        Returns the bytes that became free.
        """
        freed = 0
        for file in of.files:
            path = self.path(of, file)
            for each in (path, *partial(path)):
                if each.is_file():
                    freed += each.stat().st_size
                    each.unlink()
        return freed


def partial(path: Path) -> tuple[Path, Path]:
    """What there is of a file while it is being fetched: the bytes, and which version they are."""
    return path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part-of")


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def size(count: float) -> str:
    """Bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def total(parts: Iterable[Weights]) -> int:
    """The bytes of several files."""
    return sum(part.bytes for part in parts)
