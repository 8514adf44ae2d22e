"""Many calls one after the other: what is left of processes, threads, descriptors and memory."""

import asyncio
import time
from typing import Any

from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from benches.stack import Stack, stack, tree

_AFTER_S = 4.0


async def run(rounds: int = 20) -> dict[str, Any]:
    async with stack(idle_processes=1) as running:
        await one_call(running, 0)
        await asyncio.sleep(_AFTER_S)
        before = footprint(running)
        for number in range(1, rounds + 1):
            await one_call(running, number)
        await asyncio.sleep(_AFTER_S)
        after = footprint(running)
    return {"calls": rounds, "before": before, "after": after}


async def one_call(running: Stack, number: int) -> None:
    """Join, hear the greeting begin, leave."""
    plan = Plan(room=f"leaks-{number}")
    await create_room(running.settings, plan)
    token = participant_token(running.settings, plan.room)
    async with Participant(running.settings.livekit_url, token) as me:
        async with asyncio.timeout(30):
            await me.wait_voice(time.monotonic())
    await asyncio.sleep(1.0)


def footprint(running: Stack) -> dict[str, Any]:
    """Of the worker's whole tree and of the server."""
    worker, server = tree(running.pids["worker"]), tree(running.pids["livekit-server"])
    return {
        "processes": len(worker),
        "threads": sum(p.num_threads() for p in worker),
        "descriptors": sum(p.num_fds() for p in worker),
        "worker_main_rss_mb": round(worker[0].memory_info().rss / 1e6, 1),
        "worker_tree_rss_mb": round(sum(p.memory_info().rss for p in worker) / 1e6, 1),
        "server_rss_mb": round(sum(p.memory_info().rss for p in server) / 1e6, 1),
        "server_descriptors": sum(p.num_fds() for p in server),
    }
