"""MuseTalk as a whole: tokens and a face's latents in, that face saying them out.

The networks are shared; they say a fixed number of frames at once, so that a GPU can replay a
recorded graph. What is asked for is begun at once and waited for when it is fetched.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avatar.nets import catalogue
from avatar.nets.mt_vae import SCALE, Vae
from avatar.neural import mouth, tokens
from avatar.neural.batch import Batched
from avatar.neural.device import Device
from avatar.neural.ear import BLOCK
from avatar.neural.tokens import Encode

U8 = NDArray[np.uint8]
FAMILY: Final = "musetalk"


@dataclass(frozen=True, slots=True)
class Nets:
    """The three networks; shared by all faces."""

    device: Device
    unet: nn.Module
    vae: Vae
    whisper: nn.Module
    saying: Batched = field(init=False)
    """From blocks of latents and tokens to faces, those of several sessions at once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "saying", Batched(self._faces, self.device, sizes=(1, 2, 4)))

    def _faces(self, latents: Tensor, said: Tensor) -> Tensor:
        return self.vae.decode(self.unet(latents, said) / SCALE)  # (B, 3, 256, 256)

    @classmethod
    def load(cls, device: Device, read: Callable[[str], dict[str, Tensor]]) -> Self:
        """read: the checked tensors of a network by its name."""
        unet, vae, ear = (
            device.put(catalogue.load(f"{FAMILY}/{name}", read(f"{FAMILY}/{name}")))
            for name in ("unet", "vae", "whisper")
        )
        assert isinstance(vae, Vae)
        return cls(device, unet, vae, ear)

    @property
    def encode(self) -> Encode:
        """Whisper's encoder as a function of sound."""
        return tokens.encoder(self.whisper, self.device.name, self.device.dtype)


class Speaker:
    """Says blocks of frames with shared networks. One thread calls it."""

    def __init__(self, nets: Nets, block: int = BLOCK) -> None:
        self._nets, self.block = nets, block
        device = nets.device
        table = tokens.positions()
        self._positions = table.to(device.name, device.dtype)
        latents = torch.zeros(block, 8, 32, 32, device=device.name, dtype=device.dtype)
        said = torch.zeros((block, *table.shape[1:]), device=device.name, dtype=device.dtype)
        nets.saying.prepare(latents, said)

    def latents(self, face: U8) -> Tensor:
        """What is kept of a face, (256, 256, 3) BGR."""
        with torch.inference_mode(), self._nets.device.stage("latents"):
            return mouth.latents(self._nets.vae, face)  # (1, 8, 32, 32)

    def begin(self, latents: Tensor, said: Tensor, due_s: float = math.inf) -> Callable[[], U8]:
        """Begin to say tokens; the result waits for it: (block, 256, 256, 3) BGR, of each token's.

        latents: of one face, or one each. Raises Late if it was due, on the clock of nets.saying,
        before it could be begun.
        """
        device = self._nets.device
        like = latents.expand(self.block, -1, -1, -1)
        with torch.inference_mode(), device.stage("say"):
            heard = said.to(device.name, device.dtype) + self._positions
            faces = self._nets.saying(like, heard, due_s=due_s)  # (block, 3, 256, 256)

        def fetch() -> U8:
            with torch.inference_mode(), device.stage("fetch"):
                return np.asarray(mouth.to_bgr(faces), np.uint8)

        return fetch
