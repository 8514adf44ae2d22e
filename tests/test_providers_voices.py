"""Voices over the wire: whatever goes wrong, every word is said once; the best one comes back."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fake_elevenlabs import FakeElevenLabs
from fake_openai import FakeOpenAI
from fake_service import KINDS, Fault, Kind
from wires import TEXT, http, persona, plain, settings, spoken

from agent.providers.choose import make_voice
from agent.providers.voices import VoiceChain

LIMIT_S = 60


@pytest.fixture
async def eleven() -> AsyncIterator[FakeElevenLabs]:
    async with FakeElevenLabs() as service, http():
        yield service


async def chain_of(service: FakeElevenLabs, **changes: object) -> VoiceChain:
    return make_voice(settings(elevenlabs=service.url, **changes), persona())


def patience(kind: Kind) -> float:
    """Little, where it is what the test is about."""
    return 1.5 if kind in ("slow", "stall") else 20.0


async def test_a_voice_that_is_well_says_everything_with_its_timings(
    eleven: FakeElevenLabs,
) -> None:
    chain = await chain_of(eleven)
    async with asyncio.timeout(LIMIT_S):
        heard = await spoken(chain)
    assert plain(heard.text) == plain(TEXT)
    assert heard.rate == 24_000
    truth = [w for said in eleven.said for w in said.words]
    assert heard.seconds == pytest.approx(sum(s.seconds for s in eleven.said), abs=0.02)
    assert len(heard.words) == len(truth)
    assert chain.stage.name == "elevenlabs"
    await chain.aclose()


@pytest.mark.parametrize("kind", KINDS)
async def test_every_word_is_said_once_whatever_goes_wrong(
    eleven: FakeElevenLabs, kind: Kind
) -> None:
    eleven.fault = Fault(kind, after=1.25)
    chain = await chain_of(eleven, voice_timeout_s=patience(kind))
    async with asyncio.timeout(LIMIT_S):
        heard = await spoken(chain)
    assert plain(heard.text) == plain(TEXT), kind
    assert chain.stage.name == "espeak"
    starts = [float(word.start_time) for word in heard.words]
    assert starts == sorted(starts)
    await chain.aclose()


@pytest.mark.parametrize("kind", ["refuse", "limited", "quota", "slow", "close"])
async def test_a_voice_of_whole_sentences_is_finished_by_the_next(kind: Kind) -> None:
    async with asyncio.timeout(LIMIT_S), FakeOpenAI() as service, http():
        service.fault = Fault(kind, after=0.5)
        url = f"{service.url}/v1"
        chosen = settings(openai_speech_url=url, voice_timeout_s=patience(kind))
        chain = make_voice(chosen.model_copy(update={"openai_api_key": None}), persona())
        service.key = ""
        heard = await spoken(chain)
        assert chain.stage.name == "espeak"
        words, said = plain(TEXT), plain(heard.text)
        assert said[-len(words) // 2 :] == words[-len(words) // 2 :]
        await chain.aclose()


async def test_it_rests_as_long_as_it_asked_for_and_comes_back(eleven: FakeElevenLabs) -> None:
    chain, now = await chain_of(eleven), 100.0
    chain.stage._clock = lambda: now
    eleven.fault = Fault("limited", retry_after=7)
    async with asyncio.timeout(LIMIT_S):
        await spoken(chain, "One.")
        assert chain.stage.name == "espeak"
        eleven.fault = Fault()
        now += 6.9
        await spoken(chain, "Two.")
        assert chain.stage.name == "espeak"
        now += 0.2
        await spoken(chain, "Three.")
    assert chain.stage.name == "elevenlabs"
    assert chain.stage.health[0].well
    await chain.aclose()


async def test_times_that_begin_anew_in_each_sentence_go_on(eleven: FakeElevenLabs) -> None:
    eleven.chunk_times = True
    chain = await chain_of(eleven)
    async with asyncio.timeout(LIMIT_S):
        heard = await spoken(chain)
    assert plain(heard.text) == plain(TEXT)
    starts = [float(word.start_time) for word in heard.words]
    assert starts == sorted(starts)
    first, second = eleven.said
    assert starts[len(first.words)] == pytest.approx(first.seconds, abs=0.35)
    assert second.words
    await chain.aclose()


async def test_without_any_voice_the_words_go_by_in_silence(eleven: FakeElevenLabs) -> None:
    chain = await chain_of(eleven)
    await chain.voice(1).aclose()  # espeak is gone for good
    eleven.fault = Fault("unauthorized")
    async with asyncio.timeout(LIMIT_S):
        heard = await spoken(chain)
    assert plain(heard.text) == plain(TEXT)
    assert not heard.sound().any()
    assert chain.stage.name == "none"
    await chain.aclose()


def test_a_worker_that_makes_its_parts_before_there_is_a_loop_loses_no_voice() -> None:
    chain = make_voice(settings(elevenlabs="http://127.0.0.1:9"), persona())
    chain.prewarm()
    assert all(health.well for health in chain.stage.health)
