"""The aligner on scores made by hand: what it must find does not depend on a trained net."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avatar.speech.aligner import FILLER, HISTORY, MAX_WORDS, Aligner, Expected
from avatar.speech.net import shipped
from avatar.speech.sounds import SILENCE, SOUNDS, sounds_of

Floats = NDArray[np.float32]

LAG = 20
HELLO = [Expected(tuple(word)) for word in ("hɛlo", "maɪ", "nem", "ɪz", "bɔb")]
OTHER = [Expected(tuple(word)) for word in ("θɹi", "ɡus", "swim", "tuɡɛðɚ")]


def said(words: Sequence[Expected], hops: int = 8, pause: int = 0, sure: float = 0.8) -> Floats:
    """The net's answers to a voice that gives every sound so many hops."""
    sounds = []
    for word in words:
        for phone in word.phones:
            sounds += [sounds_of(phone)[0][0]] * hops
        sounds += [SILENCE] * pause
    rows = np.full((len(sounds), len(SOUNDS)), (1 - sure) / len(SOUNDS))
    rows[np.arange(len(sounds)), sounds] += sure
    logs: Floats = np.log(rows).astype(np.float32)
    return logs


def followed(aligner: Aligner, logs: Floats, at_once: int = 1) -> list[int]:
    """The sound decided for each hop, LAG hops late."""
    found: list[int] = []
    for start in range(0, len(logs), at_once):
        for row in logs[start : start + at_once]:
            aligner.advance(row[None])
            if len(steps := aligner.path(LAG)) == LAG:
                found.append(steps[0].sound)
    return found + [step.sound for step in aligner.path(LAG)[1:]]


def told(words: Sequence[Expected]) -> Aligner:
    aligner = Aligner(shipped())
    aligner.expect(words)
    return aligner


def right(found: list[int], logs: Floats) -> float:
    return float((np.array(found) == logs.argmax(axis=1)).mean())


def test_a_text_is_found_in_its_sound() -> None:
    logs = said(HELLO)
    assert right(followed(told(HELLO), logs), logs) > 0.95


def test_pauses_between_words_are_silence_and_not_waited_for() -> None:
    logs = said(HELLO, pause=25)
    assert right(followed(told(HELLO), logs), logs) > 0.95


@settings(max_examples=10, deadline=None)
@given(st.integers(min_value=1, max_value=40))
def test_the_path_does_not_depend_on_how_many_hops_come_at_once(chunk: int) -> None:
    logs = said(HELLO, sure=0.4)
    whole, parts = told(HELLO), told(HELLO)
    whole.advance(logs)
    for start in range(0, len(logs), chunk):
        parts.advance(logs[start : start + chunk])
    assert whole.path(HISTORY) == parts.path(HISTORY)


def test_text_in_pieces_before_its_sound_is_the_same_as_text_at_once() -> None:
    logs = said(HELLO)
    aligner = told(HELLO[:2])
    aligner.advance(logs[:20])
    aligner.expect(HELLO[2:])
    aligner.advance(logs[20:])
    whole = told(HELLO)
    whole.advance(logs)
    assert [s.sound for s in aligner.path(HISTORY)] == [s.sound for s in whole.path(HISTORY)]


def test_another_text_leaves_the_voice_to_itself() -> None:
    found = followed(told(OTHER), said(HELLO * 3))
    assert found.count(FILLER) / len(found) > 0.7


def test_words_that_are_not_said_are_skipped() -> None:
    logs = said([*HELLO, *HELLO])
    found = followed(told([*HELLO, *OTHER, *HELLO]), logs)
    assert right(found[-100:], logs[-100:]) > 0.8


def test_words_that_are_not_in_the_text_pass_and_the_rest_is_found_again() -> None:
    logs = said([*HELLO, *OTHER, *HELLO])
    found = followed(told([*HELLO, *HELLO]), logs)
    inside = found[len(said(HELLO)) + 10 :][: len(said(OTHER)) - 20]
    assert inside.count(FILLER) / len(inside) > 0.7
    assert right(found[-100:], logs[-100:]) > 0.8


def test_a_voice_that_goes_on_after_its_text_is_filler() -> None:
    found = followed(told(HELLO), said([*HELLO, *OTHER, *OTHER]))
    assert found[-1] == FILLER


def test_without_a_text_everything_is_filler_or_silence() -> None:
    found = followed(Aligner(shipped()), said(HELLO))
    assert set(found) <= {FILLER, SILENCE}


def test_a_told_time_decides_between_two_equal_words() -> None:
    # one "bɔb" is heard, the text has two; only the time says which
    between = [Expected(("s",) * 2)]
    text = [HELLO[4], *between, HELLO[4], Expected(("i", "i", "i"))]
    logs = np.concatenate([said([Expected(("_",))], hops=150), said([HELLO[4]], hops=8)])
    aligner = told(text)
    aligner.time(0, 0.3, 0.6)
    aligner.time(2, 1.5, 1.8)
    aligner.advance(logs)
    timed = aligner.path(5)[-1].part
    aligner = told(text)
    aligner.advance(logs)
    assert aligner.path(5)[-1].part < timed


def test_long_speech_keeps_little_of_the_past() -> None:
    aligner = told(HELLO * 60)
    logs = said(HELLO)
    for _ in range(60):
        aligner.advance(logs)
    assert len(aligner.path(10_000)) == HISTORY
    assert len(aligner._states._symbols) < 2500
    assert aligner.path(1)[-1].sound != FILLER


def test_more_words_than_a_segment_may_have_are_left_out() -> None:
    aligner = told([Expected(("a",))] * (MAX_WORDS + 500))
    assert len(aligner._spans) == MAX_WORDS


def test_words_without_a_sound_and_unknown_signs_do_no_harm() -> None:
    logs = said(HELLO)
    odd = [Expected(()), Expected(("_",)), Expected(("",)), *HELLO]
    assert right(followed(told(odd), logs), logs) > 0.9


@pytest.mark.parametrize("hop", [5, 400])
def test_sound_that_was_lost_is_bridged(hop: int) -> None:
    logs = said([*HELLO, *HELLO])
    aligner = told([*HELLO, *HELLO])
    aligner.advance(logs[:60])
    aligner.leap(60 + hop)
    assert aligner.heard == 60 + hop
    assert aligner.path(HISTORY) == []
    aligner.advance(logs[120:])
    found = [step.sound for step in aligner.path(HISTORY)]
    assert right(found[-60:], logs[-60:]) > 0.8
