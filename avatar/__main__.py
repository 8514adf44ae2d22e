"""python -m avatar: look at portraits, draw, measure and bake them, render a clip. Chooses, nothing
else; each command is imported only when it is asked for, because `bake` needs the art extra."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final

_COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "portraits": ("avatar.cli.portraits", "list the portraits that ship, then your own"),
    "prepare": ("avatar.cli.prepare", "make a talking avatar of a photo"),
    "sheet": ("avatar.cli.sheet", "draw visemes, expressions and poses of a portrait on one page"),
    "accept": ("avatar.cli.accept", "say whether a portrait is good enough to be shown"),
    "bench": ("avatar.cli.bench", "measure the engine on this machine"),
    "bake": ("avatar.cli.bake", "make pictures once that cost too much for a call"),
    "models": ("avatar.cli.models", "fetch, list, check and delete weights of neural renderers"),
    "parity": ("avatar.cli.parity", "prove the networks against recorded vectors"),
    "sadtalker": (
        "avatar.cli.sadtalker",
        "a clip of a photo and a sound file by SadTalker, offline",
    ),
    "render": ("avatar.render", "a sound file and a portrait in, an MP4 out"),
}


def main(argv: list[str]) -> int:
    """Run one command; returns the exit status."""
    if not argv or argv[0] not in _COMMANDS:
        out = sys.stdout if argv and argv[0] in ("-h", "--help") else sys.stderr
        print("usage: python -m avatar COMMAND ...", *_help(), sep="\n", file=out)
        return 0 if out is sys.stdout else 2
    run: Callable[[list[str]], int] = import_module(_COMMANDS[argv[0]][0]).main
    return run(argv[1:])


def _help() -> list[str]:
    return [f"  {name:<10} {says}" for name, (_, says) in _COMMANDS.items()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
