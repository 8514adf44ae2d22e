"""Which sound is heard, every 10 ms: a small net over cepstra, in numpy, from the shipped table.

Trained by scripts/visemes on speech of espeak-ng only; nothing is downloaded and no recording of
anybody is in it. It hears 100 ms ahead of the row that it judges. It knows speech and nothing else:
music is some vowel to it.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.speech.features import COEFFICIENTS, Voice
from avatar.speech.sounds import SOUNDS

Floats = NDArray[np.float32]

TABLE: Final = Path(__file__).parent.parent / "tables" / "sounds.npz"

OFFSETS: Final = (-10, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 10)
"""Rows that the net sees around the one it judges, in hops."""

BEHIND: Final = -OFFSETS[0]
AHEAD: Final = OFFSETS[-1]


@dataclass(frozen=True, slots=True)
class Net:
    """Two hidden layers. `priors`: (sounds,) how often each was met; `lengths_s`: how long it is.

    usual, spread: (16,) for `Voice`.
    """

    weights: tuple[Floats, ...]  # in, b, hidden, b, out, b
    priors: Floats
    lengths_s: Floats
    usual: Floats
    spread: Floats

    def voice(self) -> Voice:
        """A voice of which nothing was heard yet."""
        return Voice(self.usual, self.spread)

    def logs(self, rows: Floats) -> Floats:
        """(n, sounds) natural logs of the posteriors of n rows.

        rows: (BEHIND + n + AHEAD, 16) normalised cepstra.
        """
        count = len(rows) - BEHIND - AHEAD
        seen = np.concatenate(
            [rows[BEHIND + at : BEHIND + at + count] for at in OFFSETS], axis=1
        )  # (n, 15 * 16)
        first, first_bias, second, second_bias, last, last_bias = self.weights
        hidden = np.maximum(seen @ first + first_bias, 0)
        hidden = np.maximum(hidden @ second + second_bias, 0)
        scores = hidden @ last + last_bias
        scores -= scores.max(axis=1, keepdims=True)
        result: Floats = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return result


@lru_cache(maxsize=1)
def shipped() -> Net:
    """The net of the package, read once; its arrays are not to be written to."""
    return read(TABLE)


def read(path: Path) -> Net:
    """Read a table. Raises ValueError when it is of another shape than this code."""
    with np.load(path, allow_pickle=False) as table:
        found = {name: table[name].astype(np.float32) for name in table.files}
    weights = tuple(found[f"w{at}"] for at in range(6))
    width = len(OFFSETS) * COEFFICIENTS
    if weights[0].shape[0] != width or weights[4].shape[1] != len(SOUNDS):
        raise ValueError(f"{path.name} is not of this version: make it with scripts/visemes train")
    return Net(weights, found["priors"], found["lengths_s"], found["usual"], found["spread"])


def write(path: Path, net: Net) -> None:
    """Write a table, halves of float32."""
    arrays = {f"w{at}": part for at, part in enumerate(net.weights)}
    arrays |= {
        "priors": net.priors,
        "lengths_s": net.lengths_s,
        "usual": net.usual,
        "spread": net.spread,
    }
    halves = {name: part.astype(np.float16) for name, part in arrays.items()}
    np.savez(path, allow_pickle=False, **halves)
