"""Motion from sound for LivePortrait: Ditto's LMDM, 48 M parameters, and JoyVASA's, 35 M."""

from collections.abc import Iterator

import torch

from avatar.nets import joyvasa
from avatar.nets.catalogue import load
from avatar.nets.ditto import Lmdm
from avatar.neural import seeded
from avatar.neural.parity.golden import Found


def values(seed: int) -> Iterator[Found]:
    """Everything in audio_to_motion.npz."""
    yield from _ditto(seed)
    net = load("joyvasa", seeded.state("joyvasa", seed, skip=joyvasa.TABLES))
    yield (
        "joyvasa/out",
        net(
            seeded.tensor("jv/motion", (2, 100, 70), seed),
            seeded.tensor("jv/audio", (2, 100, 512), seed),
            seeded.tensor("jv/prev", (2, 25, 70), seed),
            seeded.tensor("jv/prev_audio", (2, 25, 512), seed),
            torch.tensor([40, 3]),
        ),
    )


def _ditto(seed: int) -> Iterator[Found]:
    net = load("ditto/lmdm", seeded.state("ditto/lmdm", seed))
    assert isinstance(net, Lmdm)
    x = seeded.tensor("ditto/x", (1, 80, 265), seed)
    last = seeded.tensor("ditto/cond_frame", (1, 265), seed)
    heard = seeded.tensor("ditto/cond", (1, 80, 1059), seed)
    for step in (999, 480, 0):
        said = net.predict(x, last, torch.tensor([step]), heard)
        yield f"ditto/x_start_{step}", said.start
        yield f"ditto/pred_noise_{step}", said.noise
