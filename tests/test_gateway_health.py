"""GET /api/health, against a real livekit-server and an agent's health page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from gateways import AWAY, client

from agent.config import Settings


@asynccontextmanager
async def worker_page(text: str, status: int = 200, load: float = 0.0) -> AsyncIterator[str]:
    """An agent worker's health page, and the one that says how busy it is."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    async def busy(_: web.Request) -> web.Response:
        return web.json_response({"worker_load": load})

    app = web.Application()
    app.add_routes([web.get("/", answer), web.get("/worker", busy)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


@pytest.mark.server
async def test_health_is_good_when_server_and_agent_answer(livekit: Settings) -> None:
    async with worker_page("OK") as url, client(livekit, worker_health_url=url) as http:
        answer = await http.get("/api/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert [check["name"] for check in answer.json()["checks"]] == ["livekit-server", "agent"]


@pytest.mark.server
@pytest.mark.parametrize(
    ("text", "status"), [('{"registered": false}', 200), ("inference process not running", 503)]
)
async def test_health_is_bad_while_the_agent_cannot_take_a_call(
    livekit: Settings, text: str, status: int
) -> None:
    async with worker_page(text, status) as url, client(livekit, worker_health_url=url) as http:
        answer = await http.get("/api/health")
    assert answer.status_code == 503
    assert [check["ok"] for check in answer.json()["checks"]] == [True, False]


@pytest.mark.server
async def test_health_tells_a_full_house_from_an_agent_that_is_away(livekit: Settings) -> None:
    for load, code in ((0.75, "agent-ready"), (1.0, "agent-full")):
        async with (
            worker_page("OK", load=load) as url,
            client(livekit, worker_health_url=url) as http,
        ):
            agent = (await http.get("/api/health")).json()["checks"][1]
        assert (agent["code"], agent["ok"]) == (code, code == "agent-ready")


async def test_health_says_which_part_is_away() -> None:
    async with client(AWAY, worker_health_url="http://127.0.0.1:9/") as http:
        answer = await http.get("/api/health")
    assert answer.status_code == 503
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["status"] == "unavailable"
    assert [check["ok"] for check in body["checks"]] == [False, False]
    assert all(check["detail"].endswith(".") for check in body["checks"])
