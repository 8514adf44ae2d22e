"""The gateway over HTTP, against a real livekit-server."""

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import jwt
import pytest
from aiohttp import web
from fastapi import FastAPI
from livekit import api, rtc
from pydantic import SecretStr

from agent import personas
from agent.config import Settings
from agent.gateway import rooms
from agent.gateway.app import CannotListen, create_app, serve
from agent.gateway.limits import RateLimit

AWAY = Settings(livekit_url="ws://127.0.0.1:9")
"""Nobody listens on the discard port."""


@asynccontextmanager
async def client(
    settings: Settings,
    *,
    web_dir: Path | None = None,
    worker_health_url: str | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, web_dir=web_dir, worker_health_url=worker_health_url)
    async with asgi(app) as http:
        yield http


@asynccontextmanager
async def asgi(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://visavis.test") as http,
    ):
        yield http


@asynccontextmanager
async def server_api(settings: Settings) -> AsyncIterator[api.LiveKitAPI]:
    secret = settings.livekit_api_secret.get_secret_value()
    async with api.LiveKitAPI(settings.http_url, settings.livekit_api_key, secret) as lk:
        yield lk


def claims(token: str) -> dict[str, object]:
    read: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return read


def room_of(read: dict[str, object]) -> str:
    video = read["video"]
    assert isinstance(video, dict)
    return str(video["room"])


