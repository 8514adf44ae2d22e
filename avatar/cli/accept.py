"""python -m avatar accept [PORTRAIT ...]: is a portrait good enough to be shown?

Lets each portrait speak, blink, look and turn, measures what came out, and prints what was reached
beside its limits; by default all portraits that ship. Needs no key, no network and no sound device.
Where the face detector is missing, the checks that need it are left out, and it says so.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from avatar.acceptance import landmarks
from avatar.acceptance.gates import Reached, report, table
from avatar.acceptance.judge import judge
from avatar.errors import AvatarError
from avatar.portrait.engine import limit_threads
from avatar.portrait.pack import names


def main(argv: list[str]) -> int:
    """0: all kept their limits. 1: some did not. 2: a portrait cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m avatar accept", description=__doc__)
    parser.add_argument("portrait", nargs="*", help="a shipped portrait or a pack's folder")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    given = parser.parse_args(argv)
    limit_threads()
    if not landmarks.available():
        print("no face detector: its checks are left out (./scripts/setup makes one)")
    results: dict[str, list[Reached]] = {}
    try:
        for portrait in given.portrait or names():
            began = time.monotonic()
            reached = results[portrait] = judge(portrait)
            kept = sum(one.passed for one in reached)
            took = time.monotonic() - began
            print(f"{portrait}: {kept} of {len(reached)} checks passed, {took:.0f} s")
            print(table(reached))
    except AvatarError as error:
        print(f"accept: {error}", file=sys.stderr)
        return 2
    if given.json:
        figures = {portrait: report(reached) for portrait, reached in results.items()}
        given.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return 0 if all(one.passed for reached in results.values() for one in reached) else 1
