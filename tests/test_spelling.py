import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.spelling import phones_of, visemes_of
from avatar.visemes import VISEMES


def test_letters_become_visemes() -> None:
    def names(word: str) -> list[str]:
        return [viseme for viseme, _ in visemes_of(word)]

    assert names("Bob,") == ["PP", "oh", "PP"]
    assert names("shoe")[0] == "CH"
    assert names("phone") == ["FF", "oh", "ou", "nn"]
    assert names("мама") == ["PP", "aa", "PP", "aa"]
    assert names("…") == []
    assert sum(share for _, share in visemes_of("incomprehensible")) == pytest.approx(1)


def test_common_words_are_read_as_they_are_said_and_not_as_they_are_written() -> None:
    assert phones_of("The") == ("ð", "ə")
    assert phones_of("one,") == ("w", "ʌ", "n")
    assert phones_of("Don't") == ("d", "oʊ", "n", "t")
    assert phones_of("knife") == ("n", "aɪ", "f")


def test_a_vowel_gets_more_of_the_word_than_a_consonant() -> None:
    shares = dict(visemes_of("bat"))
    assert shares["aa"] > shares["PP"]
    assert shares["aa"] > shares["DD"]


def test_a_final_e_is_silent_unless_it_is_the_only_vowel() -> None:
    assert visemes_of("knife")[-1][0] == "FF"
    assert visemes_of("the")[-1][0] == "E"


@given(st.text(max_size=200))
def test_any_text_at_all_gives_known_visemes_or_none(word: str) -> None:
    shares = visemes_of(word)
    assert all(viseme in VISEMES and share > 0 for viseme, share in shares)
    assert not shares or sum(share for _, share in shares) == pytest.approx(1)
    assert len(shares) <= 64 * 8
