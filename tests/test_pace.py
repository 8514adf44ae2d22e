"""Words go out with their sound."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import pytest
from livekit.agents.types import TimedString

from agent.heard import HeardWords
from agent.pace import Pace


@dataclass
class Playing:
    """A sound that is played as far as it is told."""

    finished: int = 0
    played_s: float | None = None


@pytest.fixture
def playing() -> Playing:
    return Playing()


def paced(
    playing: Playing, *parts: str | TimedString, heard: HeardWords | None = None, open_: bool = True
) -> AsyncGenerator[str | TimedString, None]:
    async def given() -> AsyncIterator[str | TimedString]:
        for part in parts:
            yield part

    pace = Pace(playing, heard or HeardWords(), listens=lambda: open_)
    return pace.paced(given())


def timed(*words: tuple[str, float]) -> list[TimedString]:
    return [TimedString(text, start_time=start_s) for text, start_s in words]


async def waits(words: AsyncGenerator[str | TimedString, None]) -> asyncio.Task[str]:
    """The next word, which does not come yet."""
    coming: asyncio.Task[str] = asyncio.ensure_future(anext(words))  # type: ignore[arg-type]
    done, _ = await asyncio.wait([coming], timeout=0.12)
    assert not done, f"{coming.result()!r} came before its sound"
    return coming


async def test_a_word_waits_for_its_sound(playing: Playing) -> None:
    async with asyncio.timeout(10):
        words = paced(playing, *timed(("One ", 0.0), ("two.", 0.8)))
        coming = await waits(words)
        playing.played_s = 0.0
        assert await coming == "One "
        coming = await waits(words)
        playing.played_s = 0.8
        assert await coming == "two."
        assert [word async for word in words] == []


async def test_a_pause_holds_the_words(playing: Playing) -> None:
    async with asyncio.timeout(10):
        words = paced(playing, *timed(("One ", 0.0), ("two.", 0.1)))
        playing.played_s = 0.05
        assert await anext(words) == "One "
        coming = await waits(words)
        playing.played_s = 0.1
        assert await coming == "two."


async def test_what_is_over_holds_nothing_back(playing: Playing) -> None:
    async with asyncio.timeout(10):
        words = paced(playing, *timed(("One ", 0.0), ("two ", 5.0), ("three.", 9.0)))
        playing.played_s = 1.0
        assert await anext(words) == "One "
        playing.finished, playing.played_s = 1, None
        assert [word async for word in words] == ["two ", "three."]


async def test_who_only_reads_waits_for_no_sound(playing: Playing) -> None:
    async with asyncio.timeout(10):
        words = paced(playing, *timed(("One ", 0.0), ("two.", 5.0)), open_=False)
        assert [word async for word in words] == ["One ", "two."]


async def test_a_voice_that_fails_is_read_at_once(playing: Playing) -> None:
    async with asyncio.timeout(10):
        heard = HeardWords()
        script = heard.script()
        words = paced(playing, "Nothing is heard.", heard=heard)
        coming = await waits(words)
        script.add_text("Nothing is heard.")
        script.mute = True
        assert await coming == "Nothing "
        assert [word async for word in words] == ["is ", "heard."]


async def test_letters_are_spread_over_a_voice_that_says_no_times(playing: Playing) -> None:
    async with asyncio.timeout(10):
        words = paced(playing, "Fifteen letters a second.")
        playing.played_s = 0.0
        assert await anext(words) == "Fifteen "
        coming = await waits(words)
        playing.played_s = 8 / 15
        assert await coming == "letters "
        playing.played_s = 3.0
        assert [word async for word in words] == ["a ", "second."]


async def test_who_makes_the_words_is_not_kept_waiting(playing: Playing) -> None:
    made = asyncio.Event()

    async def given() -> AsyncIterator[str | TimedString]:
        for word in timed(("One ", 0.0), ("two ", 60.0), ("three.", 70.0)):
            yield word
        made.set()

    async with asyncio.timeout(10):
        words = Pace(playing, HeardWords(), listens=lambda: True).paced(given())
        playing.played_s = 0.0
        assert await anext(words) == "One "
        await made.wait()
        await words.aclose()


async def test_an_error_of_who_makes_the_words_comes_through(playing: Playing) -> None:
    async def given() -> AsyncIterator[str | TimedString]:
        yield TimedString("One ", start_time=0.0)
        raise RuntimeError("the mind is away")

    async with asyncio.timeout(10):
        playing.played_s = 0.0
        words = Pace(playing, HeardWords(), listens=lambda: True).paced(given())
        with pytest.raises(RuntimeError, match="the mind is away"):
            assert [word async for word in words] == ["One "]
