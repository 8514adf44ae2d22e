"""Whether a call can start: livekit-server answers and accepts our key, and an agent is there.

The agent is asked over the HTTP health page livekit-agents opens. That page answers 200 before the
worker has registered, so an answer in JSON with `"registered": false` counts as not there yet.
Beside it, /worker says how much of the worker's load is taken.
"""

import asyncio
import json
from typing import Any, Final, Literal
from urllib.parse import urljoin

import aiohttp
from pydantic import BaseModel

from agent.gateway.rooms import Rooms
from avatar.errors import Sentence, code_of

SERVER_ANSWERS = Sentence("server-ready", "The server answers.")
AGENT_AWAY = Sentence("agent-away", "No agent is running yet.")
AGENT_READY = Sentence("agent-ready", "An agent is ready to take a call.")
AGENT_FULL = Sentence("agent-full", "All places are taken. One is free as soon as a call ends.")
_FULL: Final = 0.99
"""The load from which on a worker takes no call (agent/worker.py)."""
_TIMEOUT_S = 2.0
_MAX_ANSWER_BYTES = 4096


class Check(BaseModel):
    """One thing a call needs, and how it stands in a plain sentence."""

    name: str
    ok: bool
    detail: str
    code: str
    """What `detail` says, for a page that says it in other words."""


def _check(name: str, ok: bool, said: str) -> Check:
    return Check(name=name, ok=ok, detail=said, code=code_of(said))


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
    return _check("livekit-server", problem is None, problem or SERVER_ANSWERS)


async def _worker(url: str) -> Check:
    away = _check("agent", False, AGENT_AWAY)
    try:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            body = await answer.content.read(_MAX_ANSWER_BYTES)
            if answer.status != 200 or not _registered(_read(body)):
                return away
            async with session.get(urljoin(url, "/worker")) as answer:
                load = _read(await answer.content.read(_MAX_ANSWER_BYTES)).get("worker_load", 0.0)
    except (aiohttp.ClientError, TimeoutError):
        return away
    full = isinstance(load, int | float) and load >= _FULL
    return _check("agent", not full, AGENT_FULL if full else AGENT_READY)


def _read(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}  # livekit-agents' own page says "OK" in plain text
    return answer if isinstance(answer, dict) else {}


def _registered(answer: dict[str, Any]) -> bool:
    return answer.get("registered") is not False
