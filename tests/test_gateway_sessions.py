"""Sessions by HTTP: who may ask, which addresses, and a real child process behind each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from agent.config import Settings
from agent.gateway.app import create_app
from agent.gateway.problems import Problem
from agent.gateway.sessions import ConfigRequest, Session, Sessions, StartRequest

HERE = Settings(livekit_url="ws://127.0.0.1:9")
"""A page for this machine alone; no LiveKit server answers."""


@asynccontextmanager
async def gateway(
    settings: Settings = HERE, host: str = "127.0.0.1"
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, web_dir=None)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client,
    ):
        yield client


async def test_one_address_steers_ten_times_a_minute() -> None:
    async with gateway() as client:
        answers = [await client.post("/session/start", json={}) for _ in range(11)]
        looked = await client.get("/session/status")
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 7
    assert "Wait, then try again" in answers[-1].json()["detail"]
    assert looked.status_code == 200


async def test_a_request_is_bounded_before_it_is_read() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"{}"

    async with gateway() as client:
        long = await client.post("/session/start", content=b" " * 40_000)
        endless = await client.post("/session/start", content=chunks())
    assert (long.status_code, endless.status_code) == (413, 411)
    assert "at most 32 KB" in long.json()["detail"]
    assert long.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_session_without_a_stream_is_refused() -> None:
    async with gateway() as client:
        answer = await client.post("/session/start", json={})
    assert answer.status_code == 422
    assert "rtmp_publish_url" in answer.json()["detail"]


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://h/a/key-123", "rtmp://h", "rtmp://h/a b"]
)
async def test_what_is_no_stream_is_refused_and_not_repeated(url: str) -> None:
    async with gateway() as client:
        answer = await client.post("/session/start", json={"rtmp_publish_url": url})
    assert answer.status_code == 422
    assert "passwd" not in answer.text
    assert "key-123" not in answer.text


async def test_internal_addresses_are_refused_where_others_can_ask() -> None:
    open_to_all = HERE.model_copy(update={"host": "0.0.0.0", "sessions": True})
    async with gateway(open_to_all) as client:
        answer = await client.post(
            "/session/start", json={"rtmp_ingest_url": "rtmp://169.254.169.254/a/k"}
        )
    assert answer.status_code == 422
    assert "internal" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("settings", "host"),
    [(HERE.model_copy(update={"host": "0.0.0.0"}), "127.0.0.1"), (HERE, "pages.example")],
)
async def test_others_may_not_steer_sessions(settings: Settings, host: str) -> None:
    async with gateway(settings, host) as client:
        for method, path in (("POST", "start"), ("POST", "stop"), ("GET", "status")):
            answer = await client.request(method, f"/session/{path}", json={})
            assert answer.status_code == 403


async def test_a_page_of_another_site_may_not_steer_sessions() -> None:
    async with gateway() as client:
        answer = await client.get("/session/status", headers={"origin": "http://evil.example"})
    assert answer.status_code == 403


async def test_there_is_no_session_to_stop_or_change() -> None:
    async with gateway() as client:
        for path in ("stop", "reset_context", "config"):
            answer = await client.post(f"/session/{path}", json={})
            assert answer.status_code == 404
        answer = await client.post("/session/start", json={"persona_id": "nobody"})
        assert answer.status_code == 422


@pytest.mark.parametrize(
    "body", [{"strictness": "cruel"}, {"wake_phrases": ["x"]}, {"wake_phrases": ["yes"] * 33}]
)
async def test_what_no_avatar_can_be_called_by_is_refused(body: dict[str, object]) -> None:
    async with gateway() as client:
        answer = await client.post("/session/config", json=body)
    assert answer.status_code == 422


async def test_a_session_whose_avatar_is_not_there_cannot_be_changed() -> None:
    async with Sessions(HERE) as sessions:
        asked = StartRequest(rtmp_publish_url="rtmp://127.0.0.1:9/live/key", persona_id="imani")
        session = await sessions.start(asked)
        with pytest.raises(Problem, match="starting"):
            await sessions.configure(ConfigRequest(wake_phrases=["teacher"]))
    assert session.wake_phrases == []


async def test_a_bridge_that_cannot_start_says_why_and_shows_no_key() -> None:
    sessions = Sessions(HERE)
    async with sessions:
        asked = StartRequest(rtmp_publish_url="rtmp://127.0.0.1:9/live/key-123", persona_id="imani")
        session = await sessions.start(asked)
        assert sessions.find(None) is session
        async with asyncio.timeout(60):
            await asyncio.wait(sessions._watchers)
    assert session.state == "failed"
    assert "server does not answer" in session.why
    assert "key-123" not in session.model_dump_json()
    assert sessions.all() == [session]


async def test_stopping_ends_the_child() -> None:
    sessions = Sessions(HERE)
    async with sessions:
        asked = StartRequest(rtmp_publish_url="rtmp://127.0.0.1:9/live/key", persona_id="imani")
        session: Session = await sessions.start(asked)
        await sessions.stop(session.session_id)
        await asyncio.wait(sessions._watchers)
        assert session.state in ("ended", "failed")
        assert not sessions._children
