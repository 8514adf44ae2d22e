"""`bridge doctor` says what will not work, and shows no key."""

import argparse
import asyncio
from pathlib import Path

import pytest
from servers import free_port
from telephones import certificate

from agent.bridges import doctor
from agent.bridges.arguments import add_bridge_arguments
from agent.bridges.feed import Feed
from agent.bridges.sip.phone import Phone, SipOptions
from agent.config import Settings

HERE = Settings(livekit_url="ws://127.0.0.1:9")


async def says(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """Every line for these arguments: what it is about, and the line."""
    parser = argparse.ArgumentParser()
    add_bridge_arguments(parser)
    async with asyncio.timeout(20):
        code = await doctor.run(HERE, parser.parse_args(["doctor", *arguments]))
    assert code == 1  # no LiveKit server
    lines = capsys.readouterr().out.splitlines()
    return {line[4:].partition(":")[0]: line for line in reversed(lines)}


async def test_what_is_missing_and_the_limits_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    found = await says(capsys)
    assert found["LiveKit"].startswith("no")
    assert found["RTMP"].startswith("ok")
    assert "paid add-on" in found["to know"]


async def test_a_stream_that_nobody_serves(capsys: pytest.CaptureFixture[str]) -> None:
    found = await says(capsys, "--out", f"rtmp://127.0.0.1:{free_port()}/live/key-123")
    assert found["stream"].startswith("no")
    assert "key-123" not in found["stream"]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_telephone_that_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], transport: str
) -> None:
    cert = str(certificate(tmp_path))
    options = SipOptions(None, transport=transport, host="127.0.0.1", cert_file=cert)
    async with Phone(options, Feed(), lambda state, why: None) as phone:
        asked = ["--to", phone.address, "--transport", transport]
        found = await says(capsys, *asked, "--ca", cert)
        assert found["SIP peer"].startswith(f"ok  SIP peer: 127.0.0.1 answers by {transport} (200")
        if transport == "tls":
            found = await says(capsys, *asked)
            assert "self-signed certificate" in found["SIP peer"]


async def test_a_telephone_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    found = await says(capsys, "--to", f"sip:x@127.0.0.1:{free_port()}", "--transport", "tcp")
    assert found["SIP peer"].startswith("no")
    assert "Connection refused" in found["SIP peer"]
