"""LivePortrait at its full size: 130 M parameters, under 4 GB."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from avatar.nets.catalogue import load
from avatar.neural import crop, keypoints, seeded
from avatar.neural.parity.golden import Found


def values(seed: int) -> Iterator[Found]:
    """Everything in liveportrait.npz."""
    yield from _geometry(seed)
    appearance = _net("appearance_feature_extractor", seed)
    motion = _net("motion_extractor", seed)
    yield from _heads(appearance, motion, seed)
    kept = _path_points(motion, seed)
    volume = appearance(_source(seed))
    del appearance, motion
    stitching = _net("stitching_retargeting/retarget_shoulder", seed)
    yield from _small(stitching, seed)
    source, driving = kept
    yield "path/x_s", source
    yield "path/x_d_before_stitching", driving
    driving = keypoints.stitch(stitching, source, driving)
    yield "path/x_d", driving
    yield from _pictures(volume, source, driving, seed)


def _net(name: str, seed: int) -> nn.Module:
    network = f"liveportrait/{name}"
    return load(network, seeded.state(network, seed))


def _source(seed: int) -> Tensor:
    return _image01(seeded.image_u8("lp/src", 256, 256, seed))


def _image01(picture: np.ndarray) -> Tensor:
    chw = picture.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    return torch.from_numpy(np.ascontiguousarray(chw))


def _heads(appearance: nn.Module, motion: nn.Module, seed: int) -> Iterator[Found]:
    image = seeded.image01("lp/source", 256, 256, seed)
    yield "appearance/out", appearance(image)
    heads = motion(image)
    for name, value in heads.items():
        yield f"motion/raw_{name}", value
    pose = keypoints.read(heads)
    yield "motion/pitch", pose.pitch
    yield "motion/yaw", pose.yaw
    yield "motion/roll", pose.roll
    yield "motion/kp", pose.kp
    yield "motion/exp", pose.exp
    yield "motion/R", pose.rotation
    yield "motion/x_s", pose.points()


def _path_points(motion: nn.Module, seed: int) -> tuple[Tensor, Tensor]:
    """Where the source's points are, and where the driving ones are before stitching."""
    first = seeded.image_u8("lp/drv0", 256, 256, seed)
    other = seeded.image_u8("lp/drv1", 256, 256, seed)
    second = np.clip(first // 2 + other // 2, 0, 255)
    source, start, now = (
        keypoints.read(motion(image))
        for image in (_source(seed), _image01(first), _image01(second))
    )
    return source.points(), keypoints.relative(source, now, start)


def _points(seed: int) -> tuple[Tensor, Tensor]:
    source = seeded.keypoints("lp/kp_source", seed)
    return source, source + 0.15 * seeded.keypoints("lp/kp_delta", seed, 1.0)


def _small(stitching: nn.Module, seed: int) -> Iterator[Found]:
    source, driving = _points(seed)
    delta = keypoints.stitching(stitching, source, driving)
    yield "stitching/delta", delta
    yield "stitching/kp_driving", keypoints.stitched(driving, delta)
    for part, name, count in (("retarget_mouth", "lip", 2), ("retarget_eye", "eye", 3)):
        net = _net(f"stitching_retargeting/{part}", seed)
        ratios = torch.from_numpy(seeded.uniform01(f"lp/{name}_ratio", (1, count), seed))
        yield f"{name}/delta", keypoints.retarget(net, source, ratios)


def _pictures(volume: Tensor, source: Tensor, driving: Tensor, seed: int) -> Iterator[Found]:
    warping = _net("warping_module", seed)
    moved, still = _points(seed)[::-1]
    given = seeded.tensor("lp/feature_3d", (1, 32, 16, 64, 64), seed)
    warped = warping(given, driving=moved, source=still)
    yield "warping/occlusion_map", warped.occlusion_map
    yield "warping/deformation", warped.deformation
    yield "warping/out", warped.out
    yield "warping/mask", warped.mask
    features = warping(volume, driving=driving, source=source).out
    del warping, warped
    generator = _net("spade_generator", seed)
    yield "generator/out", generator(seeded.tensor("lp/generator_in", (1, 256, 64, 64), seed))
    out = generator(features)
    yield "path/out", out
    yield "path/frame_u8", crop.to_picture(out)[0]


def _geometry(seed: int) -> Iterator[Found]:
    angles = ((10.0, -25.0), (20.0, 5.0), (-7.0, 33.0))
    yield "pose/R", keypoints.rotation(*(torch.tensor(pair) for pair in angles))
    picture = seeded.image_u8("lp/full", 480, 640, seed)
    points = seeded.face_points(seed)
    pair = crop.anchors(points)
    found = crop.square(points, pair, scale=crop.SOURCE_SCALE, up=crop.SOURCE_UP)
    there = crop.to_crop(found)
    back = crop.inverse(there)
    yield "crop/M_o2c", there
    yield "crop/M_c2o", back
    yield "crop/pts_crop", crop.moved(points, there)
    cut = crop.cut(picture, there)
    yield "crop/img_crop", cut
    yield "crop/img_256_area", crop.shrunk(cut)
    yield "crop/landmark_M_o2c", crop.to_crop(crop.square(points, pair, scale=1.5, up=-0.1), 224)
    yield "crop/driving_bbox", crop.corners(crop.square(points, pair, scale=2.2, up=-0.1))
    paste = crop.Paste(picture, back, seeded.border_mask())
    yield "paste/mask", paste.mask
    yield "paste/frame", paste(seeded.image_u8("lp/face512", 512, 512, seed))
    eyes, lips = crop.openness(points)
    yield "ratio/eye", eyes
    yield "ratio/lip", lips
