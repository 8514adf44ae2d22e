"""The user agent against sipp: every scenario of tests/sipp ends in the right state on both sides.

sipp itself judges what we send: each receipt, pattern and password that a scenario names.
"""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from servers import free_port

from agent.bridges.errors import BridgeError
from agent.bridges.feed import Feed
from agent.bridges.sip.message import Uri
from agent.bridges.sip.phone import Phone, SipOptions
from agent.processes import Child

pytestmark = pytest.mark.skipif(
    shutil.which("sipp") is None, reason="no sipp: install the system package sip-tester"
)
SCENARIOS = Path(__file__).parent / "sipp"
HOST = "127.0.0.1"
LIMIT_S = 60


class Sipp:
    """One scenario, once. `port`: where it is called, or calls from."""

    def __init__(self, child: Child, port: int) -> None:
        self.port = port
        self._child = child

    async def passed(self) -> None:
        """Wait for its end. Fails with what it said when it did not go as the scenario says."""
        async with asyncio.timeout(LIMIT_S):
            code = await self._child.wait()
        assert code == 0, "\n".join(self._child.tail)


@contextlib.asynccontextmanager
async def sipp(folder: Path, name: str, to: int = 0, **words: str) -> AsyncIterator[Sipp]:
    """Run a scenario: it waits for a call or calls port `to`. words: for its @names@."""
    port = free_port(socket.SOCK_DGRAM)
    text = SCENARIOS.joinpath(f"{name}.xml").read_text()
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    scenario = folder / f"{name}.xml"
    scenario.write_text(text)
    command = ["sipp", "-sf", scenario, "-i", HOST, "-p", str(port), "-m", "1"]
    command += ["-mp", str(free_port(socket.SOCK_DGRAM)), "-nostdin", "-timeout", f"{LIMIT_S}s"]
    command += ["-trace_err", "-error_file", folder / "errors", "-timeout_error"]
    child = await Child.start("sipp", [*command, *([f"{HOST}:{to}"] if to else [])], cwd=folder)
    try:
        while port not in ports(child.pid):
            assert child.returncode is None, "\n".join(child.tail)
            await asyncio.sleep(0.02)
        yield Sipp(child, port)
    finally:
        await child.stop(2.0)


def ports(pid: int) -> set[int]:
    """The UDP ports that a process has."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return {found.laddr.port for found in psutil.Process(pid).net_connections("udp")}
    return set()


def dialling(port: int, **changes: object) -> Phone:
    options = SipOptions(Uri("face", HOST, port), transport="udp", encryption="off", host=HOST)
    for name, value in changes.items():
        setattr(options, name, value)
    return Phone(options, Feed(), lambda state, why: None)


def waiting() -> Phone:
    return dialling(0, target=None)


async def over(phone: Phone) -> str:
    async with asyncio.timeout(LIMIT_S):
        await phone.ended.wait()
    return phone.why


@pytest.mark.parametrize(
    ("status", "sentence"), [(486, "busy"), (603, "declined"), (480, "the host is away")]
)
async def test_a_refusal_is_said_in_words(tmp_path: Path, status: int, sentence: str) -> None:
    async with sipp(tmp_path, "refuses", status=str(status)) as peer:
        async with dialling(peer.port) as phone:
            with pytest.raises(BridgeError, match=sentence):
                await phone.dial()
            await peer.passed()
        assert phone.status == status


JUDGED = '<verifyauth assign_to="right" username="avatar" password="secret"/>'
SEEN = (  # sipp judges no proof to a proxy
    '<ereg regexp="username=.avatar.*response=.[0-9a-f]{32}" search_in="hdr" '
    'header="Proxy-Authorization:" assign_to="right"/>'
)


@pytest.mark.parametrize(
    ("status", "header", "check"),
    [(401, "WWW-Authenticate", JUDGED), (407, "Proxy-Authenticate", SEEN)],
)
async def test_the_password_is_proved(tmp_path: Path, status: int, header: str, check: str) -> None:
    words = {"status": str(status), "header": header, "check": check}
    async with sipp(tmp_path, "asks_password", **words) as peer:
        async with dialling(peer.port, account=("avatar", "secret")) as phone:
            await phone.dial()
        await peer.passed()
    assert phone.why == "we hung up"


async def test_a_wrong_password_ends_in_a_sentence(tmp_path: Path) -> None:
    words = {"status": "401", "header": "WWW-Authenticate", "check": JUDGED}
    async with sipp(tmp_path, "asks_password", **words) as peer:
        async with dialling(peer.port, account=("avatar", "wrong")) as phone:
            with pytest.raises(BridgeError, match="403"):
                await phone.dial()
        await peer.passed()
    assert phone.status == 403


async def test_giving_up_while_it_rings_leaves_no_call(tmp_path: Path) -> None:
    async with sipp(tmp_path, "cancelled") as peer:
        async with dialling(peer.port) as phone:
            calling = asyncio.create_task(phone.dial())
            await phone.rung.wait()
            await phone.hang_up()
            with pytest.raises(BridgeError):
                await calling
        await peer.passed()
    assert phone.status == 487


async def test_early_sound_hold_and_resume_without_a_picture(tmp_path: Path) -> None:
    async with sipp(tmp_path, "holds") as peer, dialling(peer.port) as phone:
        await phone.dial()
        assert phone.agreed() == "G722, not encrypted"
        assert await over(phone) == "they hung up"
        await peer.passed()


async def test_a_session_that_is_renewed_by_them(tmp_path: Path) -> None:
    async with sipp(tmp_path, "wants_longer") as peer, dialling(peer.port) as phone:
        await phone.dial()
        assert await over(phone) == "they hung up"
        await peer.passed()


@pytest.mark.parametrize("password", ["secret", "wrong"])
async def test_registering_and_going_away(tmp_path: Path, password: str) -> None:
    async with sipp(tmp_path, "registrar") as peer:
        registrar = Uri("", HOST, peer.port)
        phone = dialling(
            0, target=None, registrar=registrar, account=("avatar", password), user="avatar"
        )
        async with phone:
            if password == "secret":
                await phone.register()
                assert phone.endpoint.agent.registered
            else:
                with pytest.raises(BridgeError, match="403"):
                    await phone.register()
        await peer.passed()
    assert not phone.endpoint.agent.registered


async def answered(phone: Phone) -> None:
    await phone.rung.wait()
    phone.answer()


@pytest.mark.parametrize("name", ["calls", "offers_last"])
async def test_being_called(tmp_path: Path, name: str) -> None:
    said: list[tuple[str, str]] = []
    phone = waiting()
    phone._say = lambda state, why: said.append((state, why))
    async with phone, sipp(tmp_path, name, phone.endpoint.agent.local.port) as peer:
        await answered(phone)
        assert await over(phone) == "they hung up"
        await peer.passed()
    assert ("digit", "5") in said or name == "offers_last"
    assert "up" in [state for state, _ in said]


async def test_a_caller_who_gives_up(tmp_path: Path) -> None:
    phone = waiting()
    async with phone, sipp(tmp_path, "gives_up", phone.endpoint.agent.local.port) as peer:
        assert await over(phone) == "they gave up"
        await peer.passed()


async def test_a_caller_who_wants_what_we_refuse(tmp_path: Path) -> None:
    phone = waiting()
    async with phone, sipp(tmp_path, "wants_encryption", phone.endpoint.agent.local.port) as peer:
        with pytest.raises(BridgeError, match="encryption"):
            await answered(phone)
        await peer.passed()
