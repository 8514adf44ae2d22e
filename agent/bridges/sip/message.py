"""SIP messages: reading and writing them, and the addresses inside. No I/O.

Refuses what is larger than a call needs; a header it does not know is kept as it is.
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import Self

from agent.bridges.errors import BridgeError

MAX_BYTES = 64 * 1024
_COMPACT = {
    "i": "call-id",
    "m": "contact",
    "e": "content-encoding",
    "l": "content-length",
    "c": "content-type",
    "f": "from",
    "s": "subject",
    "k": "supported",
    "t": "to",
    "v": "via",
    "x": "session-expires",
}
_LISTS = frozenset({"via", "route", "record-route", "contact", "allow", "supported", "require"})
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_URI = re.compile(
    r"(?P<scheme>sips?|tel):(?:(?P<user>[^@]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^;?:]+)"
    r"(?::(?P<port>\d{1,5}))?(?P<params>(?:;[^?]*)?)(?:\?.*)?$",
    re.IGNORECASE,
)
REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    400: "Bad Request",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}


class SipError(BridgeError):
    """A message or an address that cannot be read."""


def token(count: int = 8) -> str:
    """A random tag, branch or call identifier."""
    return secrets.token_hex(count)


@dataclass(frozen=True, slots=True)
class Uri:
    """sip:user@host:port;params. `user` is as it was written; port 0: the scheme's own."""

    user: str
    host: str
    port: int = 0
    scheme: str = "sip"
    params: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises SipError."""
        match = _URI.match(text.strip())
        if match is None or any(c in text for c in '\r\n <>"'):
            raise SipError("this is not a SIP address: write it as sip:user@host")
        port = int(match["port"] or 0)
        if port > 65535:
            raise SipError("this SIP address has a port above 65535")
        return cls(
            match["user"] or "",
            match["host"],
            port,
            match["scheme"].lower(),
            tuple(_params(match["params"]).items()),
        )

    def __str__(self) -> str:
        at = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        params = "".join(f";{k}={v}" if v else f";{k}" for k, v in self.params)
        return f"{self.scheme}:{at}{self.host}{port}{params}"

    def param(self, name: str) -> str | None:
        return dict(self.params).get(name)


@dataclass(frozen=True, slots=True)
class Address:
    """A From, To, Contact or route: an address with parameters of its own (tag)."""

    uri: Uri
    display: str = ""
    params: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises SipError."""
        text = text.strip()
        match = re.match(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*))\s*<([^>]*)>(.*)$', text, re.DOTALL)
        if match is not None:
            display = (match[1] or match[2] or "").strip()
            return cls(Uri.parse(match[3]), display, tuple(_params(match[4]).items()))
        uri, _, params = text.partition(";")  # without <>, parameters belong to the header
        return cls(Uri.parse(uri), "", tuple(_params(params).items()))

    def __str__(self) -> str:
        params = "".join(f";{k}={v}" if v else f";{k}" for k, v in self.params)
        name = self.display.replace('"', "")
        return (f'"{name}" ' if name else "") + f"<{self.uri}>{params}"

    @property
    def tag(self) -> str:
        return dict(self.params).get("tag", "")

    def with_tag(self, tag: str) -> "Address":
        rest = tuple((k, v) for k, v in self.params if k != "tag")
        return Address(self.uri, self.display, (*rest, ("tag", tag)))


