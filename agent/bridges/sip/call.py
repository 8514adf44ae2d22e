"""One call, from INVITE to BYE: a dialog, its offers and answers, its session timer. No I/O.

States: calling → ringing → up → ended, or, when they call us, ringing → up → ended. What happens is
told by `on_event`; what is to be sent goes through the agent's transactions.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agent.bridges.sip import info
from agent.bridges.sip.message import Address, Request, Response, SipError, Uri, token
from agent.bridges.sip.proof import Proof
from agent.bridges.sip.sdp import Negotiator
from agent.bridges.sip.timer import SessionTimer
from agent.bridges.sip.transactions import (
    T1,
    T2,
    TIMEOUT_S,
    ClientTransaction,
    Peer,
    cancel_for,
)

if TYPE_CHECKING:
    from agent.bridges.sip.agent import Agent

logger = logging.getLogger(__name__)

State = Literal["calling", "ringing", "up", "ended"]
EventKind = Literal["ringing", "early", "up", "media", "key frame", "digit", "ended"]

_MOST_TRIES = 3
_MOST_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Event:
    """`text`: a digit, or why the call ended. `status`: the SIP status behind it, 0 for none."""

    kind: EventKind
    text: str = ""
    status: int = 0


class Call:
    """Made by Agent.call or for an INVITE that came. `negotiator` holds what is agreed."""

    def __init__(
        self,
        agent: "Agent",
        *,
        local: Address,
        remote: Address,
        target: Uri,
        peer: Peer,
        call_id: str,
        negotiator: Negotiator,
        on_event: Callable[[Event], None],
    ) -> None:
        self._agent = agent
        self.local, self.remote = local, remote
        self._target, self._peer = target, peer
        self.call_id = call_id
        self.negotiator = negotiator
        self._on_event = on_event
        self.state: State = "calling"
        self.why = ""
        self._cseq = 0
        self._their_cseq = -1
        self._routes: list[str] = []
        self._invite: ClientTransaction | None = None
        self._incoming: Request | None = None
        self._ack: Request | None = None
        self._acked_at: dict[int, Request] = {}
        self._cancelling = False
        self._tries = self._redirects = 0
        self._proof = Proof(agent.account)
        self._ok: Response | None = None  # our 2xx, repeated until its ACK comes
        self._ok_at, self._ok_interval, self._ok_until = float("inf"), T1, 0.0
        self._timer = SessionTimer()

    # What we do

    def dial(self, now: float) -> None:
        """Send the INVITE."""
        self._send_invite(now, self.negotiator.offer())

    def answer(self, now: float) -> bool:
        """Take a call that came; False, and it is refused, when no format or key is shared."""
        assert self._incoming is not None
        if self.state != "ringing":
            return False
        offer = self._incoming.sdp()
        body = self.negotiator.answer(offer) if offer is not None else self.negotiator.offer()
        if body is None:
            self.refuse(488, now)
            return False
        response = self._response(self._incoming, 200).with_body("application/sdp", body)
        self._timer.answer(self._incoming, response, now)
        self._answer_ok(self._incoming, response, now)
        self.state = "up"
        self._tell("up")
        return True

    def refuse(self, status: int, now: float) -> None:
        """Do not take a call that came."""
        if self._incoming is not None and self.state == "ringing":
            self._agent.respond(self._incoming, self._response(self._incoming, status), now)
            self._end("refused", status)

    def hang_up(self, now: float) -> None:
        """End it, in whatever state it is. Twice is fine."""
        if self.state == "up":
            self._request("BYE", now)
            self._end("we hung up")
        elif self._incoming is not None:
            self.refuse(603, now)
        elif self.state in ("calling", "ringing") and not self._cancelling:
            self._cancelling = True
            self._send_cancel(now)

    def hold(self, held: bool, now: float) -> None:
        """Ask the peer to be silent, or to go on."""
        if self.state == "up":
            self._send_invite(now, self.negotiator.offer("sendonly" if held else "sendrecv"))

    def ask_key_frame(self, now: float) -> None:
        """The older way beside RTCP (RFC 5168)."""
        if self.state == "up":
            self._request("INFO", now, info.KEY_FRAME)

    def tick(self, now: float) -> None:
        """Repeat the 2xx, keep the session alive, end one that was not."""
        if self.state == "ended":
            return
        if self._ok is not None and now >= self._ok_at:
            if now >= self._ok_until:
                self._ok = None
                self.hang_up(now)
                return
            self._ok_interval = min(self._ok_interval * 2, T2)
            self._ok_at = now + self._ok_interval
            self._agent.transactions.outbox.append((bytes(self._ok), self._peer))
        if now >= self._timer.expires_at:
            self._request("BYE", now)
            self._end("the session timer ran out")
        elif now >= self._timer.refresh_at:
            self._timer.refresh_at = float("inf")
            self._send_invite(now, str(self.negotiator.local))

    def due(self) -> float:
        if self.state == "ended":
            return float("inf")
        return min(self._ok_at if self._ok else float("inf"), self._timer.due)

    # What they do

    def ring(self, request: Request, now: float) -> None:
        """An INVITE came for a new call."""
        self._incoming, self.state = request, "ringing"
        self._their_cseq = request.cseq[0]
        self._routes = request.all("record-route")
        self._agent.respond(request, self._response(request, 180), now)
        self._tell("ringing")

    def receive(self, request: Request, now: float) -> None:
        """A request inside of the call."""
        number, method = request.cseq
        if method == "ACK":
            if self._ok is not None and number == self._ok.cseq[0]:
                self._ok = None
                if request.sdp() is not None and self.negotiator.accept_answer(request.sdp() or ""):
                    self._tell("media")
            return
        if method == "CANCEL":
            self._cancelled(request, now)
            return
        if number <= self._their_cseq:
            self._agent.respond(request, self._response(request, 500), now)
            return
        self._their_cseq = number
        if method == "BYE":
            self._agent.respond(request, self._response(request, 200), now)
            self._end("they hung up")
        elif method in ("INVITE", "UPDATE"):
            self._renegotiate(request, now)
        elif method == "INFO":
            self._info(request, now)
        else:
            self._agent.respond(request, self._agent.options(request, self._response), now)

    def _cancelled(self, request: Request, now: float) -> None:
        self._agent.respond(request, self._response(request, 200), now)
        if self._incoming is not None and self.state == "ringing":
            self._agent.respond(self._incoming, self._response(self._incoming, 487), now)
            self._end("they gave up", 487)

    def _renegotiate(self, request: Request, now: float) -> None:
        if self._invite is not None and not self._invite.done:
            self._agent.respond(request, self._response(request, 491), now)
            return
        target = request.contact()
        if target is not None:
            self._target = target
        body: str | None = None
        offer = request.sdp()
        if offer is not None:
            body = self.negotiator.answer(offer)
            if body is None:
                self._agent.respond(request, self._response(request, 488), now)
                return
        elif request.method == "INVITE":
            body = self.negotiator.offer()
        response = self._response(request, 200)
        if body is not None:
            response.with_body("application/sdp", body)
        self._timer.answer(request, response, now)
        if request.method == "INVITE":
            self._answer_ok(request, response, now)
        else:
            self._agent.respond(request, response, now)
        if offer is not None:
            self._tell("media")

    def _info(self, request: Request, now: float) -> None:
        found = info.read(request)
        if found is not None and found[0]:
            self._tell("digit" if found[0] != "key frame" else "key frame", found[1])
        status = 200 if found is not None else 415
        self._agent.respond(request, self._response(request, status), now)

    # Our INVITE's answers

    def _send_invite(self, now: float, body: str) -> None:
        request = self._make("INVITE").with_body("application/sdp", body)
        self._timer.ask(request)
        self._invite = self._agent.transactions.send(
            request,
            self._peer,
            now,
            on_response=lambda r: self._on_invite(request, r, self._agent.now),
            on_timeout=lambda: self._end("no answer", 408),
        )

    def _on_invite(self, request: Request, response: Response, now: float) -> None:
        if response.status < 200:
            self._on_provisional(response, now)
        elif response.status < 300:
            self._on_accepted(request, response, now)
        elif response.status in (401, 407) and self._proof.asked(response):
            self._send_invite(now, str(self.negotiator.local))
        elif response.status == 422 and self._tries < _MOST_TRIES:
            self._tries += 1
            self._timer.lengthen(response)
            self._send_invite(now, str(self.negotiator.local))
        elif 300 <= response.status < 400 and self.state != "up" and self._redirect(response):
            self._send_invite(now, str(self.negotiator.local))
        elif self.state != "up" or response.status in (408, 481):
            self._end(response.reason, response.status)
        else:  # a re-INVITE that they did not like: the call goes on as it was
            self._timer.retry(now)

    def _on_provisional(self, response: Response, now: float) -> None:
        if self.state not in ("calling", "ringing"):
            return
        if self._cancelling:
            self._send_cancel(now)
            return
        if response.status == 100:
            return
        if self.state == "calling":
            self.state = "ringing"
            self._tell("ringing", status=response.status)
        text = response.sdp()
        if text is not None and response.status == 183 and self._understands(text):
            self._tell("early", status=183)

    def _on_accepted(self, request: Request, response: Response, now: float) -> None:
        number = request.cseq[0]
        if number in self._acked_at:  # our ACK was lost
            self._agent.transactions.send_alone(self._acked_at[number], self._peer)
            return
        first = self.state != "up"
        self._proof.accepted()
        self.remote = response.receiver
        if first:
            self._routes = list(reversed(response.all("record-route")))
        target = response.contact()
        if target is not None:
            self._target = target
            if first and not self._routes:
                self._peer = self._agent.peer_for(target, self._peer)
        ack = self._make("ACK", number)
        self._acked_at = {number: ack}
        self._agent.transactions.send_alone(ack, self._peer)
        if self.state == "ended":
            return
        text = response.sdp()
        if text is None or not self._understands(text):
            self.state = "up"
            self._request("BYE", now)
            self._end("nothing that both can send and hear", 488)
            return
        self._timer.agreed(response, now)
        if self._cancelling:  # too late to cancel: hang up
            self.state = "up"
            self.hang_up(now)
            return
        self.state = "up"
        self._tell("up" if first else "media")

    def _understands(self, text: str) -> bool:
        try:
            return self.negotiator.accept_answer(text)
        except SipError:
            return False

    def _redirect(self, response: Response) -> bool:
        target = response.contact()
        if target is None or self._redirects >= _MOST_REDIRECTS:
            return False
        self._redirects += 1
        self._target = target
        self._peer = self._agent.peer_for(target, self._peer)
        return True

    def _send_cancel(self, now: float) -> None:
        if self._invite is None or self._invite.done or not self._invite.answered:
            return  # at the first provisional response, or as BYE
        request, peer = cancel_for(self._invite.request), self._invite.peer
        self._agent.transactions.send(
            request, peer, now, on_response=lambda r: None, on_timeout=lambda: None
        )

    # Making messages

    def _make(self, method: str, number: int | None = None) -> Request:
        if number is None:
            self._cseq += 1
        request = Request(method=method, uri=self._target)
        request.add("via", self._agent.via(self._peer))
        request.add("max-forwards", "70")
        request.add("from", str(self.local))
        request.add("to", str(self.remote))
        request.add("call-id", self.call_id)
        request.add("cseq", f"{number or self._cseq} {method}")
        request.add("contact", f"<{self._agent.contact(self._peer)}>")
        for route in self._routes:
            request.add("route", route)
        self._agent.describe(request)
        self._proof.add(request)
        return request

    def _request(self, method: str, now: float, body: tuple[str, str] | None = None) -> None:
        request = self._make(method)
        if body is not None:
            request.with_body(*body)

        def on_response(response: Response) -> None:
            if response.status in (408, 481) and method != "BYE":
                self._end(response.reason, response.status)

        self._agent.transactions.send(
            request, self._peer, now, on_response=on_response, on_timeout=lambda: None
        )

    def _response(self, request: Request, status: int) -> Response:
        response = request.response(status)
        if status > 100:
            response.set("to", str(request.receiver.with_tag(self.local.tag)))
            response.add("contact", f"<{self._agent.contact(self._peer)}>")
        self._agent.describe(response)
        return response

    def _answer_ok(self, request: Request, response: Response, now: float) -> None:
        self._agent.respond(request, response, now)
        self._ok, self._ok_interval = response, T1
        self._ok_at, self._ok_until = now + T1, now + TIMEOUT_S

    # The end

    def _tell(self, kind: EventKind, text: str = "", status: int = 0) -> None:
        self._on_event(Event(kind, text, status))

    def _end(self, why: str, status: int = 0) -> None:
        if self.state == "ended":
            return
        self.state, self.why, self._ok = "ended", why, None
        self._tell("ended", why, status)


def new_call_id() -> str:
    return token(16)
