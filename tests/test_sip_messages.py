"""SIP's texts: messages, addresses, descriptions, passwords. No network."""

import base64
import contextlib
import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bridges.errors import BridgeError
from agent.bridges.sip import digest, sdp
from agent.bridges.sip.message import Address, Framer, Request, Response, SipError, Uri, parse
from agent.bridges.sip.sdp import Format, Negotiator

INVITE = (
    b"INVITE sip:85123456789.123456@zoomcrc.com SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;rport, SIP/2.0/TCP p.example;branch=z9hG4bKb\r\n"
    b'f: "A, B" <sip:me@10.0.0.1>;tag=1\r\nt: <sip:85123456789.123456@zoomcrc.com>\r\n'
    b"i: abc\r\nCSeq: 7 INVITE\r\nSubject: a long\r\n  line\r\nl: 2\r\n\r\nhi!"
)


def test_a_message_with_short_names_lists_and_folded_lines_is_read() -> None:
    message = parse(INVITE)
    assert isinstance(message, Request)
    assert message.uri == Uri("85123456789.123456", "zoomcrc.com")
    assert message.branch == "z9hG4bKa"
    assert len(message.all("via")) == 2
    assert message.sender.display == "A, B"
    assert message.sender.tag == "1"
    assert message.get("subject") == "a long line"
    assert message.cseq == (7, "INVITE")
    assert message.body == b"hi"


def test_what_is_written_reads_the_same() -> None:
    message = parse(INVITE)
    again = parse(bytes(message))
    assert again.headers[:-1] == [h for h in message.headers if h[0] != "content-length"]
    assert again.body == message.body


def test_an_answer_repeats_what_it_must() -> None:
    request = parse(INVITE)
    assert isinstance(request, Request)
    answer = parse(bytes(request.response(180)))
    assert isinstance(answer, Response)
    assert answer.status == 180
    assert answer.all("via") == request.all("via")
    assert answer.cseq == request.cseq


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"INVITE sip:a@b SIP/2.0\r\n\r\n",
        INVITE.replace(b"l: 2", b"l: 99"),
        INVITE.replace(b"CSeq: 7 INVITE", b"CSeq: x"),
        INVITE.replace(b"f: ", b"x-f: "),
        b"INVITE sip:a@b SIP/2.0\r\n" + b"x" * 70_000,
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(SipError):
        parse(data)


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    for text in (data, INVITE[: len(data)] + data):
        with contextlib.suppress(BridgeError):
            parse(text)


@given(st.lists(st.integers(1, 200), min_size=1))
def test_a_stream_comes_apart_wherever_it_is_cut(cuts: list[int]) -> None:
    whole = INVITE.replace(b"hi!", b"hi")
    stream, framer, found = b"\r\n\r\n" + whole + b"\r\n\r\n" + whole, Framer(), []
    for cut in [*cuts, len(stream)]:
        found += framer.feed(stream[:cut])
        stream = stream[cut:]
    assert found == [whole, whole]


@pytest.mark.parametrize(
    ("text", "uri", "tag"),
    [
        ("sip:a@b;tag=9", Uri("a", "b"), "9"),
        (
            "<sip:a@b:5061;transport=tls>;tag=9",
            Uri("a", "b", 5061, "sip", (("transport", "tls"),)),
            "9",
        ),
        ('"x <y>" <sips:[::1]:5061>', Uri("", "[::1]", 5061, "sips"), ""),
    ],
)
def test_addresses_are_read(text: str, uri: Uri, tag: str) -> None:
    found = Address.parse(text)
    assert (found.uri, found.tag) == (uri, tag)


