"""A call with real plugins against local servers: they fail one by one, and it goes on."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from fake_deepgram import FakeDeepgram
from fake_elevenlabs import FakeElevenLabs
from fake_openai import FakeOpenAI
from fake_service import KEY, Fault
from stages import Stage, stage
from wires import TEXT, http, persona, plain
from wires import settings as wired

from agent.config import Settings
from agent.providers import choose
from agent.providers.level import ATTRIBUTE_LEVEL
from agent.session import make_vad

LIMIT_S = 150


class Cloud:
    """The three services, and settings that use them."""

    def __init__(self) -> None:
        self.ear, self.mind, self.voice = FakeDeepgram(), FakeOpenAI(), FakeElevenLabs(pace=0.5)

    def settings(self, livekit: Settings) -> Settings:
        urls = wired(deepgram=self.ear.url, openai=self.mind.url, elevenlabs=self.voice.url)
        given = urls.model_dump(exclude_unset=True)
        return livekit.model_copy(update={**given, "model_timeout_s": 1.5})


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    made = Cloud()
    async with AsyncExitStack() as stack:
        for service in (made.ear, made.mind, made.voice):
            await stack.enter_async_context(service)
        await stack.enter_async_context(http())
        yield made


async def ask(on: Stage) -> str:
    asked, count = time.monotonic(), len(on.said())
    await on.me.type("what do you know about water")
    heard = await on.me.wait_voice(asked)
    await on.me.wait_quiet(heard - 0.01, settle=1.0)
    while len(on.said()) == count:  # noqa: ASYNC110  # no event
        await asyncio.sleep(0.02)
    return on.said()[-1]


@pytest.mark.server
async def test_the_parts_fail_one_by_one_and_the_call_goes_on(
    livekit: Settings, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chosen, who = cloud.settings(livekit), persona().model_copy(update={"greeting": "Hi."})
    voice, mind = choose.make_voice(chosen, who), choose.make_mind(chosen, who)
    ear = choose.make_ear(chosen, who, make_vad())
    cloud.mind.answer = lambda asked: TEXT
    async with (
        asyncio.timeout(LIMIT_S),
        stage(chosen, who=who, voice=voice, mind=mind, ear=ear) as on,
    ):
        assert plain(await ask(on)) == plain(TEXT)
        await level(on, "normal")
        cloud.voice.fault = Fault("close", after=1.5)  # in the middle of a sentence
        assert plain(await ask(on)) == plain(TEXT)
        await level(on, "other-voice")
        cloud.mind.fault = Fault("unauthorized")
        assert await ask(on)
        await level(on, "offline")
        cloud.mind.fault = Fault()
    await mind.aclose()
    logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "the voice failed" in logged
    assert KEY not in logged
    assert "boats" not in "\n".join(
        f"{record.getMessage()} {vars(record)}"
        for record in caplog.records
        if record.name.startswith("agent")
    )


async def level(on: Stage, wanted: str) -> None:
    """Wait until the room is shown this level."""
    while on.room.local_participant.attributes.get(ATTRIBUTE_LEVEL) != wanted:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
