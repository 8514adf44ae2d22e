"""A mind or a voice that fails is heard of, in words."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from livekit.agents import APIConnectionError, llm, tts
from livekit.plugins import espeak
from stages import Stage, stage

from agent.config import Settings
from agent.mishaps import mind

LIMIT_S = 60
How = Literal["stalls", "breaks", "nothing"]


async def chunks(*parts: str, then: Exception | float | None = None) -> AsyncIterator[str]:
    for part in parts:
        yield part
    if isinstance(then, Exception):
        raise then
    if then is not None:
        await asyncio.sleep(then)


async def answer(source: AsyncIterator[str]) -> str:
    parts = [part async for part in mind(source, language="en", limit_s=0.05)]
    return "".join(str(part) for part in parts)


async def test_a_mind_that_works_is_passed_on() -> None:
    assert await answer(chunks("One ", "two.")) == "One two."


@pytest.mark.parametrize("then", [None, 60.0, ConnectionError("gone")])
async def test_a_mind_that_says_nothing_is_apologised_for(then: Exception | float | None) -> None:
    assert (await answer(chunks(then=then))).startswith("Sorry, I could not think")


@pytest.mark.parametrize("then", [60.0, ConnectionError("gone")])
async def test_a_mind_that_breaks_off_says_so(then: Exception | float) -> None:
    assert await answer(chunks("One.", then=then)) == "One. Sorry, I lost my thread."


class FaultyVoice(tts.TTS):
    """Speaks well until `how` says otherwise."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=22_050, num_channels=1
        )
        self.inner = espeak.TTS()
        self.how: How | None = None

    def synthesize(self, text: str, *, conn_options: Any = None) -> tts.ChunkedStream:
        return _FaultyStream(tts=self, input_text=text, conn_options=conn_options)

    async def aclose(self) -> None:
        await self.inner.aclose()


class _FaultyStream(tts.ChunkedStream):
    async def _run(self, output: tts.AudioEmitter) -> None:
        owner = self._tts
        assert isinstance(owner, FaultyVoice)
        output.initialize(
            request_id="faulty", sample_rate=22_050, num_channels=1, mime_type="audio/pcm"
        )
        if owner.how == "nothing":
            return
        spoken = 0.0
        async with owner.inner.synthesize(self._input_text) as stream:
            async for event in stream:
                output.push(event.frame.data.tobytes())
                spoken += event.frame.duration
                if owner.how is not None and spoken > 1.0:
                    break
        output.flush()
        if owner.how == "stalls":
            await asyncio.sleep(3600)
        if owner.how == "breaks":
            raise APIConnectionError("the voice broke", retryable=False)


class FaultyMind(llm.LLM):
    """Answers "Fine." until `how` says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.how: How | None = None

    def chat(
        self, *, chat_ctx: llm.ChatContext, tools: Any = None, conn_options: Any = None, **_: Any
    ) -> llm.LLMStream:
        return _FaultyAnswer(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _FaultyAnswer(llm.LLMStream):
    async def _run(self) -> None:
        how = self._llm.how  # type: ignore[attr-defined]  # it is a FaultyMind
        if how == "stalls":
            await asyncio.sleep(3600)
        if how == "breaks":
            raise APIConnectionError("the mind broke", retryable=False)
        if how != "nothing":
            delta = llm.ChoiceDelta(role="assistant", content="All is fine.")
            self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))


async def ask(on: Stage) -> str:
    """Type a question and hear the answer; what the history has of it."""
    asked, count = time.monotonic(), len(on.said())
    await on.me.type("how are you")
    heard = await on.me.wait_voice(asked)
    await on.me.wait_quiet(heard - 0.01, settle=0.8)
    while len(on.said()) == count:  # noqa: ASYNC110  # no event
        await asyncio.sleep(0.02)
    return on.said()[-1]


@pytest.mark.server
async def test_whatever_happens_to_the_voice_something_is_heard(livekit: Settings) -> None:
    voice, impatient = FaultyVoice(), livekit.model_copy(update={"voice_timeout_s": 1.0})
    ways: tuple[How | None, ...] = (None, "nothing", "breaks", "stalls", None)
    async with asyncio.timeout(LIMIT_S), stage(impatient, voice=voice, mind=FaultyMind()) as on:
        for how in ways:
            voice.how = how
            await ask(on)
            assert on.session.agent_state == "listening", how


@pytest.mark.server
async def test_whatever_happens_to_the_mind_something_is_heard(livekit: Settings) -> None:
    brain, impatient = FaultyMind(), livekit.model_copy(update={"model_timeout_s": 1.0})
    ways: tuple[How | None, ...] = (None, "nothing", "breaks", "stalls", None)
    async with asyncio.timeout(LIMIT_S), stage(impatient, mind=brain) as on:
        for how in ways:
            brain.how = how
            said = await ask(on)
            assert ("fine" in said) == (how is None), (how, said)
            assert on.session.agent_state == "listening", how
