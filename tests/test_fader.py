"""Fades on the clock: gains that join, whatever is taken back."""

import numpy as np
import pytest

from avatar.fader import Fader

LOUD = np.full(960, 10_000, np.int16)


def test_full_volume_leaves_samples_as_they_are() -> None:
    assert Fader().apply(123, LOUD) is LOUD


def test_a_fade_begins_and_ends_where_it_is_laid() -> None:
    fader = Fader()
    fader.fade(480, 0.25, 240)
    out = fader.apply(0, LOUD)
    assert (out[:481] == 10_000).all()
    assert out[600] == pytest.approx(10_000 * (1 - 0.75 / 2), abs=2)
    assert (out[720:] == 2_500).all()
    assert np.abs(np.diff(out.astype(int))).max() <= 7_500 / 240 + 1


def test_the_gain_is_the_same_in_one_piece_and_in_many() -> None:
    fader = Fader()
    fader.fade(100, 0.2, 300)
    fader.fade(250, 1.0, 480)
    whole = fader.apply(0, LOUD)
    pieces = [fader.apply(at, LOUD[at : at + 96]) for at in range(0, 960, 96)]
    assert (np.concatenate(pieces) == whole).all()
    assert np.abs(np.diff(whole.astype(int))).max() <= 8_000 / 300 + 1


def test_an_earlier_fade_replaces_later_ones_and_starts_from_the_gain_there() -> None:
    fader = Fader()
    fader.fade(0, 0.0, 960)
    fader.fade(9_600, 1.0, 960)
    fader.fade(480, 1.0, 480)
    assert fader.gain(480) == pytest.approx(0.5)
    assert fader.gain(960) == 1.0
    assert fader.gain(100_000) == 1.0


def test_forgetting_keeps_the_gain_of_what_is_still_to_come() -> None:
    fader = Fader()
    for at in range(0, 48_000, 480):
        fader.fade(at, 0.5 if at % 960 else 1.0, 240)
    before = fader.gain(47_000)
    fader.forget(46_000)
    assert fader.gain(47_000) == before
    assert len(fader._fades) < 10


def test_gains_above_full_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        Fader().fade(0, 1.5, 10)
