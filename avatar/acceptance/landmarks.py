"""Asks the face detector where landmarks are in many pictures: one child process for all of them.

The detector is the one that prepares photos (scripts/setup makes its environment). Pictures go over
a pipe and are never written to disk. A detector that hangs is killed.
"""

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.errors import AvatarError
from avatar.portrait.library import detector

_SCRIPT: Final = Path(__file__).with_name("redetect.py")
_PATIENCE_S: Final = 120.0
_SAID: Final = 200

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]


class DetectorFailed(AvatarError):
    """No landmarks could be found out; the message says what to do."""


def available() -> bool:
    """Whether the detector's environment is there."""
    return detector().is_file()


def detect(pictures: Iterable[Bytes], *, film: bool = False) -> Floats:
    """(n, 478, 3) landmarks in pixels, NaN where no face was found.

    pictures: (h, w, 3) BGR, all of one size. film: they follow each other in time.
    Raises DetectorFailed when the detector is missing or fails.
    """
    if not available():
        raise DetectorFailed("there is no face detector here: run ./scripts/setup (x86-64 only)")
    with tempfile.TemporaryDirectory(prefix="visavis-") as folder:
        answer, said = Path(folder) / "out.npy", Path(folder) / "said.txt"
        with said.open("wb") as log:
            status = _run(pictures, answer, log.fileno(), film=film)
        if status or not answer.is_file():
            lines = said.read_text("utf-8", "replace").strip().splitlines()
            raise DetectorFailed(
                f"the face detector failed ({lines[-1][:_SAID] if lines else status}): "
                "run ./scripts/setup again"
            )
        return np.asarray(np.load(answer, allow_pickle=False), np.float64)


def _run(pictures: Iterable[Bytes], answer: Path, log: int, *, film: bool) -> int:
    child: subprocess.Popen[bytes] | None = None
    for picture in pictures:
        if child is None:
            height, width = picture.shape[:2]
            command = [str(detector()), "-I", str(_SCRIPT), str(width), str(height), str(answer)]
            command += ["--film"] if film else []
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log
            )
            patience = threading.Timer(_PATIENCE_S, child.kill)
            patience.start()
        assert child.stdin is not None
        try:
            child.stdin.write(np.ascontiguousarray(picture[..., ::-1]).data)
        except BrokenPipeError:
            break
    if child is None:
        return 1
    with child:
        if child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
        status = child.wait()
    patience.cancel()
    return status
