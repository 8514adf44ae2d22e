"""Another persona in the middle of a sentence: how long the picture stands, and the sound is away.

A subscriber asks by RPC while the old persona talks. The picture's gap is the longest between two
pictures from the question to the new voice; the sound's is from the last of the old voice to the
first of the new one.
"""

import asyncio
import itertools
import json
import time
from typing import Any

from agent.probe import measure
from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from benches.figures import spread
from benches.stack import stack

_NAMES = ("anselm", "jun", "imani")


async def run(rounds: int = 12) -> dict[str, Any]:
    asked_for = itertools.islice(itertools.cycle(_NAMES), rounds)
    answers: list[float] = []
    pictures: list[float] = []
    sounds: list[float] = []
    async with stack(idle_processes=1) as running:
        plan = Plan(room="takeover")
        await create_room(running.settings, plan)
        token = participant_token(running.settings, plan.room)
        async with Participant(running.settings.livekit_url, token) as me:
            await me.publish_microphone()
            await me.wait_quiet(me.joined)
            agent = me.agent()
            assert agent is not None
            tracks = set(agent.track_publications)
            for name in asked_for:
                typed = time.monotonic()
                await me.type("tell me a story")
                await me.wait_voice(typed)
                await asyncio.sleep(1.5)
                asked = time.monotonic()
                await me.room.local_participant.perform_rpc(
                    destination_identity=agent.identity,
                    method="visavis.switch",
                    payload=json.dumps({"persona": name, "portrait": None}),
                )
                answered = time.monotonic()
                quiet = measure.first_quiet(me.recording, asked, 0.15)
                while quiet is None:
                    await asyncio.sleep(0.05)
                    quiet = measure.first_quiet(me.recording, asked, 0.15)
                greeted = await me.wait_voice(quiet + 0.1)
                moments = [t for t in me.recording.video_times if asked - 0.1 < t < greeted]
                answers.append(answered - asked)
                pictures.append(max(b - a for a, b in itertools.pairwise(moments)))
                sounds.append(greeted - quiet)
                await me.wait_quiet(greeted - 0.01)
            same = set(agent.track_publications) == tracks
    return {
        "switches": len(answers),
        "same_tracks": same,
        "asked_to_answer_ms": spread(answers),
        "picture_gap_ms": spread(pictures),
        "old_voice_to_new_voice_ms": spread(sounds),
    }
