"""The gateway: START HERE. Its routes on one screen, and the server that runs them.

It hands out tokens, personas, health and the built page, and has portraits made from photos. It
carries no audio, video or text of a call, and has no CORS headers: only its own page may use it. Of
a person it keeps a portrait that was made on purpose, never the photo.
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.middleware.gzip import GZipMiddleware

from agent.buckets import RateLimit
from agent.config import Settings
from agent.gateway import health, pages, portraits, problems, tokens
from agent.gateway.bounds import Bounds
from agent.gateway.catalogue import Catalogue, PersonaList
from agent.gateway.guards import PhotoRule, refuse_foreign_pages, take_turn
from agent.gateway.headers import SecurityHeaders
from agent.gateway.jobs import Jobs
from agent.gateway.portrait_routes import add_portrait_routes, visible
from agent.gateway.problems import Problem
from agent.gateway.rooms import Rooms
from agent.gateway.sessions import Sessions, add_session_routes
from agent.gateway.signalling import add_signalling
from agent.gateway.tokens import TokenReply, TokenRequest
from agent.lan import Certificate
from avatar.errors import Sentence

logger = logging.getLogger(__name__)

NOT_OUR_PAGE = Sentence("foreign-page", "Calls can only be started from this server's own page.")
TOO_MANY_CALLS = Sentence(
    "too-many-calls", "Too many calls were started from here. Wait, then try again."
)
TOO_MANY_CHECKS = Sentence(
    "too-many-checks", "Too many checks were started from here. Wait, then try again."
)
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
    pass_signalling: bool = False,
) -> FastAPI:
    """The gateway as an ASGI app. Run its lifespan: it opens and closes the link to the server.

    Without `web_dir` there is only the API; without `worker_health_url` health asks the server
    alone. `pass_signalling`: livekit-server's WebSocket is to be had here as well.
    """
    rooms, jobs, rule = Rooms(settings), Jobs(), PhotoRule(settings)
    sessions = Sessions(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with rooms, jobs, sessions:
            yield

    app = FastAPI(
        title="Visavis gateway",
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere, which our policy forbids
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=6)
    app.add_middleware(Bounds)
    app.add_middleware(
        SecurityHeaders, livekit_url=settings.public_url, embed_origins=settings.embed_origins
    )
    problems.install(app)
    shelf = Catalogue(settings)
    _add_token_route(app, settings, rooms, shelf, rule)
    _add_check_route(app, settings, rooms)
    _add_read_routes(app, rooms, shelf, worker_health_url)
    add_portrait_routes(app, settings, rule, jobs)
    if pass_signalling:
        add_signalling(app, settings)
    add_session_routes(app, settings, sessions, shelf)
    _add_unknown_route(app)
    built = web_dir is not None and (web_dir / "index.html").is_file()
    app.mount("/", pages.Pages(web_dir) if web_dir and built else pages.not_built)
    return app


def _add_token_route(
    app: FastAPI, settings: Settings, rooms: Rooms, shelf: Catalogue, rule: PhotoRule
) -> None:
    limit = RateLimit(burst=20, per_second=0.5)
    body_schema = {"content": {"application/json": {"schema": TokenRequest.model_json_schema()}}}

    @app.post("/api/token", status_code=201, openapi_extra={"requestBody": body_schema})
    async def token(request: Request) -> TokenReply:
        """Make a room for a call and a token to join it (LiveKit's token endpoint)."""
        refuse_foreign_pages(request, NOT_OUR_PAGE)
        take_turn(limit, request, TOO_MANY_CALLS)
        asked = TokenRequest.parse(await _body(request))
        tokens.refuse_what_it_may_not_ask(asked, settings.agent_name)
        persona, portrait = asked.chosen_persona(settings.persona), asked.chosen_portrait()
        await asyncio.to_thread(shelf.require, persona)
        if portrait is not None:
            known = await asyncio.to_thread(visible, settings, rule, request)
            portraits.require(portrait, known)
        room = asked.room_name or tokens.new_room_name()
        if tokens.is_generated(asked.room_name) and not await rooms.goes_on(room):
            room = tokens.new_room_name()
        await rooms.create(room, persona=persona, portrait=portrait)
        signed = tokens.sign(asked, settings, room=room, persona=persona)
        return TokenReply(server_url=settings.public_url, participant_token=signed)


def _add_check_route(app: FastAPI, settings: Settings, rooms: Rooms) -> None:
    limit = RateLimit(burst=10, per_second=0.2)

    @app.post("/api/check", status_code=201)
    async def check(request: Request) -> TokenReply:
        """A room and a token to try the network with: nobody is called into it."""
        refuse_foreign_pages(request, "A check can only be started from this server's own page.")
        take_turn(limit, request, TOO_MANY_CHECKS)
        room = tokens.new_check_room()
        await rooms.create_for_check(room)
        return TokenReply(
            server_url=settings.public_url, participant_token=tokens.sign_check(settings, room)
        )


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


def _add_unknown_route(app: FastAPI) -> None:
    """Last of all: it takes every address that nobody took."""
    methods = ["GET", "POST", "DELETE"]

    @app.api_route("/api/{rest:path}", methods=methods, include_in_schema=False)
    async def unknown_route(rest: str) -> None:
        raise Problem(404, "There is nothing at this address.")


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
    certificate: Certificate | None = None,
) -> None:
    """Serve on settings.host:settings.port until cancelled; sets `ready` once it listens.

    certificate: over https, and livekit-server's WebSocket is passed on. Raises CannotListen.
    Cancelling waits for answers under way, at most two seconds.
    """
    app = create_app(
        settings,
        web_dir=web_dir,
        worker_health_url=worker_health_url,
        pass_signalling=certificate is not None,
    )
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        log_level=settings.log_level.lower(),
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
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
