"""The user agent: all calls of one address, its registration, and answers to the rest. No I/O.

`receive` what came, `tick` when `due`, and send what is in `transactions.outbox`.
"""

import logging
from collections.abc import Callable

from agent.bridges.sip.call import Call, Event, new_call_id
from agent.bridges.sip.message import Address, Request, Response, SipError, Uri, parse, token
from agent.bridges.sip.proof import Proof
from agent.bridges.sip.sdp import Negotiator
from agent.bridges.sip.transactions import Peer, Transactions, new_branch

logger = logging.getLogger(__name__)

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"
_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
_REGISTER_S = 600


class Agent:
    """local: where we listen, by transport. account: user and password, for 401 and 407. domain: of
    our own address, where it is not our host.

    on_call is asked about an INVITE that came: it returns what negotiates and hears of the new
    call's events, or a status with which to refuse it. on_registered is told what became of every
    REGISTER: status and reason.
    """

    def __init__(
        self,
        *,
        user: str,
        local: Peer,
        display: str = "",
        account: tuple[str, str] | None = None,
        on_call: Callable[[Request], tuple[Negotiator, Callable[[Event], None]] | int]
        | None = None,
        on_new: Callable[[Call], None] | None = None,
        domain: str = "",
        on_registered: Callable[[int, str], None] = lambda status, why: None,
    ) -> None:
        self.user, self.local, self.display = user, local, display
        self.account = account
        self._domain, self.on_registered = domain, on_registered
        self._on_call, self._on_new = on_call, on_new
        self.now = 0.0
        self.transactions = Transactions(self._on_request)
        self.calls: dict[tuple[str, str], Call] = {}
        self.registered = False
        self._register: _Registration | None = None

    # What we do

    def call(
        self,
        target: Uri,
        peer: Peer,
        negotiator: Negotiator,
        now: float,
        on_event: Callable[[Event], None],
    ) -> Call:
        """Dial. `peer` is where the INVITE goes: the target's host, or a proxy."""
        self.now = now
        scheme = "sips" if target.scheme == "sips" else "sip"
        mine = Uri(self.user, self.local.host, self.local.port, scheme)
        if self._domain:
            mine = Uri(self.user, self._domain, scheme=scheme)
        made = Call(
            self,
            local=Address(mine, self.display).with_tag(token()),
            remote=Address(target),
            target=target,
            peer=peer,
            call_id=new_call_id(),
            negotiator=negotiator,
            on_event=on_event,
        )
        self.calls[made.call_id, made.local.tag] = made
        made.dial(now)
        return made

    def register(self, registrar: Uri, peer: Peer, now: float) -> None:
        """Tell a registrar where we are, and again before that is forgotten."""
        self.now = now
        self._register = _Registration(self, registrar, peer)
        self._register.send(now, _REGISTER_S)

    def unregister(self, now: float) -> None:
        self.now = now
        if self._register is not None and self.registered:
            self._register.send(now, 0)

    # What comes

    def receive(self, data: bytes, peer: Peer, now: float) -> None:
        """One whole message. What cannot be read is dropped, with a line in the log."""
        self.now = now
        try:
            message = parse(data)
            if isinstance(message, Request):
                _note_source(message, peer)
            self.transactions.receive(message, peer, now)
        except SipError as error:
            logger.debug("SIP message dropped", extra={"reason": str(error)})

    def tick(self, now: float) -> None:
        self.now = now
        self.transactions.tick(now)
        for key, call in list(self.calls.items()):
            call.tick(now)
            if call.state == "ended":
                del self.calls[key]
        if self._register is not None and now >= self._register.again_at:
            self._register.send(now, _REGISTER_S)

    def unreachable(self, peer: Peer, why: str) -> None:
        """There is no connection to this peer."""
        self.transactions.unreachable(peer, why)

    def due(self) -> float:
        """The moment of the next tick that does something."""
        moments = [self.transactions.due(), *(call.due() for call in self.calls.values())]
        if self._register is not None:
            moments.append(self._register.again_at)
        return min(moments)

    def _on_request(self, request: Request, peer: Peer, now: float) -> None:
        tag = request.receiver.tag
        call = self.calls.get((request.call_id, tag))
        if call is None and request.method == "CANCEL":
            matching = (c for (i, _), c in self.calls.items() if i == request.call_id)
            call = next(matching, None)
        if call is not None:
            call.receive(request, now)
        elif request.method == "ACK":
            return
        elif tag:
            self.respond(request, request.response(481), now)
        elif request.method == "INVITE":
            self._invited(request, peer, now)
        elif request.method == "OPTIONS":
            self.respond(request, self.options(request, Request.response), now)
        else:
            self.respond(request, request.response(405), now)

    def _invited(self, request: Request, peer: Peer, now: float) -> None:
        trying = request.response(100)
        self.respond(request, trying, now)
        required = [r for r in request.all("require") if r.lower() not in ("timer", "replaces")]
        target, answer = request.contact(), 486
        found: tuple[Negotiator, Callable[[Event], None]] | int = answer
        if required:
            refusal = request.response(420)
            refusal.add("unsupported", ", ".join(required))
            self.respond(request, refusal, now)
            return
        if target is not None and self._on_call is not None:
            found = self._on_call(request)
        if isinstance(found, int) or target is None:
            status = found if isinstance(found, int) else 400
            self._refuse(request, status, now)
            return
        negotiator, on_event = found
        call = Call(
            self,
            local=request.receiver.with_tag(token()),
            remote=request.sender,
            target=target,
            peer=peer,
            call_id=request.call_id,
            negotiator=negotiator,
            on_event=on_event,
        )
        self.calls[call.call_id, call.local.tag] = call
        if self._on_new is not None:
            self._on_new(call)
        call.ring(request, now)

    def _refuse(self, request: Request, status: int, now: float) -> None:
        response = request.response(status)
        response.set("to", str(request.receiver.with_tag(token())))
        self.respond(request, response, now)

    # For calls

    def respond(self, request: Request, response: Response, now: float) -> None:
        self.transactions.respond(request, response, now)

    def via(self, peer: Peer) -> str:
        host = f"[{self.local.host}]" if ":" in self.local.host else self.local.host
        name = peer.transport.upper()
        return f"SIP/2.0/{name} {host}:{self.local.port};branch={new_branch()};rport"

    def contact(self, peer: Peer) -> Uri:
        params = () if peer.transport == "udp" else (("transport", peer.transport),)
        return Uri(self.user, self.local.host, self.local.port, "sip", params)

    def peer_for(self, target: Uri, current: Peer) -> Peer:
        """Where requests for this target go; a connection that stands is kept."""
        if current.reliable:
            return current
        transport = (target.param("transport") or "udp").lower()
        if target.scheme == "sips":
            transport = "tls"
        if transport not in _PORTS:
            transport = current.transport
        return Peer(transport, target.host.strip("[]"), target.port or _PORTS[transport])

    def describe(self, message: Request | Response) -> None:
        """The headers that say what we can."""
        message.add("allow", ALLOW)
        message.add("supported", "timer")
        name = "user-agent" if isinstance(message, Request) else "server"
        message.add(name, "Visavis")

    def options(self, request: Request, make: Callable[[Request, int], Response]) -> Response:
        """The answer to OPTIONS, and to what we do not know."""
        response = make(request, 200 if request.method == "OPTIONS" else 405)
        response.set("allow", ALLOW)
        response.set("accept", "application/sdp")
        return response


