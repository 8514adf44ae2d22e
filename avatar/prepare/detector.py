"""Asks the detector in its own environment: where are the faces, what is person, what backdrop.

A child process per question, killed after a minute (a film's after ten); pictures go over as arrays
in a private temporary folder that is gone afterwards, those of a film through a pipe. Decides
nothing; gates.py does.
"""

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.portrait.library import detector
from avatar.prepare.errors import PrepareError

_SCRIPT: Final = Path(__file__).with_name("detect.py")
_PATIENCE_S: Final = 60.0
_FILM_PATIENCE_S: Final = 600.0

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
    python = _python()
    with tempfile.TemporaryDirectory(prefix="visavis-") as folder:
        given, answer = Path(folder) / "in.npy", Path(folder) / "out.npz"
        np.save(given, np.ascontiguousarray(picture[..., ::-1]))
        _run([str(python), "-I", str(_SCRIPT), str(given), str(answer)])
        with np.load(answer, allow_pickle=False) as found:
            return Seen(found["faces"], found.get("landmarks"), found["person"])


def follow(pictures: Iterator[Bytes]) -> Floats:
    """The landmarks of one face in every picture (h, w, 3) BGR of a film: (n, 478, 3), pixels, not
    a number where it is not seen. Raises PrepareError, and what `pictures` raises."""
    python = _python()
    first = next(pictures)
    height, width = first.shape[:2]
    with tempfile.TemporaryDirectory(prefix="visavis-") as folder:
        answer, said = Path(folder) / "out.npy", Path(folder) / "said"
        command = [str(python), "-I", str(_SCRIPT), str(height), str(width), str(answer)]
        try:
            with said.open("wb") as errors:
                child = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors
                )
        except OSError as error:
            raise _unstartable(error) from error
        status = _fed(child, chain((first,), pictures))
        _check(status, said.read_bytes())
        return np.asarray(np.load(answer, allow_pickle=False), np.float32)


def _fed(child: "subprocess.Popen[bytes]", pictures: Iterator[Bytes]) -> int:
    """The exit status of a child that was given all pictures; it is over in every case."""
    assert child.stdin is not None
    late = threading.Timer(_FILM_PATIENCE_S, child.kill)
    late.start()
    try:
        with contextlib.suppress(BrokenPipeError):  # it ended early: what it said tells why
            with child.stdin as pipe:
                for picture in pictures:
                    pipe.write(np.ascontiguousarray(picture[..., ::-1]).data)
            return child.wait()
        return child.wait() or 1
    finally:
        late.cancel()
        child.kill()
        child.wait()


def _python() -> Path:
    python = detector()
    if not python.is_file():
        raise PrepareError(
            "photos need the face detector, which is not installed: run ./scripts/setup "
            "(x86-64 only), or prepare the photo on another machine and copy the pack"
        )
    return python


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
        raise _unstartable(error) from error
    _check(done.returncode, done.stderr)


def _unstartable(error: OSError) -> PrepareError:
    return PrepareError(
        f"the face detector cannot be started ({error.strerror}): run ./scripts/setup"
    )


def _check(status: int, stderr: bytes) -> None:
    if status:
        said = stderr.decode(errors="replace").strip().splitlines()
        raise PrepareError(
            f"the face detector failed ({said[-1][:120] if said else status}): "
            "run ./scripts/setup again"
        )
