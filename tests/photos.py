"""The photo that tests prepare: the astronaut of scikit-image (NASA, public domain), never shipped
as a portrait. scripts/setup --test puts it into .setup/; without it these tests are skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.prepare import Consent, Prepared, prepare
from avatar.prepare.detector import available
from avatar.prepare.studio import Found, find

Bytes = NDArray[np.uint8]

PHOTO = Path(__file__).resolve().parent.parent / ".setup" / "astronaut.png"
CONSENT = Consent("a test, with a photo in the public domain", "2026-11-20")

needs_detector = pytest.mark.skipif(
    not (available() and PHOTO.is_file()),
    reason="no face detector or no test photo: run ./scripts/setup --test",
)


@dataclass(frozen=True)
class Astronaut:
    """A prepared photo. found: what was measured on it. steps: what was told on the way."""

    made: Prepared
    found: Found
    steps: tuple[str, ...]


def picture() -> Bytes:
    """(512, 512, 3) BGR."""
    image = cv2.imread(str(PHOTO))
    assert image is not None
    return image.astype(np.uint8, copy=False)


@pytest.fixture(scope="session")
def astronaut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Astronaut]:
    """The photo prepared once, with sheet and preview, in a library of its own."""
    if not (available() and PHOTO.is_file()):
        pytest.skip("no face detector or no test photo: run ./scripts/setup --test")
    steps: list[str] = []
    made = prepare(
        PHOTO,
        name="astronaut",
        library=tmp_path_factory.mktemp("library"),
        consent=CONSENT,
        on_step=lambda step, _share: steps.append(step),
    )
    yield Astronaut(made, find(picture(), lambda _step, _share: None), tuple(steps))


@pytest.fixture(scope="session")
def astronaut_pack(astronaut: Astronaut) -> Path:
    """The folder of its pack."""
    return astronaut.made.pack
