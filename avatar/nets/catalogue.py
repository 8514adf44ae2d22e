"""Every network by name: how it is made, and what its checkpoint needs before it fits.

The names are those of avatar.nets.keys. Making one costs nothing: it has no memory until
`load` gives it tensors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from avatar.nets import (
    ditto,
    hubert,
    joyvasa,
    lp_generator,
    mt_unet,
    mt_vae,
    sadtalker_audio,
    sadtalker_face,
    sadtalker_recon,
    wav2lip,
    whisper,
)
from avatar.nets.bisenet import BiSeNet
from avatar.nets.ditto import Lmdm
from avatar.nets.hubert import Hubert
from avatar.nets.lp_appearance import Appearance
from avatar.nets.lp_generator import Generator
from avatar.nets.lp_motion import Motion
from avatar.nets.lp_retargeting import EYE, LIP, STITCHING, Retargeting
from avatar.nets.lp_warping import Warping
from avatar.nets.sadtalker_mapping import Mapping

State = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Net:
    """make: the module. official: from the file's tensors to the module's; None: as they are.

    fit: the module for these tensors, where a width is the file's to say.
    """

    make: Callable[[], nn.Module]
    official: Callable[[State], State] | None = None
    fit: Callable[[State], nn.Module] | None = None


def load(network: str, state: State) -> nn.Module:
    """The network with these tensors, which it keeps; for inference only, where the tensors are.

    The tensors must have been compared with avatar.nets.keys: a wrong one is our own mistake.
    """
    net = NETS[network]
    with torch.no_grad():
        if net.official is not None:
            state = net.official(state)
        with torch.device("meta"):
            module = net.make() if net.fit is None else net.fit(state)
        module.load_state_dict(state, assign=True)
    return module.eval().requires_grad_(False)


def _tiny_hubert(*, stable: bool) -> Hubert:
    return Hubert(
        sound=16, width=32, inner=64, heads=4, layers=2, positions=16, groups=4, stable=stable
    )


_LP: Final = "liveportrait"
NETS: Final[dict[str, Net]] = {
    f"{_LP}/appearance_feature_extractor": Net(Appearance),
    f"{_LP}/motion_extractor": Net(Motion),
    f"{_LP}/warping_module": Net(Warping),
    f"{_LP}/spade_generator": Net(Generator, lp_generator.official),
    f"{_LP}/stitching_retargeting/retarget_shoulder": Net(lambda: Retargeting(STITCHING)),
    f"{_LP}/stitching_retargeting/retarget_mouth": Net(lambda: Retargeting(LIP)),
    f"{_LP}/stitching_retargeting/retarget_eye": Net(lambda: Retargeting(EYE)),
    "musetalk/unet": Net(mt_unet.UNet, mt_unet.official),
    "musetalk/vae": Net(mt_vae.Vae, mt_vae.official),
    "musetalk/whisper": Net(whisper.WhisperEncoder, whisper.official),
    "faceparse": Net(BiSeNet),
    "wav2lip": Net(wav2lip.Wav2Lip, wav2lip.official),
    "ditto/lmdm": Net(Lmdm, ditto.official, ditto.fit),
    "joyvasa": Net(joyvasa.Denoiser, joyvasa.official),
    "hubert/base": Net(Hubert, hubert.official),
    "hubert/large": Net(hubert.large, hubert.official),
    "sadtalker/generator": Net(sadtalker_face.FaceRenderer, sadtalker_face.official),
    "sadtalker/kp_extractor": Net(sadtalker_face.KeyPoints, sadtalker_face.official_points),
    "sadtalker/mapping": Net(Mapping),
    "sadtalker/mapping_full": Net(lambda: Mapping(inputs=73)),
    "sadtalker/audio2exp": Net(sadtalker_audio.Expression, sadtalker_audio.official_expression),
    "sadtalker/audio2pose": Net(sadtalker_audio.HeadPose, sadtalker_audio.official_pose),
    "sadtalker/face_3drecon": Net(sadtalker_recon.Reconstruction, sadtalker_recon.official),
    "tiny/appearance": Net(lambda: Appearance(width=8, most=64, channels=4, blocks=2)),
    "tiny/warping": Net(lambda: Warping(channels=4, outputs=32, width=4, most=32, thin=2)),
    "tiny/generator": Net(lambda: Generator(inputs=32), lp_generator.official),
    "tiny/unet": Net(lambda: mt_unet.UNet(widths=(32, 64, 64, 64)), mt_unet.official),
    "tiny/vae": Net(lambda: mt_vae.Vae(widths=(32, 32, 64, 64)), mt_vae.official),
    "tiny/hubert_base": Net(lambda: _tiny_hubert(stable=False), hubert.official),
    "tiny/hubert_large": Net(lambda: _tiny_hubert(stable=True), hubert.official),
}
