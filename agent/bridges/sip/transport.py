"""Carries an agent's messages: UDP, TCP and TLS. Ticks it when it says so.

A connection that cannot be made fails the requests that wait for it. One that breaks is told to
nobody: what waits for an answer runs into its own time limit, and the next request opens another.
"""

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from agent.bridges.errors import BridgeError
from agent.bridges.sip.agent import Agent
from agent.bridges.sip.message import Framer, SipError
from agent.bridges.sip.transactions import Peer

logger = logging.getLogger(__name__)

_CONNECT_S = 10.0
_IDLE_S = 0.5
_MOST_LINES = 32


def own_address(peer_host: str, port: int = 5060) -> str:
    """The address of ours that a peer sees (before any NAT). Raises BridgeError; blocks for DNS."""
    try:
        family, kind, _, _, target = socket.getaddrinfo(peer_host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(target)  # sends nothing
            return str(probe.getsockname()[0])
    except (OSError, UnicodeError):
        raise BridgeError(f"there is no host named {peer_host}, or no way to it") from None


class Endpoint:
    """One local address with an agent on it. `open` it, and `aclose` it.

    listen: take connections too, for tcp and tls. tls: for both directions.
    """

    def __init__(self, agent: Agent, *, tls: ssl.SSLContext | None = None) -> None:
        self.agent = agent
        self._tls = tls
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._bound: tuple[str, int] = ("", 0)  # where connections of ours begin
        self._lines: dict[Peer, asyncio.StreamWriter] = {}
        self._opening: dict[Peer, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._took = asyncio.Event()

    @classmethod
    async def open(
        cls,
        make: Callable[[Peer], Agent],
        *,
        transport: str,
        host: str,
        port: int = 0,
        listen: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> "Endpoint":
        """Bind the address; `make` gets it. Raises BridgeError where it is taken."""
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        bound = socket.socket(family, kind)
        try:
            if kind == socket.SOCK_STREAM:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((host, port))
        except OSError as error:
            bound.close()
            raise BridgeError(
                f"SIP cannot use {host} port {port} ({error.strerror}): choose another --port"
            ) from None
        found = Peer(transport, host, int(bound.getsockname()[1]))
        endpoint = cls(make(found), tls=tls)
        endpoint._bound = (host, found.port)
        if transport == "udp":
            endpoint._udp, _ = await loop.create_datagram_endpoint(
                lambda: _Udp(endpoint), sock=bound
            )
        elif listen:
            endpoint._server = await asyncio.start_server(
                endpoint._accepted, sock=bound, ssl=tls if transport == "tls" else None
            )
        else:
            bound.close()
        endpoint._start(endpoint._tick(), "sip-timer")
        return endpoint

    def flush(self) -> None:
        """Send what the agent wants sent; call it after every use of the agent."""
        outbox = self.agent.transactions.outbox
        while outbox:
            data, peer = outbox.popleft()
            if not peer.reliable:
                if self._udp is not None:
                    self._udp.sendto(data, (peer.host, peer.port))
            elif (line := self._lines.get(peer)) is not None:
                line.write(data)
            elif peer in self._opening:
                self._opening[peer].append(data)
            else:
                self._opening[peer] = [data]
                self._start(self._connect(peer), "sip-connect")
        self._wake.set()

    def take(self, data: bytes, peer: Peer) -> None:
        """A message came."""
        self.agent.receive(data, peer, time.monotonic())
        self.flush()
        self._took.set()

    async def settled(self) -> None:
        """Wait until every request of ours has its answer."""
        while self.agent.transactions.waiting:
            self._took.clear()
            await self._took.wait()

    async def aclose(self) -> None:
        """Close every connection; calls should have been ended before. Twice is fine."""
        for line in list(self._lines.values()):
            line.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._udp is not None:
            self._udp.close()
        if self._server is not None:
            self._server.close()

    def _start(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tick(self) -> None:
        while True:
            self._wake.clear()
            wait_s = min(_IDLE_S, max(0.005, self.agent.due() - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            self.agent.tick(time.monotonic())
            if self.agent.transactions.outbox:
                self.flush()

    async def _connect(self, peer: Peer) -> None:
        tls = self._tls if peer.transport == "tls" else None
        try:
            async with asyncio.timeout(_CONNECT_S):
                line = await self._from_our_port(peer)
                reader, writer = await asyncio.open_connection(
                    sock=line, ssl=tls, server_hostname=peer.host if tls else None
                )
        except (OSError, TimeoutError) as error:
            self._opening.pop(peer, None)
            reason = _reason(error)
            logger.warning("no SIP connection", extra={"host": peer.host, "reason": reason})
            self.agent.unreachable(peer, f"no connection to {peer.host}: {reason}")
            self.flush()
            self._took.set()
            return
        for data in self._opening.pop(peer, []):
            writer.write(data)
        await self._serve(reader, writer, peer)

    async def _from_our_port(self, peer: Peer) -> socket.socket:
        """Connect from the port that our Contact names: a peer that has something to say then finds
        this connection, and needs no other. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
        failed = OSError(f"no address of {peer.host}")
        for family, _, _, _, target in found:
            for bound in (self._bound, None):  # None: the last connection still holds the port
                try:
                    return await _connected(family, bound, target)
                except OSError as error:
                    failed = error
        raise failed

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._lines) >= _MOST_LINES:
            writer.close()
            return
        host, port = writer.get_extra_info("peername")[:2]
        peer = Peer(self.agent.local.transport, str(host), int(port))
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await self._serve(reader, writer, peer)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer
    ) -> None:
        self._lines[peer] = writer
        framer = Framer()
        try:
            while data := await reader.read(65_536):
                for message in framer.feed(data):
                    self.take(message, peer)
        except (OSError, SipError):
            pass
        finally:
            self._lines.pop(peer, None)
            writer.close()


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return getattr(error, "verify_message", "") or str(error.reason)
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else type(error).__name__


async def _connected(
    family: int, bound: tuple[str, int] | None, target: tuple[Any, ...]
) -> socket.socket:
    line = socket.socket(family, socket.SOCK_STREAM)
    try:
        line.setblocking(False)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if bound is not None:
            line.bind(bound)
        await asyncio.get_running_loop().sock_connect(line, target)
    except BaseException:
        line.close()
        raise
    return line


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if data.strip():  # a lone line end keeps a NAT open
            self._endpoint.take(data, Peer("udp", str(addr[0]), int(addr[1])))