@pytest.fixture
def page(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>Visavis</title>")
    (built / "assets" / "index-abc.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("not for the web")
    return built


# Tokens


@pytest.mark.server
async def test_a_token_joins_one_room_and_nothing_else(livekit: Settings) -> None:
    async with client(livekit) as http:
        answer = await http.post("/api/token")
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"server_url", "participant_token"}
    assert body["server_url"] == livekit.livekit_url
    read = claims(body["participant_token"])
    video = read["video"]
    assert isinstance(video, dict)
    sources = ["microphone", "camera", "screen_share", "screen_share_audio"]
    assert {name for name, value in video.items() if value} == {
        "roomJoin",
        "room",
        "canPublish",
        "canSubscribe",
        "canPublishData",
        "canPublishSources",
    }
    assert video["canPublishSources"] == sources
    assert isinstance(read["exp"], int) and isinstance(read["nbf"], int)
    assert 0 < read["exp"] - read["nbf"] <= 600


@pytest.mark.server
async def test_rooms_and_identities_are_never_the_same_twice(livekit: Settings) -> None:
    async with client(livekit) as http:
        reads = [claims((await http.post("/api/token")).json()["participant_token"]) for _ in "ab"]
    assert len({str(read["sub"]) for read in reads}) == 2
    assert len({str(read["video"]) for read in reads}) == 2


@pytest.mark.server
async def test_the_room_is_there_before_the_token_with_its_persona(livekit: Settings) -> None:
    name = f"room-{uuid.uuid4().hex}"
    async with client(livekit) as http, server_api(livekit) as lk:
        answer = await http.post("/api/token", json={"room_name": name})
        assert answer.status_code == 201
        found = await lk.room.list_rooms(api.ListRoomsRequest(names=[name]))
    room = found.rooms[0]
    assert json.loads(room.metadata) == {"persona": livekit.persona}
    assert room.empty_timeout == rooms.EMPTY_TIMEOUT_S
    assert room.departure_timeout == rooms.DEPARTURE_TIMEOUT_S
    assert room.max_participants == rooms.MAX_PARTICIPANTS


@pytest.mark.server
async def test_a_call_that_goes_on_is_joined_again_and_one_that_is_over_is_not(
    livekit: Settings,
) -> None:
    async with client(livekit) as http, server_api(livekit) as lk:
        place = claims((await http.post("/api/token")).json()["participant_token"])
        again = {"room_name": room_of(place), "participant_identity": place["sub"]}
        same = claims((await http.post("/api/token", json=again)).json()["participant_token"])
        await lk.room.delete_room(api.DeleteRoomRequest(room=room_of(place)))
        await lk.room.create_room(api.CreateRoomRequest(name=room_of(place)))  # as an agent would
        other = claims((await http.post("/api/token", json=again)).json()["participant_token"])
    assert (room_of(same), same["sub"]) == (room_of(place), place["sub"])
    assert room_of(other) != room_of(place)


@pytest.mark.server
async def test_a_guest_joins_with_the_token(livekit: Settings) -> None:
    async with client(livekit) as http:
        asked = {"participant_identity": "guest-1", "participant_name": "Ada Lovelace"}
        body = (await http.post("/api/token", json=asked)).json()
    room = rtc.Room()
    await room.connect(body["server_url"], body["participant_token"])
    try:
        assert room.local_participant.identity == "guest-1"
        assert room.local_participant.name == "Ada Lovelace"
        assert room.local_participant.attributes["visavis.persona"] == livekit.persona
    finally:
        await room.disconnect()


@pytest.mark.server
@pytest.mark.parametrize("where", ["field", "attribute"])
async def test_a_request_chooses_its_persona(livekit: Settings, where: str) -> None:
    chosen = personas.names()[-1]
    field = {"persona": chosen}
    attribute = {"participant_attributes": {"visavis.persona": chosen}}
    asked = field if where == "field" else attribute
    async with client(livekit) as http:
        answer = await http.post("/api/token", json=asked)
    attributes = claims(answer.json()["participant_token"])["attributes"]
    assert attributes == {"visavis.persona": chosen}


@pytest.mark.server
async def test_a_request_cannot_raise_its_grants(livekit: Settings) -> None:
    asked = {
        "video": {"roomAdmin": True},
        "grants": {"room_admin": True, "hidden": True},
        "ttl": 999999,
        "room_config": {"max_participants": 1000, "egress": {}},
    }
    async with client(livekit) as http:
        answer = await http.post("/api/token", json=asked)
    video = claims(answer.json()["participant_token"])["video"]
    assert isinstance(video, dict)
    assert not video.get("roomAdmin") and not video.get("hidden")
    assert "roomConfig" not in claims(answer.json()["participant_token"])


@pytest.mark.server
async def test_a_named_agent_is_called_into_the_room(livekit: Settings) -> None:
    settings = livekit.model_copy(update={"agent_name": "host-of-tests"})
    name = f"room-{uuid.uuid4().hex}"
    async with client(settings) as http, server_api(livekit) as lk:
        answer = await http.post("/api/token", json={"room_name": name})
        assert answer.status_code == 201
        calls = await lk.agent_dispatch.list_dispatch(name)
    assert [call.agent_name for call in calls] == ["host-of-tests"]
    assert json.loads(calls[0].metadata) == {"persona": livekit.persona}


REFUSED = [
    (b"{", 400, "not valid JSON"),
    (b"[]", 400, "JSON object"),
    (b'{"room_name": "' + b"x" * 20_000 + b'"}', 413, "too long"),
    (b'{"room_name": "../etc"}', 422, "room_name"),
    (b'{"room_name": "' + b"x" * 65 + b'"}', 422, "room_name"),
    (b'{"participant_name": "a\\nb"}', 422, "participant_name"),
    (b'{"participant_metadata": "' + b"x" * 3000 + b'"}', 422, "participant_metadata"),
    (b'{"participant_attributes": {"a": 1}}', 422, "participant_attributes"),
    (b'{"persona": "nobody"}', 422, "There is no persona nobody. There are: "),
    (b'{"participant_attributes": {"lk.agent.state": "speaking"}}', 403, "reserved"),
    (b'{"room_config": {"agents": [{"agent_name": "other"}]}}', 403, "its own agent"),
]


@pytest.mark.parametrize(("content", "status", "words"), REFUSED)
async def test_a_bad_request_is_refused_in_a_sentence(
    content: bytes, status: int, words: str
) -> None:
    async with client(AWAY) as http:
        answer = await http.post("/api/token", content=content)
    assert answer.status_code == status
    sentence = answer.json()["detail"]
    assert words in sentence
    assert sentence.endswith(".")


async def test_a_page_of_another_site_cannot_start_a_call() -> None:
    async with client(AWAY) as http:
        foreign = await http.post("/api/token", headers={"Origin": "https://elsewhere.example"})
        own = await http.post("/api/token", headers={"Origin": "http://visavis.test"})
    assert foreign.status_code == 403
    assert own.status_code == 503  # let through; only the server is away here


async def test_a_server_that_is_away_is_said_in_a_sentence() -> None:
    async with client(AWAY) as http:
        answer = await http.post("/api/token")
    assert answer.status_code == 503
    assert answer.json() == {"detail": rooms.SERVER_AWAY}


@pytest.mark.server
async def test_a_wrong_key_is_told_from_a_server_that_is_away(livekit: Settings) -> None:
    wrong = livekit.model_copy(update={"livekit_api_secret": SecretStr("not-the-secret" * 4)})
    async with client(wrong) as http:
        answer = await http.post("/api/token")
    assert answer.status_code == 503
    assert answer.json() == {"detail": rooms.SERVER_REFUSES}
    assert "not-the-secret" not in answer.text


async def test_too_many_calls_from_one_address_have_to_wait() -> None:
    async with client(AWAY) as http:
        answers = [await http.post("/api/token") for _ in range(25)]
    assert answers[0].status_code == 503
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].json()["detail"].startswith("Too many calls")


# Limits


