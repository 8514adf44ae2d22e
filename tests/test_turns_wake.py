"""Whether words are for an avatar that must be called: by what, how like, how long."""

import asyncio
import json
import time
from typing import Literal

import pytest
from livekit import api, rtc
from livekit.agents import AgentSession, AgentStateChangedEvent, StopResponse, UserStateChangedEvent
from livekit.agents.llm import ChatContext, ChatMessage
from stages import NoEar, stage

from agent import personas
from agent.assistant import Assistant, Scene
from agent.bridges.control import SessionControl
from agent.bridges.orders import Configure
from agent.bridges.tap import SESSION_TOPIC
from agent.config import Settings
from agent.server import server_api
from agent.turns.wake import LEAST, Strictness, Wake

PHRASES = ["comment", "suggestion", "feedback", "teacher comment"]
CALLS = """teacher comment|Teacher, comment please|any comments|could I get some feed back
feedbag please|give me a suggestion|any sugestions|comet please|can you comment on that
teecher coment|feedback|um, suggestion"""
TALK = """that was a commitment issue|play it from the beginning|I need a moment|come in
let me try the second movement again|can you count me in|what is the question|the feet go back
common time is four four|one two three four|this is a complement|back to measure ten
tempo is fast|sharp on the C major|my teacher said I should come at two|the comma is missing
we need a connection|that is my intention|feed the cat and come back|play back the recording"""


def sentences(text: str) -> list[str]:
    return text.replace("\n", "|").split("|")


@pytest.mark.parametrize("text", sentences(CALLS))
def test_a_call_is_heard_through_a_recognisers_spelling(text: str) -> None:
    assert Wake(PHRASES).on_turn(text, 0.0) == "begin"


@pytest.mark.parametrize("text", sentences(TALK))
def test_what_people_say_to_each_other_is_no_call(text: str) -> None:
    assert Wake(PHRASES).on_turn(text, 0.0) == "ignore"


@pytest.mark.parametrize(
    ("strictness", "answered"), [("low", True), ("medium", False), ("high", False)]
)
def test_strictness_decides_what_is_near_enough(strictness: Strictness, answered: bool) -> None:
    wake = Wake(PHRASES, strictness)
    assert (wake.on_turn("common teacher", 0.0) == "begin") is answered
    assert LEAST["low"] < LEAST["medium"] < LEAST["high"]


def test_without_phrases_everything_is_answered() -> None:
    assert Wake().on_turn("play it from the beginning", 0.0) == "answer"


def test_after_our_speech_anything_is_for_us_until_the_window_closes() -> None:
    wake = Wake(PHRASES)
    wake.on_speaking(0.0, True)
    assert wake.on_turn("wait", 1.0) == "answer"
    wake.on_speaking(5.0, False)
    assert wake.on_turn("and the left hand?", 14.9) == "answer"
    assert wake.on_turn("and the left hand?", 15.1) == "ignore"
    assert wake.on_turn("teacher, comment", 15.2) == "begin"


def test_a_sentence_begun_within_the_window_is_for_us() -> None:
    wake = Wake(PHRASES)
    wake.on_speaking(0.0, True)
    wake.on_speaking(5.0, False)
    wake.on_voice(14.0)
    assert wake.on_turn("a very long question", 18.0) == "answer"
    wake.on_voice(19.0)
    assert wake.on_turn("and another", 20.0) == "ignore"


class Wired:
    """A session and a room that are not connected, and what steers them."""

    def __init__(self) -> None:
        self.room, self.session, self.wake = rtc.Room(), AgentSession[None](), Wake()
        self.control = SessionControl(self.room, self.session, self.wake)

    def tell(self, order: object, sender: rtc.RemoteParticipant | None = None) -> None:
        self.room.emit(
            "data_received",
            rtc.DataPacket(
                data=json.dumps(order).encode(),
                kind=rtc.DataPacketKind.KIND_RELIABLE,
                participant=sender,
                topic=SESSION_TOPIC,
            ),
        )


