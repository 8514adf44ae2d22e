"""Session descriptions: what both sides can send and hear, offer and answer (RFC 3264). No I/O.

One audio and one video line matter; every other line is answered with port 0, in its place. A line
is encrypted as a whole (RTP/SAVP with a=crypto, RFC 4568) or not at all.
"""

import base64
import binascii
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from agent.bridges.sip.message import SipError

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Encryption = Literal["off", "optional", "required"]

SUITE = "AES_CM_128_HMAC_SHA1_80"
_KEY_BYTES = 30
_STATIC = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000), 18: ("G729", 8000)}
_MIRROR: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


@dataclass(frozen=True, slots=True)
class Format:
    """One payload type: its encoding name in upper case, RTP clock, channels, parameters."""

    number: int
    name: str
    clock: int
    channels: int = 1
    params: str = ""

    def param(self, name: str) -> str | None:
        for part in self.params.split(";"):
            key, _, value = part.strip().partition("=")
            if key.lower() == name:
                return value.strip()
        return None


@dataclass(slots=True)
class Media:
    """One m= line."""

    kind: str
    port: int
    profile: str = "RTP/AVP"
    formats: list[Format] = field(default_factory=list)
    host: str = ""
    direction: Direction = "sendrecv"
    keys: list[tuple[str, str, bytes]] = field(default_factory=list)
    """(tag, suite, master key and salt) of each a=crypto that can be used."""
    rtcp_port: int = 0
    bandwidth_kbps: int = 0
    raw_formats: str = ""

    @property
    def encrypted(self) -> bool:
        return "SAVP" in self.profile


@dataclass(slots=True)
class Session:
    """A whole description, its lines in order."""

    host: str
    media: list[Media] = field(default_factory=list)
    version: int = 1
    session_id: int = field(default_factory=lambda: int.from_bytes(os.urandom(4)))

    def __str__(self) -> str:
        family = "IP6" if ":" in self.host else "IP4"
        lines = [
            "v=0",
            f"o=visavis {self.session_id} {self.version} IN {family} {self.host}",
            "s=Visavis",
            f"c=IN {family} {self.host}",
            "t=0 0",
        ]
        for media in self.media:
            lines += _lines(media)
        return "\r\n".join(lines) + "\r\n"

    def find(self, kind: str) -> Media | None:
        """The first line of this kind that is in use."""
        return next((m for m in self.media if m.kind == kind and m.port), None)


@dataclass(frozen=True, slots=True)
class Stream:
    """What was agreed for one line: where to send, with which formats and keys."""

    kind: str
    host: str
    port: int
    rtcp_port: int
    format: Format
    dtmf: Format | None
    direction: Direction
    """As we see it: "sendonly" means that we send and do not listen."""
    send_key: bytes | None = None
    receive_key: bytes | None = None
    bandwidth_kbps: int = 0

    @property
    def sends(self) -> bool:
        return self.direction in ("sendrecv", "sendonly") and self.host not in ("0.0.0.0", "::")

    @property
    def receives(self) -> bool:
        return self.direction in ("sendrecv", "recvonly")


AUDIO = [
    Format(96, "OPUS", 48_000, 2, "useinbandfec=1;stereo=0"),
    Format(9, "G722", 8000),
    Format(0, "PCMU", 8000),
    Format(8, "PCMA", 8000),
]
DTMF = [
    Format(101, "TELEPHONE-EVENT", 8000, 1, "0-15"),
    Format(102, "TELEPHONE-EVENT", 48_000, 1, "0-15"),
]
VIDEO = [
    Format(97, "H264", 90_000, 1, "profile-level-id=42e01f;packetization-mode=1"),
    Format(98, "H264", 90_000, 1, "profile-level-id=42e01f;packetization-mode=0"),
]
"""H.264 that fits one packet only (mode 0) is offered too: some peers refuse a line without it."""


