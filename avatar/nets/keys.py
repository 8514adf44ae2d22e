"""What the official checkpoints hold: the name, shape and dtype of every tensor, by network.

Read from keys.json.gz: {network: {tensor: [dtype, *shape]}}. `tiny/...` are the same networks with
small widths, for quick comparisons; nobody publishes such files. Needs no torch.
"""

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Kept:
    """One tensor as a checkpoint stores it."""

    dtype: str
    shape: tuple[int, ...]


@cache
def _all() -> dict[str, dict[str, Kept]]:
    packed = files("avatar.nets").joinpath("keys.json.gz").read_bytes()
    found: dict[str, dict[str, list[str | int]]] = json.loads(gzip.decompress(packed))
    return {
        network: {
            key: Kept(str(dtype), tuple(int(n) for n in shape))
            for key, (dtype, *shape) in tensors.items()
        }
        for network, tensors in found.items()
    }


def networks() -> list[str]:
    """The names of all networks, as in `musetalk/unet`."""
    return list(_all())


def of(network: str) -> dict[str, Kept]:
    """The tensors of a network's checkpoint. Raises KeyError for an unknown one."""
    return _all()[network]
