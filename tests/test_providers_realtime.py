"""OpenAI's speech to speech over the wire, and what goes on when it is gone."""

import asyncio

from benches.cloud import Output
from fake_elevenlabs import FakeElevenLabs
from fake_openai import FakeOpenAI
from fake_service import Fault
from livekit.agents import AgentSession
from wires import http, persona, settings

from agent.assistant import Assistant
from agent.providers import choose
from agent.providers.realtime import fall_back
from agent.session import connect_options

LIMIT_S = 60


class Next(Assistant):
    """Says when it has taken over."""

    entered = asyncio.Event()

    async def on_enter(self) -> None:
        await super().on_enter()
        self.entered.set()


async def answer(session: AgentSession[None], output: Output) -> None:
    """Ask, and wait until something is heard."""
    output.listen()
    session.generate_reply(user_input="Tell me about water.")
    while not output.voiced:  # noqa: ASYNC110  # no event
        await asyncio.sleep(0.02)


async def test_it_answers_and_its_parts_go_on_when_it_is_gone() -> None:
    async with asyncio.timeout(LIMIT_S), FakeOpenAI() as mind, FakeElevenLabs() as eleven, http():
        chosen = settings(openai=mind.url, elevenlabs=eleven.url, realtime_model="gpt-realtime")
        who = persona()
        realtime, voice = choose.make_realtime(chosen, who), choose.make_voice(chosen, who)
        chain = choose.make_mind(chosen, who)
        session = AgentSession[None](
            llm=chain, tts=voice, vad=None, conn_options=connect_options(chosen)
        )
        output = Output()
        session.output.audio = output
        fall_back(session, lambda: Next(who, greeting=""))
        await session.start(Assistant(who, realtime=realtime, greeting=""))
        await answer(session, output)
        assert not eleven.said
        assert "POST /v1/chat/completions" not in mind.requests
        await session.interrupt()
        mind.fault = Fault("refuse")
        await mind.drop()
        await Next.entered.wait()
        mind.fault = Fault()
        await answer(session, output)
        assert eleven.said
        await session.aclose()
        await asyncio.gather(voice.aclose(), chain.aclose())
