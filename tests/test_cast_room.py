"""Personas, faces and edits that change in a call in a real room: the call itself never does."""

import asyncio
import dataclasses
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from livekit import api, rtc
from livekit.agents.llm import AgentHandoff
from stages import STORY, Stage, persona, stage

from agent import personas
from agent.chat import MAX_LETTERS
from agent.config import Settings
from agent.probe.participant import Participant
from agent.probe.run import participant_token
from agent.remote import MALFORMED, REFUSED, UNUSABLE

pytestmark = pytest.mark.server

PATIENT = 60


def agent_of(on: Stage) -> rtc.RemoteParticipant:
    agent = on.me.agent()
    assert agent is not None
    return agent


def tracks(on: Stage) -> set[str]:
    return set(agent_of(on).track_publications)


async def call(on: Stage, method: str, payload: Any, caller: rtc.Room | None = None) -> Any:
    room = caller or on.me.room
    answer = await room.local_participant.perform_rpc(
        destination_identity=agent_of(on).identity,
        method=method,
        payload=payload if isinstance(payload, str) else json.dumps(payload),
        response_timeout=20,
    )
    return json.loads(answer)


async def until(on: Stage, holds: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """Wait until the agent's attributes are so; returns them."""
    changed = asyncio.Event()
    on.me.room.on("participant_attributes_changed", lambda *_: changed.set())
    while not holds(agent_of(on).attributes):
        changed.clear()
        await changed.wait()
    return agent_of(on).attributes


async def written(on: Stage, words: str, after: float) -> float:
    """Wait until the agent's captions hold these words; returns when they did."""
    while True:
        for moment, who, text, _ in on.me.texts:
            if who == agent_of(on).identity and moment > after and words in text:
                return moment
        await asyncio.sleep(0.02)


async def test_another_persona_takes_over_on_the_same_tracks(livekit: Settings) -> None:
    async with asyncio.timeout(PATIENT), stage(livekit) as on:
        sids, pictures = tracks(on), len(on.me.recording.video_times)
        shown = await until(on, lambda a: a.get("visavis.persona") == "imani")
        assert shown["ai"] == "true" and shown["visavis.disclosure"] == "You are talking to an AI"
        on.session.say(STORY)
        await on.me.wait_voice(time.monotonic())
        asked = time.monotonic()
        assert await call(on, "visavis.switch", {"persona": "anselm", "portrait": None}) == {
            "persona": "anselm",
            "portrait": "anselm",
        }
        shown = await until(on, lambda a: a["visavis.persona"] == "anselm")
        assert shown["visavis.portrait"] == "anselm"
        await written(on, "I'm Anselm", asked)
        await on.me.wait_quiet(await on.me.wait_voice(asked + 0.5))
        assert tracks(on) == sids
        assert on.face.closed, "the first face is let go"
        assert len(on.me.recording.video_times) > pictures
        assert any(isinstance(item, AgentHandoff) for item in on.session.history.items)
        asked = time.monotonic()
        await on.me.type("what is your name")
        await written(on, "Anselm", asked)
        await call(on, "visavis.switch", {"persona": "anselm", "portrait": "jun"})
        shown = await until(on, lambda a: a["visavis.portrait"] == "jun")
        assert shown["visavis.persona"] == "anselm" and tracks(on) == sids


async def test_what_cannot_be_had_is_refused_with_a_sentence(livekit: Settings) -> None:
    async with asyncio.timeout(PATIENT), stage(livekit) as on:
        for method, payload, code, words in (
            ("visavis.switch", {"persona": "nobody"}, UNUSABLE, "There is nobody called nobody"),
            ("visavis.switch", {"persona": "../jun"}, UNUSABLE, "There is nobody called ../jun"),
            ("visavis.switch", {"portrait": "/etc"}, UNUSABLE, "There is no portrait called /etc"),
            ("visavis.switch", "{", MALFORMED, "must be JSON"),
            ("visavis.avatar", {"open": "no"}, MALFORMED, "must be JSON"),
        ):
            with pytest.raises(rtc.RpcError, match=words) as caught:
                await call(on, method, payload)
            assert caught.value.code == code
        token = participant_token(on.settings, on.room.name, "stranger")
        async with Participant(on.settings.livekit_url, token) as other:
            await other.audio_subscribed.wait()
            with pytest.raises(rtc.RpcError) as caught:
                await call(on, "visavis.avatar", {"open": False}, other.room)
            assert caught.value.code == REFUSED
        assert on.call.cast.persona.id == "imani"


async def test_a_closed_avatar_answers_in_text_and_nothing_is_synthesised(
    livekit: Settings,
) -> None:
    async with asyncio.timeout(PATIENT), stage(livekit) as on:
        asked = time.monotonic()
        handle = on.session.say(STORY)
        began = await on.me.wait_voice(asked)
        assert await call(on, "visavis.avatar", {"open": False}) == {"open": False}
        await handle
        await written(on, "all the same.", asked)  # the rest of the story, in writing
        assert not handle.interrupted and on.said()[-1] == STORY
        await until(on, lambda a: a["visavis.avatar"] == "closed")
        made = on.call.speeches.counts.made
        asked = time.monotonic()
        await on.me.type("can you count to five")
        await written(on, "five", asked)
        assert on.call.speeches.counts.made == made
        assert on.call.speeches.counts.written == 2
        assert on.finished[-1].playback_position < time.monotonic() - began
        await call(on, "visavis.avatar", {"open": True})
        asked = time.monotonic()
        await on.me.type("can you count to four")
        await call(on, "visavis.avatar", {"open": False})  # while it thinks, or just begins
        await written(on, "four", asked)
        await call(on, "visavis.avatar", {"open": True})
        made, asked = on.call.speeches.counts.made, time.monotonic()
        await on.me.type("can you count to three")
        await on.me.wait_voice(asked)
        await written(on, "three", asked)
        counts = on.call.speeches.counts
        assert counts.made == made + 1 and counts.failed == 0
        shown = await until(on, lambda a: json.loads(a["visavis.speech"])["made"] == made + 1)
        assert shown["visavis.avatar"] == "open"


async def test_an_edit_is_heard_in_the_next_turn_and_a_broken_one_is_shown(
    livekit: Settings, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(personas.SHIPPED / "imani", tmp_path / "mine"))
    who = personas.load(folder).model_copy(update={"greeting": "Hi."})
    file, script = folder / "persona.toml", folder / "script.toml"
    async with asyncio.timeout(PATIENT), stage(livekit, who=who) as on:
        sids, room = tracks(on), on.room.name
        handle = on.session.say(STORY)  # the edit comes while it talks
        good = script.read_text()
        script.write_text(
            good + '\n[[topic]]\nid = "pineapple"\nask = ["what about the pineapple"]\n'
            'say = ["A pineapple is on the table now."]\n'
        )
        await until(on, lambda a: a.get("visavis.edits") == "1")
        await handle
        assert not handle.interrupted, "an edit costs no word"
        asked = time.monotonic()
        await on.me.type("what about the pineapple")
        await written(on, "A pineapple is on the table now.", asked)
        file.write_text(file.read_text().replace('role = "Host"', 'role = "Host'))
        shown = await until(on, lambda a: a.get("visavis.problem", "") != "")
        assert shown["visavis.problem"].startswith("mine/persona.toml:2: not valid TOML")
        asked = time.monotonic()
        await on.me.type("what about the pineapple")
        await written(on, "A pineapple is on the table now.", asked)
        file.write_text(
            file.read_text()
            .replace('role = "Host', 'role = "Butler"')
            .replace('portrait = "imani"', 'portrait = "jun"')
            .replace("rate = 165", "rate = 200")
        )
        shown = await until(on, lambda a: a["visavis.edits"] == "2")
        await until(on, lambda a: not a.get("visavis.problem") and a["visavis.portrait"] == "jun")
        assert on.call.cast.persona.role == "Butler"
        assert on.call.cast.persona.voice.espeak.rate == 200
        assert tracks(on) == sids and on.room.name == room


async def test_a_listener_who_was_away_hears_the_rest(livekit: Settings) -> None:
    async with asyncio.timeout(PATIENT), stage(livekit) as on:
        handle = on.session.say(STORY)
        began = await on.me.wait_voice(time.monotonic())
        lk = api.LiveKitAPI(
            on.settings.livekit_url,
            on.settings.livekit_api_key,
            on.settings.livekit_api_secret.get_secret_value(),
        )
        gone = asyncio.Event()
        on.room.on("participant_disconnected", lambda _: gone.set())
        async with lk:
            identity = api.RoomParticipantIdentity(room=on.room.name, identity="me")
            await lk.room.remove_participant(identity)
        await gone.wait()
        away = time.monotonic()
        token = participant_token(on.settings, on.room.name, "me")
        async with Participant(on.settings.livekit_url, token) as back:
            await back.wait_voice(away)
            await handle
            counts = dataclasses.replace(on.call.speeches.counts)
            await back.type("what is your name")
            while not any("Imani" in text for *_, text, _ in back.texts):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert not handle.interrupted
        assert on.said()[-1] == STORY
        assert began < away
        assert counts.dropped == 0 and counts.played == counts.made


async def test_a_flood_and_a_book_are_answered_by_a_sentence(livekit: Settings) -> None:
    async with asyncio.timeout(PATIENT), stage(livekit) as on:
        asked = time.monotonic()
        await on.me.type("x" * (MAX_LETTERS + 1))
        await written(on, "more than I can read at once", asked)
        users = [m for m in on.session.history.messages() if m.role == "user"]
        assert not users, "the mind does not see it"


async def test_a_persona_gives_the_call_to_another(livekit: Settings) -> None:
    async with asyncio.timeout(PATIENT), stage(livekit, who=persona(hand_over=("jun",))) as on:
        sids, asked = tracks(on), time.monotonic()
        await on.me.type("can i talk to support")
        await written(on, "I'm Jun", asked)
        shown = await until(on, lambda a: a["visavis.persona"] == "jun")
        assert shown["visavis.portrait"] == "jun" and tracks(on) == sids
        asked = time.monotonic()
        await on.me.type("what is your name")
        await written(on, "Jun", asked)