@pytest.mark.parametrize("text", ["a@b", "http://a", "sip:", "sip:a@b:99999", "sip:a@b>\r\nX: y"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SipError):
        Uri.parse(text)


def test_the_password_is_proved_as_the_standard_shows() -> None:
    old = digest.Challenge.parse(  # RFC 2617, 3.5
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    assert old is not None
    proof = old.answer(
        method="GET",
        uri="/dir/index.html",
        user="Mufasa",
        password="Circle Of Life",
        count=1,
        cnonce="0a4f113b",
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in proof
    assert digest.best(
        ["Basic realm=x", "Digest nonce=a", "Digest nonce=b, algorithm=SHA-256"]
    ) == (digest.Challenge("", "b", "SHA-256"))
    assert digest.Challenge.parse('Digest nonce="a", qop="auth-int"') is None


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_another_client_proves_the_password_alike(algorithm: str) -> None:
    header = f'Digest realm="r", nonce="n", qop="auth", algorithm={algorithm}'
    proofs: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        proofs.append(request.headers.get("authorization", ""))
        return httpx.Response(401, headers={"www-authenticate": header})

    with httpx.Client(transport=httpx.MockTransport(server)) as client:
        client.get("http://h/path", auth=httpx.DigestAuth("me", "pw"))
    theirs = dict(re.findall(r'(\w+)="?([^",]+)"?', proofs[1].removeprefix("Digest ")))
    challenge = digest.Challenge.parse(header)
    assert challenge is not None
    ours = challenge.answer(
        method="GET", uri="/path", user="me", password="pw", count=1, cnonce=theirs["cnonce"]
    )
    assert f'response="{theirs["response"]}"' in ours


def pair(encryption: sdp.Encryption = "off") -> tuple[Negotiator, Negotiator]:
    ports = {"audio": 4000, "video": 4002}
    return (
        Negotiator("127.0.0.1", ports, encryption=encryption),
        Negotiator("127.0.0.2", ports, encryption=encryption),
    )


def test_two_of_us_agree_on_the_best_they_have() -> None:
    a, b = pair()
    answer = b.answer(a.offer())
    assert answer is not None
    assert a.accept_answer(answer)
    for side, other in ((a, "127.0.0.2"), (b, "127.0.0.1")):
        assert side.streams["audio"].format.name == "OPUS"
        assert side.streams["audio"].dtmf is not None
        assert side.streams["audio"].dtmf.clock == 48_000
        assert side.streams["video"].format.param("packetization-mode") == "1"
        assert (side.streams["video"].host, side.streams["video"].port) == (other, 4002)


def test_keys_cross_over() -> None:
    a, b = pair("required")
    answer = b.answer(a.offer())
    assert answer is not None
    assert "RTP/SAVP" in answer
    assert a.accept_answer(answer)
    for kind in ("audio", "video"):
        assert a.streams[kind].send_key == b.streams[kind].receive_key
        assert a.streams[kind].receive_key == b.streams[kind].send_key
    assert a.streams["audio"].send_key != a.streams["video"].send_key


def test_plain_is_refused_where_encryption_is_a_must_and_the_other_way_round() -> None:
    plain, _ = pair("off")
    _, secret = pair("required")
    assert secret.answer(plain.offer()) is None
    again, _ = pair("required")
    assert pair("off")[1].answer(again.offer()) is None
    assert pair("optional")[1].answer(pair("required")[0].offer()) is not None


OFFER = (
    "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 9 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    "m=application 5000 UDP/BFCP *\r\n"
    "m=video 30002 RTP/AVP 120 121\r\na=rtpmap:120 VP8/90000\r\na=rtpmap:121 H264/90000\r\n"
    "a=fmtp:121 profile-level-id=42801f\r\na=rtcp:31003\r\na=sendonly\r\n"
    "m=video 30004 RTP/AVP 121\r\na=rtpmap:121 H264/90000\r\na=content:slides\r\n"
)


def test_every_line_is_answered_in_its_place() -> None:
    _, ours = pair()
    answer = ours.answer(OFFER)
    assert answer is not None
    lines = [line for line in answer.split("\r\n") if line.startswith("m=")]
    assert lines == [
        "m=audio 4000 RTP/AVP 9 101",
        "m=application 0 UDP/BFCP *",
        "m=video 4002 RTP/AVP 121",
        "m=video 0 RTP/AVP 121",
    ]
    video = ours.streams["video"]
    assert (video.rtcp_port, video.direction) == (31003, "recvonly")
    assert not video.sends


def test_a_peer_without_picture_or_without_a_format_of_ours() -> None:
    sound_only = Negotiator("127.0.0.1", {"audio": 4000}, encryption="off")
    answer = sound_only.answer(OFFER)
    assert answer is not None
    assert answer.count("m=video 0") == 2
    strange = OFFER.replace("RTP/AVP 9 0 101", "RTP/AVP 18")
    assert pair()[1].answer(strange) is None


def test_hold_and_resume_change_only_direction_and_version() -> None:
    a, b = pair()
    first = b.answer(a.offer())
    held = b.answer(a.offer("sendonly"))
    assert first is not None
    assert held is not None
    assert b.streams["audio"].direction == "recvonly"
    back = b.answer(a.offer())
    assert back is not None
    assert b.streams["audio"].direction == "sendrecv"
    versions = [text.split("\r\n")[1].split()[2] for text in (first, held, back)]
    assert versions == ["1", "2", "3"]


def test_a_second_picture_line_stays_refused_when_we_offer_in_turn() -> None:
    _, ours = pair()
    assert ours.answer(OFFER) is not None
    lines = [line for line in ours.offer().split("\r\n") if line.startswith("m=")]
    assert [line.split()[:2] for line in lines] == [
        ["m=audio", "4000"],
        ["m=application", "0"],
        ["m=video", "4002"],
        ["m=video", "0"],
    ]


def test_a_rejected_picture_leaves_the_sound() -> None:
    a, b = pair()
    answer = b.answer(a.offer())
    assert answer is not None
    assert a.accept_answer(answer.replace("m=video 4002", "m=video 0"))
    assert list(a.streams) == ["audio"]


def test_a_key_we_cannot_use_is_no_key() -> None:
    short = base64.b64encode(b"x" * 10).decode()
    line = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{short}\r\n"
    offer = "v=0\r\nc=IN IP4 1.2.3.4\r\nm=audio 4000 RTP/SAVP 0\r\n" + line
    assert Negotiator("h", {"audio": 1}, encryption="required").answer(offer) is None


@given(st.text(max_size=200))
def test_no_text_crashes_the_description_reader(text: str) -> None:
    for given_text in (text, OFFER[: len(text) * 3] + text):
        with contextlib.suppress(SipError):
            sdp.parse(given_text)


def test_a_format_is_chosen_in_our_order_with_their_number() -> None:
    line = sdp.parse(OFFER).media[0]
    assert sdp.choose(line, sdp.AUDIO) == Format(9, "G722", 8000)
