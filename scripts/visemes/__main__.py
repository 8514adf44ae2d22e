"""scripts/lipsync train | evaluate: make the net's table, and say how good it is."""

import argparse
import sys
from pathlib import Path

from avatar.speech.net import TABLE, write


def main(argv: list[str]) -> int:
    if argv[:1] == ["evaluate"]:
        from visemes import evaluate

        return evaluate.main(argv[1:])
    parser = argparse.ArgumentParser(prog="scripts/lipsync", description=__doc__)
    parser.add_argument("what", choices=("train", "evaluate"))
    parser.add_argument("--table", type=Path, default=TABLE, help="file to write")
    given = parser.parse_args(argv)
    from visemes.train import train

    write(given.table, train())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
