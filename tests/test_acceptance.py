"""The portraits that ship are good enough to be shown, and the checks that say so see mistakes."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import photos
import pytest

from avatar.acceptance import landmarks, pixels, rig, seen
from avatar.acceptance.film import FPS, SIZE, Film, film, picture, ramp, spoken, stills
from avatar.acceptance.gates import Reached, report, table
from avatar.acceptance.speech import SENTENCES, speak
from avatar.cli import accept
from avatar.frames import Mood
from avatar.params import FaceParams
from avatar.portrait.engine import Engine
from avatar.portrait.pack import load, names
from avatar.prepare import prepare

needs_detector = pytest.mark.skipif(
    not landmarks.available(), reason="no face detector here: ./scripts/setup makes one"
)


@dataclass(frozen=True)
class Shown:
    name: str
    engine: Engine
    film: Film


@pytest.fixture(scope="module", params=[*names(), "astronaut"])
def shown(request: pytest.FixtureRequest) -> Shown:
    """A shipped portrait, or the one made from the test photo, having spoken."""
    name: str = request.param
    if name == "imani":
        imani: Shown = request.getfixturevalue("imani")
        return imani
    pack = request.getfixturevalue("astronaut_pack") if name == "astronaut" else name
    engine = Engine(load(pack), size=(SIZE, SIZE))
    return Shown(name, engine, film(engine))


def failed(reached: list[Reached]) -> str:
    """The table of what did not keep its limits: empty when all is well."""
    return table([one for one in reached if not one.passed])


def test_the_geometry_closes_opens_and_rests(shown: Shown) -> None:
    assert not failed([*rig.of_film(shown.film), *rig.of_shapes(shown.engine)])


def test_no_mood_parts_the_lips_of_any_bilabial(shown: Shown) -> None:
    reached = rig.of_moods(shown.engine)
    assert len(reached) == len(Mood)
    assert not failed(reached)


def test_bilabials_close_in_every_language_at_25_frames_a_second(shown: Shown) -> None:
    assert not failed(rig.of_languages(shown.engine))


def test_the_pixels_of_a_sentence_follow_it_over_a_still_backdrop(shown: Shown) -> None:
    assert not failed(pixels.of_film(shown.engine, shown.film))


def test_held_faces_keep_their_likeness_and_move_on_their_own_side(shown: Shown) -> None:
    assert not failed(pixels.of_stills(shown.engine))


def test_nothing_pops_on_its_way(shown: Shown) -> None:
    assert not failed(pixels.of_ramps(shown.engine))


def test_a_replay_by_another_engine_draws_the_same_bytes(shown: Shown) -> None:
    again = Engine(shown.engine.pack, size=(SIZE, SIZE))
    assert not failed(pixels.of_replay(shown.film, again))


@needs_detector
def test_a_detector_sees_what_was_meant(shown: Shown) -> None:
    assert not failed([*seen.of_film(shown.film), *seen.of_stills(shown.engine)])


@needs_detector
def test_a_mirrored_picture_is_seen_mirrored(shown: Shown) -> None:
    held = stills()
    faces = [picture(shown.engine, held[name]) for name in ("yaw +12", "look right", "rest")]
    marks = landmarks.detect([*faces, *(face[:, ::-1] for face in faces)])
    found, mirrored = seen.measure(marks[:3]), seen.measure(marks[3:])
    assert mirrored.nose[0] < 0 < found.nose[0]
    assert (mirrored.iris[1] - mirrored.iris[2]) * (found.iris[1] - found.iris[2]) < 0


@photos.needs_detector
def test_a_mirrored_photo_speaks_as_well(astronaut_pack: Path, tmp_path: Path) -> None:
    photo = tmp_path / "mirrored.png"
    cv2.imwrite(str(photo), photos.picture()[:, ::-1])
    made = prepare(photo, name="mirrored", library=tmp_path, preview=False)
    one, other = (Engine(load(folder), size=(SIZE, SIZE)) for folder in (astronaut_pack, made.pack))
    assert not failed([*rig.of_shapes(other), *pixels.of_stills(other)])
    for there, here in zip(rig.of_shapes(one), rig.of_shapes(other), strict=True):
        assert here.value == pytest.approx(there.value, rel=0.2, abs=0.01), here.check


def test_bilabials_close_at_30_frames_a_second_too(imani: Shown) -> None:
    assert not failed(rig.of_languages(imani.engine, fps=30))


@pytest.fixture(scope="module")
def imani() -> Shown:
    engine = Engine(load("imani"), size=(SIZE, SIZE))
    return Shown("imani", engine, film(engine))


def test_a_mouth_that_stays_open_is_found(imani: Shown) -> None:
    gaps, mouths = imani.film.gaps, imani.film.mouths
    stuck = replace(
        imani.film,
        gaps=np.maximum(gaps, 0.03),
        mouths=np.repeat(mouths[gaps.argmax()][None], len(gaps), 0),
    )
    by_rig = {one.check: one for one in rig.of_film(stuck)}
    assert not by_rig["bilabials closed"].passed
    assert not by_rig["gap in silence"].passed
    by_pixels = {one.check: one for one in pixels.of_film(imani.engine, stuck)}
    assert not by_pixels["bilabials closed"].passed
    assert not by_pixels["opening follows the rig"].passed


def test_one_changed_pixel_of_the_backdrop_is_found(imani: Shown) -> None:
    frames = imani.film.frames.copy()
    frames[9, 5] += 1
    reached = pixels.of_film(imani.engine, replace(imani.film, frames=frames))
    assert [one.check for one in reached if not one.passed] == ["backdrop: largest change"]


def test_a_frame_drawn_otherwise_is_found(imani: Shown) -> None:
    frames = imani.film.frames.copy()
    frames[-1, 0] ^= 1
    again = Engine(imani.engine.pack, size=(SIZE, SIZE))
    assert failed(pixels.of_replay(replace(imani.film, frames=frames), again))


def test_a_jump_in_a_movement_is_found(imani: Shown) -> None:
    def jerk(x: float) -> FaceParams:
        return FaceParams(yaw=12 * x + (2 if x > 0.5 else 0))

    steps = ramp(imani.engine, jerk, 20)
    assert steps.max() / np.median(steps) > 2


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_the_same_every_time_and_has_lips_to_close(language: str) -> None:
    one, other = speak(SENTENCES[language]), speak(SENTENCES[language])
    np.testing.assert_array_equal(one.samples, other.samples)
    assert one.timings == other.timings
    assert len(rig.windows(one, "PP")) >= 6
    assert one.timings.phones[-1].end_s < one.seconds


def test_the_same_seed_speaks_with_the_same_face() -> None:
    speech = speak(SENTENCES["fr"])
    one, other = spoken(speech, fps=FPS), spoken(speech, fps=FPS)
    assert all(np.array_equal(a.weights, b.weights) for a, b in zip(one, other, strict=True))
    assert [a.yaw for a in one] == [b.yaw for b in other]


def test_a_figure_that_is_no_number_fails_and_limits_are_inclusive() -> None:
    assert not Reached("x", "rig", float("nan"), low=0.0).passed
    assert Reached("x", "rig", 1.0, low=1.0, high=1.0).passed
    assert not Reached("x", "rig", 1.1, high=1.0).passed
    one = Reached("lips", "pixels", 0.5, low=0.9, note="dark")
    assert table([one]).split() == ["lips", "pixels", "0.500", ">=", "0.9", "FAILS", "(dark)"]
    assert report([one])[0]["passed"] is False


def test_the_command_refuses_a_portrait_it_cannot_find(capsys: pytest.CaptureFixture[str]) -> None:
    assert accept.main(["nobody"]) == 2
    assert "nobody" in capsys.readouterr().err


def test_a_missing_detector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_PREPARE_PYTHON", "/nowhere/python")
    assert not landmarks.available()
    with pytest.raises(landmarks.DetectorFailed, match=r"scripts/setup"):
        landmarks.detect([np.zeros((4, 4, 3), np.uint8)])


def test_a_detector_that_dies_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_PREPARE_PYTHON", "/bin/false")
    with pytest.raises(landmarks.DetectorFailed, match="failed"):
        landmarks.detect([np.zeros((400, 400, 3), np.uint8)] * 3)
