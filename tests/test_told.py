"""The text of an utterance on its way to the mouth, with a real reader and voices made here."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence

import pytest
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.plugins import espeak, visavis
from livekit.plugins.visavis.sink import timings

from avatar.frames import Timings, Word

TEXT = ["Hel", "lo, my na", "me is Bob. ", "I have 42 ap", "ples", "!"]


def frame() -> rtc.AudioFrame:
    return rtc.AudioFrame(bytes(960), 24000, 1, 480)


async def parts(texts: Sequence[str]) -> AsyncGenerator[str, None]:
    for text in texts:
        yield text
        await asyncio.sleep(0)


async def voice(words: AsyncIterable[str]) -> AsyncGenerator[rtc.AudioFrame, None]:
    """A frame for each part of the text, and some for the rest of the sound."""
    async for _ in words:
        yield frame()
    for _ in range(20):
        await asyncio.sleep(0.01)
        yield frame()


async def heard(pronounce: visavis.Pronounce | None = None) -> list[Timings]:
    return [
        timings(f.userdata) async for f in visavis.tell(parts(TEXT), voice, pronounce=pronounce)
    ]


async def test_whole_words_ride_with_the_sound_in_order() -> None:
    told = await heard()
    assert " ".join(t.text for t in told if t.text).split() == "".join(TEXT).split()
    assert told[0].text == ""
    assert told[1].text == "Hello, my"
    assert not any(t.pronunciation for t in told)


async def test_a_reader_says_how_each_word_is_spoken() -> None:
    reader = espeak.Reader()
    try:
        told = [t for t in await heard(reader) if t.text]
    finally:
        await reader.aclose()
    assert " ".join(t.text for t in told).split() == "".join(TEXT).split()
    said = [phones for t in told for phones in t.pronunciation]
    assert len(said) == 9
    assert said[4] == ("b", "ɑː", "b")
    assert said[7][:2] == ("f", "ɔːɹ")  # forty-two


async def test_a_reader_that_fails_leaves_the_words_to_letter_rules() -> None:
    async def broken(_: str) -> list[list[str]]:
        raise RuntimeError("no reading today")

    told = [t for t in await heard(broken) if t.text]
    assert " ".join(t.text for t in told).split() == "".join(TEXT).split()
    assert not any(t.pronunciation for t in told)


async def test_a_frame_that_tells_its_phonemes_is_left_alone() -> None:
    async def timed(words: AsyncIterable[str]) -> AsyncGenerator[rtc.AudioFrame, None]:
        async for _ in words:
            one = frame()
            one.userdata[visavis.USERDATA_PHONEMES] = []
            yield one

    async for one in visavis.tell(parts(TEXT), timed):
        assert visavis.USERDATA_TEXT not in one.userdata


async def test_a_voice_that_is_broken_off_takes_its_reader_along() -> None:
    async def slow(_: str) -> list[list[str]]:
        await asyncio.sleep(60)
        return []

    frames = visavis.tell(parts(TEXT), voice, pronounce=slow)
    await anext(frames)
    await frames.aclose()
    assert not [t for t in asyncio.all_tasks() if t.get_name() == "avatar-reader"]


async def test_odd_texts_are_read_word_by_word_or_not_at_all() -> None:
    reader = espeak.Reader()
    try:
        assert await reader("") == []
        assert await reader("… — 🙂") == [[], [], []]
        for text in ("Well - that is 3.5 m, ok?", "U.S.A. today", "don't [[stop]] now"):
            read = await reader(text)
            assert len(read) in (0, len(text.split()))
    finally:
        await reader.aclose()


@pytest.mark.parametrize(
    ("entry", "text", "said"),
    [
        ({"text": "a b", "pronunciation": [["eɪ"], ["b", "iː"]]}, "a b", (("eɪ",), ("b", "iː"))),
        ({"text": "a b", "pronunciation": [["eɪ"]]}, "a b", ()),
        ({"text": None}, "None", ()),
        ({}, "", ()),
    ],
)
def test_what_rides_on_a_frame_is_read(
    entry: dict[str, object], text: str, said: tuple[tuple[str, ...], ...]
) -> None:
    got = timings({visavis.USERDATA_TEXT: [entry]})
    assert (got.text, got.pronunciation) == (text, said)


def test_timed_transcripts_of_any_voice_are_words() -> None:
    sentence = TimedString("Hello, Bob. ", start_time=0.0)
    word = TimedString("Bob", start_time=0.5, end_time=0.9)
    got = timings({USERDATA_TIMED_TRANSCRIPT: [sentence, word, "untimed"]})
    assert got.words == (Word("Hello, Bob. ", 0.0, None), Word("Bob", 0.5, 0.9))
