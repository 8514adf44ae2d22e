"""Asks the detector in its own environment: where are the faces, what is person, what backdrop.

A child process per question, killed after a minute; pictures go over as arrays in a private
temporary folder that is gone afterwards. Decides nothing; gates.py does.
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.portrait.library import detector
from avatar.prepare.errors import PrepareError

_SCRIPT: Final = Path(__file__).with_name("detect.py")
_PATIENCE_S: Final = 60.0

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the detector saw. Pixels of the picture it was shown.

    faces: (n, 4) boxes x0 y0 x1 y1. landmarks: (478, 3) or None; z smaller is nearer.
    person: (h, w) 0..1.
    """

    faces: Floats
    landmarks: Floats | None
    person: Floats


def available() -> bool:
    """Whether the detector's environment is there; says nothing about whether it works."""
    return detector().is_file()


def look(picture: Bytes) -> Seen:
    """picture: (h, w, 3) BGR. Raises PrepareError when the detector is missing or fails."""
    python = detector()
    if not python.is_file():
        raise PrepareError(
            "photos need the face detector, which is not installed: run ./scripts/setup "
            "(x86-64 only), or prepare the photo on another machine and copy the pack"
        )
    with tempfile.TemporaryDirectory(prefix="visavis-") as folder:
        given, answer = Path(folder) / "in.npy", Path(folder) / "out.npz"
        np.save(given, np.ascontiguousarray(picture[..., ::-1]))
        _run([str(python), "-I", str(_SCRIPT), str(given), str(answer)])
        with np.load(answer, allow_pickle=False) as found:
            return Seen(found["faces"], found.get("landmarks"), found["person"])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PrepareError(
            f"the face detector gave no answer within {_PATIENCE_S:.0f} s: try again"
        ) from error
    except OSError as error:
        raise PrepareError(
            f"the face detector cannot be started ({error.strerror}): run ./scripts/setup"
        ) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise PrepareError(
            f"the face detector failed ({said[-1][:120] if said else done.returncode}): "
            "run ./scripts/setup again"
        )
