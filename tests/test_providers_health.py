"""Which provider serves, without a network."""

from email.utils import formatdate
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import APIStatusError
from livekit.plugins.visavis.face import FaceState

from agent.providers.health import LONGEST_REST_S, Health, Stage, retry_after
from agent.providers.level import Level, Levels, level


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def stage(*names: str) -> tuple[Stage, Clock]:
    clock = Clock()
    return Stage("voice", names or ("cloud", "other", "own"), clock=clock), clock


def test_it_rests_one_two_four_seconds() -> None:
    health = Health("cloud")
    assert [health.failed(0.0, "gone") for _ in range(4)] == [1.0, 2.0, 4.0, 8.0]


@given(st.lists(st.booleans(), max_size=40))
def test_no_rest_is_longer_than_half_a_minute(good: list[bool]) -> None:
    health = Health("cloud")
    for well in good:
        if well:
            health.served()
        else:
            assert health.failed(0.0, "gone") <= LONGEST_REST_S


def test_one_that_served_begins_anew() -> None:
    health = Health("cloud")
    health.failed(0.0, "gone")
    health.served()
    assert health.well
    assert health.failed(0.0, "gone") == 1.0


def test_the_better_one_is_tried_again_after_its_rest() -> None:
    one, clock = stage()
    one.failed(0, "gone")
    assert one.order() == [1, 2]
    one.use(1)
    clock.now += 1.0
    assert one.order() == [0, 1, 2]
    assert one.better_due() == 0


def test_the_last_one_is_always_tried() -> None:
    one, _ = stage()
    for n in range(3):
        one.failed(n, "gone")
    assert one.order() == [2]
    assert one.rested() == []


def test_it_waits_as_long_as_it_was_asked_to() -> None:
    one, clock = stage()
    error = APIStatusError("too many", status_code=429)
    error.__cause__ = OSError()
    error.__cause__.headers = {"Retry-After": "9"}  # type: ignore[attr-defined]
    assert one.failed(0, error) == 9.0
    clock.now += 8.9
    assert 0 not in one.order()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        (formatdate(1_000_004, usegmt=True), 4.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    error = OSError()
    error.response = SimpleNamespace(headers={"retry-after": text})  # type: ignore[attr-defined]
    assert retry_after(error, now=1_000_000.0) == seconds


def test_a_listener_hears_of_each_change_once() -> None:
    one, _ = stage()
    heard: list[int] = []
    one.listeners.append(heard.append)
    for index in (0, 1, 1, 3, 0):
        one.use(index)
    assert heard == [1, 3, 0]
    assert one.name == "cloud"


@pytest.mark.parametrize(
    ("mind", "voice", "face", "expected"),
    [
        (0, 0, "live", "normal"),
        (0, 0, "understudy", "other-face"),
        (0, 1, "understudy", "other-voice"),
        (0, 2, "live", "other-voice"),
        (0, 1, "still", "audio-only"),
        (0, 3, "still", "text-only"),
        (1, 0, "slow", "normal"),
        (2, 3, "still", "offline"),
    ],
)
def test_the_worst_counts(mind: int, voice: int, face: FaceState, expected: Level) -> None:
    minds, voices = stage()[0], stage()[0]
    minds.use(mind)
    voices.use(voice)
    assert level(mind=minds, voice=voices, face=face) == expected


def test_offline_by_choice_is_normal() -> None:
    only = stage("own")[0]
    assert level(mind=None, voice=only) == "normal"


def test_levels_are_told_when_they_change() -> None:
    voices, told = stage()[0], list[Level]()
    levels = Levels(told.append)
    levels.follow(None, voices)
    voices.use(1)
    voices.use(2)
    levels.on_face("slow")
    levels.on_face("still")
    levels.on_face("live")
    levels.on_audience(False)
    levels.on_audience(True)
    levels.follow(None, None)  # another persona, whose parts are well
    voices.use(0)
    levels.stop()
    voices.use(2)
    assert told == [
        *("normal", "other-voice", "audio-only", "other-voice"),
        *("text-only", "other-voice", "normal"),
    ]
