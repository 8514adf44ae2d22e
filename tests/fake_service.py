"""What the local servers that speak a provider's protocol have in common: a port, a key, faults."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from aiohttp import web

KEY = "a-key-that-the-fake-services-know-0123456789"

Kind = Literal[
    "none",
    "refuse",  # the connection breaks as it is made
    "unauthorized",  # 401
    "limited",  # 429 with Retry-After
    "quota",  # whatever the provider says when the money is gone
    "slow",  # nothing, for ever, before the first byte
    "stall",  # nothing, for ever, after a part
    "close",  # the connection breaks after a part
    "garbage",  # bytes that are none of the protocol's
]
KINDS: tuple[Kind, ...] = (
    "refuse",
    "unauthorized",
    "limited",
    "quota",
    "slow",
    "stall",
    "close",
    "garbage",
)


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next requests. after: seconds of sound, or pieces of text, that come
    first. times: how many requests (None: all)."""

    kind: Kind = "none"
    after: float = 0.0
    retry_after: float = 2.0
    times: int | None = None


class Gone(Exception):
    """The connection is to be broken now."""


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeService:
    """An HTTP server on loopback. delay_s: known time to each first byte, for benchmarks."""

    def __init__(self, *, key: str = KEY, delay_s: float = 0.0) -> None:
        self.key = key
        self.delay_s = delay_s
        self.fault = Fault()
        self.silent = False
        """It takes every request and answers none."""
        self.requests: list[str] = []
        """Methods and paths, as they came."""
        self.arrived = asyncio.Event()
        self._ends = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def denied(self, request: web.Request) -> web.Response | None:
        """The provider's answer to a request without the right key."""
        raise NotImplementedError

    def limited(self) -> web.Response:
        body = {"error": {"message": "Rate limit reached", "type": "requests", "code": None}}
        return web.json_response(
            body, status=429, headers={"Retry-After": f"{self.fault.retry_after:g}"}
        )

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._middleware], client_max_size=2**26)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        if not self._port:
            self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def take_fault(self) -> Fault:
        """The fault for this request, counted."""
        fault = self.fault
        if fault.times is not None:
            if fault.times <= 0:
                return Fault()
            fault.times -= 1
        return fault

    async def hang(self) -> None:
        """Nothing more comes, until the server ends."""
        await self._ends.wait()
        raise Gone

    async def wait(self, seconds: float) -> None:
        """A pause that ends with the server."""
        try:
            async with asyncio.timeout(seconds):
                await self._ends.wait()
        except TimeoutError:
            return
        raise Gone

    @property
    def ending(self) -> asyncio.Event:
        return self._ends

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        self.arrived.set()
        try:
            if self.silent:
                await self.hang()
            if self.fault.kind == "refuse" and self.take_fault().kind == "refuse":
                raise Gone
            if self.fault.kind == "unauthorized" and self.take_fault().kind == "unauthorized":
                return self.denied_answer()
            if (answer := self.denied(request)) is not None:
                return answer
            return await handler(request)
        except Gone:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)

    def denied_answer(self) -> web.Response:
        raise NotImplementedError
