"""Interrupted again and again, left and found again: the voice is always there afterwards."""

import asyncio
import time

import numpy as np
import pytest
from livekit import api
from stages import STORY, stage

from agent.config import Settings
from agent.probe.participant import Participant
from agent.probe.run import participant_token
from agent.server import server_api

pytestmark = pytest.mark.server

TURNS = 50


async def test_after_each_of_fifty_interruptions_the_next_turn_is_heard(
    livekit: Settings,
) -> None:
    rng = np.random.default_rng(10)
    async with asyncio.timeout(150), stage(livekit) as on:
        before = len(on.finished)
        for turn in range(TURNS):
            asked = time.monotonic()
            handle = on.session.say(STORY)
            heard = await on.me.wait_voice(asked)
            await asyncio.sleep(rng.uniform(0.0, 0.4))
            if turn % 3 == 0:  # in the middle of a hold
                assert on.session.output.audio is not None
                on.session.output.audio.pause()
                await asyncio.sleep(rng.uniform(0.0, 0.1))
            await on.session.interrupt()
            await handle
            await on.me.wait_quiet(heard - 0.01, settle=0.1)
        assert len(on.finished) - before == TURNS
        assert all(event.interrupted for event in on.finished[before:])


async def test_a_caller_who_was_cut_off_and_comes_back_is_answered(livekit: Settings) -> None:
    async with asyncio.timeout(60), stage(livekit) as on:
        room = on.room.name
        async with server_api(livekit) as server:
            await server.room.remove_participant(
                api.RoomParticipantIdentity(room=room, identity="me")
            )
        again = Participant(livekit.livekit_url, participant_token(livekit, room, "me"))
        async with again:
            await again.audio_subscribed.wait()
            sid = again.room.local_participant.sid
            while getattr(on.room.remote_participants.get("me"), "sid", None) != sid:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            asked = time.monotonic()
            await again.type("who are you")
            await again.wait_voice(asked)
