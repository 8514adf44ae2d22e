"""The gateway: START HERE. Its routes on one screen, and the server that runs them.

It hands out tokens, personas, health and the built page. It carries no audio, video or text of a
call, keeps nothing about anyone, and has no CORS headers: only its own page may use it.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.middleware.gzip import GZipMiddleware

from agent.config import Settings
from agent.gateway import health, pages, problems, tokens
from agent.gateway.catalogue import Catalogue, PersonaList
from agent.gateway.headers import SecurityHeaders
from agent.gateway.limits import RateLimit
from agent.gateway.problems import Problem
from agent.gateway.rooms import Rooms
from agent.gateway.tokens import TokenReply, TokenRequest

logger = logging.getLogger(__name__)

_GRACE_S = 2
"""How long an answer that is under way may take when the gateway stops."""


class CannotListen(Exception):
    """The gateway's address cannot be used; most often another program has the port."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        taken = f"port {port} on {host} is taken: stop the program that uses it"
        other = f"cannot listen on {host} port {port} ({error.strerror}): set VISAVIS_HOST"
        reason = taken if error.errno == errno.EADDRINUSE else other
        super().__init__(f"{reason}, or set VISAVIS_PORT to another port")
        self.host, self.port = host, port


def create_app(
    settings: Settings,
    *,
    web_dir: Path | None,
    worker_health_url: str | None = None,
) -> FastAPI:
    """The gateway as an ASGI app. Run its lifespan: it opens and closes the link to the server.

    Without `web_dir` there is only the API; without `worker_health_url` health asks the server
    alone.
    """
    rooms = Rooms(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with rooms:
            yield

    app = FastAPI(
        title="Visavis gateway",
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere, which our policy forbids
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=6)
    app.add_middleware(SecurityHeaders, livekit_url=settings.livekit_url)
    problems.install(app)
    shelf = Catalogue(settings)
    _add_token_route(app, settings, rooms, shelf)
    _add_read_routes(app, rooms, shelf, worker_health_url)
    built = web_dir is not None and (web_dir / "index.html").is_file()
    app.mount("/", pages.Pages(web_dir) if web_dir and built else pages.not_built)
    return app


def _add_token_route(app: FastAPI, settings: Settings, rooms: Rooms, shelf: Catalogue) -> None:
    limit = RateLimit(burst=20, per_second=0.5)
    body_schema = {"content": {"application/json": {"schema": TokenRequest.model_json_schema()}}}

    @app.post("/api/token", status_code=201, openapi_extra={"requestBody": body_schema})
    async def token(request: Request) -> TokenReply:
        """Make a room for a call and a token to join it (LiveKit's token endpoint)."""
        _refuse_foreign_pages(request)
        address = request.client.host if request.client else ""
        if wait_s := limit.wait_s(address, time.monotonic()):
            sentence = "Too many calls were started from here. Wait a moment, then try again."
            raise Problem(429, sentence, retry_after_s=wait_s)
        asked = TokenRequest.parse(await _body(request))
        tokens.refuse_what_it_may_not_ask(asked, settings.agent_name)
        persona = asked.chosen_persona(settings.persona)
        await asyncio.to_thread(shelf.require, persona)
        room = asked.room_name or tokens.new_room_name()
        if tokens.is_generated(asked.room_name) and not await rooms.goes_on(room):
            room = tokens.new_room_name()
        await rooms.create(room, persona=persona)
        signed = tokens.sign(asked, settings, room=room, persona=persona)
        return TokenReply(server_url=settings.livekit_url, participant_token=signed)


def _add_read_routes(
    app: FastAPI, rooms: Rooms, shelf: Catalogue, worker_health_url: str | None
) -> None:
    @app.get("/api/health", response_model=health.Health)
    async def health_route() -> JSONResponse:
        """200 when a call can start, else 503; both say what was looked at."""
        found = await health.examine(rooms, worker_health_url)
        status = 200 if found.status == "ok" else 503
        return JSONResponse(
            found.model_dump(), status_code=status, headers={"Cache-Control": "no-store"}
        )

    @app.get("/api/personas")
    def persona_route() -> PersonaList:
        """Who there is to talk to."""
        return shelf.listing()

    @app.get("/api/portraits/{name}/poster", response_class=FileResponse)
    def poster_route(name: str) -> FileResponse:
        """The still picture of a portrait, WebP."""
        headers = {"Cache-Control": "public, max-age=300"}
        return FileResponse(shelf.poster(name), media_type="image/webp", headers=headers)

    @app.api_route("/api/{rest:path}", methods=["GET", "POST"], include_in_schema=False)
    async def unknown_route(rest: str) -> None:
        raise Problem(404, "There is nothing at this address.")


def _refuse_foreign_pages(request: Request) -> None:
    """A page of another site may not start calls in a visitor's name."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Problem(403, "Calls can only be started from this server's own page.")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > tokens.MAX_BODY_BYTES:
            raise Problem(413, "The request is too long.")
    return bytes(body)


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to its caller and says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event | None) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready is not None and not self.should_exit:
            self._ready.set()


async def serve(
    settings: Settings,
    *,
    web_dir: Path | None,
    worker_health_url: str | None = None,
    ready: asyncio.Event | None = None,
) -> None:
    """Serve on settings.host:settings.port until cancelled; sets `ready` once it listens.

    Raises CannotListen. Cancelling waits for answers under way, at most two seconds.
    """
    app = create_app(settings, web_dir=web_dir, worker_health_url=worker_health_url)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        log_level=settings.log_level.lower(),
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
    )
    with _listen(settings.host, settings.port) as listener:
        server = _Server(config, ready)
        running = asyncio.create_task(server.serve(sockets=[listener]), name="gateway")
        try:
            await asyncio.shield(running)
        finally:
            server.should_exit = True
            await asyncio.wait([running])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotListen(host, port, error) from error
    return listener