def test_a_bucket_lets_its_burst_through_and_then_one_at_a_time() -> None:
    limit = RateLimit(burst=2, per_second=0.5)
    assert [limit.wait_s("a", 0.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert limit.wait_s("a", 2.0) == 0.0
    assert limit.wait_s("a", 2.0) == 2.0


def test_addresses_do_not_share_a_bucket() -> None:
    limit = RateLimit(burst=1, per_second=1)
    assert limit.wait_s("a", 0.0) == 0.0
    assert limit.wait_s("b", 0.0) == 0.0


def test_the_table_of_addresses_never_grows_beyond_its_places() -> None:
    limit = RateLimit(burst=1, per_second=1, places=8)
    for number in range(100):
        limit.wait_s(str(number), 0.0)
    assert len(limit) == 8


# Health


@asynccontextmanager
async def worker_page(text: str, status: int = 200) -> AsyncIterator[str]:
    """An agent worker's health page."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    app = web.Application()
    app.add_routes([web.get("/", answer)])
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


async def test_health_says_which_part_is_away() -> None:
    async with client(AWAY, worker_health_url="http://127.0.0.1:9/") as http:
        answer = await http.get("/api/health")
    assert answer.status_code == 503
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["status"] == "unavailable"
    assert [check["ok"] for check in body["checks"]] == [False, False]
    assert all(check["detail"].endswith(".") for check in body["checks"])


# Personas


async def test_personas_are_listed_the_default_one_first() -> None:
    async with client(AWAY) as http:
        body = (await http.get("/api/personas")).json()
    assert body["default"] == body["personas"][0]["id"] == AWAY.persona
    assert body["server_url"] == AWAY.livekit_url
    assert {card["id"] for card in body["personas"]} == set(personas.names())
    for card in body["personas"]:
        assert card["name"] and card["role"] and card["disclosure"]
        assert all(colour.startswith("#") for colour in card["backdrop"])


async def test_a_portrait_has_a_poster() -> None:
    async with client(AWAY) as http:
        card = (await http.get("/api/personas")).json()["personas"][0]
        answer = await http.get(card["poster"])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.content[8:12] == b"WEBP"


@pytest.mark.parametrize("name", ["nobody", "..", "%2e%2e%2fpacks%2fimani", "imani%2f..%2fimani"])
async def test_only_portraits_that_are_there_have_a_poster(name: str) -> None:
    async with client(AWAY) as http:
        answer = await http.get(f"/api/portraits/{name}/poster")
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith(".")


# The page


async def test_the_page_is_asked_for_anew_and_its_assets_are_kept(page: Path) -> None:
    async with client(AWAY, web_dir=page) as http:
        index = await http.get("/")
        asset = await http.get("/assets/index-abc.js")
        again = await http.get("/", headers={"If-None-Match": index.headers["ETag"]})
    assert index.headers["Cache-Control"] == "no-cache"
    assert "immutable" in asset.headers["Cache-Control"]
    assert again.status_code == 304


async def test_an_address_of_the_page_itself_gets_the_page(page: Path) -> None:
    async with client(AWAY, web_dir=page) as http:
        answer = await http.get("/practice/scales")
    assert answer.status_code == 200
    assert "<title>Visavis</title>" in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/assets/gone.js", "/api/nothing", "/%2e%2e/secret.txt"])
async def test_what_is_not_there_is_a_404_in_a_sentence(page: Path, path: str) -> None:
    async with client(AWAY, web_dir=page) as http:
        answer = await http.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"detail": "There is nothing at this address."}


async def test_without_a_build_the_page_says_what_to_do(tmp_path: Path) -> None:
    async with client(AWAY, web_dir=tmp_path) as http:
        answer = await http.get("/")
    assert answer.status_code == 503
    assert "scripts/setup" in answer.text


@pytest.mark.parametrize("path", ["/", "/api/personas", "/api/nothing", "/assets/gone.js"])
async def test_every_answer_carries_the_security_headers(page: Path, path: str) -> None:
    async with client(AWAY, web_dir=page) as http:
        headers = (await http.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert "connect-src 'self' ws://127.0.0.1:9 http://127.0.0.1:9" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "microphone=(self)" in headers["Permissions-Policy"]
    assert "Access-Control-Allow-Origin" not in headers


async def test_a_crash_is_a_sentence_and_not_a_stack_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = create_app(AWAY, web_dir=None)

    async def crash() -> None:
        raise RuntimeError("the inner reason")

    app.add_api_route("/crash", crash)
    app.router.routes.insert(0, app.router.routes.pop())  # before the page, which takes every path
    async with asgi(app) as http:
        answer = await http.get("/crash")
    assert answer.status_code == 500
    assert answer.json()["detail"].endswith(".")
    assert "inner reason" not in answer.text
    assert "the inner reason" in caplog.text


# Serving


async def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port} on 127.0.0.1 is taken"):
            await serve(Settings(port=port), web_dir=None)


async def test_serving_says_when_it_listens_and_stops_when_cancelled(page: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = AWAY.model_copy(update={"port": port})
    ready = asyncio.Event()
    running = asyncio.create_task(serve(settings, web_dir=page, ready=ready))
    async with asyncio.timeout(10):
        await ready.wait()
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"http://127.0.0.1:{port}/")
        assert answer.status_code == 200
        running.cancel()
        await asyncio.wait([running])
    assert running.cancelled()
    with socket.create_server(("127.0.0.1", port)):
        pass  # the port is free again
