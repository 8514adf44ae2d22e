"""Talking over the avatar: from the user's first sound to its last, heard at a subscriber."""

import asyncio
import time
from typing import Any

from agent.probe import measure
from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from agent.probe.sound import say
from benches.figures import spread
from benches.stack import stack

_LISTEN_S = 3.0


async def run(rounds: int = 8) -> dict[str, Any]:
    speech = await say("Stop, please. I would like to ask you something else.", pause_s=0.0)
    async with stack(idle_processes=1) as running:
        plan = Plan(room="barge")
        await create_room(running.settings, plan)
        token = participant_token(running.settings, plan.room)
        tails: list[float] = []
        async with Participant(running.settings.livekit_url, token) as me:
            await me.publish_microphone()
            await me.wait_quiet(me.joined)
            for _ in range(rounds):
                asked = time.monotonic()
                await me.type("tell me a story")
                await me.wait_voice(asked + 0.1)
                await asyncio.sleep(_LISTEN_S)
                began, _ = await me.speak(speech)
                tails.append(_tail(me, began))
                await me.wait_quiet(began)
    return {"first_sound_to_silence_ms": spread([t for t in tails if t is not None])}


def _tail(me: Participant, began: float) -> float:
    """How long voice went on without a pause of 150 ms after a moment."""
    end = began
    while (following := measure.first_voice(me.recording, end)) is not None:
        if following - end > 0.15:
            break
        end = following
    return end - began
