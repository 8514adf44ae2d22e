"""Who may interrupt: words only, nobody, or whoever holds the button."""

import asyncio
import time

import pytest
from livekit import rtc
from livekit.plugins import pocketsphinx
from stages import STORY, NoEar, Stage, persona, stage

from agent.config import Settings
from agent.guide import phrases
from agent.probe.sound import say
from agent.turns.talk import ATTRIBUTE_INTERRUPT, METHOD
from agent.turns.words import expected

pytestmark = pytest.mark.server

LIMIT_S = 60


async def until(on: Stage, role: str, count: int) -> str:
    """Wait for so many messages of a role; the newest one's text."""
    while len([m for m in on.messages if m.role == role]) < count:  # noqa: ASYNC110  # no event
        await asyncio.sleep(0.05)
    return [m.text_content or "" for m in on.messages if m.role == role][-1]


async def test_by_words_a_voice_is_ducked_and_words_stop_it(livekit: Settings) -> None:
    talk = await say("One moment, let me think about it for a while", pause_s=0.0)
    async with asyncio.timeout(LIMIT_S), stage(livekit, who=persona("words")) as on:
        assert isinstance(on.ear, NoEar)
        asked = time.monotonic()
        handle = on.session.say(STORY)
        await on.me.wait_voice(asked)
        await on.me.speak(talk)
        assert set(on.actions) == {"duck", "restore"}
        on.ear.say("what time is it")
        await handle
        assert handle.interrupted
        assert on.actions[-1] == "stop"


async def test_where_nobody_may_interrupt_words_wait_for_the_end(livekit: Settings) -> None:
    async with asyncio.timeout(LIMIT_S), stage(livekit, who=persona("never")) as on:
        assert isinstance(on.ear, NoEar)
        asked = time.monotonic()
        handle = on.session.say("Here is something that you have to hear to its very end.")
        await on.me.wait_voice(asked)
        on.ear.say("what can you do")
        await on.me.type("who are you")
        await handle
        assert not handle.interrupted
        assert on.actions == []
        await until(on, "user", 2)
        asked_for = {m.text_content for m in on.messages if m.role == "user"}
        assert asked_for == {"what can you do", "who are you"}


async def test_an_answer_at_the_end_of_a_question_is_not_taken_for_encouragement(
    livekit: Settings,
) -> None:
    async with asyncio.timeout(LIMIT_S), stage(livekit) as on:
        assert isinstance(on.ear, NoEar)
        asked = time.monotonic()
        handle = on.session.say("Shall I go on?")
        await on.me.wait_voice(asked)
        on.ear.say("yes, yes, of course")
        await handle
        assert not handle.interrupted
        assert await until(on, "user", 1) == "yes, yes, of course"


async def test_encouragement_in_the_middle_is_no_turn(livekit: Settings) -> None:
    async with asyncio.timeout(LIMIT_S), stage(livekit) as on:
        assert isinstance(on.ear, NoEar)
        asked = time.monotonic()
        handle = on.session.say(STORY)
        await on.me.wait_voice(asked)
        on.ear.say("yeah, right, I see")
        await handle
        assert not handle.interrupted
        assert [m.role for m in on.messages[1:]] == ["assistant"]


async def test_the_button_opens_the_microphone_and_its_release_asks(livekit: Settings) -> None:
    ear = pocketsphinx.STT(phrases=[*phrases(persona()), *expected("en")])
    question = await say("What can you do?")
    async with (
        asyncio.timeout(LIMIT_S),
        stage(livekit, who=persona("push-to-talk"), ear=ear) as on,
    ):
        agent = on.me.room.remote_participants["agent"]
        assert agent.attributes[ATTRIBUTE_INTERRUPT] == "push-to-talk"
        asked = time.monotonic()
        handle = on.session.say(STORY)
        await on.me.wait_voice(asked)
        await on.me.speak(question)
        assert not handle.interrupted, "a voice without the button was heard"
        await press(on, "start")
        await handle
        assert handle.interrupted
        await on.me.speak(question)
        await press(on, "stop")
        assert "what can you do" in (await until(on, "user", 1)).lower()
        assert await until(on, "assistant", 3)
        with pytest.raises(rtc.RpcError, match="payload"):
            await press(on, "shout")


async def press(on: Stage, payload: str) -> None:
    await on.me.room.local_participant.perform_rpc(
        destination_identity="agent", method=METHOD, payload=payload
    )
