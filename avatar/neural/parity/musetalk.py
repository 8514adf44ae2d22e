"""MuseTalk at its full size: a billion parameters, under 5 GB, the UNet last."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from avatar.nets.catalogue import load
from avatar.nets.mt_vae import SCALE, Vae
from avatar.neural import blend, mel, mouth, seeded, tokens
from avatar.neural.parity.golden import Found
from avatar.portrait.paint import Box

_BOX: Box = (230, 130, 410, 350)
_EDGE_BOX: Box = (20, 10, 200, 230)
_SAID = (0, 20, 60)


def values(seed: int) -> Iterator[Found]:
    """Everything in musetalk.npz."""
    yield from _positions(seed)
    yield from _masks(seed)
    chunks = None
    for name, value in _sound(seed):
        yield name, value
        if name == "audio/chunks_25":
            chunks = value
    yield from _parse(seed)
    vae = _vae(seed)
    yield from _latents(vae, seed)
    frame = _frame(seed)
    face = mouth.cut(frame, mouth.with_margin(_BOX, frame.shape[0]))
    yield "e2e/crop256", face
    seen = mouth.latents(vae, face)
    unet = _net("musetalk/unet", seed)
    audio = seeded.tensor("mt/audio", (2, 50, 384), seed)
    given = seeded.tensor("mt/latents", (2, 8, 32, 32), seed)
    yield "unet/out", unet(given, audio + tokens.positions())
    assert isinstance(chunks, Tensor)
    said = chunks[list(_SAID)] + tokens.positions()
    made = unet(seen.expand(len(_SAID), -1, -1, -1), said)
    del unet
    yield "e2e/pred_latents", made
    faces = mouth.pictures(vae, made)
    yield "e2e/recon_bgr_u8", faces
    yield from _blends(frame, faces, seed)


def _net(network: str, seed: int) -> nn.Module:
    return load(network, seeded.state(network, seed))


def _vae(seed: int) -> Vae:
    net = _net("musetalk/vae", seed)
    assert isinstance(net, Vae)
    return net


def _frame(seed: int) -> np.ndarray:
    return seeded.image_u8("mt/frame", 480, 640, seed)[..., ::-1].copy()


def _positions(seed: int) -> Iterator[Found]:
    audio = seeded.tensor("mt/audio", (2, 50, 384), seed)
    yield "pe/out", audio + tokens.positions()
    yield "pe/table", tokens.positions()


def _sound(seed: int) -> Iterator[Found]:
    sound = seeded.waveform(seed, 3.3)
    heard = mel.whisper(sound)[None]
    yield "whisper/mel", heard
    yield "whisper/mel_head", heard[:, :, :340]
    net = _net("musetalk/whisper", seed)
    stack = net(torch.from_numpy(heard))
    yield "whisper/stack", stack
    yield "whisper/stack_head", stack[:, :170]
    encode = tokens.encoder(net)
    yield "audio/chunks_25", tokens.offline(encode, sound, 25)
    yield "audio/chunks_30", tokens.offline(encode, sound, 30)


def _latents(vae: Vae, seed: int) -> Iterator[Found]:
    face = seeded.image_u8("mt/face", 256, 256, seed)[..., ::-1]
    masked, whole = (mouth.seen(face, masked=masked) for masked in (True, False))
    yield "vae/pre_masked", masked
    yield "vae/pre_ref", whole
    mean, log_variance = vae.encode(whole)
    yield "vae/mean", mean
    yield "vae/logvar", log_variance
    yield "vae/unet_input", mouth.latents(vae, face)
    z = 0.8 * seeded.tensor("mt/decode_latents", (1, 4, 32, 32), seed)
    decoded = vae.decode(z / SCALE)
    yield "vae/decoded", decoded
    yield "vae/decoded_bgr_u8", mouth.to_bgr(decoded)


def _masks(seed: int) -> Iterator[Found]:
    labels = seeded.face_labels(seed)
    modes: tuple[blend.Mode, ...] = ("raw", "jaw", "neck")
    for mode in modes:
        yield f"mask/{mode}", blend.face_mask(labels, mode)


def _blends(frame: np.ndarray, faces: np.ndarray, seed: int) -> Iterator[Found]:
    height, width = frame.shape[:2]
    mask = blend.face_mask(seeded.face_labels(seed))
    found = mouth.with_margin(_BOX, height)
    yield "blend/mask", blend.alpha(mask, found)
    yield "blend/crop_box", np.array(blend.square_around(found))
    live = blend.seat(mask, found, width, height)
    yield "blend/face_resized", cv2.resize(faces[0], live.size, interpolation=cv2.INTER_LINEAR)
    yield "blend/frame_realtime", blend.put(faces[0], frame.copy(), live)
    clip = blend.seat(mask, found, width, height, blend.CLIP_BLUR)
    yield "blend/frame_offline", blend.put(faces[0], frame.copy(), clip)
    edge = blend.seat(mask, _EDGE_BOX, width, height)
    yield "blend/edge_crop_box", np.array(blend.square_around(_EDGE_BOX))
    yield "blend/edge_frame", blend.put(faces[1], frame.copy(), edge)


def _parse(seed: int) -> Iterator[Found]:
    mean, deviation = (
        torch.tensor(three)[None, :, None, None]
        for three in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    image = (seeded.image01("fp/img", 512, 512, seed) - mean) / deviation
    yield "parse/logits", _net("faceparse", seed)(image)
