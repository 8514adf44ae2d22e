"""A network between a browser and livekit-server that can be slow, lossy, or gone.

Signalling passes through a TCP port of ours, sound and picture through a UDP port: `prepare` puts
that one into the candidates which the server offers the page, and leaves all others out.
"""

import asyncio
import contextlib
import random
import re
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

from playwright.async_api import Page

_ROUTED = """
(() => {
  const to = RTCPeerConnection.prototype;
  const { addIceCandidate, setRemoteDescription } = to;
  to.addIceCandidate = async function (given) {
    if (!given?.candidate) return addIceCandidate.call(this, given);
    const candidate = await window.__route(given.candidate);
    const { sdpMid, sdpMLineIndex } = given;
    if (candidate !== "") return addIceCandidate.call(this, { candidate, sdpMid, sdpMLineIndex });
  };
  to.setRemoteDescription = async function ({ type, sdp }) {
    const lines = await Promise.all(sdp.split("\\r\\n").map(async (line) => {
      if (!line.startsWith("a=candidate:")) return line;
      const routed = await window.__route(line.slice(2));
      return routed === "" ? null : `a=${routed}`;
    }));
    const kept = lines.filter((line) => line !== null).join("\\r\\n");
    return setRemoteDescription.call(this, { type, sdp: kept });
  };
})()
"""
_UDP = re.compile(r"^(candidate:\S+ \d+ udp \d+ )(\S+) (\d+)( typ host.*)$", re.IGNORECASE)
_QUEUE_S = 0.5
"""What a slow way keeps waiting; more is dropped, as a router does."""

Address = tuple[str, int]


class Network:
    """An async context manager. Of one page at a time; `url` is where it finds livekit-server."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._server: Address = (parts.hostname, parts.port)
        self._media: Address | None = None
        self._there = asyncio.Event()
        self._there.set()
        self._delay_s, self._loss, self._bytes_per_s = 0.0, 0.0, float("inf")
        self._free_at: dict[bool, float] = {}  # by direction: when the slow way is free again
        self._chance = random.Random(1)
        self._clients: dict[Address, socket.socket] = {}

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._tcp = await asyncio.start_server(self._on_stream, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._tcp.sockets[0].getsockname()[1]}"
        self._udp, _ = await self._loop.create_datagram_endpoint(
            lambda: _Ear(self._on_client), local_addr=("127.0.0.1", 0)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._there.set()
        self._tcp.close()
        self._udp.close()
        for client in self._clients.values():
            self._loop.remove_reader(client)
            client.close()

    async def prepare(self, page: Page) -> None:
        """Before the page is opened: its calls travel this way."""
        await page.expose_function("__route", self._route)
        await page.add_init_script(_ROUTED)

    def slow(self, *, delay_s: float, loss: float, kbit_per_s: float) -> None:
        """From now on, each way."""
        self._delay_s, self._loss, self._bytes_per_s = delay_s, loss, kbit_per_s * 125

    def cut(self) -> None:
        """Nothing passes, and nobody is told."""
        self._there.clear()

    def mend(self) -> None:
        """As good as new."""
        self._delay_s, self._loss, self._bytes_per_s = 0.0, 0.0, float("inf")
        self._there.set()

    def _route(self, candidate: str) -> str:
        found = _UDP.match(candidate)
        if found is None:
            return ""
        self._media = (self._server[0], int(found[3]))
        host, port = self._udp.get_extra_info("sockname")
        return f"{found[1]}{host} {port}{found[4]}"

    def _on_client(self, data: bytes, client: Address) -> None:
        if client not in self._clients:
            assert self._media is not None
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.setblocking(False)
            made.connect(self._media)
            self._clients[client] = made
            self._loop.add_reader(made, self._on_server, made, client)
        upstream = self._clients[client]
        self._carry(True, len(data), lambda: upstream.send(data))

    def _on_server(self, upstream: socket.socket, client: Address) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            data = upstream.recv(65_536)
            self._carry(False, len(data), lambda: self._udp.sendto(data, client))

    def _carry(self, up: bool, size: int, deliver: Callable[[], object]) -> None:
        now = self._loop.time()
        free_at = max(now, self._free_at.get(up, now))
        late = free_at - now > _QUEUE_S
        if late or not self._there.is_set() or self._chance.random() < self._loss:
            return
        self._free_at[up] = free_at + size / self._bytes_per_s
        self._loop.call_at(self._free_at[up] + self._delay_s, self._arrive, deliver)

    def _arrive(self, deliver: Callable[[], object]) -> None:
        if self._there.is_set():
            with contextlib.suppress(OSError):  # the other side has gone, or the test is over
                deliver()

    async def _on_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_connection(*self._server)
        async with asyncio.TaskGroup() as ways:
            ways.create_task(self._pump(reader, theirs[1]))
            ways.create_task(self._pump(theirs[0], writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._there.wait()
                await asyncio.sleep(self._delay_s)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # either side may hang up
        finally:
            writer.close()


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, told: Callable[[bytes, Address], None]) -> None:
        self._told = told

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._told(data, cast(Address, addr))
