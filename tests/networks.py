"""Two agents of ours in virtual time, on a network that loses and changes what it is told to."""

from collections.abc import Callable
from typing import Literal

from agent.bridges.sip.agent import Agent
from agent.bridges.sip.call import Call, Event
from agent.bridges.sip.message import Request, Response, Uri, parse
from agent.bridges.sip.sdp import Encryption, Negotiator
from agent.bridges.sip.transactions import Peer

Message = Request | Response


class Side:
    """An agent, its calls and what they told."""

    def __init__(self, host: str, transport: str, account: tuple[str, str] | None = None) -> None:
        self.peer = Peer(transport, host, 5060)
        self.events: list[Event] = []
        self.refuse = 0
        self.calls: list[Call] = []
        self.encryption: Encryption = "off"
        self.agent = Agent(
            user="x",
            local=self.peer,
            account=account,
            on_call=self._on_call,
            on_new=self.calls.append,
        )

    def negotiator(self) -> Negotiator:
        ports = {"audio": 4000, "video": 4002}
        return Negotiator(self.peer.host, ports, encryption=self.encryption)

    def _on_call(self, request: Request) -> tuple[Negotiator, Callable[[Event], None]] | int:
        return self.refuse or (self.negotiator(), self.events.append)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    @property
    def call(self) -> Call:
        return self.calls[-1]


class Network:
    """Carries messages at once; `lose` and `change` see each one; time moves by `run`."""

    def __init__(self, transport: Literal["udp", "tcp"] = "udp") -> None:
        self.a, self.b = Side("10.0.0.1", transport, ("me", "pw")), Side("10.0.0.2", transport)
        self.now = 100.0
        self.lose: Callable[[Message], bool] = lambda message: False
        self.change: Callable[[Message], bytes] = bytes
        self.seen: list[str] = []

    def dial(self) -> Call:
        side = self.a
        call = side.agent.call(
            Uri("b", "10.0.0.2"), self.b.peer, side.negotiator(), self.now, side.events.append
        )
        side.calls.append(call)
        self.flow()
        return call

    def up(self) -> tuple[Call, Call]:
        """Dial and answer."""
        call = self.dial()
        self.b.call.answer(self.now)
        self.flow()
        assert call.state == "up"
        return call, self.b.call

    def flow(self) -> None:
        """Carry until nothing is under way."""
        for _ in range(200):
            moved = False
            for side, other in ((self.a, self.b), (self.b, self.a)):
                while side.agent.transactions.outbox:
                    data, _ = side.agent.transactions.outbox.popleft()
                    moved = True
                    message = parse(data)
                    name = message.method if isinstance(message, Request) else str(message.status)
                    lost = self.lose(message)
                    self.seen.append(name + ("!" if lost else ""))
                    if not lost:
                        other.agent.receive(self.change(message), side.peer, self.now)
            if not moved:
                return
        raise AssertionError(f"they never stop: {self.seen[-20:]}")

    def run(self, seconds: float) -> None:
        """Let time pass, in the steps that the agents ask for."""
        until = self.now + seconds
        while True:
            due = min(self.a.agent.due(), self.b.agent.due())
            if due > until:
                break
            self.now = max(self.now, due)
            for side in (self.a, self.b):
                side.agent.tick(self.now)
            self.flow()
        self.now = until


def is_(name: str) -> Callable[[Message], bool]:
    """Matches a method, or a status."""

    def test(message: Message) -> bool:
        found = message.method if isinstance(message, Request) else str(message.status)
        return found == name

    return test


class Once:
    """True for the first `count` that match."""

    def __init__(self, match: Callable[[Message], bool], count: int = 1) -> None:
        self._match, self._left = match, count

    def __call__(self, message: Message) -> bool:
        if self._left and self._match(message):
            self._left -= 1
            return True
        return False
