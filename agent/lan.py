"""`--lan`: the demo for a phone in the same network, with a certificate of its own and a QR code.

A browser gives microphone and camera to secure pages only, so the page needs https, and a page that
came over https may open no plain WebSocket: the gateway passes livekit-server's on. Needs the extra
`lan`, which scripts/setup installs.
"""

import ipaddress
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.config import Settings, cache_folder
from agent.server import CONFIG

_VALID_DAYS = 30


class LanError(Exception):
    """The demo cannot be offered to this network; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files of a certificate for one address and of its key, readable by their owner only."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Lan:
    """How this machine is reached from its network."""

    address: str
    certificate: Certificate
    server_config: Path
    """livekit.yaml, offering callers this machine's address instead of loopback alone."""

    def settings(self, settings: Settings) -> Settings:
        """The same, the page on that address and livekit-server's signalling under it."""
        public = f"wss://{self.address}:{settings.port}"
        changes = {"host": self.address, "livekit_public_url": public}
        return settings.model_copy(update=changes)


def prepare(address: str | None = None) -> Lan:
    """Find the address (unless given), make certificate and configuration. Raises LanError."""
    found = address or own_address()
    folder = cache_folder() / "lan"
    folder.mkdir(parents=True, exist_ok=True)
    return Lan(found, make_certificate(found, folder), _server_config(found, folder))


def own_address() -> str:
    """This machine's address in its network. Raises LanError when it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it only chooses a way out
            found = str(probe.getsockname()[0])
        except OSError:
            found = "127.0.0.1"
    if ipaddress.ip_address(found).is_loopback:
        raise LanError("this machine is in no network: connect it to one, or leave --lan out")
    return found


def make_certificate(address: str, folder: Path) -> Certificate:
    """A self-signed certificate for the address, kept while it is good. Raises LanError."""
    made = Certificate(folder / f"{address}.pem", folder / f"{address}.key")
    if made.key.is_file() and _is_good(made.chain):
        return made
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise LanError("--lan needs its own packages: run ./scripts/setup") from None
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Visavis at {address}")])
    now = datetime.now(UTC)
    alternatives = [x509.IPAddress(ipaddress.ip_address(address))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made.key.touch(mode=0o600)
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    made.chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return made


def qr_code(text: str) -> str:
    """The text as a QR code for a terminal, light on dark or dark on light."""
    import io

    import segno

    out = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(out, compact=True, border=2)
    return out.getvalue()


def _is_good(chain: Path) -> bool:
    """It is there, and good for another day."""
    try:
        from cryptography import x509

        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    except (OSError, ValueError, ImportError):
        return False
    return certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)


def _server_config(address: str, folder: Path) -> Path:
    """livekit.yaml with this address beside loopback; its API stays on loopback."""
    import yaml

    config = yaml.safe_load(CONFIG.read_text("utf-8"))
    config["rtc"]["node_ip"] = address
    config["rtc"]["ips"] = {"includes": ["127.0.0.1/32", f"{address}/32"]}
    made = folder / "livekit.yaml"
    made.touch(mode=0o600)  # it holds the keys
    made.write_text(yaml.safe_dump(config), "utf-8")
    return made
