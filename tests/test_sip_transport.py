"""Calls over connections: TCP and TLS between two of ours, and peers that are not there."""

import argparse
import asyncio
from pathlib import Path

import pytest
from servers import free_port
from telephones import certificate

from agent.__main__ import main
from agent.bridges.arguments import add_bridge_arguments
from agent.bridges.errors import BridgeError
from agent.bridges.feed import Feed
from agent.bridges.sip.bridge import options_from
from agent.bridges.sip.message import Uri
from agent.bridges.sip.phone import Phone, SipOptions
from agent.config import Settings

HOST = "127.0.0.1"


def phone(target: Uri | None, transport: str, **more: str) -> Phone:
    options = SipOptions(
        target, transport=transport, encryption="optional", host=HOST, video=False, **more
    )
    return Phone(options, Feed(), lambda state, why: None)


def face(port: int) -> Uri:
    return Uri("face", HOST, port)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("ends", ["caller", "callee"])
async def test_a_call_over_a_connection(tmp_path: Path, transport: str, ends: str) -> None:
    cert = str(certificate(tmp_path))
    async with asyncio.timeout(20), phone(None, transport, cert_file=cert) as callee:
        port = callee.endpoint.agent.local.port
        async with phone(face(port), transport, ca_file=cert) as caller:
            dialled = asyncio.create_task(caller.dial())
            await callee.rung.wait()
            callee.answer()
            await dialled
            one, other = (caller, callee) if ends == "caller" else (callee, caller)
            await one.hang_up()
            await other.ended.wait()
            assert other.why == "they hung up"


async def test_a_peer_that_is_not_there_is_told_at_once() -> None:
    async with phone(face(free_port()), "tcp") as caller:
        with pytest.raises(BridgeError, match=r"no connection to 127\.0\.0\.1: Connection refused"):
            await caller.dial()


async def test_a_certificate_of_nobody_we_know_is_not_taken(tmp_path: Path) -> None:
    callee = phone(None, "tls", cert_file=str(certificate(tmp_path)))
    async with callee, phone(face(callee.endpoint.agent.local.port), "tls") as caller:
        with pytest.raises(BridgeError, match="self-signed certificate"):
            await caller.dial()


async def test_a_registrar_that_is_not_there_is_told() -> None:
    registrar = Uri("", HOST, free_port())
    async with phone(None, "tcp") as caller:
        caller.options.registrar = registrar
        with pytest.raises(BridgeError, match="no connection"):
            await caller.register()


def asked(*words: str) -> SipOptions:
    parser = argparse.ArgumentParser()
    add_bridge_arguments(parser)
    settings = Settings(sip_password="secret", sip_passcode="123456")
    return options_from(parser.parse_args(["sip", *words]), settings)


def test_a_meeting_is_called_encrypted_with_the_passcode_of_the_environment() -> None:
    options = asked("--meeting", "851 2345 6789")
    assert str(options.target) == "sip:85123456789.123456@zoomcrc.com"
    assert (options.transport, options.encryption, options.port) == ("tls", "required", 0)


def test_waiting_at_a_registrar_takes_no_port_of_its_own() -> None:
    options = asked("--listen", "--registrar", "sip:pbx.example", "--account", "face")
    assert str(options.registrar) == "sip:pbx.example"
    assert (options.account, options.user, options.port) == (("face", "secret"), "face", 0)
    assert asked("--listen", "--transport", "udp").port == 5060


@pytest.mark.parametrize(
    ("words", "sentence"), [([], "say whom to call"), (["--meeting", "12"], "9 to 12 digits")]
)
def test_what_cannot_be_called_is_said(words: list[str], sentence: str) -> None:
    with pytest.raises(BridgeError, match=sentence):
        asked(*words)


def test_the_command_dials_and_says_why_it_could_not(capsys: pytest.CaptureFixture[str]) -> None:
    to = f"sip:face@{HOST}:{free_port()}"
    assert main(["bridge", "sip", "--to", to, "--transport", "tcp"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"sip: dialling (sip:face@{HOST})"
    assert "Connection refused" in said[1]
