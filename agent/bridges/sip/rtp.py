"""One media line: its two sockets, encrypted where that was agreed, and its RTCP reports.

A peer's packets are taken from the first address that sends them. Both lines of a call name one
source (CNAME) and tell by one clock which RTP time stamps belong together: that is lip sync at the
other end.
"""

import asyncio
import contextlib
import logging
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pylibsrtp
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    RtpPacket,
)

from agent.bridges.errors import BridgeError
from agent.bridges.feed import RATE
from agent.bridges.sip.sdp import Stream

logger = logging.getLogger(__name__)

_NTP_EPOCH = 2_208_988_800
_PLI, _FIR = 1, 4
_TRIES = 40


class SourceClock:
    """Which wall-clock moment a clock sample of the avatar belongs to; shared by a call's lines."""

    def __init__(self) -> None:
        self.cname = f"{secrets.token_hex(6)}@visavis"
        self._sample, self._moment = 0, time.time()

    def note(self, sample: int) -> None:
        """This sample leaves now."""
        self._sample, self._moment = sample, time.time()

    def at(self, moment: float) -> float:
        """The sample that leaves at a wall-clock moment."""
        return self._sample + (moment - self._moment) * RATE


@dataclass(slots=True)
class Counts:
    """Since the line was opened."""

    sent: int = 0
    sent_bytes: int = 0
    received: int = 0
    refused: int = 0
    """Packets that could not be decrypted, or came from elsewhere."""


