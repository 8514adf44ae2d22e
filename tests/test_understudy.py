"""A renderer that is slow, stuck or dead is stood in for at the full rate, and comes back."""

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame
from avatar.renderers import prepared, understudy
from avatar.renderers.understudy import Labelled, Understudied

STAND_IN, COSTLY = 50, 200


class Clock:
    """Time that only moves when somebody draws or the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Flat:
    """Draws one grey; what it heard is kept."""

    width, height, fps = 64, 64, 25

    def __init__(self, level: int, before: Callable[[], None] = lambda: None) -> None:
        self.level, self.before = level, before
        self.heard: list[object] = []
        self.closed = threading.Event()

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        self.heard.append(item)

    def forget(self, segment: int) -> None:
        self.heard.append(segment)

    def draw(self, cue: Cue) -> VideoFrame:
        self.before()
        return VideoFrame(64, 64, cue.index, np.full(64 * 96, self.level, np.uint8))

    def close(self) -> None:
        self.closed.set()


class Stage:
    """An understudied renderer on a clock of its own; `takes` is what a costly picture costs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, takes: float = 0.02) -> None:
        # waiting is for real threads: here the costly one always answers, however long it "took"
        ask = understudy._Costly.ask
        monkeypatch.setattr(understudy._Costly, "ask", lambda one, cue, _: ask(one, cue, 30.0))
        self.clock, self.takes = Clock(), takes
        self.fault: Exception | None = None
        self.made: list[Flat] = []
        self.stand_in = Flat(STAND_IN)
        self.face = Understudied("neural", self.make, self.stand_in, clock=self.clock)
        self.index = 0

    def make(self) -> Flat:
        self.made.append(Flat(COSTLY, self.work))
        return self.made[-1]

    def work(self) -> None:
        if self.fault is not None:
            raise self.fault
        self.clock.now += self.takes

    def show(self, seconds: float, segment: int | None = None) -> list[VideoFrame]:
        """Pictures of so long; the clock goes on by a frame with each, or by what it took."""
        until, shown = self.clock.now + seconds, []
        while self.clock.now < until:
            due = self.clock.now + 0.04
            frame = self.face.draw(Cue(self.index, self.index / 25, segment=segment))
            shown.append(replace(frame, data=frame.data.copy()))
            assert shown[-1].index == self.index
            self.index += 1
            self.clock.now = max(due, self.clock.now)
        return shown


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def levels(frames: list[VideoFrame]) -> list[int]:
    return [int(frame.data[0]) for frame in frames]


def test_one_that_keeps_up_is_seen_and_nothing_else_drawn(stage: Stage) -> None:
    shown = stage.show(5.0)
    assert set(levels(shown)) == {COSTLY} and not any(frame.instead for frame in shown)
    assert len(shown) == 125


@pytest.mark.parametrize("takes", [0.06, 0.2])
def test_one_that_is_too_slow_is_stood_in_for_with_a_reason(stage: Stage, takes: float) -> None:
    stage.show(1.0)
    stage.takes = takes
    shown = stage.show(4.0)
    assert not shown[0].instead
    assert "ms for a picture" in shown[-1].instead
    assert levels(shown)[-1] == STAND_IN
    changed = next(i for i, frame in enumerate(shown) if frame.instead)
    assert changed * takes < understudy.BUSY_S + 4 * takes
    fading = levels(shown)[changed : changed + 6]
    assert fading == sorted(fading, reverse=True) and STAND_IN < fading[-1] < fading[0] < COSTLY


def test_one_that_is_well_again_comes_back(stage: Stage) -> None:
    stage.takes = 0.2
    stage.show(3.0)
    assert stage.face.reason
    stage.takes = 0.01
    shown = stage.show(8.0)
    assert not stage.face.reason and levels(shown)[-1] == COSTLY
    assert len(stage.made) == 1


def test_one_that_stays_slow_is_tried_ever_more_seldom(stage: Stage) -> None:
    stage.takes = 0.2
    shown = stage.show(120.0)
    assert all(frame.instead for frame in shown[10:])
    # each try is a second of pictures at most
    assert len(stage.made) == 1 and stage.face._tries == len(understudy.AGAIN_S)


def test_one_that_is_slow_in_speech_does_not_come_back_for_being_quick_in_silence(
    stage: Stage,
) -> None:
    stage.takes = 0.06
    stage.show(2.0, segment=0)
    assert stage.face.reason
    stage.takes = 0.004
    assert all(frame.instead for frame in stage.show(100.0))
    assert stage.face._tries == 1
    stage.show(1.5, segment=1)  # it is tried at once when it has something to say
    assert not stage.face.reason


def test_one_that_was_slow_in_silence_comes_back_in_silence(stage: Stage) -> None:
    stage.show(1.0, segment=0)
    stage.takes = 0.2
    stage.show(3.0)
    assert stage.face.reason
    stage.takes = 0.02
    stage.show(8.0)
    assert not stage.face.reason


