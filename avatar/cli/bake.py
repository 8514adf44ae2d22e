"""python -m avatar bake: pictures that cost too much for a call, made once.

  bake NAME --out DIR                              draw a shipped face from its source
  bake PHOTO|PORTRAIT --with liveportrait --name N  fifty mouths and eyes by LivePortrait, into a
                                                   pack of your library that the CPU plays

The first needs the art extra, the second the neural extra and LivePortrait's weights; it shows how
far it is and goes on where it was stopped.
"""

import argparse
import datetime
import sys
import tempfile
import time
from pathlib import Path

from avatar.errors import AvatarError

_BAR = 30
PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
"""How the name of a photo ends."""


def main(argv: list[str]) -> int:
    """0: done. 2: an extra, weights or the portrait are missing or cannot be used."""
    given = _parse(argv)
    try:
        return _draw(given) if given.network is None else _bake(given)
    except ImportError as error:
        extra = "art" if given.network is None else "neural"
        print(f"bake: {error.name} is missing: pip install 'visavis-avatar[{extra}]'",
              file=sys.stderr)  # fmt: skip
    except AvatarError as error:
        print(f"bake: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped: the same command goes on from here", file=sys.stderr)
        return 130
    return 2


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m avatar bake",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="NAME|PHOTO|PORTRAIT")
    parser.add_argument("--out", type=Path, help="folder of a drawn face's pack")
    parser.add_argument("--with", dest="network", choices=["liveportrait"])
    parser.add_argument("--name", help="of the baked portrait: 1 to 40 of a-z, 0-9 and -")
    parser.add_argument("--library", type=Path, help="folder for the pack (default: your own)")
    parser.add_argument("--consent", help='of a photo, as in "this is me, or I may use it"')
    parser.add_argument("--replace", action="store_true", help="overwrite your portrait NAME")
    parser.add_argument("--on", help="torch's device (default: a GPU if there is one, else cpu)")
    given = parser.parse_args(argv)
    missing = "--out DIR" if given.network is None and not given.out else ""
    if given.network is not None and not given.name:
        missing = "--name NAME"
    if missing:
        parser.error(f"{missing} is needed")
    return given


def _draw(given: argparse.Namespace) -> int:
    from avatar.portrait.art import gallery
    from avatar.portrait.art.bake import bake

    if given.source not in gallery.NAMES:
        known = ", ".join(gallery.NAMES)
        print(f"bake: no drawing {given.source!r}: choose one of {known}", file=sys.stderr)
        return 2
    print(_sized(bake(gallery.draw(given.source), given.out)))
    return 0


def _bake(given: argparse.Namespace) -> int:
    import torch

    from avatar.neural import bake, checkpoint, device
    from avatar.neural.head import Nets

    where = device.choose(given.on or ("cuda" if torch.cuda.is_available() else "cpu"))
    with tempfile.TemporaryDirectory(prefix="visavis-bake-") as made:
        folder = bake.bake(
            lambda: portrait_of(given.source, Path(made), given.name, given.consent),
            lambda: Nets.load(where, checkpoint.own),
            weights=checkpoint.known("liveportrait"),
            library=given.library,
            name=given.name,
            replace=given.replace,
            on_step=Steps(),
        )
    print(_sized(folder))
    return 0


def portrait_of(source: str, folder: Path, name: str, consent: str | None = None) -> Path | str:
    """A portrait as it is, or one made of a photo, in this folder."""
    if Path(source).suffix.lower() not in PHOTOS:
        return source
    from avatar.prepare import Consent, prepare

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    said = Consent(consent, today) if consent else None
    return prepare(Path(source), name=name, library=folder, consent=said, preview=False).pack


def _sized(folder: Path) -> str:
    size = sum(part.stat().st_size for part in folder.iterdir() if part.is_file())
    return f"{folder}: {size / 1e6:.2f} MB"


class Steps:
    """A bar with the time that is left on a terminal, a line for every picture elsewhere."""

    def __init__(self) -> None:
        self._started: tuple[float, int] | None = None

    def __call__(self, done: int, whole: int) -> None:
        now = time.monotonic()
        if self._started is None:
            self._started = (now, done)
        began, first = self._started
        left = (now - began) / (done - first) * (whole - done) if done > first else None
        text = f"{done} of {whole} pictures" + ("" if left is None else f", {_spoken(left)} left")
        if sys.stderr.isatty():
            full = done * _BAR // whole
            text = f"\r[{'#' * full}{'.' * (_BAR - full)}] {text}   "
        sys.stderr.write(text + ("" if sys.stderr.isatty() and done != whole else "\n"))
        sys.stderr.flush()


def _spoken(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
