"""What happens round a call and within it: passwords, redirections, hold, timers, registering."""

from collections.abc import Callable

import pytest
from networks import Message, Network, is_

from agent.bridges.sip.message import Request, Response, SipError, Uri, parse
from agent.bridges.sip.transactions import Peer


def challenge(
    status: int, header: str, ok: Callable[[Message], bool]
) -> Callable[[Message], bytes]:
    """The far end refuses until `ok`: what it rings with becomes a challenge."""

    def change(message: Message) -> bytes:
        if isinstance(message, Response) and message.cseq[1] == "INVITE" and not ok(message):
            message.status, message.reason = status, "Prove it"
            message.set(header, 'Digest realm="r", nonce="n", qop="auth"')
        return bytes(message)

    return change


@pytest.mark.parametrize(
    ("status", "header", "proof"),
    [
        (401, "www-authenticate", "authorization"),
        (407, "proxy-authenticate", "proxy-authorization"),
    ],
)
def test_a_password_is_given_when_asked_for(status: int, header: str, proof: str) -> None:
    net = Network()
    net.b.refuse = 486
    proofs: list[str] = []

    def change(message: Message) -> bytes:
        if isinstance(message, Request) and message.method == "INVITE":
            proofs.append(message.get(proof))
            net.b.refuse = 0 if message.get(proof) else 486
        if is_("486")(message):
            return challenge(status, header, lambda m: False)(message)
        return bytes(message)

    net.change = change
    net.dial()
    assert net.a.call.state == "ringing"
    assert proofs[0] == ""
    assert 'username="me"' in proofs[1]
    assert "nc=00000001" in proofs[1]
    assert "pw" not in proofs[1]


def test_a_wrong_password_is_not_tried_for_ever() -> None:
    net = Network()
    net.b.refuse = 486
    net.change = lambda m: (
        challenge(401, "www-authenticate", lambda _: False)(m) if is_("486")(m) else bytes(m)
    )
    call = net.dial()
    assert (call.state, net.a.events[-1].status) == ("ended", 401)
    assert net.seen.count("INVITE") == 2


def test_a_redirection_is_followed() -> None:
    net = Network()
    net.b.refuse = 486
    targets: list[str] = []

    def change(message: Message) -> bytes:
        if isinstance(message, Request) and message.method == "INVITE":
            targets.append(str(message.uri))
            net.b.refuse = 0 if len(targets) > 1 else 486
        if is_("486")(message) and isinstance(message, Response):
            message.status, message.reason = 302, "Moved"
            message.add("contact", "<sip:other@10.0.0.2>")
        return bytes(message)

    net.change = change
    call = net.dial()
    assert call.state == "ringing"
    assert targets == ["sip:b@10.0.0.2", "sip:other@10.0.0.2"]


def test_hold_by_either_side() -> None:
    net = Network()
    mine, theirs = net.up()
    theirs.hold(True, net.now)
    net.flow()
    assert mine.negotiator.streams["audio"].direction == "recvonly"
    assert net.a.kinds()[-1] == "media"
    theirs.hold(False, net.now)
    net.flow()
    assert mine.negotiator.streams["audio"].direction == "sendrecv"
    mine.hold(True, net.now)
    net.flow()
    assert theirs.negotiator.streams["video"].direction == "recvonly"
    assert mine.state == theirs.state == "up"


def test_offers_that_cross_are_refused_and_the_call_goes_on() -> None:
    net = Network()
    mine, theirs = net.up()
    mine.hold(True, net.now)
    theirs.hold(True, net.now)
    net.flow()
    assert "491" in net.seen
    assert mine.state == theirs.state == "up"


def test_the_session_timer_is_renewed_and_a_dead_peer_ends_the_call() -> None:
    net = Network("tcp")
    mine, theirs = net.up()
    net.run(1000)
    assert net.seen.count("INVITE") == 2
    assert mine.state == theirs.state == "up"
    net.lose = lambda message: True
    net.run(2000)
    assert mine.state == theirs.state == "ended"


