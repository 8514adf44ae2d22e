"""A reply is spoken in the mood that it begins with, and nobody hears or reads the tag."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from benches.cloud import Output
from fake_elevenlabs import FakeElevenLabs
from fake_openai import FakeOpenAI
from livekit.agents import AgentSession
from livekit.plugins import espeak
from wires import http, persona, settings, spoken

from agent import personas
from agent.assistant import Assistant
from agent.config import Settings
from agent.personas import ElevenLabs, Espeak, OpenAI, Persona, Sound, Voices
from agent.providers import choose, upkeep
from agent.providers.voices import MOOD
from agent.session import connect_options, rate_setter
from avatar.frames import Mood

LIMIT_S = 60
HAPPY = Sound(
    espeak=Espeak(rate=200),
    elevenlabs=ElevenLabs(stability=0.3, style=0.4),
    openai=OpenAI(instructions="With a smile."),
)


def moody(**changes: object) -> Persona:
    voices = Voices(
        espeak=Espeak(voice="en-gb", rate=150, pitch=40),
        elevenlabs=ElevenLabs(stability=0.8),
        openai=OpenAI(voice="ash", instructions="Calm."),
        moods={Mood.HAPPY: HAPPY},
    )
    return persona().model_copy(update={"voice": voices, **changes})


@asynccontextmanager
async def session(chosen: Settings, who: Persona) -> AsyncIterator[AgentSession[None]]:
    mind, voice = choose.make_mind(chosen, who), choose.make_voice(chosen, who)
    made = AgentSession[None](llm=mind, tts=voice, vad=None, conn_options=connect_options(chosen))
    made.output.audio = Output()
    yield made
    await made.aclose()
    await asyncio.gather(mind.aclose(), voice.aclose())


async def test_the_mood_of_a_reply_sets_its_voice_and_the_next_has_its_own() -> None:
    who = moody(greeting="[mood:happy] Hi.", moods=(Mood.HAPPY, Mood.SAD))
    async with asyncio.timeout(LIMIT_S), FakeOpenAI() as mind, FakeElevenLabs() as eleven, http():
        chosen = settings(openai=mind.url, elevenlabs=eleven.url)
        answers = iter(
            ["[mood:happy] It floats!", "Water is wet. [mood:happy] Lovely.", "It sank."]
        )
        mind.answer = lambda asked: next(answers)
        async with session(chosen, who) as on:
            await on.start(Assistant(who))
            for _ in range(3):
                await on.generate_reply(user_input="Tell me about water.")
            said = [m.text_content for m in on.history.messages() if m.role == "assistant"]
    smiling = {"stability": 0.3, "similarity_boost": 0.75, "style": 0.4}
    calm = {"stability": 0.8, "similarity_boost": 0.75}
    assert [speech.text for speech in eleven.said] == [
        "Hi.",
        "It floats!",
        "Water is wet. Lovely.",
        "It sank.",
    ]
    used = [{k: v for k, v in (m or {}).items() if k in smiling} for m in eleven.manners]
    assert used == [smiling, smiling, calm, calm]
    assert all("mood" not in (text or "") for text in said)


async def test_a_mood_that_the_persona_does_not_have_changes_nothing() -> None:
    who = moody(greeting="[mood:happy] Hi.", moods=(Mood.SAD,))
    async with asyncio.timeout(LIMIT_S), FakeElevenLabs() as eleven, http():
        async with session(settings(elevenlabs=eleven.url), who) as on:
            await on.start(Assistant(who))
            speech = on.current_speech
            assert speech is not None
            await speech
        assert [(m or {})["stability"] for m in eleven.manners] == [0.8]


async def test_openais_voice_is_told_how_to_speak() -> None:
    async with asyncio.timeout(LIMIT_S), FakeOpenAI() as openai, http():
        chosen = settings(openai=openai.url, openai_speech_url=f"{openai.url}/v1")
        chain = choose.make_voice(chosen, moody())
        for mood in (None, Mood.HAPPY):
            MOOD.set(mood)
            await spoken(chain, "Hello.")
        await chain.aclose()
    assert [(b["voice"], b["instructions"]) for b in openai.bodies] == [
        ("ash", "Calm."),
        ("ash", "With a smile."),
    ]


async def test_the_offline_voice_is_quicker_in_a_mood_and_keeps_the_wished_pace() -> None:
    chain = choose.make_voice(settings(), moody())
    slower, rates = rate_setter(chain), list[int]()
    assert slower is not None
    for pace in (1.0, 0.8):
        slower(pace)
        for mood in (None, Mood.HAPPY, Mood.SAD):
            MOOD.set(mood)
            assert (await spoken(chain, "Hi.")).seconds > 0
            voice = chain.voice(0, mood)
            assert isinstance(voice, espeak.TTS)
            assert (voice._voicing.voice, voice._voicing.pitch) == ("en-gb", 40)
            rates.append(voice._voicing.rate)
    assert rates == [150, 200, 150, 120, 160, 120]
    await chain.aclose()


def test_moods_are_different_sounds_for_the_cache() -> None:
    chosen = settings(elevenlabs="http://127.0.0.1:9")
    voice = choose.make_voice(chosen, moody()).voices[0]
    assert voice.of(Mood.HAPPY).key != voice.key == voice.of(Mood.SAD).key
    texts = dict(upkeep.canned(moody(greeting="[mood:happy] Hi.")))
    assert texts["Hi."] is Mood.HAPPY


@pytest.mark.parametrize("name", ["imani", "anselm", "jun"])
def test_the_shipped_personas_have_moods_in_every_voice(name: str) -> None:
    who = personas.load(name)
    assert who.voice.moods
    assert all(
        s.model_fields_set == {"espeak", "elevenlabs", "openai"} for s in who.voice.moods.values()
    )
    assert set(who.voice.moods) <= set(who.moods)
