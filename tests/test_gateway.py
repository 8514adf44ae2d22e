"""The gateway over HTTP: personas, the page, and how it is served."""

import asyncio
import re
import socket
from pathlib import Path

import httpx
import pytest
from gateways import AWAY, asgi, client

from agent import personas
from agent.config import Settings
from agent.gateway.app import CannotListen, create_app, serve

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def page(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>Visavis</title>")
    (built / "assets" / "index-abc.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("not for the web")
    return built


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


def test_the_page_has_words_for_every_code_of_ours() -> None:
    folders = ("agent", "avatar")
    sources = [file.read_text() for folder in folders for file in (ROOT / folder).rglob("*.py")]
    sent = {code for text in sources for code in re.findall(r'Sentence\(\s*"([a-z-]+)"', text)}
    table = (ROOT / "web/src/words/en/server.ts").read_text().partition("const said = {")[2]
    known = set(re.findall(r'^  "?([a-z-]+)"?: ', table.partition("};")[0], re.MULTILINE))
    assert len(sent) > 40
    assert sent <= known
