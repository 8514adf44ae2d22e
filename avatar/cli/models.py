"""python -m avatar models list | pull NAME | verify [NAME] | rm NAME: weights of neural renderers.

Nothing is fetched without `pull`, which shows every file's size and licence and asks first. What a
file was when it first came is written down, and it must stay that; --sha256 says it beforehand.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Final

from avatar import models
from avatar.errors import ModelError
from avatar.fetch import fetch
from avatar.models import Model, Store, Weights, size
from avatar.portrait.library import hub

_BAR: Final = 30
_SIGN: Final = {"absent": "not here", "partly": "partly here", "here": "here"}


def main(argv: list[str]) -> int:
    """0: done. 1: not accepted, or a file is not what it should be. 2: cannot be done."""
    given = _parse(argv)
    store = Store(given.folder)
    try:
        if given.command == "list":
            return _list(store)
        if given.command == "pull":
            return _pull(store, models.model(given.name), given.accept, given.sha256)
        if given.command == "verify":
            names = [given.name] if given.name else list(models.known())
            return _verify(store, [models.model(name) for name in names])
        return _remove(store, models.model(given.name))
    except ModelError as error:
        print(f"models: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m avatar models", description=__doc__)
    parser.add_argument("--folder", type=Path, help="of the models (default: your own)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what there is, on what terms, and what is here")
    pull = commands.add_parser("pull", help="fetch a model; goes on where it stopped")
    pull.add_argument("name")
    pull.add_argument("--accept", action="store_true", help="the licences, without being asked")
    pull.add_argument("--sha256", action="append", default=[], metavar="FILE=HEX", help="pin one")
    verify = commands.add_parser("verify", help="compare files, and tensors if torch is here")
    verify.add_argument("name", nargs="?")
    commands.add_parser("rm", help="delete a model's files").add_argument("name")
    return parser.parse_args(argv)


def _list(store: Store) -> int:
    for model in models.known().values():
        terms = "" if model.commercial else " [non-commercial: bring the file yourself]"
        print(f"{model.name}: {model.says}{terms}")
        print(f"  {_SIGN[store.state(model)]}, {size(model.bytes)}, in {store.folder / model.name}")
        for file in model.files:
            print(f"  {size(file.bytes):>7} {file.name}: {file.licence}")
    return 0


def _pull(store: Store, model: Model, accept: bool, pins: list[str]) -> int:
    for file, sha256 in _pins(model, pins).items():
        store.record(model, file, sha256)
    missing = [file for file in model.files if not store.path(model, file).is_file()]
    unnamed = [file for file in missing if not file.repo]
    if unnamed:
        raise ModelError(
            f"{model.name} is not fetched ({unnamed[0].licence}): if you may use it, "
            f"put {unnamed[0].name} at {store.path(model, unnamed[0])}"
        )
    if missing:
        endpoint = hub()
        if endpoint is None:
            raise ModelError(f"HF_HUB_OFFLINE is set: unset it to pull {model.name}")
        if not _accepted(model, missing, accept):
            return 1
        _check_room(store, missing)
        for file in missing:
            url = f"{endpoint}/{file.repo}/resolve/main/{file.path}"
            fetch(url, store.path(model, file), Progress(file.name))
            _settle(store, model, file)
    print(f"{model.name}: {store.folder / model.name}")
    return 0


def _pins(model: Model, pins: list[str]) -> dict[Weights, str]:
    by_name = {file.name: file for file in model.files}
    found = {}
    for pin in pins:
        name, _, sha256 = pin.partition("=")
        if (
            name not in by_name
            or len(sha256) != 64
            or set(sha256.lower()) - set("0123456789abcdef")
        ):
            raise ModelError(
                f"--sha256 {pin}: give FILE=HEX with 64 hexadecimal digits, "
                f"FILE one of {', '.join(by_name)}"
            )
        found[by_name[name]] = sha256.lower()
    return found


def _accepted(model: Model, missing: list[Weights], accept: bool) -> bool:
    print(f"{model.name}: {model.says}")
    for file in missing:
        print(f"  {size(file.bytes):>7} {file.repo}/{file.path}\n          {file.licence}")
    if accept:
        return True
    try:
        answer = input(f"Fetch {size(models.total(missing))} under these terms? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() in ("y", "yes"):
        return True
    print("not accepted, nothing fetched (--accept answers yes)", file=sys.stderr)
    return False


def _check_room(store: Store, missing: list[Weights]) -> None:
    store.folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(store.folder).free
    if models.total(missing) > free:
        raise ModelError(
            f"{store.folder} has {size(free)} free, and {size(models.total(missing))} are to come: "
            "make room, or name another folder with VISAVIS_MODELS"
        )


def _settle(store: Store, model: Model, file: Weights) -> None:
    """Compare a file that just came with what is known of it, or write down what it is."""
    path = store.path(model, file)
    try:
        sha256 = store.check(model, file)
    except ModelError:
        path.unlink()
        raise
    store.record(model, file, sha256)
    print(f"{file.name}: sha256 {sha256}")


class Progress:
    """A bar on a terminal, a line every tenth elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown = -1
        self._started: tuple[float, int] | None = None

    def __call__(self, have: int, whole: int) -> None:
        now = time.monotonic()
        if self._started is None:
            self._started = (now, have)
        terminal = sys.stderr.isatty()
        step = have * (200 if terminal else 10) // whole if whole else have // 10_000_000
        if step == self._shown:
            return
        self._shown = step
        rate = (have - self._started[1]) / max(0.1, now - self._started[0])
        of = f" of {size(whole)}" if whole else ""
        text = f"{self._name}: {size(have)}{of}, {rate / 1e6:.1f} MB/s"
        if terminal:
            done = have * _BAR // whole if whole else 0
            text = f"\r[{'#' * done}{'.' * (_BAR - done)}] {text} "
        sys.stderr.write(text + ("" if terminal and have != whole else "\n"))
        sys.stderr.flush()


def _verify(store: Store, wanted: list[Model]) -> int:
    bad = checked = 0
    for model in wanted:
        for file in model.files:
            path = store.path(model, file)
            if not path.is_file():
                continue
            checked += 1
            try:
                first = not store.recorded(model, file)
                sha256 = store.check(model, file)
                tensors = _check_tensors(file, path)
                store.record(model, file, sha256)
                print(f"{path}: {'new, written down' if first else 'as it was'}, {tensors}")
            except ModelError as error:
                bad += 1
                print(error)
    if not checked:
        print("no weights are here: python -m avatar models pull NAME")
    return 1 if bad else 0


def _check_tensors(file: Weights, path: Path) -> str:
    try:
        from avatar.neural import checkpoint
    except ImportError:
        return "tensors not compared (no torch here)"
    count = sum(len(checkpoint.read(network, path)) for network in file.networks)
    return f"{count} tensors of the right names, shapes and types"


def _remove(store: Store, model: Model) -> int:
    print(f"{model.name}: {size(store.remove(model))} freed")
    return 0
