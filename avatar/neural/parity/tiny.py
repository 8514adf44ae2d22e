"""The same architectures with small widths: seconds, under 1 GB."""

from collections.abc import Iterator

from avatar.nets.catalogue import load
from avatar.neural import seeded
from avatar.neural.parity.golden import Found


def values(seed: int) -> Iterator[Found]:
    """Everything in tiny.npz."""
    nets = {
        name: load(f"tiny/{name}", seeded.state(f"tiny/{name}", seed))
        for name in ("appearance", "warping", "generator", "unet", "vae")
    }
    image = seeded.image01("lp/source", 256, 256, seed)
    volume = nets["appearance"](image)
    yield "appearance/out", volume
    source = seeded.keypoints("lp/kp_source", seed)
    driving = source + 0.15 * seeded.keypoints("lp/kp_delta", seed, 1.0)
    warped = nets["warping"](volume, driving=driving, source=source)
    yield "warping/deformation", warped.deformation
    yield "warping/occlusion_map", warped.occlusion_map
    yield "warping/out", warped.out
    yield "generator/out", nets["generator"](warped.out)
    latents = seeded.tensor("mt/latents", (2, 8, 32, 32), seed)
    yield "unet/out", nets["unet"](latents, seeded.tensor("mt/audio", (2, 50, 384), seed))
    mean, log_variance = nets["vae"].encode(image * 2 - 1)
    yield "vae/mean", mean
    yield "vae/logvar", log_variance
    yield (
        "vae/decoded",
        nets["vae"].decode(seeded.tensor("mt/decode_latents", (1, 4, 32, 32), seed)),
    )
