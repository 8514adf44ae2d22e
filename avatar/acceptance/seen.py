"""Checks by landmarks that a detector finds in the finished pictures: what a viewer would see.

The detector also placed the landmarks of a photo pack, so a mistake of its own is invisible here:
look at the contact sheet once whenever the engine or a pack changes. Lengths are shares of the
distance between the outer corners of the eyes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.acceptance.film import Film, bgr, picture, stills
from avatar.acceptance.gates import Reached, correlation
from avatar.acceptance.landmarks import detect
from avatar.acceptance.rig import CLOSED, closures
from avatar.params import INDEX
from avatar.portrait.engine import Engine

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """Of n pictures, each (n,): lips, eyes and brows; nose beside the middle of the face (right is
    positive); iris in the eye, 0 at its left corner and 1 at its right."""

    gap: Floats
    width: Floats
    eyes: Floats
    brows: Floats
    nose: Floats
    iris: Floats


def measure(marks: Floats) -> Measured:
    """From (n, 478, 3) landmarks of the face mesh."""
    unit = _apart(marks, 33, 263)
    sides = (marks[:, 234, 0] + marks[:, 454, 0]) / 2
    return Measured(
        gap=_apart(marks, 13, 14) / unit,
        width=_apart(marks, 61, 291) / unit,
        eyes=(_apart(marks, 159, 145) + _apart(marks, 386, 374)) / 2 / unit,
        brows=(_apart(marks, 105, 159) + _apart(marks, 334, 386)) / 2 / unit,
        nose=(marks[:, 1, 0] - sides) / unit,
        iris=(_along(marks, 468, 33, 133) + _along(marks, 473, 362, 263)) / 2,
    )


def _apart(marks: Floats, a: int, b: int) -> Floats:
    return np.asarray(np.linalg.norm(marks[:, a, :2] - marks[:, b, :2], axis=1))


def _along(marks: Floats, point: int, left: int, right: int) -> Floats:
    axis = marks[:, right, :2] - marks[:, left, :2]
    on = ((marks[:, point, :2] - marks[:, left, :2]) * axis).sum(axis=1)
    return np.asarray(on / (axis * axis).sum(axis=1))


def of_film(shown: Film) -> list[Reached]:
    """The mouth through a spoken sentence with a moving head."""
    marks = detect((bgr(frame) for frame in shown.frames), film=True)
    found = measure(marks)
    seen = ~np.isnan(found.gap)
    if seen.sum() < 3:
        return [Reached("face found again", "detector", float(seen.mean()), low=1.0)]
    shut = closures(found.gap, shown.speech)
    return [
        Reached("face found again", "detector", float(seen.mean()), low=1.0),
        Reached("bilabials closed", "detector", float((shut < CLOSED).mean()), low=0.95),
        Reached("opening follows the rig", "detector",
                correlation(found.gap[seen], shown.gaps[seen]), low=0.93),
        Reached("width follows the rig", "detector",
                correlation(found.width[seen], shown.widths[seen]), low=0.9),
        Reached("shut eyes against open", "detector", _lids(shown, found.eyes), high=0.4),
    ]  # fmt: skip


def _lids(shown: Film, eyes: Floats) -> float:
    """The narrowest the eyes got while the lids were down, against their usual opening."""
    lid = np.array([params.weights[INDEX["eyeBlinkLeft"]] for params in shown.params])
    down, up = eyes[lid > 0.9], eyes[lid < 0.05]
    return float(np.nanmin(down) / np.nanmedian(up)) if len(down) else float("nan")


def of_stills(engine: Engine) -> list[Reached]:
    """Held faces: shapes that differ, lids, brows, gaze and turns in their order."""
    held = stills()
    found = measure(detect([picture(engine, params) for params in held.values()]))
    at = {name: i for i, name in enumerate(held)}

    def of(values: Floats, name: str) -> float:
        return float(values[at[name]])

    gap, width, brows = found.gap, found.width, found.brows
    left, right = (of(found.nose, n) - of(found.nose, "rest") for n in ("yaw -12", "yaw +12"))
    away, towards = (
        of(found.iris, n) - of(found.iris, "rest") for n in ("look left", "look right")
    )
    return [
        Reached("held faces found again", "detector", float(np.mean(~np.isnan(gap))), low=1.0),
        Reached("opening of aa", "detector", of(gap, "aa"), low=0.17),
        Reached("opening of PP", "detector", of(gap, "PP"), high=CLOSED),
        Reached("opening of FF", "detector", of(gap, "FF"), high=0.07),
        Reached("width of ou against rest", "detector", of(width, "ou") / of(width, "rest"),
                high=0.75),
        Reached("width of ih against rest", "detector", of(width, "ih") / of(width, "rest"),
                low=1.0),
        Reached("shut eyes against open, held", "detector",
                of(found.eyes, "blink") / of(found.eyes, "rest"), high=0.3),
        Reached("brows: rest above angry", "detector", of(brows, "rest") - of(brows, "angry"),
                low=0.01),
        Reached("brows: surprised above rest", "detector",
                of(brows, "surprised") - of(brows, "rest"), low=0.02),
        Reached("turn of the head, both ways", "detector", min(-left, right), low=0.08),
        Reached("gaze moves the iris, both ways", "detector", min(-away, towards), low=0.04),
        Reached("gaze: right against left", "detector", towards / -away, low=0.7, high=1.4),
    ]  # fmt: skip