@dataclass(slots=True)
class Message:
    """Headers in order, names in lower case; `body` as it came."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def get(self, name: str) -> str:
        """The header's first value, "" where there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value, those on one line taken apart."""
        found = [value for key, value in self.headers if key == name]
        return [part for value in found for part in _split(value)] if name in _LISTS else found

    def set(self, name: str, value: str) -> None:
        """Put this value in the place of all others."""
        kept = [(key, old) for key, old in self.headers if key != name]
        self.headers = [*kept, (name, value)]

    def add(self, name: str, value: str) -> None:
        self.headers.append((name, value))

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method. Raises SipError."""
        number, _, method = self.get("cseq").strip().partition(" ")
        if not number.isdigit() or not method.strip():
            raise SipError("no CSeq")
        return int(number), method.strip()

    @property
    def branch(self) -> str:
        vias = self.all("via")
        return _params(vias[0].partition(";")[2]).get("branch", "") if vias else ""

    @property
    def call_id(self) -> str:
        return self.get("call-id")

    @property
    def sender(self) -> Address:
        return Address.parse(self.get("from"))

    @property
    def receiver(self) -> Address:
        return Address.parse(self.get("to"))

    def contact(self) -> Uri | None:
        found = self.all("contact")
        return Address.parse(found[0]).uri if found and found[0] != "*" else None

    def sdp(self) -> str | None:
        """The body, when it is a session description."""
        kind = self.get("content-type").partition(";")[0].strip().lower()
        return self.body.decode("utf-8", "replace") if kind == "application/sdp" else None

    def with_body(self, kind: str, body: str) -> Self:
        self.set("content-type", kind)
        self.body = body.encode()
        return self

    def _bytes(self, first: str) -> bytes:
        headers = [(k, v) for k, v in self.headers if k != "content-length"]
        lines = [first, *(f"{_written(k)}: {v}" for k, v in headers)]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(slots=True)
class Request(Message):
    method: str = ""
    uri: Uri = field(default_factory=lambda: Uri("", "invalid"))

    def __bytes__(self) -> bytes:
        return self._bytes(f"{self.method} {self.uri} SIP/2.0")

    def response(self, status: int, reason: str = "") -> "Response":
        """An answer with the headers every answer repeats; `to` has no tag of ours yet."""
        made = Response(status=status, reason=reason or REASONS.get(status, "Answer"))
        for name in ("via", "from", "to", "call-id", "cseq"):
            made.headers += [(name, value) for key, value in self.headers if key == name]
        made.headers += [
            ("record-route", v) for k, v in self.headers if k == "record-route" and status > 100
        ]
        return made


@dataclass(slots=True)
class Response(Message):
    status: int = 0
    reason: str = ""
    local: bool = False
    """Made here, because the peer could not be reached."""

    def __bytes__(self) -> bytes:
        return self._bytes(f"SIP/2.0 {self.status} {self.reason}")


def parse(data: bytes) -> Request | Response:
    """Read one whole message. Raises SipError."""
    if len(data) > MAX_BYTES:
        raise SipError("a SIP message that is too long")
    head, _, body = data.partition(b"\r\n\r\n")
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
    headers = [_header(line) for line in lines[1:] if line]
    first = lines[0].split(" ", 2)
    if len(first) == 3 and first[0] == "SIP/2.0" and first[1].isdigit():
        found: Request | Response = Response(headers, body, int(first[1]), first[2])
    elif len(first) == 3 and first[2] == "SIP/2.0" and _TOKEN.fullmatch(first[0]):
        found = Request(headers, body, first[0], Uri.parse(first[1]))
    else:
        raise SipError("this is not a SIP message")
    length = found.get("content-length").strip()
    if length.isdigit():
        if int(length) > len(body):
            raise SipError("a SIP message whose end is missing")
        found.body = body[: int(length)]
    for name in ("via", "from", "to", "call-id"):
        if not found.get(name):
            raise SipError(f"a SIP message without {name}")
    found.cseq  # noqa: B018  it must be readable
    return found


class Framer:
    """Takes a TCP or TLS stream apart into messages; what lies between them keeps it alive."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Raises SipError for a stream that cannot be SIP."""
        self._data += data
        found: list[bytes] = []
        while True:
            self._data = self._data.lstrip(b"\r\n")
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                if len(self._data) > MAX_BYTES:
                    raise SipError("a SIP message that is too long")
                return found
            match = re.search(
                rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(\d+)", self._data[:end], re.I
            )
            length = end + 4 + (int(match[1]) if match else 0)
            if length > MAX_BYTES:
                raise SipError("a SIP message that is too long")
            if len(self._data) < length:
                return found
            found.append(self._data[:length])
            self._data = self._data[length:]


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise SipError("a SIP header without a name")
    name = name.strip().lower()
    return _COMPACT.get(name, name), value.strip()


def _written(name: str) -> str:
    special = {"call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate"}
    return special.get(name) or "-".join(part.capitalize() for part in name.split("-"))


def _params(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.strip().lower()] = value.strip()
    return found


def _split(value: str) -> list[str]:
    """Take a list apart at the commas outside of quotes and angle brackets."""
    parts: list[str] = []
    depth, quoted, start = 0, False, 0
    for at, char in enumerate(value):
        if char == '"' and (at == 0 or value[at - 1] != "\\"):
            quoted = not quoted
        elif not quoted and char in "<>":
            depth += 1 if char == "<" else -1
        elif not quoted and depth == 0 and char == ",":
            parts.append(value[start:at].strip())
            start = at + 1
    return [part for part in (*parts, value[start:].strip()) if part]
