"""A worker that died and one that is only busy: told apart by their beats."""

import itertools

import pytest
from livekit.plugins.visavis import wire
from livekit.plugins.visavis.pulse import Pulse


def after(gaps: list[float]) -> Pulse:
    pulse = Pulse()
    for moment in itertools.accumulate(gaps, initial=100.0):
        pulse.beat(moment)
    return pulse


def test_steady_beats_are_missed_soon() -> None:
    pulse = after([wire.BEAT_S] * 200)
    assert pulse.patience_s == pytest.approx(0.3, abs=0.001)
    assert [pulse.waited(wire.BEAT_S * 0.99) for _ in range(7)] == [False] * 6 + [True]


def test_at_first_they_are_waited_for() -> None:
    assert Pulse().patience_s == pytest.approx(0.7)
    assert after([wire.BEAT_S] * 40).patience_s < 0.4


def test_beats_in_bunches_are_waited_for() -> None:
    busy = after([0.0, 0.0, 0.01, 0.5] * 10)
    assert busy.patience_s > 1.0


def test_one_long_gap_is_believed_and_forgotten_slowly() -> None:
    calm = after([0.1] * 200).patience_s
    shaken = after([0.1] * 200 + [0.45]).patience_s
    assert shaken > calm + 0.3
    assert calm < after([0.1] * 200 + [0.45] + [0.1] * 5).patience_s < shaken
    assert after([0.1] * 200 + [0.45] + [0.1] * 200).patience_s == pytest.approx(calm, abs=0.02)


def test_nobody_is_waited_for_longer_than_two_seconds() -> None:
    assert after([1.5, 0.1] * 20).patience_s == 2.0


def test_a_beat_begins_the_silence_anew() -> None:
    pulse = after([wire.BEAT_S] * 200)
    assert not pulse.waited(0.25)
    pulse.beat(110.3)
    assert not pulse.waited(0.25)
