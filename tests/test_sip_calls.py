"""Calls between two agents of ours, in virtual time: how they come up, are refused, and end."""

from typing import Literal

import pytest
from networks import Network, Once, is_


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_comes_up_and_ends_and_leaves_nothing(transport: Literal["udp", "tcp"]) -> None:
    net = Network(transport)
    mine, theirs = net.up()
    assert net.a.kinds() == ["ringing", "up"]
    assert net.b.kinds() == ["ringing", "up"]
    mine.hang_up(net.now)
    net.flow()
    assert theirs.why == "they hung up"
    net.run(60)
    for side in (net.a, net.b):
        assert not side.agent.calls
        assert len(side.agent.transactions) == 0
    assert net.seen == ["INVITE", "100", "180", "200", "ACK", "BYE", "200"]


def test_fifty_calls_leave_nothing() -> None:
    net = Network()
    for number in range(50):
        mine, theirs = net.up()
        (mine if number % 2 else theirs).hang_up(net.now)
        net.flow()
    net.run(60)
    assert not net.a.agent.calls
    assert not net.b.agent.calls
    assert len(net.a.agent.transactions) + len(net.b.agent.transactions) == 0


@pytest.mark.parametrize("lost", ["INVITE", "180", "200", "ACK", "BYE"])
def test_one_lost_message_is_made_good(lost: str) -> None:
    net = Network()
    net.lose = Once(is_(lost))
    net.dial()
    net.run(3)
    net.b.call.answer(net.now)
    net.flow()
    net.run(6)
    assert net.a.call.state == net.b.call.state == "up"
    net.a.call.hang_up(net.now)
    net.flow()
    net.run(40)
    assert net.b.call.state == "ended"
    assert not net.b.agent.calls


def test_nobody_answers() -> None:
    net = Network()
    net.lose = lambda message: True
    call = net.dial()
    net.run(31)
    assert call.state == "calling"
    net.run(2)
    assert (call.state, call.why) == ("ended", "no answer")
    assert net.seen.count("INVITE!") == 7  # at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s


def test_an_ack_that_never_comes_ends_the_call_with_a_goodbye() -> None:
    net = Network()
    net.lose = is_("ACK")
    net.dial()
    net.b.call.answer(net.now)
    net.flow()
    net.run(40)
    assert net.b.call.state == "ended"
    assert net.a.call.state == "ended"
    assert net.seen.count("200") > 5


def test_giving_up_while_it_rings() -> None:
    net = Network()
    call = net.dial()
    call.hang_up(net.now)
    net.flow()
    assert (call.state, net.a.events[-1].status) == ("ended", 487)
    assert net.b.events[-1].text == "they gave up"
    assert net.seen[3:] == ["CANCEL", "200", "487", "ACK"]


def test_giving_up_before_anything_came_waits_for_the_first_sign() -> None:
    net = Network()
    net.lose = Once(is_("INVITE"))
    call = net.dial()
    call.hang_up(net.now)
    net.flow()
    assert "CANCEL" not in net.seen
    net.run(1)
    assert call.state == "ended"
    assert net.b.call.state == "ended"


def test_a_cancel_that_crosses_the_answer_becomes_a_goodbye() -> None:
    net = Network()
    call = net.dial()
    net.lose = is_("CANCEL")
    call.hang_up(net.now)
    net.flow()
    net.b.call.answer(net.now)
    net.flow()
    assert call.state == "ended"
    assert net.b.call.why == "they hung up"


@pytest.mark.parametrize("status", [404, 486, 603])
def test_a_refusal_is_told(status: int) -> None:
    net = Network()
    net.b.refuse = status
    call = net.dial()
    assert (call.state, net.a.events[-1].status) == ("ended", status)
    assert net.seen == ["INVITE", "100", str(status), "ACK"]


def test_a_plain_call_is_refused_where_encryption_is_a_must() -> None:
    net = Network()
    net.b.encryption = "required"
    net.dial()
    net.b.call.answer(net.now)
    net.flow()
    assert net.a.events[-1].status == 488


def test_a_wrong_answer_is_hung_up_on() -> None:
    net = Network()
    net.change = lambda m: (
        bytes(m).replace(b"m=audio 4000", b"m=audio 0000") if is_("200")(m) else bytes(m)
    )
    net.dial()
    net.b.call.answer(net.now)
    net.flow()
    assert net.a.call.why == "nothing that both can send and hear"
    assert net.b.call.state == "ended"
