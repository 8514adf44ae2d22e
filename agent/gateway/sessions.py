"""Sessions with streams: a coordinator asks, by HTTP, for the avatar between two RTMP addresses.

Each session is a bridge of its own, a child process: a stream's FFmpeg cannot stop the page. The
addresses hold stream keys, so they go to it in its environment and appear in no answer, log line
or command. Only the gateway's own machine may ask, unless the operator allows others.
"""

import asyncio
import contextlib
import json
import logging
import secrets
import sys
from collections import deque
from types import TracebackType
from typing import Literal, Self

from fastapi import FastAPI, Request
from livekit import api
from pydantic import BaseModel, ConfigDict, Field

from agent.bridges.errors import UrlRefused
from agent.bridges.orders import MOST_PHRASES, Configure, Order, Phrase, Reset
from agent.bridges.tap import SESSION_TOPIC
from agent.bridges.urls import IN_SCHEMES, OUT_SCHEMES, parse
from agent.buckets import RateLimit
from agent.config import Settings, child_environment, is_loopback
from agent.gateway.catalogue import Catalogue
from agent.gateway.guards import refuse_foreign_pages, take_turn
from agent.gateway.problems import Problem
from agent.gateway.tokens import Name, new_room_name
from agent.processes import Child, how_it_ended
from agent.turns.wake import Strictness

logger = logging.getLogger(__name__)

MOST_SESSIONS = 8
PER_MINUTE = 10
"""Requests of one address that start, stop or steer a session."""
_KEPT_ENDED = 32
_STOP_S = 8.0
_ALONE = (
    "Sessions can be steered from this server's own machine only. "
    "Whoever runs it can set VISAVIS_SESSIONS=on, behind something that asks who is there."
)

_TOO_OFTEN = f"Sessions are steered {PER_MINUTE} times a minute at most. Wait, then try again."

SessionState = Literal["starting", "running", "ended", "failed"]


class StartRequest(BaseModel):
    """The body of POST /session/start. At least one address."""

    model_config = ConfigDict(extra="forbid")
    rtmp_ingest_url: str | None = Field(default=None, max_length=2048)
    rtmp_publish_url: str | None = Field(default=None, max_length=2048)
    persona_id: Name | None = None


class ConfigRequest(BaseModel):
    """The body of POST /session/config; what is left out stays. No phrases: answer everything."""

    model_config = ConfigDict(extra="forbid")
    session_id: str | None = Field(default=None, max_length=64)
    wake_phrases: list[Phrase] | None = Field(default=None, max_length=MOST_PHRASES)
    strictness: Strictness | None = None


class Which(BaseModel):
    """Which session; may be left out while there is one."""

    model_config = ConfigDict(extra="forbid")
    session_id: str | None = Field(default=None, max_length=64)


class Session(BaseModel):
    """How a session stands. `ingest` and `publish`: connecting, live or lost; None: not used.

    wake_phrases: the avatar answers only when called by one of them; none: to everything.
    """

    session_id: str
    room: str
    persona_id: str
    state: SessionState = "starting"
    ingest: str | None = None
    publish: str | None = None
    wake_phrases: list[str] = []
    strictness: Strictness = "medium"
    why: str = ""


