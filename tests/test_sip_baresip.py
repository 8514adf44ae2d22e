"""A whole call to a telephone that is not ours: baresip takes it, and says what it got."""

import asyncio
import contextlib
from pathlib import Path

import av
import numpy as np
import pytest
from servers import Worker
from telephones import USER, Telephone, needs_baresip, telephone
from test_rtmp_in import Listener, agent_token

from agent.bridges.command import Reports
from agent.bridges.errors import BridgeError
from agent.bridges.sip.bridge import SipBridge
from agent.bridges.sip.message import Uri
from agent.bridges.sip.phone import SipOptions
from agent.bridges.sip.sdp import Encryption
from agent.config import Settings

pytestmark = [
    pytest.mark.server,
    needs_baresip,
]


class Told(Reports):
    """Keeps what was said, and lets one wait for it."""

    def __init__(self) -> None:
        super().__init__(as_json=True)
        self.said: list[tuple[str, str, str]] = []
        self._changed = asyncio.Event()

    def say(self, part: str, state: str, why: str = "") -> None:
        self.said.append((part, state, why))
        self._changed.set()

    async def until(self, part: str, state: str) -> str:
        async with asyncio.timeout(40):
            while True:
                for found in self.said:
                    if found[:2] == (part, state):
                        return found[2]
                self._changed.clear()
                await self._changed.wait()


def options(phone: Telephone, encryption: Encryption) -> SipOptions:
    target = Uri(USER, "127.0.0.1", phone.port)
    return SipOptions(target, transport="udp", encryption=encryption)


def seen(folder: Path) -> list[Path]:
    """The pictures, written to their end, that the telephone has kept of what it is shown."""
    return [found for found in folder.glob("*.png") if b"IEND" in found.read_bytes()[-12:]]


def loudest(folder: Path) -> int:
    """The loudest sample that the telephone has decoded."""
    (kept,) = folder.glob("*-dec.wav")
    data = kept.read_bytes()[44:]  # it grows while the call goes on
    samples = np.frombuffer(data[: len(data) // 2 * 2], np.int16).astype(int)
    return int(np.abs(samples).max(initial=0))


def brightness(picture: Path) -> float:
    """How much the picture varies: a black or grey one does not, one half written neither."""
    with contextlib.suppress(av.error.FFmpegError), av.open(str(picture)) as container:
        frame = next(container.decode(video=0))
        return float(frame.to_ndarray(format="gray").std())
    return 0.0


@pytest.mark.parametrize("encryption", ["off", "required"])
async def test_the_face_is_in_the_call_and_the_caller_in_the_room(
    tmp_path: Path, livekit: Settings, worker: Worker, encryption: Encryption
) -> None:
    extra = ";mediaenc=srtp-mand" if encryption == "required" else ""
    told, listener = Told(), Listener()
    async with telephone(tmp_path, extra) as phone:
        bridge = SipBridge(options(phone, encryption), told)
        running = asyncio.create_task(bridge.run(livekit, persona="jun", portrait=None))
        try:
            agreed = await told.until("sip", "up")
            assert agreed.startswith("G722, H264")
            assert agreed.endswith("not encrypted" if encryption == "off" else ", encrypted")
            room = await told.until("avatar", "ready")
            await listener.room.connect(livekit.livekit_url, agent_token(livekit, room, "ear"))
            async with asyncio.timeout(30):
                while listener.loud_from("sip-guest") < 100 or not listener.seen["sip-guest"]:
                    listener.changed.clear()
                    await listener.changed.wait()
            guest = listener.room.remote_participants["sip-guest"]
            assert guest.attributes["sip.phoneNumber"] == "85123456789"
            assert not any(USER in value for value in guest.attributes.values())
            async with asyncio.timeout(20):
                await listener.until_pitch("sip-guest", 440)
            async with asyncio.timeout(20):
                while max(map(brightness, seen(tmp_path)), default=0.0) <= 10:
                    await phone.ask("snapshot_recv", str(tmp_path / "seen.png"))
            async with asyncio.timeout(20):
                while loudest(tmp_path) <= 3000:  # the greeting
                    await phone.ask("callstat")
        finally:
            running.cancel()
            await asyncio.wait([running])
            await listener.aclose()
    assert bridge.phone.call is not None
    assert bridge.phone.call.state == "ended"


async def test_a_plain_call_to_a_telephone_that_wants_encryption_is_refused(
    tmp_path: Path, livekit: Settings
) -> None:
    async with telephone(tmp_path, ";mediaenc=srtp-mand") as phone:
        bridge = SipBridge(options(phone, "off"), Told())
        with pytest.raises(BridgeError, match="encryption"):
            await bridge.run(livekit, persona=None, portrait=None)
