"""What is said for what was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.espeak.spoken import speakable


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Bold** and _soft_ and `code`", "Bold and soft and code"),
        ("# Title", "Title"),
        ("- item", "item"),
        ("snake_case", "snake case"),
        ("see [the page](https://a.example/x?y=1) now", "see the page now"),
        ("at https://www.example.com/a/b?c=d#e.", "at www.example.com."),
        ("www.example.org, yes", "example.org, yes"),
        ("<speak>loud</speak><break time='3s'/>", "loud"),
        ("<prosody rate='x-fast'>now", "now"),
        ("a <3 b", "a 3 b"),
        ("[[h@l'oU]] you", "h@l'oU you"),
        ("stop\x01200S now\x00\x7f", "stop 200S now "),
        ("nice 😀👍🏽 work 🇩🇪", "nice work "),
        ("family 👨\u200d👩\u200d👧 here", "family here"),
        ("20 °C and 5 % © €3", "20 °C and 5 % © €3"),
        ("soft\u00adhyphen \u202eright", "softhyphen right"),
        ("naïve Größe ¿qué?", "naïve Größe ¿qué?"),
        ("3 + 4 = 7 & more", "3 + 4 = 7 & more"),
        ("2 * 3 or 2*3", "2 × 3 or 2×3"),
        ("**2** *apples* * 3", "2 apples 3"),
        ("C# is #1", "C# is #1"),
    ],
)
def test_marks_are_left_out_and_words_are_not(written: str, said: str) -> None:
    assert speakable(written).text == said


@given(st.text(max_size=300))
def test_every_character_said_knows_where_it_was_written(written: str) -> None:
    spoken = speakable(written)
    assert len(spoken.text) == len(spoken.origin)
    assert list(spoken.origin) == sorted(set(spoken.origin))
    assert all(0 <= place < len(written) for place in spoken.origin)
    assert not any(ord(character) < 32 for character in spoken.text)


@pytest.mark.parametrize("written", ["", "  \n", "😀 🎉", "***", "—", "</speak>", "[[ ]]"])
def test_text_without_words_is_known_as_such(written: str) -> None:
    assert not speakable(written).has_words
