"""SadTalker: seven networks, the largest 130 M parameters.

The renderer gets the recorded key points: 1e-7 in them is 2e-5 of its picture's deviation, and the
softmax that they come from leaves 3e-6 between two processors.
"""

from collections.abc import Iterator

import torch
from torch import nn

from avatar.nets.catalogue import load
from avatar.nets.sadtalker_audio import HeadPose
from avatar.nets.sadtalker_mapping import place
from avatar.neural import seeded
from avatar.neural.parity.golden import Found, Golden

_STYLE = 3


def values(seed: int, golden: Golden) -> Iterator[Found]:
    """Everything in sadtalker.npz."""
    yield "recon/out", _net("face_3drecon", seed)(seeded.image01("sad/recon", 224, 224, seed))
    image = seeded.image01("sad/source", 256, 256, seed)
    canonical = _net("kp_extractor", seed)(image)
    yield "kp/canonical", canonical
    heads = _net("mapping", seed)(seeded.tensor("sad/semantics", (2, 70, 27), seed))
    for name, value in heads.items():
        yield f"mapping/{name}", value
    whole = _net("mapping_full", seed)(seeded.tensor("sad/semantics73", (2, 73, 27), seed))
    yield "mapping_full/exp", whole["exp"]
    source, driving = (
        place(canonical, {name: value[i : i + 1] for name, value in heads.items()}) for i in (0, 1)
    )
    yield "kp/source", source
    yield "kp/driving", driving
    recorded = golden.whole("kp/source"), golden.whole("kp/driving")
    if recorded[0] is not None and recorded[1] is not None:
        source, driving = recorded
    yield "generator/out", _net("generator", seed)(image, driving=driving, source=source)
    yield from _audio(seed)


def _net(name: str, seed: int) -> nn.Module:
    network = f"sadtalker/{name}"
    return load(network, seeded.state(network, seed))


def _audio(seed: int) -> Iterator[Found]:
    yield (
        "audio2exp/out",
        _net("audio2exp", seed)(
            seeded.tensor("sad/mel", (1, 10, 1, 80, 16), seed),
            seeded.tensor("sad/ref", (1, 10, 64), seed),
            torch.from_numpy(seeded.uniform01("sad/ratio", (1, 10, 1), seed)),
        ),
    )
    pose = _net("audio2pose", seed)
    assert isinstance(pose, HeadPose)
    heard = pose.hear(seeded.tensor("sad/mel33", (1, 32, 1, 80, 16), seed))
    yield "audio2pose/audio_emb", heard
    yield (
        "audio2pose/pose_motion",
        pose(
            heard,
            seeded.tensor("sad/z", (1, 64), seed),
            torch.tensor([_STYLE]),
            seeded.tensor("sad/refpose", (1, 6), seed),
        ),
    )