CONFIGURE = {"do": "configure", "wake_phrases": ["Hey teacher"], "strictness": "high"}


async def test_the_servers_order_sets_the_phrases() -> None:
    wired = Wired()
    wired.tell(CONFIGURE)
    assert (wired.wake.phrases, wired.wake.strictness) == (("Hey teacher",), "high")


@pytest.mark.parametrize(
    "order",
    [{**CONFIGURE, "strictness": "cruel"}, {"wake_phrases": ["x y"]}, {"do": "explode"}, 7, {}],
)
async def test_what_is_no_order_changes_nothing(order: object) -> None:
    wired = Wired()
    wired.tell(order)
    assert wired.wake.phrases == ()
    assert not wired.control._tasks


async def test_nobody_in_the_room_can_give_an_order() -> None:
    wired = Wired()
    somebody = object.__new__(rtc.RemoteParticipant)
    wired.tell(CONFIGURE, somebody)
    assert wired.wake.phrases == ()


async def test_the_window_follows_the_session() -> None:
    wired = Wired()
    wired.wake.set(PHRASES, "medium")
    agent, user = AgentStateChangedEvent, UserStateChangedEvent
    wired.session.emit(
        "agent_state_changed", agent(old_state="thinking", new_state="speaking", created_at=0.0)
    )
    wired.session.emit(
        "agent_state_changed", agent(old_state="speaking", new_state="listening", created_at=0.0)
    )
    wired.session.emit(
        "user_state_changed", user(old_state="listening", new_state="speaking", created_at=0.0)
    )
    assert wired.wake.on_turn("and the left hand?", float("inf")) == "answer"


def assistant(wake: Wake) -> Assistant:
    history = ChatContext.empty()
    history.add_message(role="user", content="what we said before")
    return Assistant(personas.load("imani"), Scene(wake=wake), history=history)


async def test_what_is_not_for_us_is_neither_answered_nor_kept() -> None:
    who = assistant(Wake(PHRASES))
    with pytest.raises(StopResponse):
        await who.on_user_turn_completed(
            who.chat_ctx.copy(), ChatMessage(role="user", content=["play it again"])
        )
    assert len(who.chat_ctx.items) == 1


async def test_a_call_begins_a_new_conversation() -> None:
    who = assistant(Wake(PHRASES))
    turn = who.chat_ctx.copy()
    await who.on_user_turn_completed(turn, ChatMessage(role="user", content=["any comments?"]))
    assert not turn.items
    assert not who.chat_ctx.items


@pytest.mark.server
async def test_in_a_room_it_is_silent_until_it_is_called(livekit: Settings) -> None:
    order = Configure(wake_phrases=["hey teacher"], strictness="medium")
    judged = asyncio.Queue[str]()
    async with asyncio.timeout(60), stage(livekit, ear=(ear := NoEar())) as on:
        wake = on.call.wake
        wake.window_s, judge = 0.0, wake.on_turn

        def note(text: str, at: float) -> Literal["answer", "begin", "ignore"]:
            judged.put_nowait(found := judge(text, at))
            return found

        wake.on_turn = note  # type: ignore[method-assign]
        SessionControl(on.room, on.session, wake)
        async with server_api(livekit) as server:
            await server.room.send_data(
                api.SendDataRequest(
                    room=on.room.name, data=order.model_dump_json().encode(), topic=SESSION_TOPIC
                )
            )
        while not wake.phrases:  # noqa: ASYNC110  # told by the server
            await asyncio.sleep(0.02)
        before = len(on.said())
        ear.say("what can you do")
        assert await judged.get() == "ignore"
        assert on.session.agent_state == "listening"
        called = time.monotonic()
        ear.say("hey teacher, what can you do")
        assert await judged.get() == "begin"
        await on.me.wait_quiet(called)
        assert len(on.said()) == before + 1
