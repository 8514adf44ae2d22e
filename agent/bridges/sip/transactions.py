"""Transactions (RFC 3261 §17): each request until it is answered, each answer until it arrived.

No I/O: what is to be sent is in `outbox`, and `now` is an argument. On a reliable transport nothing
is sent twice. The facts you would not guess: an answer 2xx to INVITE, and its ACK, are the call's
own business (call.py), and the ACK of any other answer belongs to the INVITE's transaction.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.bridges.sip.message import Request, Response, token

T1 = 0.5
T2 = 4.0
TIMEOUT_S = 64 * T1
_ABSORB_S = 32.0
_MAGIC = "z9hG4bK"
_MOST = 500


@dataclass(frozen=True, slots=True)
class Peer:
    """Where messages go to and come from."""

    transport: str  # "udp", "tcp" or "tls"
    host: str
    port: int

    @property
    def reliable(self) -> bool:
        return self.transport != "udp"


@dataclass(slots=True)
class ClientTransaction:
    """A request of ours. on_response gets every response; on_timeout when none came."""

    request: Request
    peer: Peer
    on_response: Callable[[Response], None]
    on_timeout: Callable[[], None]
    ends_at: float
    again_at: float
    interval: float = T1
    answered: bool = False  # a provisional response came
    done: bool = False
    ack: Request | None = None


@dataclass(slots=True)
class ServerTransaction:
    """A request of theirs; `response` is the last one we gave."""

    request: Request
    peer: Peer
    response: Response | None = None
    again_at: float = float("inf")
    interval: float = T1
    ends_at: float = float("inf")
    acked: bool = False


@dataclass(slots=True)
class Transactions:
    """on_request: a request that is no repetition. On ACK of a 2xx, and CANCEL, too."""

    on_request: Callable[[Request, Peer, float], None]
    outbox: deque[tuple[bytes, Peer]] = field(default_factory=deque)
    _clients: dict[tuple[str, str], ClientTransaction] = field(default_factory=dict)
    _servers: dict[tuple[str, str], ServerTransaction] = field(default_factory=dict)

    def send(
        self,
        request: Request,
        peer: Peer,
        now: float,
        *,
        on_response: Callable[[Response], None],
        on_timeout: Callable[[], None],
    ) -> ClientTransaction:
        """Send a request whose top Via has a branch of ours, and see to its answer."""
        again = float("inf") if peer.reliable else now + T1
        made = ClientTransaction(request, peer, on_response, on_timeout, now + TIMEOUT_S, again)
        self._clients[request.branch, request.method] = made
        self.outbox.append((bytes(request), peer))
        return made

    def send_alone(self, request: Request, peer: Peer) -> None:
        """Send an ACK, which has no answer."""
        self.outbox.append((bytes(request), peer))

    def receive(self, message: Request | Response, peer: Peer, now: float) -> None:
        """A message came."""
        if isinstance(message, Response):
            found = self._clients.get((message.branch, message.cseq[1]))
            if found is not None:
                self._answered(found, message, now)
            return
        method = "INVITE" if message.method == "ACK" else message.method
        known = self._servers.get((message.branch, method))
        if known is None:
            if message.method != "ACK":
                if len(self._servers) >= _MOST:
                    return  # whoever means it sends again
                self._servers[message.branch, method] = ServerTransaction(message, peer)
            self.on_request(message, peer, now)
        elif message.method == "ACK":
            known.acked, known.again_at, known.ends_at = True, float("inf"), now
        elif known.response is not None:
            self.outbox.append((bytes(known.response), known.peer))

    def respond(self, request: Request, response: Response, now: float) -> None:
        """Answer a request; a final one is repeated where the transport may lose it."""
        found = self._servers.get((request.branch, request.method))
        if found is None or (found.response is not None and found.response.status >= 200):
            return
        found.response = response
        self.outbox.append((bytes(response), found.peer))
        if response.status < 200:
            return
        if request.method != "INVITE":
            found.ends_at = now if found.peer.reliable else now + TIMEOUT_S
        elif response.status >= 300:
            found.ends_at = now + TIMEOUT_S
            if not found.peer.reliable:
                found.again_at = now + T1
        else:
            found.ends_at = now + TIMEOUT_S  # absorbs repetitions; call.py repeats the 2xx

    def tick(self, now: float) -> None:
        """Send again what is due, give up what took too long."""
        for key, client in list(self._clients.items()):
            if now >= client.ends_at:
                del self._clients[key]
                if not client.done:
                    client.on_timeout()
            elif now >= client.again_at:
                invite = client.request.method == "INVITE"
                client.interval = client.interval * 2 if invite else min(client.interval * 2, T2)
                client.again_at = now + client.interval
                self.outbox.append((bytes(client.request), client.peer))
        for name, server in list(self._servers.items()):
            if now >= server.ends_at:
                del self._servers[name]
            elif now >= server.again_at and server.response is not None:
                server.interval = min(server.interval * 2, T2)
                server.again_at = now + server.interval
                self.outbox.append((bytes(server.response), server.peer))

    def unreachable(self, peer: Peer, why: str) -> None:
        """What waits for this peer's answer has it: a 503 (RFC 3261, 8.1.3.1)."""
        for key, client in list(self._clients.items()):
            if client.peer == peer and not client.done:
                del self._clients[key]
                client.done = True
                failed = client.request.response(503, why)
                failed.local = True
                client.on_response(failed)

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def waiting(self) -> bool:
        """Whether a request of ours is not answered yet."""
        return any(not client.done for client in self._clients.values())

    def due(self) -> float:
        """The moment of the next tick that does something."""
        moments = [min(t.ends_at, t.again_at) for t in self._clients.values()]
        moments += [min(t.ends_at, t.again_at) for t in self._servers.values()]
        return min(moments, default=float("inf"))

    def _answered(self, found: ClientTransaction, response: Response, now: float) -> None:
        invite = found.request.method == "INVITE"
        if found.done:
            if invite and response.status >= 300 and found.ack is not None:
                self.outbox.append((bytes(found.ack), found.peer))
            elif invite and 200 <= response.status < 300:
                found.on_response(response)  # our ACK was lost: the call gives it once more
            return
        if response.status < 200:
            found.answered = True
            found.again_at = float("inf") if invite else now + T2
            if invite:
                found.ends_at = now + 180.0  # it rings
        else:
            found.done, found.again_at = True, float("inf")
            absorb = _ABSORB_S if invite or not found.peer.reliable else 0.0
            found.ends_at = now + absorb
            if invite and response.status >= 300:
                found.ack = ack_for(found.request, response)
                self.outbox.append((bytes(found.ack), found.peer))
        found.on_response(response)


def new_branch() -> str:
    return _MAGIC + token(12)


def ack_for(invite: Request, response: Response) -> Request:
    """The ACK of an answer that is no 2xx."""
    made = Request(method="ACK", uri=invite.uri)
    made.add("via", invite.all("via")[0])
    made.add("max-forwards", "70")
    made.add("from", invite.get("from"))
    made.add("to", response.get("to"))
    made.add("call-id", invite.call_id)
    made.add("cseq", f"{invite.cseq[0]} ACK")
    for route in invite.all("route"):
        made.add("route", route)
    return made


def cancel_for(invite: Request) -> Request:
    """The CANCEL of an INVITE of ours: the same branch, route and To."""
    made = Request(method="CANCEL", uri=invite.uri)
    made.add("via", invite.all("via")[0])
    made.add("max-forwards", "70")
    for name in ("from", "to", "call-id"):
        made.add(name, invite.get(name))
    made.add("cseq", f"{invite.cseq[0]} CANCEL")
    for route in invite.all("route"):
        made.add("route", route)
    return made
