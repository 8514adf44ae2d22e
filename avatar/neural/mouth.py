"""Between pictures and MuseTalk's latents: the face's box, its crop, and what is decoded.

Pictures are BGR uint8, as OpenCV reads them. The network sees the crop twice: with its lower half
blank, and whole. Latents are the posterior's mean, so that the same face gives the same latent.
"""

from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.nets.mt_vae import SCALE, Vae
from avatar.portrait.paint import Box

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
SIDE: Final = 256
MARGIN: Final = 10
"""Below the chin, in pixels."""


def box(points: F32, bridge: F32, height: int) -> Box:
    """The box of a face from its outline and inner points (N, 2) and the bridge of its nose (2,).

    The bridge is its vertical middle. The bottom has no margin yet.
    """
    whole = points.astype(np.int64)
    left, right = int(whole[:, 0].min()), int(whole[:, 0].max())
    low, middle = int(whole[:, 1].max()), int(bridge[1])
    return left, max(0, middle - (low - middle)), right, min(low, height)


def with_margin(found: Box, height: int) -> Box:
    """The same with some room below the chin, inside of the picture."""
    left, top, right, low = found
    return left, top, right, min(low + MARGIN, height)


def cut(frame: U8, found: Box) -> U8:
    """The face at the size that the VAE takes."""
    left, top, right, low = found
    part = frame[top:low, left:right]
    out = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LANCZOS4)
    return np.asarray(out, np.uint8)


def seen(face: U8, *, masked: bool) -> Tensor:
    """A cut face as the VAE takes it; masked: with its lower half blank."""
    rgb = face[:, :, ::-1].astype(np.float32) / np.float32(255)
    if masked:
        rgb[SIDE // 2 :] = 0
    chw = np.ascontiguousarray(((rgb - 0.5) / 0.5).transpose(2, 0, 1)[None], np.float32)
    return torch.from_numpy(chw)  # (1, 3, 256, 256)


def latents(vae: Vae, face: U8) -> Tensor:
    """What the UNet takes of a face: masked, then whole."""
    like = vae.quant_conv.weight
    both = [vae.encode(seen(face, masked=masked).to(like))[0] * SCALE for masked in (True, False)]
    return torch.cat(both, dim=1)  # (1, 8, 32, 32)


def pictures(vae: Vae, latent: Tensor) -> U8:
    """Scaled latents as pictures: (B, 256, 256, 3)."""
    decoded = vae.decode(latent / SCALE)  # (B, 3, 256, 256)
    return to_bgr(decoded)


def to_bgr(decoded: Tensor) -> U8:
    """What the VAE decoded, -1..1, as BGR. Rounded."""
    levels = ((decoded.float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    bgr = levels.permute(0, 2, 3, 1).flip(-1).contiguous()
    return np.asarray(bgr.cpu().numpy(), np.uint8)
