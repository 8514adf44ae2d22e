"""What words over our speech ask for."""

import pytest

from agent.turns.barge import Meaning
from agent.turns.words import UNCLEAR, back_channels, meaning, plain

SPOKEN = "Once upon a time a small robot wanted to sing, and nobody listened to it."


def asked(text: str, language: str = "en", *, voice_s: float = 1.0, spoken: str = "") -> Meaning:
    return meaning(text, known=back_channels(language), voice_s=voice_s, spoken=spoken)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Yeah."),
        ("en", "mm-hmm"),
        ("en-GB", "Uh-huh, right."),
        ("en", "yes yes okay"),
        ("en", "I see"),
        ("de", "Ja, genau."),
        ("de-AT", "ach so"),
        ("de", "Schön!"),
        ("fr", "Oui, d'accord"),
        ("fr", "tout à fait"),
        ("es", "Sí, claro."),
        ("xx", "mhm"),
    ],
)
def test_these_only_encourage(language: str, text: str) -> None:
    assert asked(text, language) is Meaning.ENCOURAGES


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "stop"),
        ("en", "no"),
        ("en", "Yeah, but what about tomorrow?"),
        ("en", "yes yes yes yes yes"),
        ("en", "right now please"),
        ("de", "Nein."),
        ("de", "ja aber warum"),
        ("fr", "attendez"),
        ("xx", "yeah"),
    ],
)
def test_these_ask_for_the_floor(language: str, text: str) -> None:
    assert asked(text, language) is Meaning.TAKES


def test_speech_that_was_not_understood_counts_by_its_length() -> None:
    assert asked(UNCLEAR, voice_s=0.4) is Meaning.NOTHING
    assert asked(UNCLEAR, voice_s=1.2) is Meaning.TAKES


@pytest.mark.parametrize(
    ("text", "confidence", "voice_s", "expected"),
    [
        ("show", 0.65, 0.35, Meaning.NOTHING),  # a "sure", as the offline ear hears it
        ("stop", 0.95, 0.35, Meaning.TAKES),
        ("show", 0.0, 0.35, Meaning.TAKES),  # an ear that tells no confidence
        ("show me the river", 0.65, 1.2, Meaning.TAKES),
        ("okay", 0.4, 0.3, Meaning.ENCOURAGES),
    ],
)
def test_words_guessed_from_a_short_voice_say_nothing(
    text: str, confidence: float, voice_s: float, expected: Meaning
) -> None:
    known = back_channels("en")
    assert meaning(text, known=known, voice_s=voice_s, confidence=confidence) is expected


def test_our_own_words_say_nothing_where_they_may_have_been_heard() -> None:
    assert asked("a small robot wanted to sing", spoken=SPOKEN) is Meaning.NOTHING
    assert asked("small robot want to sing and", spoken=SPOKEN) is Meaning.NOTHING
    assert asked("a small robot wanted to sing") is Meaning.TAKES


def test_an_interruption_over_our_echo_is_still_one() -> None:
    assert asked("stop a small please", spoken=SPOKEN) is Meaning.TAKES
    assert asked("wait I have a question", spoken=SPOKEN) is Meaning.TAKES


def test_too_few_words_say_nothing() -> None:
    few = meaning("stop", known=back_channels("en"), voice_s=1, min_words=2)
    enough = meaning("stop it", known=back_channels("en"), voice_s=1, min_words=2)
    assert (few, enough) == (Meaning.NOTHING, Meaning.TAKES)


@pytest.mark.parametrize("text", ["", "  ", "...", "!?"])
def test_nothing_says_nothing(text: str) -> None:
    assert asked(text) is Meaning.NOTHING


def test_marks_and_accents_do_not_matter() -> None:
    assert plain("  C'est ÇA, n'est-ce pas?  ") == ["c", "est", "ca", "n", "est", "ce", "pas"]
