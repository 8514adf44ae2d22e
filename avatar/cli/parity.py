"""python -m avatar parity --golden DIR --seed N: prove the networks against recorded vectors.

Prints a line for each vector: its name, the largest error and what it may be there (grey levels for
pictures, else in standard deviations), and whether it passes. Needs the neural extra (torch).
"""

import argparse
import sys
import time
from pathlib import Path


def main(argv: list[str]) -> int:
    """0: all pass. 1: some do not. 2: nothing to compare, or no torch."""
    parser = argparse.ArgumentParser(prog="python -m avatar parity", description=__doc__)
    parser.add_argument("--golden", type=Path, required=True, help="folder with .npz files")
    parser.add_argument("--seed", type=int, required=True, help="that the vectors were made with")
    parser.add_argument("--only", action="append", default=[], help="a file's name; repeatable")
    parser.add_argument("--threads", type=int, default=0, help="torch's; 0: as it likes")
    given = parser.parse_args(argv)
    try:
        import torch

        from avatar.neural import parity
    except ImportError as error:
        print(f"parity: {error.name} is missing: pip install 'visavis-avatar[neural]'",
              file=sys.stderr)  # fmt: skip
        return 2
    suites = [s for s in parity.suites_in(given.golden) if not given.only or s in given.only]
    if not suites:
        wanted = ", ".join(given.only or parity.SUITES)
        print(f"parity: no vectors in {given.golden}: expected .npz of {wanted}", file=sys.stderr)
        return 2
    for path in sorted(given.golden.glob("*.npz")):
        if path.stem not in parity.SUITES:
            print(f"parity: nothing here computes {path.name}: left out", file=sys.stderr)
    if given.threads:
        torch.set_num_threads(given.threads)
    passed = failed = 0
    with torch.inference_mode():
        for suite in suites:
            started = time.monotonic()
            for verdict in parity.run(given.golden, suite, given.seed):
                passed, failed = passed + verdict.passed, failed + (not verdict.passed)
                said = "pass" if verdict.passed else f"FAIL {verdict.why}"
                print(f"{verdict.name:<40} {verdict.error:9.2e} {verdict.limit:9.2e}  {said}",
                      flush=True)  # fmt: skip
            print(f"{suite}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
