"""Cutting running text into clauses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.espeak.clauses import CLAUSE_MAX, Break, Clause, ClauseSplitter


def cut(text: str, *, size: int | None = None, ordinal_dot: bool = False) -> list[Clause]:
    splitter = ClauseSplitter(ordinal_dot=ordinal_dot)
    size = size or max(1, len(text))
    clauses = []
    for start in range(0, len(text), size):
        clauses += splitter.push(text[start : start + size])
    return clauses + splitter.flush()


def texts(text: str, **options: bool) -> list[str]:
    return [clause.text.strip() for clause in cut(text, **options)]


@given(st.text(alphabet=" \nab1.,;:!?—-\"'。，é", max_size=700), st.integers(1, 20))
def test_the_clauses_joined_are_the_text_and_none_is_too_long(text: str, size: int) -> None:
    clauses = cut(text, size=size)
    assert "".join(clause.text for clause in clauses) == text
    # white space at the cut goes with the clause before it
    assert all(len(clause.text.strip()) <= CLAUSE_MAX for clause in clauses)


@given(st.text(max_size=300))
def test_any_text_survives_being_cut(text: str) -> None:
    assert "".join(clause.text for clause in cut(text, size=7)) == text


def test_the_first_clause_is_short_and_later_ones_are_not_chopped() -> None:
    assert texts("Sure, one moment, please, while I look, far and wide, for it.") == [
        "Sure,",
        "one moment, please, while I look,",
        "far and wide, for it.",
    ]


def test_a_clause_comes_before_the_text_has_ended() -> None:
    splitter = ClauseSplitter()
    assert splitter.push("Hello") == []
    assert splitter.push(",") == []
    assert splitter.push(" my") == [Clause("Hello, ", Break.COMMA)]


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3.50 dollars",
        "Ask Dr. Smith",
        "the U.S. Army",
        "e.g. this one",
        "call J. Doe",
        "at 10:30 sharp",
        "1,000,000 of them",
        "1. First of all",
        "a well-known fact",
        "see example.com/a.b?c for it",
    ],
)
def test_numbers_and_abbreviations_stay_whole(text: str) -> None:
    assert texts(text) == [text]


def test_a_german_ordinal_is_no_end_of_a_sentence() -> None:
    assert texts("Am 3. Mai ist frei", ordinal_dot=True) == ["Am 3. Mai ist frei"]
    assert texts("There are 3. We left") == ["There are 3.", "We left"]


def test_the_break_says_how_the_clause_ended() -> None:
    text = "Yes, of course it is like that; see all of the others for more of it: good! Then\nnext"
    assert [clause.ends for clause in cut(text)] == [
        Break.COMMA,
        Break.PHRASE,
        Break.PHRASE,
        Break.SENTENCE,
        Break.LINE,
        Break.SENTENCE,
    ]


def test_closing_quotes_stay_with_their_sentence() -> None:
    assert texts('He said "Stop it!" (Twice.) Then he left.') == [
        'He said "Stop it!"',
        "(Twice.)",
        "Then he left.",
    ]


def test_punctuation_alone_makes_no_clause() -> None:
    assert texts("... — !!! ... well") == ["... — !!! ... well"]


def test_chinese_sentences_need_no_space() -> None:
    assert texts("你好。今天好吗？很好") == ["你好。", "今天好吗？", "很好"]


def test_text_without_punctuation_is_cut_at_a_space() -> None:
    clauses = cut("word " * 100)
    assert [clause.ends for clause in clauses[:-1]] == [Break.NONE] * (len(clauses) - 1)
    assert all(clause.text.endswith("word ") for clause in clauses)
    assert len(clauses[0].text) < len(clauses[1].text)


def test_a_word_without_end_is_cut_hard() -> None:
    assert [len(clause.text) for clause in cut("a" * 500)] == [90, 240, 170]
