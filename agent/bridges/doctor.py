"""`bridge doctor`: what will not work, said before the lesson starts.

It starts no call: a SIP peer is asked with OPTIONS, a stream's host with a connection that sends
nothing. A line with "no" says what to do; one with "--" is a limit to know of.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import ipaddress
import ssl
import time

import av

from agent.bridges import tap
from agent.bridges.errors import BridgeError
from agent.bridges.urls import IN_SCHEMES, OUT_SCHEMES, StreamUrl, parse
from agent.config import Settings
from agent.doctor import Finding
from agent.server import ServerError, check_server
from agent.terminal import say

_SIGNS = {"ok": "ok", "choice": "--", "problem": "no"}
_TIMEOUT_S = 5.0
_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
_ENCODERS = ("libx264", "aac")
_SIP_ENCODERS = ("libx264", "libopus", "g722", "pcm_mulaw", "pcm_alaw")
_LIMITS = (
    "Zoom takes calls by SIP only where the meeting's account has its Conference Room Connector, "
    "which is a paid add-on; meetings with end-to-end encryption take none",
    "no RTMP stream goes into a Zoom meeting by itself: a bot must be in it to show it",
    "LiveKit's own SIP service carries sound only: the face needs `bridge sip`",
)


async def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Say one line for each thing; returns 1 when something keeps a bridge from working."""
    findings = [*_media(), *_sip_packages(), _folder(), await _server(settings)]
    for text, secret, schemes in (
        (arguments.in_url, settings.rtmp_in, IN_SCHEMES),
        (arguments.out_url, settings.rtmp_out, OUT_SCHEMES),
    ):
        chosen = text or (secret.get_secret_value() if secret is not None else None)
        if chosen:
            findings.append(await _stream(chosen, schemes))
    if arguments.to is not None:
        findings += await _peer(arguments.to, arguments.transport, arguments.ca)
    findings += [Finding("choice", "to know", limit) for limit in _LIMITS]
    for finding in findings:
        say(f"{_SIGNS[finding.state]}  {finding.what}: {finding.detail}")
    return int(any(finding.state == "problem" for finding in findings))


def _media() -> list[Finding]:
    missing = [name for name in _ENCODERS if name not in av.codecs_available]
    if missing:
        return [
            Finding("problem", "RTMP", f"this PyAV has no {', '.join(missing)}: install its wheel")
        ]
    return [Finding("ok", "RTMP", f"PyAV {av.__version__} encodes H.264 and AAC")]


def _sip_packages() -> list[Finding]:
    for name in ("aiortc", "pylibsrtp"):
        if importlib.util.find_spec(name) is None:
            how = f"{name} is missing: pip install -c constraints.txt '.[bridge]'"
            return [Finding("problem", "SIP", how)]
    missing = [name for name in _SIP_ENCODERS if name not in av.codecs_available]
    if missing:
        return [Finding("problem", "SIP", f"this PyAV has no {', '.join(missing)}")]
    return [Finding("ok", "SIP", "Opus, G.722, G.711, H.264 and encryption (SDES-SRTP) are there")]


def _folder() -> Finding:
    try:
        return Finding("ok", "worker", f"bridges and workers meet in {tap.folder()}")
    except (BridgeError, OSError) as error:
        return Finding("problem", "worker", str(error))


async def _server(settings: Settings) -> Finding:
    secret = settings.livekit_api_secret.get_secret_value()
    try:
        await check_server(settings.http_url, settings.livekit_api_key, secret)
    except ServerError as error:
        return Finding("problem", "LiveKit", str(error))
    return Finding("ok", "LiveKit", settings.livekit_url)


async def _stream(text: str, schemes: tuple[str, ...]) -> Finding:
    try:
        url: StreamUrl = parse(text, schemes)
    except BridgeError as error:
        return Finding("problem", "stream", str(error))
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, writer = await asyncio.open_connection(url.host, url.port)
        writer.close()
    except (OSError, TimeoutError) as error:
        why = type(error).__name__
        return Finding("problem", "stream", f"{url} does not answer ({why}): is its server up?")
    return Finding("ok", "stream", f"{url} answers; whether it takes the key shows at the start")


async def _peer(text: str, transport: str, ca: str | None) -> list[Finding]:
    if importlib.util.find_spec("aiortc") is None:
        return []
    from agent.bridges.sip.agent import Agent
    from agent.bridges.sip.message import Request, Response, Uri
    from agent.bridges.sip.transactions import Peer
    from agent.bridges.sip.transport import Endpoint, own_address

    try:
        uri = Uri.parse(text)
        host = uri.host.strip("[]")
        mine = await asyncio.to_thread(own_address, host)
        endpoint = await Endpoint.open(
            lambda local: Agent(user="visavis", local=local),
            transport=transport,
            host=mine,
            tls=ssl.create_default_context(cafile=ca) if transport == "tls" else None,
        )
    except BridgeError as error:
        return [Finding("problem", "SIP peer", str(error))]
    came: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    agent, peer = endpoint.agent, Peer(transport, host, uri.port or _PORTS[transport])
    ask = Request(method="OPTIONS", uri=uri)
    for name, value in (
        ("via", agent.via(peer)),
        ("max-forwards", "70"),
        ("from", f"<sip:visavis@{mine}>;tag=doctor"),
        ("to", f"<{uri}>"),
        ("call-id", f"doctor-{time.time_ns()}"),
        ("cseq", "1 OPTIONS"),
        ("contact", f"<{agent.contact(peer)}>"),
    ):
        ask.add(name, value)
    began = time.monotonic()
    agent.transactions.send(ask, peer, began, on_response=came.set_result, on_timeout=lambda: None)
    endpoint.flush()
    found: Finding
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            answer = await came
        took = f"{round((time.monotonic() - began) * 1000)} ms"
        if answer.local:
            found = Finding("problem", "SIP peer", answer.reason)
        else:
            what = f"{host} answers by {transport} ({answer.status}, {took})"
            found = Finding("ok", "SIP peer", what)
    except TimeoutError:
        found = Finding(
            "problem",
            "SIP peer",
            f"{host} does not answer by {transport} within {_TIMEOUT_S:.0f} s: check the address, "
            "the transport and the firewall (some peers never answer OPTIONS)",
        )
    finally:
        with contextlib.suppress(TimeoutError):
            await endpoint.aclose()
    notes = [found, Finding("ok", "our address", f"{mine} is what {host} is told to send to")]
    if not_global(mine):
        notes.append(
            Finding(
                "choice",
                "our address",
                f"{mine} is internal: behind a NAT, give --public-host, or let the peer answer "
                "to where packets come from",
            )
        )
    return notes


def not_global(host: str) -> bool:
    """Whether an address is of an internal network."""
    return not ipaddress.ip_address(host).is_global
