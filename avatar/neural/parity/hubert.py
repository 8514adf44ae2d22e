"""HuBERT's encoder: base, 94 M parameters, and large, 315 M; and both with small widths."""

from collections.abc import Iterator

import torch

from avatar.nets.catalogue import load
from avatar.nets.hubert import Hubert
from avatar.neural import seeded
from avatar.neural.parity.golden import Found

_KINDS = ("base", "large")


def small(seed: int) -> Iterator[Found]:
    """Everything in tiny_hubert.npz."""
    for kind in _KINDS:
        yield from _kind(f"tiny/hubert_{kind}", kind, seed, 0.805)


def values(seed: int) -> Iterator[Found]:
    """Everything in hubert.npz."""
    for kind in _KINDS:
        yield from _kind(f"hubert/{kind}", kind, seed, 2.005)


def _kind(network: str, kind: str, seed: int, seconds: float) -> Iterator[Found]:
    net = load(network, seeded.state(network, seed))
    assert isinstance(net, Hubert)
    sound = torch.from_numpy(seeded.waveform(seed, seconds))[None]
    yield f"{kind}/sound", net.feature_extractor(sound)
    yield f"{kind}/out", net(sound)
