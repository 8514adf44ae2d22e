"""Ears over the wire: what was said while one went deaf is heard by the next."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from fake_deepgram import FakeDeepgram
from fake_service import Fault, Kind
from fake_speech import Speaker
from livekit import rtc
from livekit.agents import stt
from stages import NoEar
from wires import http, persona, settings

from agent.providers.choose import make_ear
from agent.providers.ears import Ear, EarChain
from agent.providers.hearing import EarStream
from agent.session import make_vad

LIMIT_S = 60
RATE = 24_000
_vad = make_vad()


class Caller:
    """Speaks into an ear and keeps what that writes."""

    def __init__(self, chain: stt.STT[Any]) -> None:
        self.stream = chain.stream()
        self.finals: list[str] = []
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.stream:
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT and event.alternatives[0].text:
                self.finals.append(event.alternatives[0].text)

    async def say(self, pcm: bytes) -> None:
        """Four times as fast as a person, so that the VAD keeps up."""
        for at in range(0, len(pcm), 960):
            piece = pcm[at : at + 960]
            self.stream.push_frame(rtc.AudioFrame(piece, RATE, 1, len(piece) // 2))
            await asyncio.sleep(0.005)

    async def final(self) -> str:
        """The next transcript; silence goes on meanwhile, as it does in a call."""
        while not self.finals:
            await self.say(bytes(2 * RATE // 10))
        return self.finals.pop(0)

    async def aclose(self) -> None:
        await self.stream.aclose()
        await asyncio.wait({self._task})


@pytest.fixture
async def sentence() -> AsyncIterator[bytes]:
    speaker = Speaker()
    speech = await speaker.say("What can you do for me today?")
    quiet = np.zeros(RATE // 2, np.int16).tobytes()
    yield quiet + speech.pcm + quiet
    await speaker.aclose()


@pytest.fixture
async def deepgram() -> AsyncIterator[FakeDeepgram]:
    async with FakeDeepgram() as service, http():
        service.says = ["first", "second", "third"]
        yield service


@pytest.mark.parametrize("model", ["nova-3", "flux-general-en"])
async def test_both_of_deepgrams_ears_hear(
    deepgram: FakeDeepgram, sentence: bytes, model: str
) -> None:
    chain = make_ear(settings(deepgram=deepgram.url, deepgram_model=model), persona(), _vad)
    async with asyncio.timeout(LIMIT_S):
        caller = Caller(chain)
        await caller.say(sentence)
        assert await caller.final() == "first"
        await caller.say(sentence)
        assert await caller.final() == "second"
        await caller.aclose()
    assert deepgram.requests == [f"GET /v{1 if model == 'nova-3' else 2}/listen"]
    await chain.aclose()


@pytest.mark.parametrize(
    ("kind", "after_s"),
    [
        ("refuse", 0.0),
        ("unauthorized", 0.0),
        ("limited", 0.0),
        ("quota", 0.0),
        ("slow", 0.0),
        ("close", 0.5),
        ("garbage", 0.5),
        ("stall", 0.0),
        ("stall", 0.5),  # after it wrote its first word
    ],
)
async def test_the_next_ear_hears_what_was_said_meanwhile(
    deepgram: FakeDeepgram, sentence: bytes, kind: Kind, after_s: float
) -> None:
    deepgram.fault = Fault(kind, after=after_s)
    async with asyncio.timeout(LIMIT_S), FakeDeepgram() as spare:
        spare.says = ["heard by the spare"]
        best = make_ear(settings(deepgram=deepgram.url), persona(), _vad)
        other = make_ear(settings(deepgram=spare.url), persona(), _vad)
        assert isinstance(best, EarChain)
        assert isinstance(other, EarChain)
        chain = EarChain([best.ears[0], other.ears[0], best.ears[-1]], _vad)
        caller = Caller(chain)
        await caller.say(sentence)
        assert await caller.final() == "heard by the spare"
        assert chain.stage.serving == 1
        await caller.aclose()
        for ear in (chain, best, other):
            await ear.aclose()


async def test_an_ear_that_was_only_slow_keeps_the_word(
    deepgram: FakeDeepgram, sentence: bytes
) -> None:
    """Another one listened along meanwhile; it is neither believed nor passed on."""
    first, spare = NoEar(), NoEar()
    chain = EarChain([Ear("slow", lambda: first, 60.0), Ear("spare", lambda: spare)], _vad)
    async with asyncio.timeout(LIMIT_S):
        caller = Caller(chain)
        await caller.say(sentence)
        while not spare.streams:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.01)
        spare.say("guessed")
        stream = caller.stream
        assert isinstance(stream, EarStream)
        while not (stream._opinion and stream._opinion.held):  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.01)
        first.say("heard")
        assert await caller.final() == "heard"
        assert (chain.stage.serving, caller.finals) == (0, [])
        assert chain.stage.health[0].well
        await caller.aclose()
    await chain.aclose()


async def test_a_better_ear_comes_back_once_it_has_heard_something(
    deepgram: FakeDeepgram, sentence: bytes
) -> None:
    deepgram.fault = Fault("refuse")
    spare = NoEar()
    best = make_ear(settings(deepgram=deepgram.url), persona(), _vad)
    assert isinstance(best, EarChain)
    chain = EarChain([best.ears[0], Ear("none", lambda: spare)], _vad)
    async with asyncio.timeout(LIMIT_S):
        caller = Caller(chain)
        await caller.say(sentence)
        while chain.stage.serving == 0:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.01)
        deepgram.fault = Fault()
        deepgram.arrived.clear()
        chain.stage._clock = lambda: asyncio.get_running_loop().time() + 60  # it has rested
        await deepgram.arrived.wait()
        await caller.say(sentence)
        assert await caller.final() == "first"
        assert chain.stage.serving == 0
        await caller.aclose()
    await chain.aclose()
    await best.aclose()


async def test_a_noise_does_not_make_an_ear_deaf(deepgram: FakeDeepgram, sentence: bytes) -> None:
    """The ear says nothing, and neither does the second opinion."""
    deepgram.deaf = True
    best = make_ear(settings(deepgram=deepgram.url), persona(), _vad)
    assert isinstance(best, EarChain)
    spare = NoEar()
    chain = EarChain([best.ears[0], Ear("none", lambda: spare)], _vad)
    async with asyncio.timeout(LIMIT_S):
        caller = Caller(chain)
        await caller.say(sentence)
        while not spare.streams:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.01)
        deepgram.deaf = False
        await caller.say(sentence)
        assert await caller.final() == "first"
        assert chain.stage.serving == 0
        assert chain.stage.health[0].well
        await caller.aclose()
    await chain.aclose()
    await best.aclose()
