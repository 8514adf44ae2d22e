"""Real servers for the tests, each on free loopback ports, run on an event loop in a thread."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from livekit import api

from agent.config import Settings
from agent.gateway.app import serve
from agent.gateway.pages import WEB_DIR
from agent.processes import Child
from agent.server import LiveKitServer

T = TypeVar("T")
REGISTERED = "registered worker"
START_S = 90.0


class Background:
    """An event loop in a thread, so that servers outlive the test that asked for them first."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="test-servers")
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float = START_S) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        return future.result(timeout)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A loopback port that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_ports() -> dict[str, int]:
    """Free ports for a LiveKitServer of our own."""
    return {
        "port": free_port(),
        "rtc_tcp_port": free_port(),
        "rtc_udp_port": free_port(socket.SOCK_DGRAM),
    }


def livekit_server() -> LiveKitServer:
    """Our own server on free ports; not started."""
    return LiveKitServer(**server_ports())


@asynccontextmanager
async def page_at(settings: Settings) -> AsyncIterator[str]:
    """The page, served by the real gateway at the settings' port: its address."""
    ready = asyncio.Event()
    serving = asyncio.create_task(serve(settings, web_dir=WEB_DIR, ready=ready))
    await ready.wait()
    try:
        yield f"http://127.0.0.1:{settings.port}"
    finally:
        serving.cancel()
        await asyncio.wait([serving])


def agent_token(settings: Settings, room: str, identity: str = "agent") -> str:
    """The rights that livekit-server gives to a dispatched agent."""
    grants = api.VideoGrants(room_join=True, room=room, agent=True, can_update_own_metadata=True)
    secret = settings.livekit_api_secret.get_secret_value()
    token = api.AccessToken(settings.livekit_api_key, secret).with_identity(identity)
    return token.with_kind("agent").with_grants(grants).to_jwt()


class Worker:
    """`python -m agent start`, or another command, against a server, until `aclose`.

    on_line: gets what it writes. program: another module in the place of `agent`.
    """

    def __init__(
        self,
        settings: Settings,
        extra: Mapping[str, str],
        on_line: Callable[[str], None] = lambda line: None,
        *,
        command: str = "start",
        program: str = "agent",
    ) -> None:
        self._command = [sys.executable, "-m", program, command]
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")},
            **settings.worker_environment(),
            "VISAVIS_WORKER_PORT": "0",
            "VISAVIS_IDLE_PROCESSES": "1",
            **extra,
        }
        self.lines: list[str] = []
        self._told = on_line
        self.child: Child | None = None
        self._registered = asyncio.Event()

    async def start(self) -> None:
        """Start it and wait until the server knows it."""
        self.child = await Child.start(
            "worker", self._command, env=self._environment, on_line=self._on_line
        )
        registered = asyncio.create_task(self._registered.wait())
        ended = asyncio.create_task(self.child.wait())
        await asyncio.wait({registered, ended}, return_when=asyncio.FIRST_COMPLETED)
        for task in (registered, ended):
            task.cancel()
        if not self._registered.is_set():
            raise RuntimeError("the worker ended: " + "\n".join(self.child.tail))

    async def aclose(self) -> None:
        if self.child is not None:
            await self.child.stop(5.0, 5.0)

    def _on_line(self, line: str) -> None:
        self.lines.append(line)
        self._told(line)
        if REGISTERED in line:
            self._registered.set()
