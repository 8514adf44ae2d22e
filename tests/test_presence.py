"""A call ends when there is nobody left to talk to, however they went."""

import asyncio
import os
import signal
import time

import pytest
from livekit import api
from servers import REGISTERED, Background, Worker, server_ports

from agent.config import Settings
from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from agent.server import LiveKitServer, server_api

pytestmark = pytest.mark.server


async def agents_in(settings: Settings, room: str) -> list[str]:
    """Identities of the agents that are in a room now."""
    async with server_api(settings) as server:
        found = await server.room.list_participants(api.ListParticipantsRequest(room=room))
    kinds = api.ParticipantInfo.Kind
    return [p.identity for p in found.participants if p.kind == kinds.AGENT]


async def remove(settings: Settings, room: str, identity: str) -> None:
    """Throw a participant out: no goodbye of its own reaches the agent."""
    async with server_api(settings) as server:
        await server.room.remove_participant(
            api.RoomParticipantIdentity(room=room, identity=identity)
        )


async def _agents(settings: Settings, room: str, count: int) -> list[str]:
    while len(found := await agents_in(settings, room)) != count:  # noqa: ASYNC110  # asks a server
        await asyncio.sleep(0.1)
    return found


async def test_the_agent_leaves_when_the_caller_vanished(
    background: Background, livekit: Settings
) -> None:
    worker = Worker(livekit, {"VISAVIS_ALONE_S": "0.5", "AGENT_NAME": "alone"})
    background.run(worker.start())
    try:
        async with asyncio.timeout(60):
            plan = Plan(room=f"alone-{time.monotonic_ns()}", agent_name="alone")
            await create_room(livekit, plan)
            token = participant_token(livekit, plan.room, "caller")
            async with Participant(livekit.livekit_url, token) as me:
                await me.wait_voice(me.joined)
                await remove(livekit, plan.room, "caller")
            assert await _agents(livekit, plan.room, 0) == []
    finally:
        background.run(worker.aclose())


async def test_a_new_agent_takes_the_room_that_was_made_anew(background: Background) -> None:
    ports = server_ports()
    first, second = LiveKitServer(**ports), LiveKitServer(**ports)
    background.run(first.start())
    settings = Settings(livekit_url=first.url)
    worker = Worker(settings, {"VISAVIS_ALONE_S": "60", "AGENT_NAME": "named"})
    background.run(worker.start())
    plan = Plan(room="killed", agent_name="named")
    try:
        async with asyncio.timeout(90):
            await create_room(settings, plan)
            token = participant_token(settings, plan.room, "caller")
            async with Participant(settings.livekit_url, token) as me:
                await me.wait_voice(me.joined)
                (before,) = await agents_in(settings, plan.room)
                assert first.pid is not None
                os.kill(first.pid, signal.SIGKILL)
                background.run(first.aclose())
                background.run(second.start())
                await _agents(settings, plan.room, 1)  # the old one, back by itself
                while "".join(worker.lines).count(REGISTERED) < 2:  # noqa: ASYNC110  # a log
                    await asyncio.sleep(0.1)
                await create_room(settings, plan)
                while await agents_in(settings, plan.room) in ([], [before]):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                (after,) = await _agents(settings, plan.room, 1)
                assert after != before
    finally:
        background.run(worker.aclose())
        background.run(second.aclose())
        background.run(first.aclose())
