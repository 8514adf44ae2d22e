"""A video becomes a portrait with a loop, or is refused with a reason and leaves nothing behind."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import films
import numpy as np
import pytest
from numpy.typing import NDArray
from photos import CONSENT, needs_detector, picture

from avatar.cli import prepare as command
from avatar.cli.sheet import draw_bgr
from avatar.errors import PortraitError
from avatar.params import FaceParams
from avatar.portrait import loop
from avatar.portrait.engine import Engine
from avatar.portrait.pack import CANVAS, load
from avatar.prepare import Prepared, PrepareError, filmed, prepare
from avatar.prepare.film import Film

Bytes = NDArray[np.uint8]
COUNT = 40


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    folder = tmp_path_factory.mktemp("film")
    clip = films.save(folder / "clip.mp4", films.swaying(picture(), COUNT))
    yield prepare(
        clip, video=True, name="me", library=folder / "library", consent=CONSENT, preview=False
    )


def grey(count: int, *, height: int = 120, width: int = 160) -> list[Bytes]:
    """Each a little lighter than the one before."""
    return [np.full((height, width, 3), 20 + 2 * i, np.uint8) for i in range(count)]


@needs_detector
def test_a_video_becomes_a_portrait_and_its_loop(made: Prepared) -> None:
    assert load(made.pack).style == "photo"
    assert json.loads((made.pack / "pack.json").read_text())["consent"]["text"] == CONSENT.text
    found = loop.of(made.pack)
    assert found is not None
    assert len(found.pictures) == COUNT
    assert any("the mouth is open" in note for note in made.warnings)  # she smiles
    assert found.gaps.min() > 0.06
    assert [found.at(t) for t in (0, 1, COUNT - 1, COUNT, COUNT + 1, 2 * COUNT - 1, 2 * COUNT)] == [
        *(0, 1, COUNT - 1, COUNT - 1, COUNT - 2, 0, 0),
    ]


@needs_detector
def test_the_filmed_face_lies_on_the_portraits(made: Prepared) -> None:
    """So that a call may fall back to the CPU portrait without the face jumping."""
    found = loop.of(made.pack)
    assert found is not None
    pack = load(made.pack)
    drawn = draw_bgr(Engine(pack, size=(CANVAS, CANVAS)), FaceParams())
    x0, y0, x1, y1 = found.rect
    lids = pack.geometry["lids"].reshape(-1, 2)
    (left, top), (right, low) = lids.min(0).astype(int) - 60, lids.max(0).astype(int) + 60
    eyes = drawn[top:low, left:right].astype(float)

    def apart(data: bytes) -> float:
        shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None and shown.shape[:2] == (y1 - y0, x1 - x0)
        there = shown[top - y0 : low - y0, left - x0 : right - x0].astype(float)
        return float(np.abs(there - eyes).mean())

    off = [apart(data) for data in found.pictures]
    assert min(off) < 4 < max(off)  # the picture that became the portrait, and one that sways


@needs_detector
def test_boxes_follow_the_face_and_do_not_tremble(made: Prepared) -> None:
    found = loop.of(made.pack)
    assert found is not None
    middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    assert np.ptp(middles[:, 0]) > 8  # she sways
    assert np.abs(np.diff(middles, 2, axis=0)).max() < 1.5  # canvas pixels, from picture to picture
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    assert (np.ptp(sides, axis=0) / sides.mean(axis=0)).max() < 0.12
    lower, upper = found.masks[:, 64:], found.masks[:, :56]
    assert lower.max() == 255 and upper.max() < 64


@needs_detector
def test_command_takes_a_folder_of_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for i, frame in enumerate(films.swaying(picture(), 25)):
        cv2.imwrite(str(frames / f"{i:03}.png"), frame)
    given = ["--video", str(frames), "--name", "me", "--library", str(tmp_path), "--no-preview"]
    assert command.main(given) == 0
    assert "me: " in capsys.readouterr().out
    assert loop.of(tmp_path / "me") is not None


@needs_detector
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: [f[300:, :].copy() for f in p], "no face was found in the video"),
        (lambda p: [*p[:13], *(np.zeros_like(f) for f in p[13:])], r"lost from 0\.5 s to 1\.0 s"),
        (lambda p: [*p[:13], *(np.roll(f, 160, axis=1) for f in p[13:])], r"a cut at 0\.\d s"),
    ],
)
def test_a_film_that_cannot_be_followed_is_refused_and_leaves_nothing(
    tmp_path: Path, change: object, reason: str
) -> None:
    pictures = change(films.swaying(picture(), 26))  # type: ignore[operator]  # a lambda of the above
    clip = films.save(tmp_path / "clip.mp4", pictures)
    with pytest.raises(PrepareError, match=reason):
        prepare(clip, video=True, name="me", library=tmp_path / "library")
    assert not (tmp_path / "library").exists() or not list((tmp_path / "library").iterdir())


def test_a_film_of_another_rate_has_25_pictures_a_second(tmp_path: Path) -> None:
    slow = films.save(tmp_path / "slow.mp4", grey(30), rate=10)
    shown = [round(float(p.mean())) for p in Film(slow).pictures()]
    assert len(shown) == pytest.approx(75, abs=3)
    assert shown == sorted(shown) and shown[-1] > 70
    quick = films.save(tmp_path / "quick.mp4", grey(100), rate=50)
    assert len(list(Film(quick).pictures())) == pytest.approx(50, abs=2)


def test_a_long_film_is_used_up_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar.prepare.film.MOST", 30)
    film = Film(films.save(tmp_path / "long.mp4", grey(60)))
    assert len(list(film.pictures())) == 30
    assert film.longer


def test_what_is_no_film_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PrepareError, match="there is no video"):
        Film(tmp_path / "absent.mp4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PrepareError, match="there are no pictures in"):
        Film(tmp_path / "empty")
    text = tmp_path / "text.mp4"
    text.write_text("not a film")
    with pytest.raises(PrepareError, match=r"text\.mp4 is not a video that can be read"):
        list(Film(text).pictures())
    short = films.save(tmp_path / "short.mp4", grey(5))
    with pytest.raises(PrepareError, match=r"only 0\.2 s long"):
        list(Film(short).pictures())
    monkeypatch.setattr("avatar.prepare.film.MAX_SIDE", 100)
    with pytest.raises(PrepareError, match="160x120: 100 a side is the limit"):
        list(Film(short).pictures())


def test_pictures_of_one_folder_are_of_one_size(tmp_path: Path) -> None:
    for i, width in enumerate((160, 160, 200)):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.zeros((120, width, 3), np.uint8))
    with pytest.raises(PrepareError, match="of different sizes"):
        list(Film(tmp_path).pictures())


def test_smoothing_leaves_what_moves_evenly_and_calms_what_trembles() -> None:
    even = np.linspace(0, 50, 60, dtype=np.float32)[:, None]
    assert np.abs(filmed.smooth(even) - even)[12:-12].max() < 1e-3
    trembling = even + np.resize(np.array([[2], [-2]], np.float32), even.shape)
    assert np.abs(filmed.smooth(trembling) - even)[12:-12].max() < 0.05


def test_a_moment_without_a_face_is_filled_evenly() -> None:
    landmarks = np.arange(30, dtype=np.float32)[:, None, None] * np.ones((1, 478, 3), np.float32)
    broken = landmarks.copy()
    broken[7:15] = np.nan
    assert np.allclose(filmed._filled(broken), landmarks)


def test_a_face_that_reaches_beyond_the_video_is_told(tmp_path: Path) -> None:
    film = Film(films.save(tmp_path / "clip.mp4", grey(30)))
    landmarks = np.full((30, 478, 3), 60, np.float32)
    gaps = np.zeros(30, np.float32)
    assert filmed.notes(film, filmed.Followed(landmarks, gaps)) == []
    landmarks[5:15, 152, 1] = 121  # the chin; the video is 120 high
    (note,) = filmed.notes(film, filmed.Followed(landmarks, gaps))
    assert "beyond the edge of the video for 0.4 s" in note


def test_a_film_that_fills_the_wide_canvas_is_kept_to_its_last_column() -> None:
    assert filmed._rect(np.full((CANVAS, 1820), 255, np.uint8)) == (-398, 0, 1426, CANVAS)


@needs_detector
@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("loop_0003.jpg", lambda data: data[:-9], "differs from its sha256"),
        ("loop.json", lambda data: data.replace(b'"format": 1', b'"format": 9'), "reads 1"),
        ("loop.json", lambda data: data.replace(b'"pictures": 40', b'"pictures": 9999'), "not in"),
    ],
)
def test_a_broken_loop_is_refused(
    made: Prepared, tmp_path: Path, file: str, change: object, reason: str
) -> None:
    for part in made.pack.iterdir():
        (tmp_path / part.name).write_bytes(part.read_bytes())
    data = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(change(data))  # type: ignore[operator]  # a lambda of the above
    with pytest.raises(PortraitError, match=reason):
        loop.of(tmp_path)
