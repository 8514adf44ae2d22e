"""A telephone that is not ours: baresip, as a peer for tests and benches."""

import asyncio
import contextlib
import datetime
import ipaddress
import json
import shutil
import socket
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from servers import free_port

from agent.processes import Child

MODULES = Path("/usr/lib/baresip/modules")
needs_baresip = pytest.mark.skipif(
    not (shutil.which("baresip") and (MODULES / "avcodec.so").is_file()),
    reason="no telephone: install the system packages baresip-core and baresip-ffmpeg",
)
USER = "85123456789.123456"
_CONFIG = """
sip_listen 127.0.0.1:{sip}
sip_certificate {folder}/cert.pem
sip_cafile {folder}/cert.pem
call_max_calls 4
module_path {modules}
audio_player aubridge,nil
audio_alert aufile,{folder}/source.wav
video_display fakevideo,nil
video_size 640x360
video_fps 15
rtp_ports {rtp}-{rtp_end}
rtcp_mux no
jitter_buffer_delay 5-100
module g722.so
module g711.so
module aubridge.so
module avcodec.so
module swscale.so
module fakevideo.so
module snapshot.so
module srtp.so
module rtcpsummary.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
module_app debug_cmd.so
ctrl_tcp_listen 127.0.0.1:{control}
"""
_SPEAKS = """
audio_source aufile,{folder}/source.wav
video_source fakevideo,nil
module aufile.so
module sndfile.so
snd_path {folder}
"""
_ECHOES = """
module vidbridge.so
module_app echo.so
"""


def certificate(folder: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "telephone")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def sip_port(*, but: int) -> int:
    """A free port for SIP by UDP and TCP, with TLS on the next one."""
    while True:
        port = free_port()
        if but in (port, port + 1):
            continue
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for kind, at in (
                (socket.SOCK_DGRAM, port),
                (socket.SOCK_STREAM, port),
                (socket.SOCK_STREAM, port + 1),
            ):
                held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", at))
            return port


class Telephone:
    """baresip, which answers by itself and sends a tone of 440 Hz and moving pictures.

    account: more of baresip's parameters; echoes: it sends back what it gets instead.
    """

    def __init__(self, folder: Path, account: str = "", *, echoes: bool = False) -> None:
        self.folder, self._account, self._echoes = folder, account, echoes
        self._control = free_port()
        self.port = sip_port(but=self._control)
        """By UDP and TCP; TLS is on the next one."""
        self._child: Child | None = None
        self.lines: list[str] = []
        self._line = asyncio.Event()

    async def start(self) -> None:
        rtp = free_port(socket.SOCK_DGRAM) // 2 * 2
        await asyncio.to_thread(certificate, self.folder)
        config = _CONFIG + (_ECHOES if self._echoes else _SPEAKS)
        self.folder.joinpath("config").write_text(
            config.format(
                sip=self.port,
                modules=MODULES,
                folder=self.folder,
                rtp=rtp,
                rtp_end=rtp + 40,
                control=self._control,
            )
        )
        account = f"<sip:{USER}@127.0.0.1:{self.port}>;regint=0"
        if not self._echoes:  # its echo module answers by itself
            account += ";answermode=auto"
        codecs = ";audio_codecs=G722/16000/1,PCMU"
        self.folder.joinpath("accounts").write_text(account + codecs + self._account + "\n")
        tone = np.sin(2 * np.pi * 440 * np.arange(16_000 * 30) / 16_000) * 10_000
        with wave.open(str(self.folder / "source.wav"), "wb") as out:
            out.setparams((1, 2, 16_000, 0, "NONE", ""))
            out.writeframes(tone.astype(np.int16).tobytes())
        command = ["baresip", "-f", self.folder]
        self._child = await Child.start("baresip", command, on_line=self._on_line)
        while self._child.returncode is None:
            with contextlib.suppress(OSError):
                await self.ask("reginfo")
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("baresip ended: " + "\n".join(self._child.tail))

    def _on_line(self, line: str) -> None:
        self.lines.append(line)
        self._line.set()

    async def until_said(self, text: str) -> str:
        """Wait for a line of its own with this in it."""
        while True:
            for line in self.lines:
                if text in line:
                    return line
            self._line.clear()
            await self._line.wait()

    async def ask(self, command: str, params: str = "") -> str:
        """One command over its control socket; its answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._control)
        body = json.dumps({"command": command, "params": params, "token": "t"}).encode()
        writer.write(b"%d:%s," % (len(body), body))
        try:
            while True:  # netstrings; events come between
                length = int((await reader.readuntil(b":"))[:-1])
                answer = json.loads(await reader.readexactly(length))
                await reader.readexactly(1)
                if answer.get("response"):
                    return str(answer.get("data", ""))
        finally:
            writer.close()

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop(3.0)


@contextlib.asynccontextmanager
async def telephone(
    folder: Path, account: str = "", *, echoes: bool = False
) -> AsyncIterator[Telephone]:
    phone = Telephone(folder, account, echoes=echoes)
    try:
        await phone.start()
        yield phone
    finally:
        await phone.stop()
