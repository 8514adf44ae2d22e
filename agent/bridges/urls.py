"""Which addresses a stream may come from and go to, and how an address is shown.

The last part of a stream's path is its key: it is a secret, as are name, password and query. They
are in no sentence and no log line; FFmpeg puts the address into its errors, so those are re-worded.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from agent.bridges.errors import UrlRefused

OUT_SCHEMES = ("rtmp", "rtmps")
IN_SCHEMES = ("rtmp", "rtmps", "rtsp", "rtsps")
_PORTS = {"rtmp": 1935, "rtmps": 443, "rtsp": 554, "rtsps": 322}
_MAX_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class StreamUrl:
    """A checked address. `str()` and `repr` show it without its secrets; `full` is for FFmpeg."""

    scheme: str
    host: str
    port: int
    full: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/…"

    __repr__ = __str__

    def refuse_internal(self) -> None:
        """Raise UrlRefused when the host is, or resolves to, an address of an internal network.

        Blocks while the name is looked up.
        """
        for address in addresses(self.host, self.port):
            if not ipaddress.ip_address(address).is_global:
                raise UrlRefused(
                    f"{self}: this is an internal address. Whoever runs this server can allow "
                    "them with VISAVIS_INTERNAL_STREAMS=on"
                )


def parse(text: str, schemes: tuple[str, ...]) -> StreamUrl:
    """Read a stream's address. Raises UrlRefused with what is wrong, without the address."""
    allowed = ", ".join(f"{scheme}://" for scheme in schemes)
    if len(text) > _MAX_LENGTH or not text.isprintable() or any(c.isspace() for c in text):
        raise UrlRefused("this address is too long or holds spaces or control characters")
    try:
        parts: SplitResult = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UrlRefused("this is not an address: the host or the port cannot be read") from None
    if parts.scheme.lower() not in schemes:
        raise UrlRefused(f"a stream's address starts with {allowed}")
    if not host:
        raise UrlRefused("this address has no host: write it as rtmp://host/app/stream-key")
    if not parts.path.strip("/"):
        raise UrlRefused("this address has no path: write it as rtmp://host/app/stream-key")
    scheme = parts.scheme.lower()
    return StreamUrl(scheme, host, port or _PORTS[scheme], text)


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, looked up now (blocks). Raises UrlRefused when there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UrlRefused(f"there is no host named {host}: check the address") from None
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def reason(error: Exception) -> str:
    """Why FFmpeg failed, without the address that its own message carries."""
    text = getattr(error, "strerror", None)
    return str(text) if text else type(error).__name__
