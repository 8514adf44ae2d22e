"""The media clock: when frames are due, and what it learns from pushes that had to wait."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.clock import MediaClock

RATE = 48_000


def clock(fps: int = 25, delay_s: float = 0.0) -> MediaClock:
    return MediaClock(fps=fps, queue_s=0.2, delay_s=delay_s)


def observe(media: MediaClock, late_s: float, *, base: float | None = None) -> None:
    """Push a block that must wait for the next tick, and wake up late."""
    start = (media.due(0) if base is None else base) + media.pushed / RATE - 0.2
    media.push(480, start)
    media.pushed_in(start, start + 0.01 + late_s)


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


def test_a_dry_source_moves_the_base_by_whole_ticks_and_is_reported() -> None:
    media = clock()
    media.push(4800, 0.0)
    assert media.push(960, 0.354) == pytest.approx(0.25)  # the tick of 0.35 s is over
    assert media.queued_s(0.35) == pytest.approx(0.02)


def test_a_push_just_before_the_tick_that_needs_it_is_in_time() -> None:
    media = clock()
    media.push(4800, 0.0)
    assert media.push(960, 0.109) == 0.0
    assert media.due(0) == pytest.approx(0.0)


def test_an_earlier_observation_is_believed_at_once() -> None:
    media = clock()
    media.push(9600, 0.0)
    media.push(960, 0.0)
    assert media.pushed_in(0.0, 0.015)  # the source holds 200 ms at 0.015
    assert media.due(0) == pytest.approx(-0.005)


def test_returns_are_late_never_early() -> None:
    media = clock()
    media.push(9600, 0.0)
    for late in (0.03, 0.008, 0.0005, 0.02, 0.01, 0.004):
        observe(media, late, base=0.0)
    assert media.due(0) == pytest.approx(0.0005)


def test_a_base_that_was_too_early_is_mended_when_observations_agree() -> None:
    media = clock()
    media.push(9600, 0.0)
    for count in range(1, 9):
        observe(media, 0.0105, base=0.0)  # the source is a whole tick later than believed
        assert media.sure == (count == 8)
    assert media.due(0) == pytest.approx(0.0105)


def test_the_clock_stays_within_a_millisecond_over_half_an_hour() -> None:
    """Wake-ups late by up to 8 ms, a taking back every 20 s: the base does not wander."""
    media, random = clock(), np.random.default_rng(7)
    media.push(9600, 0.0)
    worst = 0.0
    for second in range(1800):
        start = media.pushed / RATE - 0.2  # the truth: sample 0 left at 0.0
        if second % 20 == 19:
            media.rewind(media.sent(start + 0.005))
            media.push(9600, start + 0.006)
        for late in random.exponential(0.001, 8).clip(0.0, 0.008):
            observe(media, late, base=0.0)
        media.push(RATE - 8 * 480, media.pushed / RATE - 0.2)
        worst = max(worst, abs(media.due(0)))
    assert worst < 0.001


def test_taking_back_is_calm_between_ticks() -> None:
    media = clock()
    media.push(9600, 0.0)
    assert media.calm_in(0.1001) == pytest.approx(0.0024)
    assert media.calm_in(0.1050) == 0.0
    assert media.calm_in(0.1080) == pytest.approx(0.0045)
    for now in np.arange(0.0, 0.1, 0.0007):
        assert media.calm_in(now + media.calm_in(now)) < 1e-6


def test_only_whole_blocks_have_been_sent() -> None:
    media = clock()
    media.push(9600, 0.0)
    assert media.sent(0.0349) == 1440
    assert media.sent(0.0301) == 1440
    assert media.sent(5.0) == 9600


def test_what_was_sent_before_the_queue_was_dropped_is_kept() -> None:
    media = clock()
    media.push(9600, 0.0)
    media.rewind(4800)
    assert media.overdue(0.109) == 0
    assert media.overdue(0.115) == 480
    media.keep(480)
    assert media.push(9120, 0.115) == 0.0
    assert (media.pushed, media.due(0)) == (14400, pytest.approx(0.0))


def test_a_slow_push_that_did_not_have_to_wait_teaches_nothing() -> None:
    media = clock()
    media.push(8640, 0.0)
    media.push(960, 0.0)
    assert not media.pushed_in(0.0, 0.006)  # the source holds 200 ms: a busy interpreter took them
    assert media.due(0) == pytest.approx(0.0)


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
