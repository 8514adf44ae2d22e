"""Which speech lies where: nothing lost, nothing twice, every segment reported exactly once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from avatar.timeline import Finished, Started, Timeline

CHUNK = 960
BLOCK = 480


def speech(first: int, count: int) -> np.ndarray:
    """Samples that say which they are; never 0, so that silence is told apart."""
    return (np.arange(first, first + count) % 30_000 + 1).astype(np.int16)


def drain(timeline: Timeline) -> list[Started | Finished]:
    return timeline.events(timeline.pushed)


def test_silence_when_there_is_no_speech() -> None:
    timeline = Timeline(keep=48_000)
    assert not timeline.take(CHUNK).any()
    assert drain(timeline) == []


def test_speech_leaves_in_order_and_is_padded_with_silence() -> None:
    timeline = Timeline(keep=48_000)
    timeline.add(1, speech(0, 1000))
    taken = np.concatenate([timeline.take(CHUNK), timeline.take(CHUNK)])
    assert (taken[:1000] == speech(0, 1000)).all()
    assert not taken[1000:].any()


def test_started_and_finished_come_once_and_at_the_right_sample() -> None:
    timeline = Timeline(keep=48_000)
    timeline.take(CHUNK)
    timeline.add(1, speech(0, 1000))
    timeline.end(1)
    timeline.take(CHUNK)
    timeline.take(CHUNK)
    assert timeline.events(CHUNK) == []
    assert timeline.events(CHUNK + 1) == [Started(1)]
    assert timeline.events(CHUNK + 999) == []
    assert timeline.events(CHUNK + 1000) == [Finished(1, 1000, interrupted=False)]
    assert drain(timeline) == []


def test_an_open_segment_waits_for_its_end() -> None:
    timeline = Timeline(keep=48_000)
    timeline.add(1, speech(0, 100))
    timeline.take(CHUNK)
    assert drain(timeline) == [Started(1)]
    timeline.end(1)
    assert drain(timeline) == [Finished(1, 100, interrupted=False)]


def test_an_empty_segment_is_finished_at_zero() -> None:
    timeline = Timeline(keep=48_000)
    timeline.end(7)
    assert drain(timeline) == [Finished(7, 0, interrupted=False)]


def test_clear_reports_what_was_heard_and_only_after_the_end() -> None:
    timeline = Timeline(keep=48_000)
    timeline.add(1, speech(0, 9600))
    for _ in range(10):
        timeline.take(CHUNK)
    timeline.rewind(4800)
    assert timeline.clear() == [1]
    assert [e for e in drain(timeline) if isinstance(e, Finished)] == []
    timeline.end(1)
    assert drain(timeline) == [Started(1), Finished(1, 4800, interrupted=True)]
    assert timeline.clear() == []
    assert drain(timeline) == []


def test_clear_before_anything_was_handed_out() -> None:
    timeline = Timeline(keep=48_000)
    timeline.add(1, speech(0, 9600))
    timeline.end(1)
    timeline.clear()
    assert drain(timeline) == [Finished(1, 0, interrupted=True)]


def test_speech_after_a_clear_is_dropped() -> None:
    timeline = Timeline(keep=48_000)
    timeline.add(1, speech(0, 100))
    timeline.clear()
    timeline.add(1, speech(100, 100))
    assert not timeline.take(CHUNK).any()
    timeline.end(1)
    timeline.add(1, speech(200, 100))
    timeline.end(1)
    assert drain(timeline) == [Finished(1, 0, interrupted=True)]


def test_rewind_gives_the_same_samples_again() -> None:
    timeline = Timeline(keep=48_000)
    timeline.add(1, speech(0, 5000))
    for _ in range(4):
        timeline.take(CHUNK)
    timeline.rewind(1440)
    timeline.hold(True)
    assert not timeline.take(CHUNK).any()
    timeline.hold(False)
    assert (timeline.take(CHUNK) == speech(1440, CHUNK)).all()


def test_at_tells_segment_and_sample_and_silence() -> None:
    timeline = Timeline(keep=48_000)
    timeline.take(CHUNK)
    timeline.add(3, speech(0, 500))
    timeline.take(CHUNK)
    assert timeline.at(CHUNK - 1) is None
    assert timeline.at(CHUNK) == (3, 0)
    assert timeline.at(CHUNK + 499) == (3, 499)
    assert timeline.at(CHUNK + 500) is None
    assert timeline.at(10 * CHUNK) is None


def test_what_was_handed_out_can_be_looked_up_until_it_is_taken_back() -> None:
    timeline = Timeline(keep=48_000)
    timeline.take(CHUNK)
    assert timeline.silent_at_end()
    timeline.add(1, speech(0, 3000))
    timeline.take(CHUNK)
    assert not timeline.silent_at_end()
    assert (timeline.sound(CHUNK - 10, 20) == [0] * 10 + list(speech(0, 10))).all()
    timeline.rewind(CHUNK + 480)
    assert (timeline.sound(CHUNK + 470, 20) == list(speech(470, 10)) + [0] * 10).all()


def test_speech_of_an_older_segment_is_ignored() -> None:
    timeline = Timeline(keep=48_000)
    timeline.add(2, speech(0, 10))
    timeline.add(1, speech(0, 10))  # older than what is known: over, ignored
    timeline.end(2)
    timeline.take(CHUNK)
    assert drain(timeline) == [Started(2), Finished(2, 10, interrupted=False)]


def test_rewind_beyond_what_was_handed_out_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot rewind"):
        Timeline(keep=10).rewind(1)


class Session(RuleBasedStateMachine):
    """Random interleavings of what a session and a source do to the timeline."""

    def __init__(self) -> None:
        super().__init__()
        self.timeline = Timeline(keep=96_000)
        self.segment = 0
        self.given = 0
        self.open = False
        self.played = 0
        self.heard: dict[int, int] = {}
        self.started: list[int] = []
        self.finished: dict[int, Finished] = {}
        self.ended: set[int] = set()

    @rule(count=st.integers(1, 4000))
    def capture(self, count: int) -> None:
        if not self.open:
            self.segment, self.given, self.open = self.segment + 1, 0, True
        self.timeline.add(self.segment, speech(self.given, count))
        self.given += count

    @precondition(lambda self: self.open)
    @rule()
    def flush(self) -> None:
        self.open = False
        self.ended.add(self.segment)
        self.timeline.end(self.segment)

    @rule(late=st.integers(0, 20))
    def play(self, late: int) -> None:
        self.timeline.take(CHUNK)
        self.advance(max(self.played, self.timeline.pushed - late * BLOCK))

    @rule()
    def clear(self) -> None:
        self.timeline.rewind(self.played)
        self.timeline.clear()
        self.collect()

    @rule(held=st.booleans())
    def pause_or_resume(self, held: bool) -> None:
        self.timeline.rewind(self.played)
        self.timeline.hold(held)

    @rule()
    def duck(self) -> None:
        """Sound is taken back, and handed out again as loud as it should be now."""
        self.timeline.rewind(self.played)

    @rule()
    def stall(self) -> None:
        """Nothing is handed out until the source is dry."""
        self.advance(self.timeline.pushed)

    def advance(self, to: int) -> None:
        for sample in range(self.played, to, 97):
            at = self.timeline.at(sample)
            if at is not None:
                self.heard[at[0]] = max(self.heard.get(at[0], 0), at[1] + 1)
        self.played = to
        self.collect()

    def collect(self) -> None:
        for event in self.timeline.events(self.played):
            if isinstance(event, Started):
                assert event.segment not in self.started
                assert event.segment not in self.finished
                self.started.append(event.segment)
            else:
                assert event.segment not in self.finished
                assert event.segment in self.ended
                self.finished[event.segment] = event

    @invariant()
    def positions_are_what_was_heard(self) -> None:
        for segment, event in self.finished.items():
            assert 0 <= event.position - self.heard.get(segment, 0) <= 97

    @invariant()
    def finished_in_order(self) -> None:
        assert list(self.finished) == sorted(self.finished)

    def teardown(self) -> None:
        if self.open:
            self.flush()
        self.timeline.hold(False)
        left = self.timeline.waiting + self.timeline.pushed - self.played
        for _ in range(1 + self.segment + left // CHUNK):  # a chunk holds one segment at most
            self.timeline.take(CHUNK)
            self.advance(self.timeline.pushed)
        assert sorted(self.finished) == list(range(1, self.segment + 1))


TestSession = Session.TestCase
TestSession.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 8)), min_size=1, max_size=12))
@settings(deadline=None)
def test_no_sample_is_lost_or_repeated_however_often_it_is_taken_back(
    steps: list[tuple[int, int]],
) -> None:
    timeline = Timeline(keep=480_000)
    total = sum(count for count, _ in steps)
    given, played, out = 0, 0, []
    for count, back in steps:
        timeline.add(1, speech(given, count))
        given += count
        out.append(timeline.take(CHUNK))
        keep = max(played, timeline.pushed - back * BLOCK)
        out = [np.concatenate(out)[:keep]]
        timeline.rewind(keep)
        played = keep
    timeline.end(1)
    while timeline.waiting:
        out.append(timeline.take(CHUNK))
    sound = np.concatenate(out)
    assert (sound[sound != 0] == speech(0, total)).all()