def test_too_short_a_session_is_made_longer() -> None:
    net = Network()
    net.b.refuse = 486
    asked: list[str] = []

    def change(message: Message) -> bytes:
        if isinstance(message, Request) and message.method == "INVITE":
            asked.append(message.get("session-expires"))
            net.b.refuse = 0 if len(asked) > 1 else 486
        if is_("486")(message) and isinstance(message, Response):
            message.status = 422
            message.add("min-se", "3600")
        return bytes(message)

    net.change = change
    assert net.dial().state == "ringing"
    assert asked == ["1800;refresher=uac", "3600;refresher=uac"]


def test_a_key_frame_and_digits_by_info() -> None:
    net = Network()
    mine, theirs = net.up()
    theirs.ask_key_frame(net.now)
    net.flow()
    assert net.a.kinds()[-1] == "key frame"
    theirs._request("INFO", net.now, ("application/dtmf-relay", "Signal=5\r\nDuration=160"))
    theirs._request("INFO", net.now, ("application/dtmf", "#"))
    theirs._request("INFO", net.now, ("text/plain", "5"))
    net.flow()
    assert [e.text for e in net.a.events if e.kind == "digit"] == ["5", "#"]
    assert net.seen[-3:].count("415") == 1
    assert mine.state == "up"


def test_a_request_for_no_call_of_ours_and_options() -> None:
    net = Network()
    answers: list[int] = []

    def ask(method: str, tag: str = "") -> Response:
        request = Request(method=method, uri=Uri("x", "10.0.0.2"))
        request.add("via", f"SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{method}{tag};rport")
        request.add("from", "<sip:a@10.0.0.1>;tag=1")
        request.add("to", "<sip:x@10.0.0.2>" + (f";tag={tag}" if tag else ""))
        request.add("call-id", "c")
        request.add("cseq", f"1 {method}")
        net.b.agent.receive(bytes(request), net.a.peer, net.now)
        answer = parse(net.b.agent.transactions.outbox.pop()[0])
        assert isinstance(answer, Response)
        answers.append(answer.status)
        return answer

    found = ask("OPTIONS")
    assert "INVITE" in found.get("allow")
    assert "received=10.0.0.1" in found.get("via")
    assert "rport=5060" in found.get("via")
    ask("BYE", "gone")
    ask("SUBSCRIBE")
    assert answers == [200, 481, 405]


def test_registering_with_a_password_and_again_before_it_is_forgotten() -> None:
    net = Network()
    sent: list[Request] = []

    def registrar() -> None:
        while net.a.agent.transactions.outbox:
            data, peer = net.a.agent.transactions.outbox.popleft()
            request = parse(data)
            assert isinstance(request, Request)
            sent.append(request)
            proved = bool(request.get("authorization"))
            response = request.response(200 if proved else 401)
            if proved:
                response.add("expires", "120")
            else:
                response.add("www-authenticate", 'Digest realm="r", nonce="n"')
            net.a.agent.receive(bytes(response), peer, net.now)

    net.a.agent.register(Uri("", "pbx"), Peer("tcp", "10.0.0.9", 5060), net.now)
    registrar()
    registrar()
    assert net.a.agent.registered
    assert [r.cseq[0] for r in sent] == [1, 2]
    assert net.a.agent.due() <= net.now + 60
    net.now += 61
    net.a.agent.tick(net.now)
    registrar()
    assert len(sent) == 3
    assert sent[2].get("authorization")
    net.a.agent.unregister(net.now)
    registrar()
    assert not net.a.agent.registered


def test_rubbish_is_dropped() -> None:
    net = Network()
    net.a.agent.receive(b"rubbish", net.b.peer, net.now)
    assert not net.a.agent.transactions.outbox
    with pytest.raises(SipError):
        parse(b"rubbish")
