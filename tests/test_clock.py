"""The media clock: when frames are due, and what it learns from pushes that had to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.clock import MediaClock

RATE = 48_000


def clock(fps: int = 25, delay_s: float = 0.0) -> MediaClock:
    return MediaClock(fps=fps, queue_s=0.2, delay_s=delay_s)


def test_frame_leaves_with_its_first_sample() -> None:
    media = clock()
    media.push(960, 10.0)
    assert media.due(0) == pytest.approx(10.0)
    assert media.due(25) == pytest.approx(11.0)


def test_delay_moves_every_frame_alike() -> None:
    media = clock(delay_s=0.03)
    media.push(960, 10.0)
    assert media.due(50) == pytest.approx(12.03)
    assert media.frame_at(12.031) == 50
    assert media.frame_at(12.029) == 49


@given(fps=st.sampled_from([24, 25, 30, 50, 60]), frame=st.integers(0, 10_000_000))
def test_frame_windows_never_drift_from_the_rate(fps: int, frame: int) -> None:
    media = clock(fps)
    assert 0 <= frame * RATE / fps - media.first_sample(frame) < 1
    assert media.first_sample(frame + 1) > media.first_sample(frame)


def test_played_stops_at_what_was_pushed() -> None:
    media = clock()
    media.push(4800, 0.0)
    assert media.played(0.05) == 2400
    assert media.played(5.0) == 4800
    assert media.queued_s(0.04) == pytest.approx(0.06)


def test_a_dry_source_moves_the_base_and_is_reported() -> None:
    media = clock()
    media.push(4800, 0.0)
    assert media.push(960, 0.35) == pytest.approx(0.25)
    assert media.queued_s(0.35) == pytest.approx(0.02)


def test_first_wait_after_a_rewind_is_believed_at_once() -> None:
    media = clock()
    media.push(9600, 0.0)
    media.push(960, 0.0)
    media.pushed_in(0.0, 0.030)  # the source holds 200 ms at 0.030: sample 0 left at 0.010
    assert media.due(0) == pytest.approx(0.010)


def test_returns_are_late_never_early() -> None:
    media = clock()
    media.push(10560, 0.0)
    media.pushed_in(0.0, 0.020)
    base = media.due(0)
    media.push(960, 0.020)
    media.pushed_in(0.020, 0.070)  # a slow wake-up: 30 ms late
    assert media.due(0) - base <= 0.0002 + 1e-9
    media.push(960, 0.070)
    media.pushed_in(0.060, 0.057)  # cannot have waited: ignored
    assert media.due(0) - base <= 0.0002 + 1e-9


def test_a_push_that_did_not_have_to_wait_teaches_nothing() -> None:
    media = clock()
    media.push(960, 0.0)
    media.pushed_in(0.0, 0.1)
    assert media.due(0) == pytest.approx(0.0)


def test_rewind_forgets_only_what_was_not_played() -> None:
    media = clock()
    media.push(9600, 0.0)
    media.rewind(4800)
    assert media.pushed == 4800
    assert media.queued_s(0.05) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="cannot rewind"):
        media.rewind(4801)


def test_unusable_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        MediaClock(fps=0, queue_s=0.2)
    with pytest.raises(ValueError, match="not started"):
        clock().due(0)
