"""When a turn is over, by its words."""

import pytest

from agent import personas
from agent.guide import Guide, phrases
from agent.turns.endings import WholeSentences

IMANI = personas.load("imani")


@pytest.fixture(scope="module")
def is_whole() -> WholeSentences:
    return WholeSentences(Guide(IMANI).dialogue.matcher, phrases(IMANI))


def test_every_phrase_of_the_script_is_whole(is_whole: WholeSentences) -> None:
    assert all(is_whole(phrase) for phrase in phrases(IMANI))


def test_no_beginning_of_a_phrase_is_whole(is_whole: WholeSentences) -> None:
    known = set(phrases(IMANI))
    beginnings = {
        " ".join(phrase.split()[:count])
        for phrase in known
        for count in range(1, len(phrase.split()))
    }
    assert [text for text in beginnings - known if is_whole(text)] == []


@pytest.mark.parametrize("text", ["What can you do?", "Tell me a story.", "Stop!", "who ARE you"])
def test_marks_and_capitals_do_not_matter(is_whole: WholeSentences, text: str) -> None:
    assert is_whole(text)


@pytest.mark.parametrize("text", ["", "[unclear]", "my uncle in", "the parliament of fowls"])
def test_what_the_script_does_not_know_is_not_whole(is_whole: WholeSentences, text: str) -> None:
    assert not is_whole(text)
