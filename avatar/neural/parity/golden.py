"""A file of vectors, and what counts as the same.

A value may be off by atol times the standard deviation of the whole array plus rtol times its own
size, which is three times the noise of float32 and far below any mistake tried. Whole paths end in
sampling borders, so a share of their values may be off by more. Pictures: one grey level.
"""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.errors import ModelError

Found = tuple[str, "torch.Tensor | NDArray[np.generic]"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    rtol: float = 1e-4
    atol: float = 2e-4
    allow: float = 0.0
    """The share of values that may be off by more."""


_PATH: Final = Tolerance(1e-3, 1e-3, 1e-3)
_GEOMETRY: Final = Tolerance(1e-4, 1e-6)
_WARPED: Final = Tolerance(allow=2e-3)
_SPECIAL: Final[dict[str, Tolerance]] = {
    "path/out": _PATH,
    "path/frame_u8": Tolerance(allow=1e-3),
    "sadtalker:generator/out": Tolerance(1e-3, 1e-3, 5e-3),  # some shares lie at the least one
    **dict.fromkeys(
        (
            *("motion/R", "pose/R", "crop/M_o2c", "crop/M_c2o", "crop/landmark_M_o2c"),
            *("crop/pts_crop", "crop/driving_bbox", "ratio/eye", "ratio/lip"),
        ),
        _GEOMETRY,
    ),
}
_LEVEL: Final = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """error and limit: the largest error, and what it may be there; grey levels for pictures,
    else in standard deviations of the array."""

    name: str
    error: float
    limit: float
    passed: bool
    why: str = ""


def tolerance(suite: str, name: str) -> Tolerance:
    """What a vector of this name may be off by; OpenCV's warps differ between its versions."""
    for key in (f"{suite}:{name}", name):
        if key in _SPECIAL:
            return _SPECIAL[key]
    return _WARPED if name.startswith(("crop/", "paste/", "blend/")) else Tolerance()


class Golden:
    """One npz: arrays thinned by steps, with their full shape, mean and standard deviation."""

    def __init__(self, path: Path) -> None:
        """Raises ModelError for a file that is no npz, or cut short."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                self._stored = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelError(f"{path} cannot be read as vectors: {error}") from error
        self.names = [name for name in self._stored if "__" not in name]

    def whole(self, name: str) -> "torch.Tensor | None":
        """What is recorded under a name, if nothing of it was left out."""
        want = self._stored.get(name)
        if want is None or list(want.shape) != [*self._stored.get(f"{name}__shape", want.shape)]:
            return None
        return torch.from_numpy(want)

    def judge(self, suite: str, name: str, value: torch.Tensor | NDArray[np.generic]) -> Verdict:
        """Compare a whole array with what is stored of it."""
        label = f"{suite}:{name}"
        want = self._stored[name]
        got = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        if f"{name}__shape" not in self._stored:  # few numbers, kept whole
            same = got.shape == want.shape and bool((got == want).all())
            off = float(np.abs(got.astype(np.float64) - want).max()) if want.size else 0.0
            return Verdict(label, off, 0.0, same, "" if same else f"{got}, expected {want}")
        shape = tuple(int(n) for n in self._stored[f"{name}__shape"])
        if got.shape != shape:
            return Verdict(label, np.inf, 0.0, False, f"shape {got.shape}, expected {shape}")
        steps = tuple(slice(None, None, int(n)) for n in self._stored[f"{name}__steps"])
        mean, deviation = (float(v) for v in self._stored[f"{name}__mean_std"])
        return _judge(label, tolerance(suite, name), got, steps, want, mean, deviation)


def _judge(
    label: str,
    may: Tolerance,
    got: NDArray[np.generic],
    steps: tuple[slice, ...],
    want: NDArray[np.generic],
    mean: float,
    deviation: float,
) -> Verdict:
    wanted = want.astype(np.float64)
    whole = got.astype(np.float64)
    error = np.abs(whole[steps] - wanted)
    picture = want.dtype == np.uint8
    scale = max(1e-6, deviation, 1e-2 * float(np.abs(wanted).max()))
    limit = _LEVEL if picture else may.atol * scale + may.rtol * np.abs(wanted)
    share = float((error > limit).mean())
    unit = 1.0 if picture else scale
    worst = np.unravel_index(int((error / limit).argmax()), error.shape)
    allowed = float(np.broadcast_to(limit, error.shape)[worst]) / unit
    why = ""
    if not np.isfinite(whole).all():
        why = "not finite"
    elif share > may.allow:
        why = f"{share:.2%} of the values are off by more"
    elif abs(whole.mean() - mean) > 1e-3 * scale:
        why = f"mean {whole.mean():.6g}, expected {mean:.6g}"
    elif abs(whole.std() - deviation) > 1e-3 * scale:
        why = f"deviation {whole.std():.6g}, expected {deviation:.6g}"
    return Verdict(label, float(error[worst]) / unit, allowed, not why, why)
