"""Wav2Lip: 36 M parameters."""

from collections.abc import Iterator

import numpy as np
import torch

from avatar.nets.catalogue import load
from avatar.neural import mel, seeded
from avatar.neural.parity.golden import Found

_WINDOW = 16
_FPS = 25
_SAID = (0, 20)


def values(seed: int) -> Iterator[Found]:
    """Everything in wav2lip.npz."""
    heard = mel.wav2lip(seeded.waveform(seed, 2.0))
    yield "mel", heard
    chunks = mel.wav2lip_windows(heard, _FPS)
    yield "n_chunks", np.array(len(chunks))
    face = seeded.image_u8("w2l/face", 96, 96, seed)[..., ::-1].astype(np.float32)
    masked = face.copy()
    masked[48:] = 0
    both = np.concatenate([masked, face], axis=2).transpose(2, 0, 1) / np.float32(255)
    faces = torch.from_numpy(np.repeat(both[None], len(_SAID), axis=0))
    said = torch.from_numpy(np.stack([chunks[i] for i in _SAID])[:, None]).float()
    out, embedding = load("wav2lip", seeded.state("wav2lip", seed))(said, faces)
    yield "out", out
    yield "audio_embedding", embedding
