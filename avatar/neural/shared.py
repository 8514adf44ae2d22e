"""The networks of this process, in memory once however many faces use them.

A session of another process has its own: sharing ends at the process.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar

import torch
from torch import Tensor

from avatar import models
from avatar.neural import checkpoint
from avatar.neural.device import Device
from avatar.residency import Hold, Residency

Read = Callable[[str], dict[str, Tensor]]
"""The tensors of a network by its name."""
Nets = TypeVar("Nets")
Made = TypeVar("Made")

_SHARE: Final = 0.85
"""Of a GPU's memory; the rest is for what is computed and for others."""
_CPU_BYTES: Final = 8 << 30
_WORK_BYTES: Final = 1 << 30
"""What a model needs beside its weights: an estimate."""


@cache
def residency(device: str) -> "Residency[Any]":
    """What is in the memory of a device; the models are of different kinds."""
    if device.startswith("cuda"):
        capacity = int(torch.cuda.get_device_properties(device).total_memory * _SHARE)
        return Residency(capacity, freed=torch.cuda.empty_cache)
    return Residency(_CPU_BYTES)


def hold(name: str, device: Device, load: Callable[[], Any]) -> "Hold[Any]":
    """The networks of a model of models.toml on a device. Raises ModelError without room."""
    weights = models.model(name).bytes // (2 if device.gpu else 1)
    return residency(device.name).hold(name, weights + _WORK_BYTES, load)


def with_nets(
    name: str,
    device: Device,
    load: Callable[[Device, Read], Nets],
    read: Read | None,
    make: Callable[[Nets, "Hold[Nets] | None"], Made],
) -> Made:
    """What `make` makes of a model's networks and the right to use them, which it takes over.

    read: its own tensors, shared with nobody; None: the user's files, shared by the process.
    """
    if read is not None:
        return make(load(device, read), None)
    held: Hold[Nets] = hold(name, device, lambda: load(device, checkpoint.own))
    try:
        return make(held.model, held)
    except BaseException:
        held.release()
        raise
