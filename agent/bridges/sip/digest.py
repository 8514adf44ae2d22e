"""Digest authentication (RFC 7616 and 2617): the answer to a 401 or 407. No I/O.

MD5 is what SIP servers still ask for; it guards the password on this one call, nothing else.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_PAIR = re.compile(r'([a-zA-Z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks; `qop` is "auth" or empty (the old way)."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    opaque: str | None = None
    qop: str = ""
    stale: bool = False

    @classmethod
    def parse(cls, header: str) -> "Challenge | None":
        """None when it is no digest, or one that cannot be answered."""
        scheme, _, rest = header.strip().partition(" ")
        if scheme.lower() != "digest":
            return None
        found = {m[1].lower(): m[2] if m[2] is not None else m[3] for m in _PAIR.finditer(rest)}
        algorithm = found.get("algorithm", "MD5").upper()
        offered = [q.strip() for q in found.get("qop", "").split(",") if q.strip()]
        if "nonce" not in found or algorithm.removesuffix("-SESS") not in _HASHES:
            return None
        if offered and "auth" not in offered:
            return None
        return cls(
            found.get("realm", ""),
            found["nonce"],
            algorithm,
            found.get("opaque"),
            "auth" if offered else "",
            found.get("stale", "").lower() == "true",
        )

    def answer(
        self, *, method: str, uri: str, user: str, password: str, count: int, cnonce: str = ""
    ) -> str:
        """The value of an Authorization header; `count`: how often this nonce was used, from 1."""
        cnonce = cnonce or secrets.token_hex(8)
        name = _HASHES[self.algorithm.removesuffix("-SESS")]

        def h(text: str) -> str:
            return hashlib.new(name, text.encode()).hexdigest()

        a1 = h(f"{user}:{self.realm}:{password}")
        if self.algorithm.endswith("-SESS"):
            a1 = h(f"{a1}:{self.nonce}:{cnonce}")
        a2, nc = h(f"{method}:{uri}"), f"{count:08x}"
        middle = f"{self.nonce}:{nc}:{cnonce}:{self.qop}" if self.qop else self.nonce
        parts = [
            f'username="{_quoted(user)}"',
            f'realm="{_quoted(self.realm)}"',
            f'nonce="{_quoted(self.nonce)}"',
            f'uri="{uri}"',
            f'response="{h(f"{a1}:{middle}:{a2}")}"',
            f"algorithm={self.algorithm}",
        ]
        if self.opaque is not None:
            parts.append(f'opaque="{_quoted(self.opaque)}"')
        if self.qop:
            parts += [f"qop={self.qop}", f"nc={nc}", f'cnonce="{cnonce}"']
        elif self.algorithm.endswith("-SESS"):
            parts.append(f'cnonce="{cnonce}"')
        return "Digest " + ", ".join(parts)


def best(headers: list[str]) -> Challenge | None:
    """The strongest challenge that can be answered."""
    found = [c for c in map(Challenge.parse, headers) if c is not None]
    return max(found, key=lambda c: c.algorithm.startswith("SHA"), default=None)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
