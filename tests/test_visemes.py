import itertools
import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.params import CHANNELS, INDEX
from avatar.visemes import SHAPES, VISEMES, from_phone


def names(symbol: str, alphabet: str = "ipa") -> list[str]:
    return [name for name, _ in from_phone(symbol, alphabet)]  # type: ignore[arg-type]  # parametrised


def test_the_table_has_a_face_for_each_of_the_fifteen_visemes() -> None:
    assert " ".join(VISEMES) == "sil PP FF TH DD kk CH SS nn RR aa E ih oh ou"
    assert SHAPES.shape == (15, len(CHANNELS))
    assert SHAPES.dtype == np.float32
    assert SHAPES.min() == 0
    assert SHAPES.max() <= 1
    assert not SHAPES.flags.writeable


def test_silence_is_the_face_at_rest_and_no_two_visemes_look_the_same() -> None:
    assert not SHAPES[0].any()
    for one, other in itertools.combinations(SHAPES, 2):
        assert np.abs(one - other).max() > 0.07


def test_visemes_are_symmetric_and_move_nothing_but_the_mouth() -> None:
    for name, at in INDEX.items():
        if name.endswith("Left") and name not in ("mouthLeft", "jawLeft"):
            np.testing.assert_array_equal(SHAPES[:, at], SHAPES[:, INDEX[name[:-4] + "Right"]])
        if name.startswith(("eye", "brow", "cheek", "nose")):
            assert not SHAPES[:, at].any()


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("p", ["PP"]),
        ("ˈɑː", ["aa"]),
        ("aɪ", ["aa", "ih"]),
        ("ˈoʊ", ["oh", "ou"]),
        ("tʃ", ["DD", "CH"]),
        ("d͡ʒ", ["DD", "CH"]),
        ("ɜː", ["RR"]),
        ("ɹ", ["RR"]),
        ("l̩", ["nn"]),
        ("tʰ", ["DD"]),
        ("aɪə", ["aa", "ih", "E"]),
        # German
        ("pf", ["PP", "FF"]),
        ("ts", ["DD", "SS"]),
        ("ˈyː", ["ou"]),
        ("øː", ["oh"]),
        ("ç", ["kk"]),
        ("ʁ", ["kk"]),
        # French
        ("ɑ̃", ["aa"]),
        ("ɔ̃", ["oh"]),
        ("ɛ̃", ["aa"]),
        ("œ̃", ["oh"]),
        ("ɥ", ["ou"]),
        # Spanish, Turkish
        ("β", ["PP"]),
        ("ɲ", ["nn"]),
        ("r", ["nn"]),
        ("ɯ", ["ih"]),
        # Polish, Russian
        ("tɕ", ["DD", "CH"]),
        ("tʲ", ["DD"]),
        ("ʲ", ["nn"]),
        ("ɨ", ["ih"]),
        ("ɭ", ["nn"]),
        # Mandarin, with the digits of its tones
        ("ph", ["PP"]),
        ("tɕh", ["DD", "CH"]),
        ("iou5", ["ih", "oh", "ou"]),
        ("χ", ["kk"]),
        # Hindi, Arabic
        ("bʰ", ["PP"]),
        ("ɖ", ["DD"]),
        ("ɟʰ", ["kk"]),
        ("t̪", ["DD"]),
        ("ʕ", ["kk"]),
        ("q", ["kk"]),
        # Italian, Portuguese
        ("dz", ["DD", "SS"]),
        ("ʎ", ["nn"]),
        ("ɐ̃ʊ", ["aa", "ou"]),
        # pauses
        ("", ["sil"]),
        ("_", ["sil"]),
        ("_:", ["sil"]),
        ("|", ["sil"]),
    ],
)
def test_ipa_of_several_languages_is_read(symbol: str, expected: list[str]) -> None:
    assert names(symbol) == expected


@pytest.mark.parametrize(
    ("symbol", "alphabet", "expected"),
    [
        ("AA1", "arpabet", ["aa"]),
        ("OW0", "arpabet", ["oh", "ou"]),
        ("jh", "arpabet", ["DD", "CH"]),
        ("pau", "arpabet", ["sil"]),
        ("", "arpabet", ["sil"]),
        ("21", "sapi", ["PP"]),
        ("0", "sapi", ["sil"]),
        ("11", "sapi", ["aa", "ih"]),
        ("99", "sapi", ["E"]),
        ("x", "sapi", ["E"]),
    ],
)
def test_the_other_alphabets_are_read(symbol: str, alphabet: str, expected: list[str]) -> None:
    assert names(symbol, alphabet) == expected


def test_an_unknown_letter_gets_the_mouth_of_the_letter_it_was_made_from() -> None:
    assert unicodedata.name("ᶀ") == "LATIN SMALL LETTER B WITH PALATAL HOOK"
    assert names("ᶀ") == ["PP"]
    assert names("ȶ") == ["DD"]
    assert names("B") == ["PP"]
    assert names("漢") == ["E"]


@given(st.text(max_size=8), st.sampled_from(["ipa", "arpabet", "sapi"]))
def test_any_text_at_all_gives_known_visemes_whose_shares_sum_to_one(
    symbol: str, alphabet: str
) -> None:
    shares = from_phone(symbol, alphabet)  # type: ignore[arg-type]  # drawn from the three
    assert shares
    assert all(name in VISEMES and share > 0 for name, share in shares)
    assert math.isclose(sum(share for _, share in shares), 1.0)