class Negotiator:
    """Our side of one call's descriptions: makes offers, answers them, reads answers.

    host: the address at which we receive. ports: ours, by kind; a kind without one is not used.
    """

    def __init__(
        self,
        host: str,
        ports: dict[str, int],
        *,
        encryption: Encryption,
        audio: Sequence[Format] = tuple(AUDIO),
    ) -> None:
        self._ports = ports
        self._encryption = encryption
        self._audio = list(audio)
        self._local = Session(host)
        self._keys = {kind: os.urandom(_KEY_BYTES) for kind in ports}
        self.streams: dict[str, Stream] = {}
        """What is agreed, by kind."""

    @property
    def local(self) -> Session:
        """The last description that we gave."""
        return self._local

    def offer(self, direction: Direction = "sendrecv") -> str:
        """A new offer of all we can, in the order of the lines given before."""
        profile = "RTP/SAVP" if self._encryption == "required" else "RTP/AVP"
        kinds = [m.kind for m in self._local.media] or ["audio", "video"]
        media: list[Media] = []
        for kind in kinds:
            used = any(line.kind == kind and line.port for line in media)
            port = 0 if used else self._ports.get(kind, 0)
            line = Media(kind, port, profile, self._formats(kind), direction=direction)
            if line.encrypted and port:
                line.keys = [("1", SUITE, self._keys[kind])]
            if port or self._local.media:
                media.append(line)
        return self._say(media)

    def answer(self, text: str) -> str | None:
        """The answer to an offer, and `streams` from now on; None: there is no sound we share.

        Raises SipError for what is no description.
        """
        offer = parse(text)
        media: list[Media] = []
        streams: dict[str, Stream] = {}
        for line in offer.media:
            stream = self._accept(line) if line.kind not in streams else None
            if stream is None:
                media.append(Media(line.kind, 0, line.profile, raw_formats=line.raw_formats))
                continue
            streams[line.kind] = stream
            formats = [stream.format, *([stream.dtmf] if stream.dtmf else [])]
            ours = Media(
                line.kind, self._ports[line.kind], line.profile, formats, direction=stream.direction
            )
            if stream.send_key is not None:
                ours.keys = [(self._tag(line), SUITE, stream.send_key)]
            media.append(ours)
        if "audio" not in streams:
            return None
        self.streams = streams
        return self._say(media)

    def accept_answer(self, text: str) -> bool:
        """Read the answer to our last offer; False: there is no sound we share. Raises SipError."""
        answer = parse(text)
        streams = {}
        for ours, theirs in zip(self._local.media, answer.media, strict=False):
            if ours.port and theirs.port and ours.kind == theirs.kind:
                stream = self._accept(theirs)
                if stream is not None:
                    streams[ours.kind] = stream
        if "audio" not in streams:
            return False
        self.streams = streams
        return True

    def _say(self, media: list[Media]) -> str:
        if self._local.media and str(replace(self._local, media=media)) != str(self._local):
            self._local.version += 1
        self._local.media = media
        return str(self._local)

    def _formats(self, kind: str) -> list[Format]:
        return [*self._audio, *DTMF] if kind == "audio" else list(VIDEO)

    def _accept(self, line: Media) -> Stream | None:
        if not line.port or line.kind not in self._ports:
            return None
        if line.encrypted and not line.keys:
            return None
        if self._encryption == "required" and not line.encrypted:
            return None
        if self._encryption == "off" and line.encrypted:
            return None
        chosen = choose(line, self._audio if line.kind == "audio" else VIDEO)
        if chosen is None:
            return None
        events = [f for f in line.formats if f.name == "TELEPHONE-EVENT"]
        dtmf = next((f for f in events if f.clock == chosen.clock), events[0] if events else None)
        return Stream(
            line.kind,
            line.host,
            line.port,
            line.rtcp_port or line.port + 1,
            chosen,
            dtmf,
            _MIRROR[line.direction],
            self._keys[line.kind] if line.encrypted else None,
            line.keys[0][2] if line.encrypted else None,
            line.bandwidth_kbps,
        )

    def _tag(self, line: Media) -> str:
        return line.keys[0][0]


def choose(line: Media, ours: Sequence[Format]) -> Format | None:
    """The best format both have, in our order, with the peer's numbers and parameters."""
    for wanted in ours:
        for theirs in line.formats:
            if (theirs.name, theirs.clock) != (wanted.name, wanted.clock):
                continue
            mode = theirs.param("packetization-mode") or "0"
            if theirs.name != "H264" or mode == wanted.param("packetization-mode"):
                return theirs
    return None


