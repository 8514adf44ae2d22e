"""The ladder of the face, with made-up moments: slow, still, another renderer, and back."""

import pytest
from livekit.plugins.visavis.face import BACK_OFF_S, HUNG_S, MAX_STRIDE, FaceWatch

PERIOD = 0.04
FAULT = RuntimeError("out of paint")


class Clockwork:
    """Tells a watch of one frame after the other."""

    def __init__(self, *, can_restart: bool = True) -> None:
        self.watch = FaceWatch(PERIOD, can_restart=can_restart)
        self.now = 100.0
        self.restarts: list[float] = []

    def draw(self, seconds: float, took_s: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += PERIOD * self.watch.stride
            self.watch.drawn(self.now, took_s)

    def miss(self, seconds: float, fault: Exception | None = None) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += PERIOD
            self.watch.missing(self.now, fault)
            if self.watch.restart_due(self.now):
                self.restarts.append(self.now)


def test_a_quick_renderer_stays_live() -> None:
    clock = Clockwork()
    clock.draw(30.0, 0.02)
    assert (clock.watch.state, clock.watch.stride) == ("live", 1)


def test_an_understudy_is_named_with_its_reason_until_the_wanted_one_is_back() -> None:
    clock = Clockwork()
    clock.draw(1.0, 0.01)
    clock.watch.drawn(clock.now + PERIOD, 0.01, "it needs 200 ms for a picture")
    assert (clock.watch.state, clock.watch.reason) == (
        "understudy",
        "it needs 200 ms for a picture",
    )
    clock.draw(PERIOD, 0.01)
    assert (clock.watch.state, clock.watch.reason) == ("live", "the wanted renderer is back")


def test_one_slow_picture_changes_nothing() -> None:
    clock = Clockwork()
    clock.draw(5.0, 0.01)
    clock.draw(PERIOD, 0.3)
    clock.draw(5.0, 0.01)
    assert clock.watch.state == "live"


def test_a_slow_renderer_draws_less_and_more_again_when_it_can() -> None:
    clock = Clockwork()
    clock.draw(10.0, 0.05)
    assert (clock.watch.state, clock.watch.stride) == ("slow", 2)
    assert clock.watch.reason.startswith("the renderer needs 4")
    clock.draw(10.0, 0.09)
    assert clock.watch.stride == MAX_STRIDE
    clock.draw(60.0, 0.15)
    assert clock.watch.stride == MAX_STRIDE
    clock.draw(30.0, 0.015)
    assert (clock.watch.state, clock.watch.stride) == ("live", 1)
    assert clock.watch.reason == "the renderer has time again"


def test_a_renderer_between_two_rates_does_not_go_back_and_forth() -> None:
    clock = Clockwork()
    strides = []
    for _ in range(60):
        clock.draw(1.0, 0.034)
        strides.append(clock.watch.stride)
    assert sorted(strides) == strides
    assert strides[-1] == 2


def test_a_stalled_renderer_is_still_until_it_draws_again() -> None:
    clock = Clockwork()
    clock.draw(1.0, 0.01)
    clock.miss(0.9)
    assert clock.watch.state == "live"
    clock.miss(0.2)
    assert (clock.watch.state, clock.watch.reason) == ("still", "the renderer stalled")
    clock.draw(0.1, 0.01)
    assert (clock.watch.state, clock.watch.reason) == ("live", "the renderer draws again")
    assert clock.restarts == []


def test_a_renderer_that_hangs_is_replaced() -> None:
    clock = Clockwork()
    clock.draw(1.0, 0.01)
    hung = clock.now
    clock.miss(HUNG_S + BACK_OFF_S[0] + 0.1)
    assert [round(at - hung, 1) for at in clock.restarts] == [HUNG_S + BACK_OFF_S[0]]


def test_a_dead_renderer_is_replaced_at_growing_intervals_and_then_given_up() -> None:
    clock = Clockwork()
    clock.draw(1.0, 0.01)
    dead = clock.now
    clock.miss(30.0, FAULT)
    assert [round(at - dead, 1) for at in clock.restarts] == pytest.approx([1.0, 3.0, 7.0], abs=0.2)
    assert clock.watch.state == "still"
    assert clock.watch.reason == "the renderer died 4 times: it stays still"


def test_the_tries_count_anew_after_a_minute_of_health() -> None:
    clock = Clockwork()
    for _ in range(3):
        clock.draw(65.0, 0.01)
        clock.miss(1.2, FAULT)
    assert len(clock.restarts) == 3
    clock.draw(65.0, 0.01)
    clock.miss(1.2, FAULT)
    assert len(clock.restarts) == 4


def test_without_another_renderer_it_stays_still() -> None:
    clock = Clockwork(can_restart=False)
    clock.miss(60.0, FAULT)
    assert clock.restarts == []
    assert clock.watch.reason == "the renderer died: out of paint"
