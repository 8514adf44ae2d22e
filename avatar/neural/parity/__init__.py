"""The proof that our networks compute what the official ones do, to float32's own noise.

A folder of vectors holds what the official modules made of seeded weights and inputs. Each suite
makes the same things with ours; `run` compares, and fails a name that nobody computed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from avatar.neural.parity import (
    audio_to_motion,
    hubert,
    liveportrait,
    musetalk,
    sadtalker,
    tiny,
    wav2lip,
)
from avatar.neural.parity.golden import Found, Golden, Verdict

Suite = Callable[[int, Golden], Iterator[Found]]
"""From a seed to what it makes, by name, in an order that frees one network before the next.

Where a network makes much of what little its inputs are off by, they are the recorded ones.
"""


def _from_seed(values: Callable[[int], Iterator[Found]]) -> Suite:
    return lambda seed, golden: values(seed)


SUITES: Final[dict[str, Suite]] = {
    "tiny": _from_seed(tiny.values),
    "tiny_hubert": _from_seed(hubert.small),
    "liveportrait": _from_seed(liveportrait.values),
    "musetalk": _from_seed(musetalk.values),
    "wav2lip": _from_seed(wav2lip.values),
    "sadtalker": sadtalker.values,
    "audio_to_motion": _from_seed(audio_to_motion.values),
    "hubert": _from_seed(hubert.values),
}


def suites_in(folder: Path) -> list[str]:
    """The suites that the folder has vectors for."""
    return [name for name in SUITES if (folder / f"{name}.npz").is_file()]


def run(folder: Path, suite: str, seed: int) -> Iterator[Verdict]:
    """Compare everything in one file of vectors, one verdict a name, as it is computed."""
    golden = Golden(folder / f"{suite}.npz")
    missing = set(golden.names)
    for name, value in SUITES[suite](seed, golden):
        if name in missing:
            missing.discard(name)
            yield golden.judge(suite, name, value)
    for name in sorted(missing):
        yield Verdict(f"{suite}:{name}", float("nan"), 0.0, False, "nobody computes it")
