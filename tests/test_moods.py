"""The mood filter: tags go to the face, everything else to voice and captions."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.moods import HOLD_LIMIT, MoodFilter, parse, tag
from avatar.frames import Mood

PIECES = st.sampled_from(
    [
        *("[mood:happy]", "[Mood: Sad ]", "[mood:bored]", "[mood]", "[mood:an", "[moody]", "["),
        *("]", "a[0]", "Hi. ", " ", "[unclear]", "mood:happy", "\n", "[mood:happy", "é"),
        *("[[mood:sad]]", "[ mood=angry]", "ood:sad]", "[m"),
    ]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


def run(deltas: list[str]) -> tuple[str, list[Mood]]:
    """Clean text and moods of one reply that comes in these pieces."""
    stream = MoodFilter()
    items = [item for delta in deltas for item in stream.feed(delta)] + stream.flush()
    return (
        "".join(item for item in items if isinstance(item, str)),
        [item for item in items if isinstance(item, Mood)],
    )


@given(TEXTS, st.lists(st.integers(min_value=0, max_value=60), max_size=6))
def test_any_split_of_a_text_gives_the_same_text_and_moods(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]
    assert run(pieces) == run([text]) == run(list(text))


@given(TEXTS)
def test_nothing_that_looks_like_a_tag_is_left(text: str) -> None:
    assert "[mood:" not in run([text])[0].lower().replace(" ", "")


@given(st.text(alphabet="abc .,!?()\n{}<>", max_size=80))
def test_text_without_square_brackets_is_untouched(text: str) -> None:
    assert run([text]) == (text, [])


def test_a_tag_is_taken_out_with_one_of_its_spaces() -> None:
    assert parse("Hi. [mood:sad] Oh.") == ("Hi. Oh.", [Mood.SAD])
    assert parse("[mood:happy] Hi") == ("Hi", [Mood.HAPPY])


@pytest.mark.parametrize("mood", list(Mood))
def test_every_mood_has_a_tag(mood: Mood) -> None:
    assert parse(tag(mood)) == ("", [mood])


@pytest.mark.parametrize(
    "text", ["[unclear] what", "see [1]", "a[0][1]", "[moody blues]", "[mood swings]"]
)
def test_other_brackets_pass(text: str) -> None:
    assert run(list(text)) == (text, [])


@pytest.mark.parametrize(
    "text", ["[[mood:sad]mood:happy]", "[m[mood:sad]ood:happy]", "[ [mood] mood=sad]"]
)
def test_taking_a_tag_out_never_leaves_another(text: str) -> None:
    assert run(list(text))[0].strip() == ""


def test_an_unknown_mood_vanishes_without_a_change() -> None:
    assert parse("So [mood:ecstatic] good") == ("So good", [])


@pytest.mark.parametrize("text", ["Hi [mood:hap", "Hi [mo", "Hi ["])
def test_an_unfinished_tag_at_the_end_is_dropped(text: str) -> None:
    assert run(list(text))[0] == "Hi "


def test_a_broken_tag_does_not_swallow_the_reply() -> None:
    text, moods = parse("[mood:happy! Hello there, my friend. How are you?")
    assert text == "! Hello there, my friend. How are you?"
    assert moods == [Mood.HAPPY]


def test_what_is_held_back_is_bounded() -> None:
    stream = MoodFilter()
    given = "[mood:" + "x" * 500
    kept = "".join(i for c in given for i in stream.feed(c) if isinstance(i, str))
    assert len(given) - len(kept) <= 2 * HOLD_LIMIT


def test_mood_and_text_keep_their_order() -> None:
    assert MoodFilter().feed("a[mood:sad]b") == ["a", Mood.SAD, "b"]


def test_the_filter_is_fresh_after_a_flush() -> None:
    stream = MoodFilter()
    stream.feed("x [mood:ha")
    stream.flush()
    assert stream.feed(" ppy]") == [" ppy]"]
