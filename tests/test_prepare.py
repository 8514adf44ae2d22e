"""A photo becomes a talking avatar, or is refused with a reason and leaves nothing behind."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from photos import CONSENT, PHOTO, Astronaut, needs_detector, picture

from avatar.cli import prepare as command
from avatar.cli.sheet import draw_bgr
from avatar.params import FaceParams, weights
from avatar.portrait.engine import Engine
from avatar.portrait.pack import load, names
from avatar.prepare import PrepareError, prepare
from avatar.prepare.framing import roll_of
from avatar.prepare.mouth import gap_of
from avatar.prepare.studio import find
from avatar.visemes import SHAPES, VISEMES

Bytes = NDArray[np.uint8]


def told_nothing(_step: str, _share: float) -> None:
    """For tests that do not look at the progress."""


def drawn(pack: Path, params: FaceParams) -> Bytes:
    return draw_bgr(Engine(load(pack), size=(512, 512)), params)


def saved(folder: Path, image: Bytes) -> Path:
    path = folder / "photo.png"
    cv2.imwrite(str(path), image)
    return path


def test_a_photo_becomes_a_portrait_with_sheet_preview_and_consent(astronaut: Astronaut) -> None:
    pack = load(astronaut.made.pack)
    assert (pack.name, pack.style) == ("astronaut", "photo")
    raw = json.loads((astronaut.made.pack / "pack.json").read_text())
    assert raw["consent"] == {"text": CONSENT.text, "date": CONSENT.date}
    sheet = cv2.imread(str(astronaut.made.sheet))
    assert sheet is not None and min(sheet.shape[:2]) > 500
    assert astronaut.made.preview is not None
    clip = cv2.VideoCapture(str(astronaut.made.preview))
    assert clip.get(cv2.CAP_PROP_FRAME_COUNT) == 125
    assert astronaut.steps[0] == "reading the photo" and astronaut.steps[-1] == "done"
    assert any("smile" in warning for warning in astronaut.made.warnings)


def test_at_rest_the_portrait_is_the_photo_but_for_its_smile(astronaut: Astronaut) -> None:
    rest = drawn(astronaut.made.pack, FaceParams())
    photo = cv2.resize(astronaut.found.framed.image, (512, 512), interpolation=cv2.INTER_AREA)
    nose = int(astronaut.found.landmarks[4, 1] / 2)
    apart = cv2.absdiff(rest[:nose], photo[:nose]).astype(float)
    assert apart.mean() < 2.5
    assert np.percentile(apart, 99.5) < 16


def test_a_smile_that_shows_teeth_is_closed_and_its_teeth_are_kept(astronaut: Astronaut) -> None:
    assert gap_of(astronaut.found.landmarks) > 0.10
    pack = load(astronaut.made.pack)
    engine = Engine(pack, size=(512, 512))
    assert engine.lips(FaceParams()).gap == 0
    x, y = int(pack.mouth["x"] / 2), int(pack.mouth["y"] / 2)
    around = slice(y - 2, y + 12), slice(x - 18, x + 19)
    white = [
        _white(draw_bgr(engine, params)[around])
        for params in (FaceParams(), FaceParams(SHAPES[VISEMES.index("E")]))
    ]
    assert white[0] < 5 and white[1] > 15


def _white(image: Bytes) -> int:
    """How many pixels are bright and without the colour of skin."""
    return int(((image.min(2) > 130) & (np.ptp(image, axis=2) < 30)).sum())


def test_lids_close_over_the_iris_and_the_backdrop_stays(astronaut: Astronaut) -> None:
    pack = astronaut.made.pack
    open_, shut = drawn(pack, FaceParams()), drawn(pack, FaceParams(weights(eyeBlink=1)))
    for iris in (468, 473):
        x, y = (astronaut.found.landmarks[iris, :2] / 2).astype(int)
        spot = slice(y - 2, y + 3), slice(x - 2, x + 3)
        assert shut[spot].mean() > open_[spot].mean() + 40
    turned = drawn(pack, FaceParams(yaw=12, pitch=6, breath=1))
    assert np.array_equal(turned[:20], open_[:20])
    assert np.array_equal(turned[:300, :20], open_[:300, :20])


@needs_detector
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda p: p[:, ::-1].copy(), id="mirrored"),
        pytest.param(lambda p: _turned(p, 12), id="turned left"),
        pytest.param(lambda p: _turned(p, -12), id="turned right"),
        pytest.param(lambda p: (p * 0.4).astype(np.uint8), id="rather dark"),
        pytest.param(lambda p: _grey(p), id="grey"),
        pytest.param(
            lambda p: cv2.copyMakeBorder(p, 0, 0, 500, 500, cv2.BORDER_REPLICATE), id="wide"
        ),
        pytest.param(lambda p: p[40:210, 140:310].copy(), id="close"),
    ],
)
def test_an_unusual_photo_is_put_upright_on_the_canvas(change: Callable[[Bytes], Bytes]) -> None:
    found = find(change(picture()), told_nothing)
    assert abs(roll_of(found.landmarks)) < 1.5
    assert abs(found.landmarks[[33, 263], 0].mean() - 512) < 40
    assert 350 < np.ptp(found.landmarks[[10, 152], 1]) < 600


def _turned(photo: Bytes, degrees: float) -> Bytes:
    centre = (225.0, 120.0)
    move = cv2.getRotationMatrix2D(centre, degrees, 1)
    turned = cv2.warpAffine(photo, move, (512, 512), borderMode=cv2.BORDER_REFLECT)
    return turned.astype(np.uint8, copy=False)


def _grey(photo: Bytes) -> Bytes:
    grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return grey.astype(np.uint8, copy=False)


@needs_detector
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: (p * 0.12).astype(np.uint8), "too dark"),
        (lambda p: cv2.GaussianBlur(p, (0, 0), 4), "blurred"),
        (lambda p: cv2.resize(p, (256, 256), interpolation=cv2.INTER_AREA), "pixels high"),
        (lambda p: np.hstack([p, p[:, ::-1]]), "several faces"),
        (lambda p: p[300:], "no face"),
        (lambda p: p[:, 225:].copy(), "cut off|turned|cannot be read|no face"),
    ],
)
def test_a_bad_photo_is_refused_and_leaves_nothing(
    tmp_path: Path, change: Callable[[Bytes], Bytes], reason: str
) -> None:
    library = tmp_path / "library"
    with pytest.raises(PrepareError, match=reason):
        prepare(saved(tmp_path, change(picture())), name="me", library=library)
    assert not library.exists() or not list(library.iterdir())


def test_hidden_eyes_and_a_covered_mouth_are_refused(astronaut: Astronaut) -> None:
    pack = astronaut.made.pack
    with pytest.raises(PrepareError, match="eyes are closed"):
        find(drawn(pack, FaceParams(weights(eyeBlink=1))), told_nothing)
    covered, shaded = drawn(pack, FaceParams()), drawn(pack, FaceParams())
    for x, y in (astronaut.found.landmarks[[468, 473], :2] / 2).astype(int):
        cv2.ellipse(shaded, (int(x), int(y)), (36, 26), 0, 0, 360, (20, 20, 25), -1)
    with pytest.raises(PrepareError, match="eyes"):
        find(shaded, told_nothing)
    x, y = (astronaut.found.landmarks[13, :2] / 2).astype(int)
    cv2.ellipse(covered, (int(x), int(y)), (80, 42), 0, 0, 360, (120, 150, 190), -1)
    with pytest.raises(PrepareError, match="mouth is covered"):
        find(covered, told_nothing)


@pytest.mark.parametrize("name", ["imani", "anselm", "jun"])
@needs_detector
def test_a_drawn_face_is_a_face_too(name: str) -> None:
    data = np.frombuffer(load(name).poster, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert image is not None
    assert not find(image.astype(np.uint8), told_nothing).warnings


def test_a_name_is_not_taken_twice_unless_it_is_wanted(
    astronaut: Astronaut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    shutil.copytree(astronaut.made.pack, library / "me")
    (library / "me" / "mine").touch()
    (library / ".other-x1").mkdir()  # of a run that was killed long ago
    os.utime(library / ".other-x1", (0, 0))
    with pytest.raises(PrepareError, match="already"):
        prepare(PHOTO, name="me", library=library)
    assert (library / "me" / "mine").exists()
    # without PyAV there is no clip, which must not lose the portrait
    monkeypatch.setitem(sys.modules, "av", None)
    made = prepare(PHOTO, name="me", library=library, replace=True)
    assert not (made.pack / "mine").exists()
    assert made.preview is None and any("PyAV" in warning for warning in made.warnings)
    assert [path.name for path in library.iterdir()] == ["me"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("imani", "shipped"),
        ("Me", "a-z"),
        ("../me", "a-z"),
        ("me_2", "a-z"),
        ("", "a-z"),
        ("x" * 41, "a-z"),
    ],
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_done(
    tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(PrepareError, match=reason):
        prepare(tmp_path / "none.jpg", name=name, library=tmp_path / "library")


def test_own_portraits_are_found_by_name_and_never_hide_shipped_ones(
    astronaut: Astronaut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_PORTRAITS", str(tmp_path))
    for name in ("me", "imani", "Not_A_Name"):
        shutil.copytree(astronaut.made.pack, tmp_path / name)
    assert names() == ("anselm", "imani", "jun", "me")
    assert load("me").style == "photo"
    assert load("imani").style == "drawn"


def test_a_missing_detector_is_said_with_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_PREPARE_PYTHON", str(tmp_path / "none"))
    with pytest.raises(PrepareError, match=r"run \./scripts/setup"):
        find(np.zeros((200, 200, 3), np.uint8), told_nothing)


def test_a_detector_that_fails_is_said_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_PREPARE_PYTHON", sys.executable)
    with pytest.raises(PrepareError, match="No module named 'mediapipe'"):
        find(np.zeros((200, 200, 3), np.uint8), told_nothing)


@needs_detector
def test_the_command_tells_its_steps_and_its_result_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(PHOTO), "--name", "me", "--library", str(tmp_path), "--no-preview", "--json"]
    assert command.main([*arguments, "--consent", "this is me, or I may use it"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["share"] for line in lines[:-1]] == sorted(line["share"] for line in lines[:-1])
    assert lines[-1]["pack"] == str(tmp_path / "me") and lines[-1]["preview"] is None
    assert "this is me" in (tmp_path / "me" / "pack.json").read_text()
    assert command.main(arguments) == 2
    assert "already" in json.loads(capsys.readouterr().out)["error"]