class _Registration:
    """One REGISTER after the other, with the password where it is asked for."""

    def __init__(self, agent: Agent, registrar: Uri, peer: Peer) -> None:
        self._agent, self._registrar, self._peer = agent, registrar, peer
        self._call_id, self._tag, self._cseq = new_call_id(), token(), 0
        self.again_at = float("inf")
        self._proof = Proof(agent.account)

    def send(self, now: float, seconds: int) -> None:
        agent = self._agent
        self._cseq += 1
        self.again_at = float("inf")
        me = Address(Uri(agent.user, self._registrar.host, self._registrar.port))
        request = Request(method="REGISTER", uri=self._registrar)
        request.add("via", agent.via(self._peer))
        request.add("max-forwards", "70")
        request.add("from", str(me.with_tag(self._tag)))
        request.add("to", str(me))
        request.add("call-id", self._call_id)
        request.add("cseq", f"{self._cseq} REGISTER")
        request.add("contact", f"<{agent.contact(self._peer)}>")
        request.add("expires", str(seconds))
        self._proof.add(request)
        agent.transactions.send(
            request,
            self._peer,
            now,
            on_response=lambda response: self._on_response(response, agent.now, seconds),
            on_timeout=lambda: self._failed(agent.now, 408, "no answer"),
        )

    def _on_response(self, response: Response, now: float, seconds: int) -> None:
        if response.status < 200:
            return
        if response.status in (401, 407) and self._proof.asked(response):
            self.send(now, seconds)
            return
        if response.status >= 300:
            logger.warning("not registered", extra={"status": response.status})
            self._failed(now, response.status, response.reason)
            return
        self._proof.accepted()
        self._agent.registered = seconds > 0
        found = response.get("expires").strip()
        granted = int(found) if found.isdigit() else seconds
        self.again_at = now + max(30, granted / 2) if seconds else float("inf")
        self._agent.on_registered(response.status, response.reason)

    def _failed(self, now: float, status: int, why: str) -> None:
        self._agent.registered = False
        self.again_at = now + 30.0
        self._agent.on_registered(status, why)


def _note_source(request: Request, peer: Peer) -> None:
    """Write into the top Via where the request really came from (RFC 3581)."""
    vias = request.all("via")
    top = vias[0]
    if ";rport" in top and ";rport=" not in top:
        top = top.replace(";rport", f";rport={peer.port}")
    if f";received={peer.host}" not in top:
        top += f";received={peer.host}"
    request.headers = [h for h in request.headers if h[0] != "via"]
    request.headers[:0] = [("via", via) for via in (top, *vias[1:])]
