"""Whether a call can start: livekit-server answers and accepts our key, and an agent is there.

The agent is asked over the HTTP health page livekit-agents opens. That page answers 200 before the
worker has registered, so an answer in JSON with `"registered": false` counts as not there yet.
"""

import asyncio
import json
from typing import Literal

import aiohttp
from pydantic import BaseModel

from agent.gateway.rooms import Rooms

_TIMEOUT_S = 2.0
_MAX_ANSWER_BYTES = 4096


class Check(BaseModel):
    """One thing a call needs, and how it stands in a plain sentence."""

    name: str
    ok: bool
    detail: str


class Health(BaseModel):
    """The answer of GET /api/health; its HTTP status is 200 only when `status` is "ok"."""

    status: Literal["ok", "unavailable"]
    checks: list[Check]


async def examine(rooms: Rooms, worker_health_url: str | None) -> Health:
    """Look at the server and, when its address is known, at the agent worker. Both at once."""
    checks = [_server(rooms)]
    if worker_health_url is not None:
        checks.append(_worker(worker_health_url))
    found = await asyncio.gather(*checks)
    status: Literal["ok", "unavailable"] = "ok" if all(c.ok for c in found) else "unavailable"
    return Health(status=status, checks=found)


async def _server(rooms: Rooms) -> Check:
    problem = await rooms.problem()
    return Check(name="livekit-server", ok=problem is None, detail=problem or "The server answers.")


async def _worker(url: str) -> Check:
    away = Check(name="agent", ok=False, detail="No agent is running yet.")
    try:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            body = await answer.content.read(_MAX_ANSWER_BYTES)
            if answer.status != 200 or not _registered(body):
                return away
    except (aiohttp.ClientError, TimeoutError):
        return away
    return Check(name="agent", ok=True, detail="An agent is ready to take a call.")


def _registered(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return True  # livekit-agents' own page says "OK" in plain text
    return not isinstance(answer, dict) or answer.get("registered") is not False