def test_a_dead_one_leaves_no_gap_and_another_one_is_made(stage: Stage) -> None:
    stage.show(1.0)
    stage.face.hear(SpeechEnd(7))
    stage.fault = ValueError("the card fell off the bus")
    after = stage.show(1.0)
    first = next(frame for frame in after[:2] if frame.instead)
    assert first.instead == "neural died" and COSTLY > first.data[0] > STAND_IN
    assert stage.made[0].closed.wait(10)
    stage.fault = None
    shown = stage.show(8.0)
    assert levels(shown)[-1] == COSTLY and not shown[-1].instead
    assert len(stage.made) == 2 and stage.made[1].heard == [SpeechEnd(7)]


def test_one_that_is_asked_seldom_is_not_taken_for_stuck(stage: Stage) -> None:
    stage.takes = 0.035
    for _ in range(10):  # nobody watches: a picture a second
        assert not stage.show(0.01)[0].instead
        stage.clock.now += 1.0


def test_speech_reaches_both_and_is_forgotten_by_both(stage: Stage) -> None:
    stage.face.hear(SpeechEnd(1))
    stage.face.forget(1)
    stage.show(0.1)
    assert stage.stand_in.heard == stage.made[0].heard == [SpeechEnd(1), 1]


def test_one_that_is_stuck_is_stood_in_for_and_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, stuck = Clock(), threading.Event()
    made: list[Flat] = []

    def make() -> Flat:
        made.append(Flat(COSTLY, (lambda: None) if made else stuck.wait))  # type: ignore[arg-type]
        return made[-1]

    face = Understudied("neural", make, Flat(STAND_IN), clock=clock)
    ask = understudy._Costly.ask
    # the first one never answers; of the second, every answer is waited for
    monkeypatch.setattr(
        understudy._Costly, "ask", lambda one, cue, _: ask(one, cue, 30.0 if len(made) > 1 else 0.0)
    )
    shown = []
    for i in range(25 * 20):
        shown.append(face.draw(Cue(i, i / 25)))
        clock.now += 0.04
        if len(made) == 2 and not face.reason:
            break
    assert {"neural is stuck", "neural is being loaded"} >= {f.instead for f in shown if f.instead}
    assert len(made) == 2 and not shown[-1].instead
    stuck.set()
    assert made[0].closed.wait(10)


def test_late_lips_are_stood_in_for_at_once_and_a_late_idle_face_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first late picture may be chance: it is back after a second. Another one is not."""
    clock, go = Clock(), threading.Event()
    go.set()
    costly = Flat(COSTLY, go.wait)  # type: ignore[arg-type]
    face = Understudied("neural", lambda: costly, Flat(STAND_IN), clock=clock)
    ask = understudy._Costly.ask
    monkeypatch.setattr(
        understudy._Costly, "ask", lambda one, cue, _: ask(one, cue, 30.0 if go.is_set() else 0.0)
    )
    index = 0

    def show(seconds: float, segment: int | None) -> list[str]:
        nonlocal index
        reasons = []
        for _ in range(round(seconds * 25)):
            reasons.append(face.draw(Cue(index, index / 25, segment=segment)).instead)
            index, clock.now = index + 1, clock.now + 0.04
        return reasons

    assert set(show(1.0, 1)) == {""}
    go.clear()
    assert set(show(0.3, None)) == {""}
    go.set()
    assert set(show(0.5, 1)) == {""}
    go.clear()
    assert show(0.2, 1) == ["", "", "", "neural is late", "neural is late"]
    go.set()
    assert show(1.5, 1)[-1] == ""
    go.clear()
    assert show(0.2, 1)[-1] == "neural is late"
    go.set()
    assert set(show(4.0, 1)) == {"neural is late"}
    face.close()


def test_the_reason_is_on_every_picture_of_what_draws_instead() -> None:
    shown = Labelled(Flat(STAND_IN), "neural cannot run here").draw(Cue(3, 0.12))
    assert (shown.index, shown.instead, int(shown.data[0])) == (3, "neural cannot run here", 50)


def test_closing_ends_both(stage: Stage) -> None:
    stage.show(0.1)
    stage.face.close()
    assert stage.made[0].closed.wait(10) and stage.stand_in.closed.is_set()


class Slow(Flat):
    """Has something to do before its first picture."""

    def __init__(self) -> None:
        super().__init__(COSTLY)
        self.go, self.prepared_on = threading.Event(), ""

    def prepare(self) -> None:
        self.prepared_on = threading.current_thread().name
        self.go.wait(30)


def test_what_has_to_be_prepared_is_stood_in_for_meanwhile() -> None:
    costly, stand_in, clock = Slow(), Flat(STAND_IN), Clock()
    face = Understudied("neural", prepared(lambda: costly), stand_in, clock=clock)
    shown = []
    for index in range(20):
        shown.append(face.draw(Cue(index, index / 25)))
        clock.now += 0.04
    assert levels(shown[:1]) == levels(shown[-1:]) == [STAND_IN]
    assert shown[-1].instead == "neural is being loaded"
    assert costly.prepared_on not in ("", threading.current_thread().name)
    costly.go.set()
    face.close()
    assert costly.closed.wait(30)
