"""One long call at a subscriber: frame rate, freezes, picture against sound, CPU per process.

The caller keeps the avatar talking by typing; nobody interrupts.
"""

import asyncio
import itertools
import time
from collections import defaultdict
from typing import Any

from agent.probe import measure
from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from benches.figures import spread
from benches.stack import Stack, cpu_seconds, role, stack, tree

_PROMPTS = ["tell me a story", "go on", "what can you do", "how does this work", "go on"]


async def run(seconds: float = 120.0) -> dict[str, Any]:
    async with stack(idle_processes=1) as running:
        plan = Plan(room="hold")
        await create_room(running.settings, plan)
        token = participant_token(running.settings, plan.room)
        async with Participant(running.settings.livekit_url, token) as me:
            await me.publish_microphone()
            await me.wait_quiet(me.joined)
            await asyncio.sleep(3.0)  # the next warm process has started by now
            before, begun = _cpu(running), time.monotonic()
            await _keep_talking(me, begun + seconds)
            after, took = _cpu(running), time.monotonic() - begun
            recording = me.recording
        spans = [s for s in measure.utterances(recording) if s.start >= begun]
        stops = [s for s in measure.freezes(recording, 0.1) if s.start >= begun]
        moments = itertools.pairwise(recording.video_times)
        gaps = [b - a for a, b in moments if a > begun]
        offset = measure.offset(recording, spans)
        return {
            "seconds": round(took, 1),
            "spoken_s": round(sum(s.length for s in spans), 1),
            "fps": round(measure.frame_rate(recording), 2),
            "picture_gap_ms": spread(gaps),
            "freezes_over_200_ms": sum(s.length > 0.2 for s in stops),
            "picture_minus_sound_ms": None if offset is None else round(offset.seconds * 1000, 1),
            "agreement": None if offset is None else round(offset.agreement, 2),
            "cpu_percent_of_a_core": {
                name: round(100 * (after[name] - before.get(name, 0.0)) / took, 1)
                for name in sorted(after)
            },
        }


async def _keep_talking(me: Participant, until: float) -> None:
    number = 0
    while time.monotonic() < until:
        asked = time.monotonic()
        await me.type(_PROMPTS[number % len(_PROMPTS)])
        number += 1
        try:
            async with asyncio.timeout(max(1.0, until - asked)):
                await me.wait_quiet(asked)
        except TimeoutError:
            return


def _cpu(running: Stack) -> dict[str, float]:
    used: dict[str, float] = defaultdict(float)
    for process in tree(running.pids["worker"]):
        used[role(process)] += cpu_seconds([process])
    used["livekit-server"] = cpu_seconds(tree(running.pids["livekit-server"]))
    return dict(used)
