"""Calls to and from baresip over every transport, without a room: they are heard, and hung up."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from streams import Beacon
from telephones import USER, needs_baresip, telephone

from agent.bridges.feed import RATE, Feed
from agent.bridges.sip.message import Uri
from agent.bridges.sip.phone import Phone, SipOptions

pytestmark = needs_baresip
HOST = "127.0.0.1"


class Heard:
    """Waits for a second of the telephone's tone."""

    def __init__(self, phone: Phone) -> None:
        self._sound: list[np.ndarray] = []
        self._enough = asyncio.Event()
        phone.media.on_sound = self._hear

    def _hear(self, samples: np.ndarray) -> None:
        self._sound.append(samples)
        if sum(map(len, self._sound)) > RATE * 1.2:
            self._enough.set()

    async def pitch(self) -> float:
        await self._enough.wait()
        sound = np.concatenate(self._sound)[-RATE:].astype(float)
        return float(np.abs(np.fft.rfft(sound * np.hanning(RATE), 4 * RATE)).argmax() / 4)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_telephone_is_heard_and_hangs_up(tmp_path: Path, transport: str) -> None:
    secret = transport == "tls"
    async with (
        asyncio.timeout(30),
        telephone(tmp_path, ";mediaenc=srtp-mand" if secret else "") as peer,
    ):
        options = SipOptions(
            Uri(USER, HOST, peer.port + secret),
            transport=transport,
            encryption="required" if secret else "off",
            ca_file=str(tmp_path / "cert.pem"),
        )
        async with Phone(options, feed := Feed(), lambda state, why: None) as phone:
            await phone.dial()
            with Beacon(feed):
                assert await Heard(phone).pitch() == pytest.approx(440, abs=1)
            await peer.ask("hangup")
            await phone.ended.wait()
        assert phone.why == "they hung up"


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_telephone_calls_us(tmp_path: Path, transport: str) -> None:
    async with asyncio.timeout(30), telephone(tmp_path) as peer:
        options = SipOptions(
            None,
            transport=transport,
            encryption="optional",
            host=HOST,
            cert_file=str(tmp_path / "cert.pem"),
        )
        async with Phone(options, feed := Feed(), lambda state, why: None) as phone:
            await peer.ask("dial", phone.address)
            await phone.rung.wait()
            phone.answer()
            with Beacon(feed):
                assert await Heard(phone).pitch() == pytest.approx(440, abs=1)
            await phone.hang_up()
            await peer.until_said("terminated")
