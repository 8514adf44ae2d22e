"""One call over sockets: its signalling with its sound and picture, and no room yet.

Open it as a context manager, then `dial`, or wait for `rung` and `answer`; `ended` is set when
either side is done. What the avatar says comes from `feed`; what the peer says goes to `media`.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from agent.bridges.call import first_of
from agent.bridges.errors import BridgeError
from agent.bridges.feed import Feed
from agent.bridges.sip.agent import Agent
from agent.bridges.sip.call import Call, Event
from agent.bridges.sip.media import CallMedia
from agent.bridges.sip.message import Request, Uri
from agent.bridges.sip.sdp import Encryption, Negotiator
from agent.bridges.sip.transactions import Peer
from agent.bridges.sip.transport import Endpoint, own_address
from agent.bridges.sip_texts import not_registered, refusal

_DIAL_S = 60.0
_BYE_S = 1.0
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


@dataclass(slots=True)
class SipOptions:
    """What is dialled, and how; `target` None: wait to be called."""

    target: Uri | None
    transport: str = "tls"
    encryption: Encryption = "required"
    host: str = ""
    """Our address; empty: the one that the peer sees."""
    public_host: str = ""
    """What descriptions say instead, behind a NAT that passes the ports on."""
    port: int = 0
    user: str = "visavis"
    display: str = "Visavis (AI avatar)"
    account: tuple[str, str] | None = None
    registrar: Uri | None = None
    """Where calls for `account` arrive, and whom we tell where we are."""
    digits: str = ""
    ca_file: str | None = None
    cert_file: str | None = None
    video: bool = True


class Phone:
    """One call. say: told what happens, as a word and a reason for people."""

    def __init__(self, options: SipOptions, feed: Feed, say: Callable[[str, str], None]) -> None:
        self.options = options
        self._feed, self._say = feed, say
        self._stack = contextlib.AsyncExitStack()
        self._up, self._registered = asyncio.Event(), asyncio.Event()
        self.rung, self.ended = asyncio.Event(), asyncio.Event()
        self.why = ""
        self.status = 0
        """Why it ended, and the SIP status behind it."""
        self.call: Call | None = None
        self.media: CallMedia
        self.endpoint: Endpoint

    async def __aenter__(self) -> Self:
        """Bind the ports. Raises BridgeError where that cannot be done."""
        async with self._stack:
            options = self.options
            aim = options.target or options.registrar
            far = aim.host.strip("[]") if aim is not None else "127.0.0.1"
            host = options.host or await asyncio.to_thread(own_address, far)
            self.media = await CallMedia.open(host, self._feed, video=options.video)
            self._stack.push_async_callback(self.media.aclose)
            self.media.on_digit = lambda digit: self._say("digit", digit)
            self.media.ask_key_frame = self._ask_key_frame
            self.endpoint = await Endpoint.open(
                self._make_agent,
                transport=options.transport,
                host=host,
                port=options.port,
                listen=options.target is None and options.registrar is None,
                tls=_context(options) if options.transport == "tls" else None,
            )
            self._stack.push_async_callback(self.endpoint.aclose)
            self._stack.push_async_callback(self.hang_up)
            self._stack = self._stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def dial(self) -> None:
        """Call the target, until it has answered. Raises BridgeError where it does not."""
        target, transport = self.options.target, self.options.transport
        assert target is not None
        aim = self.options.registrar or target
        peer = Peer(transport, aim.host.strip("[]"), aim.port or PORTS[transport])
        self.call = self.endpoint.agent.call(
            target, peer, self._negotiator(), time.monotonic(), self._on_event
        )
        self.endpoint.flush()
        await first_of(self._up, self.ended, timeout_s=_DIAL_S)
        if not self._up.is_set():
            raise BridgeError(refusal(self.why, self.status))

    async def register(self) -> None:
        """Tell the registrar where we are. Raises BridgeError where it refuses."""
        registrar, transport = self.options.registrar, self.options.transport
        assert registrar is not None
        peer = Peer(transport, registrar.host.strip("[]"), registrar.port or PORTS[transport])
        self.endpoint.agent.register(registrar, peer, time.monotonic())
        self.endpoint.flush()
        await self._registered.wait()
        if not self.endpoint.agent.registered:
            raise BridgeError(not_registered(registrar.host, self.why, self.status))

    def answer(self) -> None:
        """Take the call that rings. Raises BridgeError where both can do nothing in common."""
        assert self.call is not None
        taken = self.call.answer(time.monotonic())
        self.endpoint.flush()
        if not taken:
            raise BridgeError(refusal(self.why, self.status))

    async def hang_up(self) -> None:
        """Say goodbye and wait a moment for the answer. Twice is fine."""
        now = time.monotonic()
        if self.call is not None:
            self.call.hang_up(now)
        self.endpoint.agent.unregister(now)
        self.endpoint.flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BYE_S):
                await self.endpoint.settled()

    @property
    def address(self) -> str:
        """Where we are called."""
        local = self.endpoint.agent.local
        return f"sip:{self.options.user}@{local.host}:{local.port};transport={local.transport}"

    def agreed(self) -> str:
        """The formats of the call, and whether it is encrypted."""
        assert self.call is not None
        streams = self.call.negotiator.streams
        names = [stream.format.name for stream in streams.values()]
        safe = all(stream.send_key is not None for stream in streams.values())
        return ", ".join(names) + (", encrypted" if safe else ", not encrypted")

    def _make_agent(self, local: Peer) -> Agent:
        options = self.options
        return Agent(
            user=options.user,
            local=Peer(local.transport, options.public_host or local.host, local.port),
            display=options.display,
            account=options.account,
            on_call=self._on_call,
            on_new=self._on_new,
            domain=options.registrar.host if options.registrar is not None else "",
            on_registered=self._on_registered,
        )

    def _negotiator(self) -> Negotiator:
        host = self.endpoint.agent.local.host
        return Negotiator(host, self.media.ports, encryption=self.options.encryption)

    # What the agent tells

    def _on_call(self, request: Request) -> tuple[Negotiator, Callable[[Event], None]] | int:
        if self.call is not None or self.options.target is not None:
            return 486
        return self._negotiator(), self._on_event

    def _on_new(self, call: Call) -> None:
        self.call = call

    def _on_registered(self, status: int, why: str) -> None:
        self.status, self.why = status, why
        self._registered.set()
        state = "registered" if self.endpoint.agent.registered else "unregistered"
        self._say(state, "" if status < 300 else f"{status} {why}")

    def _on_event(self, event: Event) -> None:
        if event.kind == "ringing":
            self.rung.set()
            self._say("ringing", "")
        elif event.kind in ("up", "media", "early"):
            assert self.call is not None
            self.media.agree(self.call.negotiator.streams)
            if event.kind == "up":
                self._up.set()
                self._say("up", self.agreed())
        elif event.kind == "key frame":
            self.media.want_key_frame()
        elif event.kind == "digit":
            self._say("digit", event.text)
        elif event.kind == "ended":
            self.why, self.status = event.text, event.status
            self.ended.set()
            self.rung.set()

    def _ask_key_frame(self) -> None:
        if self.call is not None:
            self.call.ask_key_frame(time.monotonic())
            self.endpoint.flush()


def _context(options: SipOptions) -> ssl.SSLContext:
    """TLS for our direction; nobody's certificate is taken unseen. Raises BridgeError."""
    try:
        if options.target is not None or options.registrar is not None:
            return ssl.create_default_context(cafile=options.ca_file)
        if options.cert_file is None:
            raise BridgeError("to be called over TLS, give --cert FILE (certificate and key, PEM)")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.cert_file)
    except OSError as error:
        raise BridgeError(f"the certificate cannot be read: {error.strerror}") from None
    return context