def parse(text: str) -> Session:
    """Read a description. Raises SipError."""
    host, media, attributes = "", list[Media](), dict[int, list[str]]()
    shared: Direction = "sendrecv"
    for line in text.replace("\r\n", "\n").split("\n"):
        kind, equals, value = line.partition("=")
        value = value.strip()
        if not equals:
            continue
        if kind == "c":
            address = value.split()[-1].split("/")[0] if value else ""
            if media:
                media[-1].host = address
            else:
                host = address
        elif kind == "m":
            media.append(_media_line(value, shared))
            attributes[len(media) - 1] = []
        elif kind == "b" and media and value.upper().startswith("AS:") and value[3:].isdigit():
            media[-1].bandwidth_kbps = int(value[3:])
        elif kind == "a" and media:
            attributes[len(media) - 1].append(value)
        elif kind == "a" and value in _MIRROR:
            shared = _direction(value)
    if not media:
        raise SipError("a session description without a media line")
    for number, line_ in enumerate(media):
        _read(line_, attributes[number])
        line_.host = line_.host or host
    return Session(host, media)


def _media_line(value: str, direction: Direction) -> Media:
    match = re.match(r"(\S+) (\d+)(?:/\d+)? (\S+)((?: \S+)*)\s*$", value)
    if match is None or int(match[2]) > 65535:
        raise SipError("a media line that cannot be read")
    return Media(
        match[1].lower(), int(match[2]), match[3], direction=direction, raw_formats=match[4].strip()
    )


def _read(media: Media, attributes: list[str]) -> None:
    maps: dict[int, tuple[str, int, int]] = {k: (n, c, 1) for k, (n, c) in _STATIC.items()}
    params: dict[int, str] = {}
    for attribute in attributes:
        name, _, value = attribute.partition(":")
        if name == "rtpmap" and (m := re.match(r"(\d+) ([^/\s]+)/(\d+)(?:/(\d+))?", value)):
            maps[int(m[1])] = (m[2].upper(), int(m[3]), int(m[4] or 1))
        elif name == "fmtp" and (m := re.match(r"(\d+) (.*)", value)):
            params[int(m[1])] = m[2].strip()
        elif name == "rtcp" and (m := re.match(r"(\d+)", value)):
            media.rtcp_port = int(m[1])
        elif name == "crypto":
            _read_key(media, value)
        elif attribute in _MIRROR:
            media.direction = _direction(attribute)
    for text in media.raw_formats.split():
        if text.isdigit() and int(text) in maps:
            number = int(text)
            media.formats.append(Format(number, *maps[number], params.get(number, "")))


def _read_key(media: Media, value: str) -> None:
    match = re.match(r"(\d+) (\S+) inline:([A-Za-z0-9+/=]+)(\|\S*)?(.*)$", value)
    if match is None or match[2] != SUITE or "UNENCRYPTED" in match[5]:
        return
    if match[4] and ":" in match[4].rpartition("|")[2]:
        return  # a master key identifier, which libsrtp would have to be told
    try:
        key = base64.b64decode(match[3], validate=True)
    except binascii.Error:
        return
    if len(key) == _KEY_BYTES:
        media.keys.append((match[1], match[2], key))


def _direction(text: str) -> Direction:
    assert text in _MIRROR
    return next(d for d in _MIRROR if d == text)


def _lines(media: Media) -> list[str]:
    numbers = media.raw_formats or " ".join(str(f.number) for f in media.formats)
    lines = [f"m={media.kind} {media.port} {media.profile} {numbers}"]
    if not media.port:
        return lines
    if media.kind == "video":
        lines.append("b=AS:1500")
    for f in media.formats:
        name = f.name.lower() if f.name in ("OPUS", "TELEPHONE-EVENT") else f.name
        channels = f"/{f.channels}" if f.channels > 1 else ""
        lines.append(f"a=rtpmap:{f.number} {name}/{f.clock}{channels}")
        if f.params:
            lines.append(f"a=fmtp:{f.number} {f.params}")
    if media.kind == "audio":
        lines.append("a=ptime:20")
    else:
        lines += ["a=rtcp-fb:* nack pli", "a=rtcp-fb:* ccm fir"]
    for tag, suite, key in media.keys:
        lines.append(f"a=crypto:{tag} {suite} inline:{base64.b64encode(key).decode()}")
    lines.append(f"a={media.direction}")
    return lines