class Sessions:
    """Every session and its child. An async context manager: leaving it ends them all."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._children: dict[str, Child] = {}
        self._known: dict[str, Session] = {}
        self._ended: deque[str] = deque()  # the oldest of them are forgotten
        self._watchers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(child.stop(_STOP_S) for child in self._children.values()))
        if self._watchers:
            await asyncio.wait(self._watchers)

    def allow_internal(self) -> bool:
        wanted = self._settings.internal_streams
        return self._settings.local_only if wanted is None else wanted

    async def start(self, asked: StartRequest) -> Session:
        """Start a bridge. Raises Problem for addresses that may not be used, or too many."""
        if len(self._children) >= MOST_SESSIONS:
            raise Problem(429, "Too many sessions run. Stop one, then try again.")
        environment = await asyncio.to_thread(self._addresses, asked)
        persona = asked.persona_id or self._settings.persona
        session = Session(
            session_id=secrets.token_hex(8),
            room=new_room_name(),
            persona_id=persona,
            ingest="connecting" if asked.rtmp_ingest_url else None,
            publish="connecting" if asked.rtmp_publish_url else None,
        )
        command = [sys.executable, "-m", "agent", "bridge", "rtmp", "--json"]
        child = await Child.start(
            "bridge",
            [*command, "--room", session.room, "--persona", persona],
            env=child_environment({**self._settings.worker_environment(), **environment}),
            on_line=lambda line: self._on_line(session, line),
        )
        self._children[session.session_id] = child
        self._known[session.session_id] = session
        task = asyncio.create_task(self._watch(session, child), name="session")
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)
        logger.info("session started", extra={"session": session.session_id})
        return session

    async def stop(self, session_id: str | None) -> Session:
        """End a session's bridge; its avatar leaves with it."""
        session = self.find(session_id)
        child = self._children.get(session.session_id)
        if child is not None:
            await child.stop(_STOP_S)
        return session

    def find(self, session_id: str | None) -> Session:
        """Raises Problem when there is none, or when it must be said which."""
        if session_id is not None:
            if session_id not in self._known:
                raise Problem(404, "There is no such session.")
            return self._known[session_id]
        running = list(self._children)
        if len(running) > 1:
            raise Problem(409, "Several sessions run: say which, with session_id.")
        if not running:
            raise Problem(404, "No session runs.")
        return self._known[running[0]]

    def all(self) -> list[Session]:
        return list(self._known.values())

    async def configure(self, asked: ConfigRequest) -> Session:
        """Change a session's wake phrases. Raises Problem when its avatar cannot be reached."""
        session = self.find(asked.session_id)
        phrases = session.wake_phrases if asked.wake_phrases is None else asked.wake_phrases
        wanted = Configure(wake_phrases=phrases, strictness=asked.strictness or session.strictness)
        await self.tell(session, wanted)
        session.wake_phrases, session.strictness = wanted.wake_phrases, wanted.strictness
        return session

    async def tell(self, session: Session, order: Order) -> None:
        """Give the avatar of a session an order. Raises Problem when it cannot be reached."""
        if session.state != "running":
            raise Problem(
                409, f"This session's avatar is not there: the session is {session.state}."
            )
        settings = self._settings
        client = api.LiveKitAPI(
            settings.http_url,
            settings.livekit_api_key,
            settings.livekit_api_secret.get_secret_value(),
        )
        try:
            await client.room.send_data(
                api.SendDataRequest(
                    room=session.room, data=order.model_dump_json().encode(), topic=SESSION_TOPIC
                )
            )
        except Exception as error:
            logger.warning("session not told", extra={"reason": type(error).__name__})
            raise Problem(409, "This session's avatar is not there (any more).") from error
        finally:
            await client.aclose()

    def _addresses(self, asked: StartRequest) -> dict[str, str]:
        """Both checked, as the bridge's environment."""
        found = {"VISAVIS_INTERNAL_STREAMS": "on" if self.allow_internal() else "off"}
        for name, text, schemes in (
            ("VISAVIS_RTMP_IN", asked.rtmp_ingest_url, IN_SCHEMES),
            ("VISAVIS_RTMP_OUT", asked.rtmp_publish_url, OUT_SCHEMES),
        ):
            found[name] = text or ""
            if not text:
                continue
            try:
                url = parse(text, schemes)
                if not self.allow_internal():
                    url.refuse_internal()
            except UrlRefused as refused:
                raise Problem(422, _sentence(str(refused))) from None
        if not (asked.rtmp_ingest_url or asked.rtmp_publish_url):
            raise Problem(422, "Give rtmp_ingest_url, rtmp_publish_url, or both.")
        return found

    async def _watch(self, session: Session, child: Child) -> None:
        code = await child.wait()
        if code in (0, -15):
            session.state = "ended"
        else:
            session.state = "failed"
            session.why = session.why or f"the bridge {how_it_ended(code)}"
        self._children.pop(session.session_id, None)
        self._ended.append(session.session_id)
        while len(self._ended) > _KEPT_ENDED:
            self._known.pop(self._ended.popleft(), None)
        logger.info("session over", extra={"session": session.session_id, "code": code})

    def _on_line(self, session: Session, line: str) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            part, state, why = told["part"], told["state"], told["why"]
            if part == "in":
                session.ingest = state
            elif part == "out":
                session.publish = state
            elif part == "avatar":
                session.state = "running"
            session.why = why if part != "avatar" else session.why


def add_session_routes(
    app: FastAPI, settings: Settings, sessions: Sessions, shelf: Catalogue
) -> None:
    """The routes of requirement 004, and stop and status beside them."""

    limit = RateLimit(burst=PER_MINUTE, per_second=PER_MINUTE / 60)

    def guard(request: Request, *, counted: bool = True) -> None:
        refuse_foreign_pages(request, "Sessions cannot be steered from another site's page.")
        alone = settings.local_only and is_loopback(request.url.hostname or "")
        if not (alone if settings.sessions is None else settings.sessions):
            raise Problem(403, _ALONE)
        if counted:
            take_turn(limit, request, _TOO_OFTEN)

    @app.post("/session/start", status_code=201)
    async def start(request: Request, asked: StartRequest) -> Session:
        """Call the avatar between two streams."""
        guard(request)
        await asyncio.to_thread(shelf.require, asked.persona_id or settings.persona)
        return await sessions.start(asked)

    @app.post("/session/config")
    async def config(request: Request, asked: ConfigRequest) -> Session:
        """On which words to answer, and how strictly, from now on."""
        guard(request)
        return await sessions.configure(asked)

    @app.post("/session/reset_context")
    async def reset(request: Request, asked: Which | None = None) -> Session:
        """Let the avatar forget what was said."""
        guard(request)
        session = sessions.find(asked.session_id if asked else None)
        await sessions.tell(session, Reset())
        return session

    @app.post("/session/stop")
    async def stop(request: Request, asked: Which | None = None) -> Session:
        """End the session."""
        guard(request)
        return await sessions.stop(asked.session_id if asked else None)

    @app.get("/session/status")
    async def status(request: Request) -> list[Session]:
        """Every session that runs, and the last that ended."""
        guard(request, counted=False)
        return sessions.all()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
