"""The text until the word that sounds, by timings or by the sound alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins import espeak

from agent.heard import Script
from agent.turns.words import plain

TEXT = "A robot sat by the river. It counted boats, birds and clouds. Nobody asked it to do so."


async def scripts() -> tuple[Script, Script, float]:
    """The same speech with and without timings, and its length."""
    timed, untimed, length_s = Script(15.0), Script(15.0), 0.0
    timed.add_text(TEXT)
    untimed.add_text(TEXT)
    voice = espeak.TTS()
    try:
        async with voice.synthesize(TEXT) as stream:
            async for event in stream:
                length_s += event.frame.duration
                timed.add_frame(event.frame)
                event.frame.userdata.clear()
                untimed.add_frame(event.frame)
    finally:
        await voice.aclose()
    timed.complete = untimed.complete = True
    return timed, untimed, length_s


async def test_without_timings_the_sound_tells_the_word_within_one_mostly() -> None:
    (timed, untimed, length_s), off = await scripts(), 0
    for step in range(1, round(length_s * 10)):
        exact, guessed = plain(timed.until(step / 10)), plain(untimed.until(step / 10))
        assert abs(len(exact) - len(guessed)) <= 2, step / 10
        off += abs(len(exact) - len(guessed)) > 1
    assert off <= 0.1 * length_s * 10
    assert timed.until(length_s) == TEXT.rstrip(".") or timed.until(length_s) == TEXT


async def test_the_rate_of_speech_is_measured_on_a_whole_one() -> None:
    _, untimed, _ = await scripts()
    assert untimed.rate != 15.0
    untimed.complete = False
    assert untimed.rate == 15.0


def test_nothing_was_heard_of_a_speech_without_sound() -> None:
    script = Script(15.0)
    script.add_text(TEXT)
    assert script.until(0.0) == ""


@given(st.text(max_size=60), st.floats(0, 100), st.booleans())
def test_no_text_becomes_longer_than_it_was(text: str, position_s: float, complete: bool) -> None:
    script = Script(15.0)
    script.add_text(text)
    script.complete = complete
    assert text.startswith(script.until(position_s))


@pytest.mark.parametrize("text", ["", "...", "?!"])
def test_a_text_without_words_has_none(text: str) -> None:
    script = Script(15.0)
    script.add_text(text)
    assert script.until(1.0) == ""
