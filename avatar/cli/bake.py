"""python -m avatar bake NAME --out DIR: draw a portrait from its source and write the pack."""

import argparse
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    """0: done. 2: the art extra is missing or there is no drawing of that name."""
    try:
        from avatar.portrait.art import gallery
        from avatar.portrait.art.bake import bake
    except ImportError as error:
        print(f"bake: {error.name} is missing: pip install 'visavis-avatar[art]'", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(prog="python -m avatar bake", description=__doc__)
    parser.add_argument("name", choices=gallery.NAMES)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pack")
    given = parser.parse_args(argv)
    folder = bake(gallery.draw(given.name), given.out)
    size = sum(part.stat().st_size for part in folder.iterdir())
    print(f"{folder}: {size / 1e6:.2f} MB")
    return 0
