"""Calls by SIP to baresip, without a room: how soon they are up, what arrives, what they leave.

`seconds`: of each call that is looked at (20); `rounds`: calls one after the other (50). The source
of the pictures, both directions and baresip's peer are in this one process.
"""

import asyncio
import re
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from streams import FPS, Beacon
from telephones import USER, Telephone, telephone

from agent.bridges.feed import RATE, Feed, Picture
from agent.bridges.sip.message import Uri
from agent.bridges.sip.phone import Phone, SipOptions
from agent.bridges.sip.sdp import Encryption
from benches.figures import spread

_THEIR_FPS = 15
_STATUS = re.compile(r"efps=[\d.]+/([\d.]+)")
_SUMMARY = re.compile(r"PL=([\d,]+)")
_THEIR_BYTES_S = 2 * 16_000


async def run(seconds: float = 20.0, rounds: int = 50) -> dict[str, Any]:
    return {
        "plain": await _call(seconds, "off", ""),
        "encrypted": await _call(seconds, "required", ";mediaenc=srtp-mand"),
        "echo": await _echo(seconds),
        "many": await _many(rounds),
    }


def _phone(peer: Telephone, feed: Feed, encryption: Encryption) -> Phone:
    target = Uri(USER, "127.0.0.1", peer.port)
    options = SipOptions(target, transport="udp", encryption=encryption)
    return Phone(options, feed, lambda state, why: None)


class _Ear:
    """What a call brings: sound, when it grew loud, and pictures."""

    def __init__(self, phone: Phone) -> None:
        self.sound: list[NDArray[np.int16]] = []
        self.pictures = 0
        self.loud: list[float] = []
        self._is_loud = True
        phone.media.on_sound, phone.media.on_picture = self._hear, self._see

    def _hear(self, samples: NDArray[np.int16]) -> None:
        self.sound.append(samples)
        loud = int(np.abs(samples).max(initial=0)) > 3000
        if loud and not self._is_loud:
            self.loud.append(time.monotonic())
        self._is_loud = loud

    def _see(self, picture: Picture) -> None:
        self.pictures += 1

    def pitch(self) -> float:
        """The strongest frequency (Hz)."""
        sound = np.concatenate(self.sound).astype(float)
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4 * RATE))
        return float(spectrum.argmax() / 4)


async def _call(seconds: float, encryption: Encryption, account: str) -> dict[str, Any]:
    """A call in which both send; what of it arrives at the other."""
    with tempfile.TemporaryDirectory() as folder:
        async with telephone(Path(folder), account) as peer:
            feed = Feed()
            async with _phone(peer, feed, encryption) as phone:
                began = time.monotonic()
                await phone.dial()
                up = time.monotonic() - began
                ear = _Ear(phone)
                with Beacon(feed):
                    await asyncio.sleep(seconds)
                pictures = phone.media.pictures_sent
                agreed = phone.agreed()
            async with asyncio.timeout(10):
                lost = _SUMMARY.findall(await peer.until_said("PL="))[0]
            they_heard_s = _kept_s(Path(folder))
            shown = [float(f) for line in peer.lines for f in _STATUS.findall(line)]
    heard_s = sum(map(len, ear.sound)) / RATE
    return {
        "agreed": agreed,
        "up_ms": round(up * 1000),
        "sound_heard_share": round(heard_s / seconds, 3),
        "sound_they_heard_share": round(they_heard_s / seconds, 3),
        "packets_lost_them_us": lost,
        "pitch_hz": ear.pitch(),
        "pictures_seen_share": round(ear.pictures / seconds / _THEIR_FPS, 3),
        "pictures_sent_share": round(pictures / seconds / FPS, 3),
        "pictures_they_show_share": round(float(np.median(shown[len(shown) // 3 :])) / FPS, 3),
    }


def _kept_s(folder: Path) -> float:
    """How much sound the telephone has decoded: it keeps it in a file."""
    return (next(folder.glob("*-dec.wav")).stat().st_size - 44) / _THEIR_BYTES_S


async def _echo(seconds: float) -> dict[str, Any]:
    """To a telephone that sends back what it hears."""
    with tempfile.TemporaryDirectory() as folder:
        async with telephone(Path(folder), echoes=True) as peer:
            feed = Feed()
            async with _phone(peer, feed, "off") as phone:
                await phone.dial()
                ear = _Ear(phone)
                with Beacon(feed) as beacon:
                    await asyncio.sleep(seconds)
    given = np.array(sorted(beacon.flashes.values()))

    late = [m - float(given[given <= m][-1]) for m in ear.loud if (given <= m).any()]
    return {"sound_ms": spread(late)}


async def _many(rounds: int) -> dict[str, Any]:
    """Calls of a second each, every second one ended by them; what is left of them here."""
    up: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with telephone(Path(folder)) as peer:
            await _short(peer, by_them=False)
            before = _footprint()
            for number in range(rounds):
                up.append(await _short(peer, by_them=bool(number % 2)))
            await asyncio.sleep(0.5)
            after = _footprint()
    return {"calls": rounds, "up_ms": spread(up), "before": before, "after": after}


async def _short(peer: Telephone, *, by_them: bool) -> float:
    feed = Feed()
    async with _phone(peer, feed, "off") as phone:
        began = time.monotonic()
        await phone.dial()
        up = time.monotonic() - began
        with Beacon(feed):
            await asyncio.sleep(1.0)
        if by_them:
            await peer.ask("hangup")
            async with asyncio.timeout(10):
                await phone.ended.wait()
    return up


def _footprint() -> dict[str, int]:
    me = psutil.Process()
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "descriptors": me.num_fds(),
        "udp_ports": sum(c.type == 2 for c in me.net_connections("inet")),
    }
