"""Speech on disk: what is the same every time is spoken once."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from fake_elevenlabs import FakeElevenLabs
from fake_service import Fault
from wires import http, persona, plain, settings, spoken

from agent.personas import Persona
from agent.providers import choose, upkeep
from agent.providers.cache import SpeechCache, Take
from agent.providers.voices import VoiceChain
from avatar.frames import Mood

LIMIT_S = 60
TAKE = Take("Hello there.", 24_000, bytes(4800), (("Hello ", 0.0, 0.05), ("there.", 0.05, None)))


def cache(folder: Path, **changes: float) -> SpeechCache:
    bounds = {"max_bytes": 1_000_000, "max_age_s": 3600.0, **changes}
    return SpeechCache(folder, max_bytes=int(bounds["max_bytes"]), max_age_s=bounds["max_age_s"])


@pytest.fixture
async def eleven() -> AsyncIterator[FakeElevenLabs]:
    async with FakeElevenLabs() as service, http():
        yield service


def chain_of(service: FakeElevenLabs, folder: Path, who: Persona | None = None) -> VoiceChain:
    chain = choose.make_voice(settings(elevenlabs=service.url), who or persona())
    chain.cache = cache(folder)
    return chain


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def test_a_greeting_is_asked_for_once(eleven: FakeElevenLabs, tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT_S):
        first = chain_of(eleven, tmp_path)
        once = await spoken(first, "Hi, I'm Imani. Shall we begin?")
        assert first.cache is not None
        await first.cache.settle()
        count = len(eleven.said)
        eleven.fault = Fault("refuse")
        again = chain_of(eleven, tmp_path)  # another worker
        twice = await spoken(again, "Hi, I'm  Imani. Shall we begin?")
    assert len(eleven.said) == count
    assert np.array_equal(once.sound(), twice.sound())
    assert [(str(w), w.start_time, w.end_time) for w in once.words] == [
        (str(w), w.start_time, w.end_time) for w in twice.words
    ]
    for chain in (first, again):
        await chain.aclose()


async def test_what_a_model_says_is_not_kept(eleven: FakeElevenLabs, tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT_S):
        chain = chain_of(eleven, tmp_path)
        async with chain.stream() as stream:
            stream.push_text("Your secret is entirely safe with me. And now ask ")
            async for event in stream:  # the voice has begun, and the text goes on
                if event.frame.duration and not stream._input_ended:
                    stream.push_text("me for something else.")
                    stream.end_input()
        assert chain.cache is not None
        await chain.cache.settle()
    assert not files(tmp_path)
    await chain.aclose()


async def test_another_setting_is_another_sound(eleven: FakeElevenLabs, tmp_path: Path) -> None:
    calm = persona().voice.elevenlabs.model_copy(update={"stability": 0.9})
    voices = persona().voice.model_copy(update={"elevenlabs": calm})
    async with asyncio.timeout(LIMIT_S):
        for who in (persona(), persona().model_copy(update={"voice": voices})):
            chain = chain_of(eleven, tmp_path, who)
            await spoken(chain, "Hello.")
            assert chain.cache is not None
            await chain.cache.settle()
            await chain.aclose()
    assert len(files(tmp_path)) == 2


async def test_canned_answers_are_spoken_ahead(
    eleven: FakeElevenLabs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    chosen, lines = settings(elevenlabs=eleven.url, cache_mb=50), list[str]()
    short = persona().model_copy(update={"script": persona().script.model_copy()})
    monkeypatch.setattr(
        upkeep, "canned", lambda who: iter([("Hello there.", Mood.HAPPY), ("One moment.", None)])
    )
    async with asyncio.timeout(LIMIT_S):
        assert await upkeep.speak_ahead(chosen, [short], lines.append) == 2
        assert await upkeep.speak_ahead(chosen, [short], lines.append) == 0
        eleven.fault = Fault("unauthorized")
        monkeypatch.setattr(upkeep, "canned", lambda who: iter([("Something new.", None)]))
        with pytest.raises(upkeep.UpkeepError, match="elevenlabs failed"):
            await upkeep.speak_ahead(chosen, [short], lines.append)
    assert lines[0] == "Imani: elevenlabs has spoken ahead"


def test_a_persona_knows_what_it_may_say_word_by_word() -> None:
    texts = [text for text, _ in upkeep.canned(persona())]
    assert texts[0].startswith("Hi, I'm Imani.")
    assert any("could not think" in text for text in texts)
    assert len(texts) > 20
    assert all("{" not in text and "[mood" not in text for text in texts)


def test_what_was_written_is_read_with_its_hints(tmp_path: Path) -> None:
    one = cache(tmp_path)
    one.write("key", TAKE)
    assert one.read("key", "Hello  there. ") == TAKE
    assert one.read("other", "Hello there.") is None
    assert one.read("key", "Hello there!") is None
    frames = list(TAKE.frames(24_000))
    assert sum(frame.samples_per_channel for frame in frames) == 2400
    assert plain("".join(frames[0].userdata["lk.timed_transcripts"])) == ["hello", "there"]


@pytest.mark.parametrize("damage", [b"", b"junk", b"VISAVIS-SPEECH\n{}\n", b"VISAVIS-SPEECH\n[1"])
def test_a_damaged_file_is_no_file(tmp_path: Path, damage: bytes) -> None:
    one = cache(tmp_path)
    one.write("key", TAKE)
    path = one.path("key", TAKE.text)
    path.write_bytes(damage or path.read_bytes()[:-1] + b"\1")
    assert one.read("key", TAKE.text) is None
    assert not path.exists()


def test_old_speech_is_forgotten(tmp_path: Path) -> None:
    one = cache(tmp_path)
    one.write("key", TAKE)
    path = one.path("key", TAKE.text)
    os.utime(path, (time.time(), time.time() - 4000))
    assert one.read("key", TAKE.text) is None
    one.tidy()
    assert not path.exists()


def test_what_was_used_longest_ago_leaves_first(tmp_path: Path) -> None:
    one = cache(tmp_path, max_bytes=3 * 5100)
    for n in range(3):
        one.write(f"key{n}", TAKE)
        os.utime(one.path(f"key{n}", TAKE.text), (time.time() - 100 + n, time.time() - 50))
    one.read("key0", TAKE.text)
    one.write("key3", TAKE)
    there = [n for n in range(4) if one.path(f"key{n}", TAKE.text).exists()]
    assert there == [0, 2, 3]


async def test_two_workers_that_write_the_same_leave_one_whole_file(tmp_path: Path) -> None:
    first, second = cache(tmp_path), cache(tmp_path)
    writes = [asyncio.to_thread(one.write, "key", TAKE) for one in (first, second) * 8]
    reads = [asyncio.to_thread(first.read, "key", TAKE.text) for _ in range(8)]
    results = await asyncio.gather(*writes, *reads)
    assert all(found in (None, TAKE) for found in results)
    assert files(tmp_path) == [first.path("key", TAKE.text).name]


def test_a_disk_that_takes_nothing_costs_only_the_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache(tmp_path / "file").write("key", TAKE)
