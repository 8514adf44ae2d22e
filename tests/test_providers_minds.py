"""Minds over the wire: one that fails before its first word is followed by the next."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fake_openai import ANSWER, FakeOpenAI
from fake_service import KEY, Fault, Kind
from livekit.agents import llm
from wires import persona, settings

from agent.mishaps import mind as apologising
from agent.providers.choose import make_mind
from agent.providers.minds import Hung, MindChain
from agent.tools import get_time

LIMIT_S = 60


@pytest.fixture
async def openai() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as service:
        yield service


def chain_of(service: FakeOpenAI, **changes: Any) -> MindChain:
    chain = make_mind(settings(openai=service.url, model_timeout_s=1.5, **changes), persona())
    assert isinstance(chain, MindChain)
    return chain


async def answer(chain: MindChain, asked: str = "What can you do?") -> str:
    context = llm.ChatContext()
    context.add_message(role="user", content=asked)
    parts = []
    async with asyncio.timeout(LIMIT_S), chain.chat(chat_ctx=context) as stream:
        async for chunk in stream:
            parts.append(chunk.delta.content or "" if chunk.delta else "")
    return "".join(parts).strip()


async def test_the_best_mind_answers(openai: FakeOpenAI) -> None:
    chain = chain_of(openai)
    assert await answer(chain) == ANSWER
    assert chain.stage.name == "openai"
    await chain.aclose()


async def test_a_model_is_asked_just_as_by_the_plugin(openai: FakeOpenAI) -> None:
    """Our way round the client's types leaves nothing out and adds nothing."""
    from livekit.plugins import openai as plugin

    ours = chain_of(openai)
    stock = plugin.LLM(model=ours.mind(0).model, base_url=f"{openai.url}/v1", api_key=KEY)
    context = llm.ChatContext()
    context.add_message(role="system", content="You are a host.")
    context.add_message(role="user", content="What time is it?")
    for mind in (ours, stock):
        async with mind.chat(chat_ctx=context, tools=[get_time]) as stream:
            async for _ in stream:
                pass
        await mind.aclose()
    first, second = openai.bodies
    assert first == second
    assert len(first["messages"]) == 2 and first["tools"][0]["function"]["name"] == "get_time"


@pytest.mark.parametrize("kind", ["refuse", "unauthorized", "limited", "quota", "garbage"])
async def test_the_script_answers_when_it_cannot_be_asked(openai: FakeOpenAI, kind: Kind) -> None:
    openai.fault = Fault(kind)
    chain = chain_of(openai)
    said = await answer(chain)
    assert said
    assert said != ANSWER
    assert chain.stage.name == "script"
    await chain.aclose()


async def test_another_model_answers_before_the_script(openai: FakeOpenAI) -> None:
    async with FakeOpenAI(key="") as local:
        openai.fault = Fault("limited")
        chain = chain_of(openai, local_url=f"{local.url}/v1")
        assert await answer(chain) == ANSWER
        assert chain.stage.name == "local"
        await chain.aclose()


@pytest.mark.parametrize(("kind", "begun"), [("slow", False), ("stall", True), ("close", True)])
async def test_one_that_hangs_or_breaks_off_is_apologised_for(
    openai: FakeOpenAI, kind: Kind, begun: bool
) -> None:
    openai.fault = Fault(kind, after=3)
    chain = chain_of(openai)
    context = llm.ChatContext()
    context.add_message(role="user", content="What can you do?")

    async def chunks() -> AsyncIterator[Any]:
        async with chain.chat(chat_ctx=context) as stream:
            async for chunk in stream:
                yield chunk

    said = ""
    async with asyncio.timeout(LIMIT_S):
        async for chunk in apologising(chunks(), language="en", limit_s=30, patience_s=30):
            delta = getattr(chunk, "delta", None)
            said += chunk if isinstance(chunk, str) else (delta.content or "") if delta else ""
    assert ("lost my thread" in said) == begun
    assert ("could not think" in said) == (not begun)
    await chain.aclose()


async def test_it_is_left_alone_while_it_rests(openai: FakeOpenAI) -> None:
    openai.fault = Fault("slow")
    chain = chain_of(openai)
    with pytest.raises(Hung):
        await answer(chain)
    before = len(openai.requests)
    assert await answer(chain)
    assert len(openai.requests) == before
    openai.fault = Fault()
    chain.stage._clock = lambda: time.monotonic() + 60
    assert await answer(chain) == ANSWER
    assert chain.stage.name == "openai"
    await chain.aclose()
