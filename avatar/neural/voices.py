"""The networks that hear, by name: made of the user's files, then fitted to a face.

They compute in single precision on a GPU too, as the published programs let them.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from avatar.errors import ModelError
from avatar.nets import catalogue
from avatar.nets.ditto import Lmdm
from avatar.nets.hubert import Hubert
from avatar.neural import hearing, rows
from avatar.neural.device import Device
from avatar.neural.head import Head, Source
from avatar.neural.keypoints import POINTS
from avatar.neural.rows import Template
from avatar.neural.shared import Read
from avatar.neural.voice import Voice

Fit = Callable[[Head], Voice]
"""What drives a face by what is heard."""
Net = TypeVar("Net", bound=nn.Module)

_MOODS: Final = 8
_NEUTRAL: Final = 4
_SURE: Final = 8.0
_OPEN: Final = 2.7
"""Ditto adds three heights of an eye over its width, we take the largest: about so many times."""
_GAZE: Final = 6


def ditto(device: Device, read: Read) -> Fit:
    """Ditto's LMDM and HuBERT large. Raises ModelError for what `read` does not find, and for
    weights that want to know something else of a face."""
    net = _net("ditto/lmdm", Lmdm, device, read)
    ear = hearing.ditto(_net("hubert/large", Hubert, device, read))
    with torch.inference_mode():
        silence = ear.hear(hearing.silence(rows.DITTO_UNHEARD))
    wanted = net.cond_projection.in_features - silence.shape[1]
    none = silence.new_zeros(0)
    if wanted not in (0, _MOODS + 2 + _GAZE + 3 * POINTS):
        raise ModelError(
            f"these weights of Ditto's LMDM know {wanted} numbers beside what is heard, and only 0 "
            "and 79 have a meaning here: use the published lmdm_v0.4_hubert.pth"
        )

    def fit(head: Head) -> Voice:
        source = head.source
        row = rows.ditto_row(source.heads)[None]
        beside = ditto_beside(source) if wanted else none
        return Voice(rows.Ditto(net, row, silence, beside), ear, live=device.gpu)

    return fit


def ditto_beside(source: Source) -> Tensor:
    """What Ditto knows of a face: a neutral mood, how open the eyes are, a gaze straight ahead, and
    the canonical key points. None of it is drawn: eyes and moods stay ours."""
    kp = source.heads["kp"][0]
    mood = torch.zeros(_MOODS)
    mood[_NEUTRAL] = _SURE
    eyes = torch.tensor(source.eyes) * _OPEN
    known = torch.cat([torch.softmax(mood, dim=0), eyes, torch.zeros(_GAZE)])
    return torch.cat([known.to(kp), kp.flatten()])  # (79,)


def joyvasa(device: Device, read: Read) -> Fit:
    """JoyVASA's denoiser and HuBERT base. Raises ModelError for what `read` does not find."""
    net = _net("joyvasa", nn.Module, device, read)
    around = {key: value.to(device.name) for key, value in read("joyvasa/around").items()}
    features = nn.Linear(*around["audio_feature_map.weight"].shape[::-1], device="meta")
    features.load_state_dict(
        {name: around[f"audio_feature_map.{name}"] for name in ("weight", "bias")}, assign=True
    )
    ear = hearing.joyvasa(_net("hubert/base", Hubert, device, read), features)
    template = _template(read("joyvasa/template"))

    def fit(head: Head) -> Voice:
        exp = head.source.heads["exp"][0].float().cpu().numpy().reshape(POINTS, 3)
        model = rows.JoyVasa(
            net,
            before=around["start_motion_feat"][0],
            unheard=around["start_audio_feat"][0],
            nothing=around["null_audio_feat"][0],
            left=around["diffusion_sched.alpha_bars"],
            template=template,
            exp=exp,
        )
        return Voice(model, ear, live=device.gpu)

    return fit


def _template(state: dict[str, Tensor]) -> Template:
    def ends(end: str) -> rows.F32:
        names = ("scale", "t", "pitch", "yaw", "roll")
        return np.concatenate([state[f"{end}_{name}"].numpy() for name in names])

    return Template(state["mean_exp"].numpy(), state["std_exp"].numpy(), ends("min"), ends("max"))


def _net(name: str, kind: type[Net], device: Device, read: Read) -> Net:
    net = catalogue.load(name, read(name)).to(device.name)
    assert isinstance(net, kind)
    return net


VOICES: Final[dict[str, Callable[[Device, Read], Fit]]] = {"ditto": ditto, "joyvasa": joyvasa}