class RtpLine:
    """Open it with `open`. on_packet gets what comes, in any order; on_key_frame a wish for one."""

    def __init__(self, rtp: socket.socket, rtcp: socket.socket, clock: SourceClock) -> None:
        self.port = int(rtp.getsockname()[1])
        self.ssrc = secrets.randbits(32)
        self.counts = Counts()
        self.on_packet: Callable[[RtpPacket], None] = lambda packet: None
        self.on_key_frame: Callable[[], None] = lambda: None
        self._sockets, self._clock = (rtp, rtcp), clock
        self._sequence = secrets.randbits(15)
        self._base = secrets.randbits(32)
        self._stream: Stream | None = None
        self._out: pylibsrtp.Session | None = None
        self._in: pylibsrtp.Session | None = None
        self._source: tuple[str, int] | None = None
        self._theirs = _Received()
        self._fir = 0
        self._transports: list[asyncio.DatagramTransport] = []

    @classmethod
    async def open(cls, host: str, clock: SourceClock) -> "RtpLine":
        """On a free pair of ports of this address. Raises BridgeError."""
        rtp, rtcp = _pair(host)
        line = cls(rtp, rtcp, clock)
        loop = asyncio.get_running_loop()
        for sock, take in ((rtp, line._on_rtp), (rtcp, line._on_rtcp)):
            transport, _ = await loop.create_datagram_endpoint(
                lambda take=take: _Datagrams(take),  # type: ignore[misc]
                sock=sock,
            )
            line._transports.append(transport)
        return line

    def agree(self, stream: Stream | None) -> None:
        """Use what was agreed from now on; None: this line is not used."""
        old, self._stream = self._stream, stream
        if stream is None:
            return
        if old is None or old.send_key != stream.send_key:
            self._out = _session(stream.send_key, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        if old is None or old.receive_key != stream.receive_key:
            self._in = _session(stream.receive_key, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        if old is None or (old.host, old.port) != (stream.host, stream.port):
            self._source = None

    @property
    def stream(self) -> Stream | None:
        return self._stream

    def stamp(self, sample: int) -> int:
        """The RTP time stamp of a clock sample."""
        clock = self._stream.format.clock if self._stream is not None else 8000
        return (self._base + sample * clock // RATE) & 0xFFFFFFFF

    def send(self, payload: bytes, stamp: int, *, marker: bool = False, number: int = -1) -> None:
        """Send one packet; `number` is another payload type than the agreed format's."""
        if self._stream is None or not self._stream.sends or not self._transports:
            return
        packet = RtpPacket(
            payload_type=self._stream.format.number if number < 0 else number,
            marker=int(marker),
            sequence_number=self._sequence,
            timestamp=stamp,
            ssrc=self.ssrc,
            payload=payload,
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        data = packet.serialize()
        if self._out is not None:
            data = self._out.protect(data)
        self._transports[0].sendto(data, (self._stream.host, self._stream.port))
        self.counts.sent += 1
        self.counts.sent_bytes += len(payload)

    def report(self) -> None:
        """Send a sender's report; some seconds lie between two."""
        if self._stream is None or not self._transports:
            return
        now = time.time()
        info = RtcpSenderInfo(
            ntp_timestamp=_ntp(now),
            rtp_timestamp=self.stamp(round(self._clock.at(now))),
            packet_count=self.counts.sent & 0xFFFFFFFF,
            octet_count=self.counts.sent_bytes & 0xFFFFFFFF,
        )
        heard = self._theirs.report(now)
        name = RtcpSourceInfo(self.ssrc, [(1, self._clock.cname.encode())])
        head: Any = RtcpSrPacket(self.ssrc, info, heard)
        if not self.counts.sent:
            head = RtcpRrPacket(self.ssrc, heard)
        self._send_rtcp(bytes(head) + bytes(RtcpSdesPacket([name])))

    def ask_key_frame(self) -> None:
        """PLI and FIR: peers know one or the other."""
        theirs = self._theirs.ssrc or 0
        self._fir = (self._fir + 1) & 0xFF
        fci = theirs.to_bytes(4) + bytes([self._fir, 0, 0, 0])
        head = bytes(RtcpRrPacket(self.ssrc, self._theirs.report(time.time())))
        self._send_rtcp(
            head
            + bytes(RtcpPsfbPacket(_PLI, self.ssrc, theirs))
            + bytes(RtcpPsfbPacket(_FIR, self.ssrc, 0, fci))
        )

    def close(self) -> None:
        """Say goodbye and free both ports. Twice is fine."""
        if self._stream is not None and self._transports:
            head = bytes(RtcpRrPacket(self.ssrc, []))
            self._send_rtcp(head + bytes(RtcpByePacket([self.ssrc])))
        for transport in self._transports:
            transport.close()
        self._transports = []

    def _send_rtcp(self, data: bytes) -> None:
        if self._stream is None or not self._transports:
            return
        if self._out is not None:
            data = self._out.protect_rtcp(data)
        self._transports[1].sendto(data, (self._stream.host, self._stream.rtcp_port))

    def _on_rtp(self, data: bytes, source: tuple[str, int]) -> None:
        if self._stream is None or len(data) < 12 or data[0] >> 6 != 2:
            return
        try:
            if self._in is not None:
                data = self._in.unprotect(data)
            elif self._source not in (None, source):
                raise ValueError("another sender")
            packet = RtpPacket.parse(data)
        except (ValueError, pylibsrtp.Error):
            self.counts.refused += 1
            return
        self._source = source
        self.counts.received += 1
        self._theirs.note(packet, self._stream.format.clock)
        if self._stream.receives:
            self.on_packet(packet)

    def _on_rtcp(self, data: bytes, source: tuple[str, int]) -> None:
        try:
            if self._in is not None:
                data = self._in.unprotect_rtcp(data)
            packets = RtcpPacket.parse(data)
        except (ValueError, pylibsrtp.Error):
            return
        for packet in packets:
            if isinstance(packet, RtcpPsfbPacket) and packet.fmt in (_PLI, _FIR):
                self.on_key_frame()
            elif isinstance(packet, RtcpSrPacket):
                self._theirs.note_report(packet)


class _Received:
    """What a report says about the peer's stream (RFC 3550, A.3 and A.8)."""

    def __init__(self) -> None:
        self.ssrc: int | None = None
        self._first = self._highest = self._count = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._last_report = (0, 0.0)
        self._told = (0, 0)

    def note(self, packet: RtpPacket, clock: int) -> None:
        if packet.ssrc != self.ssrc:
            self.__init__()  # type: ignore[misc]
            self.ssrc, self._first = packet.ssrc, packet.sequence_number
            self._highest = packet.sequence_number
        delta = (packet.sequence_number - self._highest) & 0xFFFF
        if delta < 0x8000:
            self._highest += delta
        self._count += 1
        transit = time.monotonic() * clock - packet.timestamp
        if self._transit is not None:
            self._jitter += (min(abs(transit - self._transit), clock) - self._jitter) / 16
        self._transit = transit

    def note_report(self, packet: RtcpSrPacket) -> None:
        self._last_report = ((packet.sender_info.ntp_timestamp >> 16) & 0xFFFFFFFF, time.time())

    def report(self, now: float) -> list[RtcpReceiverInfo]:
        if self.ssrc is None:
            return []
        expected = self._highest - self._first + 1
        lost = expected - self._count
        new = (expected - self._told[0], self._count - self._told[1])
        self._told = (expected, self._count)
        share = max(0, new[0] - new[1]) * 256 // new[0] if new[0] > 0 else 0
        when, at = self._last_report
        since = round((now - at) * 65536) & 0xFFFFFFFF if when else 0
        return [
            RtcpReceiverInfo(
                ssrc=self.ssrc,
                fraction_lost=min(255, share),
                packets_lost=max(0, min(lost, 0x7FFFFF)),
                highest_sequence=self._highest & 0xFFFFFFFF,
                jitter=int(self._jitter),
                lsr=when,
                dlsr=since,
            )
        ]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._take(data, (str(addr[0]), int(addr[1])))


def _session(key: bytes | None, kind: int) -> pylibsrtp.Session | None:
    if key is None:
        return None
    profile = pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    return pylibsrtp.Session(pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=profile))


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port and the next one, both free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(_TRIES):
        rtp, rtcp = (
            socket.socket(family, socket.SOCK_DGRAM),
            socket.socket(family, socket.SOCK_DGRAM),
        )
        with contextlib.suppress(OSError):
            rtp.bind((host, 0))
            port = int(rtp.getsockname()[1])
            if port % 2 == 0 and port < 65535:
                rtcp.bind((host, port + 1))
                return rtp, rtcp
        rtp.close()
        rtcp.close()
    raise BridgeError(f"no two free UDP ports on {host} for sound and picture")


def _ntp(moment: float) -> int:
    return int((moment + _NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
