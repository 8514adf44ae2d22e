"""Real servers of RTMP and RTSP, and a face that flashes and beeps at once, for the bridges."""

import asyncio
import contextlib
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
import pytest
from servers import free_port

from agent.bridges.feed import RATE, Feed, Picture, Sound
from agent.bridges.rtmp_out import to_frame
from agent.processes import Child

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
needs_nginx = pytest.mark.skipif(
    not (shutil.which("nginx") and MODULE.is_file()),
    reason="no RTMP server: install the system packages nginx and libnginx-mod-rtmp",
)
needs_rtsp = pytest.mark.skipif(
    shutil.which("rtsp-server-perl") is None,
    reason="no RTSP server: install the system package rtsp-server-perl",
)
FPS, WIDTH, HEIGHT = 25, 320, 240
_CONFIG = """
load_module {module};
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log error;
events {{ worker_connections 64; }}
rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096;
  application live {{ live on; wait_key on; interleave off; allow publish 127.0.0.1; }} }} }}
"""


class Server:
    """A program that serves streams on loopback; `start` and `stop` it at will."""

    def __init__(self, port: int, *command: str | Path) -> None:
        self.port = port
        self._command = command
        self._child: Child | None = None

    async def start(self) -> None:
        name = str(self._command[0])
        self._child = await Child.start(name, self._command)
        while self._child.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.02)
        raise RuntimeError(f"{name} ended: " + "\n".join(self._child.tail))

    async def stop(self) -> None:
        """As a crash: its connections break at once."""
        if self._child is not None:
            await self._child.stop()
            self._child = None


class Nginx(Server):
    """nginx with its RTMP module."""

    def __init__(self, folder: Path) -> None:
        config, errors = folder / "nginx.conf", folder / "error.log"
        super().__init__(free_port(), "nginx", "-c", config, "-e", errors, "-p", folder)
        config.write_text(_CONFIG.format(module=MODULE, folder=folder, port=self.port))

    def url(self, name: str) -> str:
        return f"rtmp://127.0.0.1:{self.port}/live/{name}"


class Rtsp(Server):
    """A server to which streams are announced on one port, and which plays them on another."""

    def __init__(self) -> None:
        play, announce, packets = free_port(), free_port(), free_port(socket.SOCK_DGRAM) // 2 * 2
        here = "--client_listen_address=127.0.0.1", "--source_listen_address=127.0.0.1"
        ports = f"--clientport={play}", f"--serverport={announce}", f"--rtp_start_port={packets}"
        super().__init__(announce, "rtsp-server-perl", "--loglevel=1", *here, *ports)
        self.url = f"rtsp://127.0.0.1:{play}/live"
        self.publish_url = f"rtsp://127.0.0.1:{announce}/live"


ServerT = TypeVar("ServerT", bound=Server)


@contextlib.asynccontextmanager
async def running(server: ServerT) -> AsyncIterator[ServerT]:
    """The server, from its start to its end."""
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def nginx(folder: Path) -> contextlib.AbstractAsyncContextManager[Nginx]:
    return running(Nginx(folder))


class Beacon:
    """A playout's stand-in: white and a 1 kHz tone for 100 ms in every second, in real time."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.flashes: dict[int, float] = {}
        """Second → the moment at which its flash was given."""

    def __enter__(self) -> "Beacon":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        noise = np.random.default_rng(0).integers(16, 60, WIDTH * HEIGHT * 3 // 2, np.uint8)
        white = np.full(WIDTH * HEIGHT * 3 // 2, 128, np.uint8)
        white[: WIDTH * HEIGHT] = 235
        block, frame = RATE // 50, 0
        for number in range(1 << 30):
            start = number * block
            if self._stop.wait(max(0.0, began + start / RATE - time.monotonic())):
                return
            at = np.arange(start, start + block)
            tone = np.where(at % RATE < RATE // 10, np.sin(2 * np.pi * 1000 * at / RATE), 0.0)
            self._feed.put(Sound(start, (tone * 12_000).astype(np.int16)))
            while frame * RATE // FPS <= start:
                first = frame * RATE // FPS
                flash = first % RATE < RATE // 10
                if first % RATE == 0:
                    self.flashes[first // RATE] = time.monotonic()
                data = white if flash else np.roll(noise, frame * 4)
                self._feed.put(Picture(first, WIDTH, HEIGHT, data))
                frame += 1


@contextlib.contextmanager
def announced(url: str, feed: Feed) -> Iterator[None]:
    """Send to an RTSP server what the feed brings, until the block or the server ends."""
    sending = threading.Thread(target=_announce, args=(url, feed), daemon=True)
    sending.start()
    try:
        yield
    finally:
        feed.close()
        sending.join()


def _announce(url: str, feed: Feed) -> None:
    with contextlib.suppress(OSError), av.open(url, "w", format="rtsp") as out:
        video = out.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(FPS)}
        video.time_base = video.codec_context.time_base = Fraction(1, RATE)
        audio = out.add_stream("aac", rate=RATE, layout="mono")
        while not feed.closed:
            item = feed.get(0.5)
            if isinstance(item, Picture):
                frame = to_frame(item)
                frame.pts, frame.time_base = item.start, Fraction(1, RATE)
                out.mux(video.encode(frame))
            elif item is not None:
                sound = av.AudioFrame.from_ndarray(item.samples[None], format="s16", layout="mono")
                sound.sample_rate, sound.pts = RATE, item.start
                sound.time_base = Fraction(1, RATE)
                out.mux(audio.encode(sound))


@dataclass
class Watched:
    """What a viewer saw: flashes and beeps by time stamp (s), and when they were seen."""

    flashes: list[tuple[float, float]] = field(default_factory=list)
    beeps: list[tuple[float, float]] = field(default_factory=list)
    pictures: int = 0
    loudest: float = 0.0
    metadata: dict[str, str] = field(default_factory=dict)
    codecs: set[str] = field(default_factory=set)
    notes: list[bytes] = field(default_factory=list)
    """The user data of each key frame."""

    def offsets_ms(self) -> list[float]:
        """Each beep behind the flash next to it."""
        return [
            (beep - flash) * 1000
            for flash, _ in self.flashes
            for beep, _ in self.beeps
            if abs(beep - flash) < 0.4
        ]


def flashes(count: int) -> Callable[[Watched], bool]:
    """Whether so many flashes and beeps were seen."""
    return lambda seen: min(len(seen.flashes), len(seen.beeps)) >= count


def watch(url: str, enough: Callable[[Watched], bool]) -> Watched:
    """Watch a stream as a viewer would, until it is enough."""
    options = {"fflags": "nobuffer", "flags": "low_delay", "probesize": "32768"}
    options["analyzeduration"] = "0"
    # pictures before the first key frame are grey guesses, whose brightness means nothing
    seen, begun, bright, loud = (
        Watched(),
        False,
        True,
        True,
    )  # one that is half over when we come does not count
    with av.open(url, "r", options=options, timeout=(10, 10)) as container:
        seen.metadata = dict(container.metadata)
        for picture_or_sound in _decoded(container, seen):
            now = time.monotonic()
            if isinstance(picture_or_sound, av.VideoFrame):
                begun = begun or bool(picture_or_sound.key_frame)
                if not begun:
                    continue
                seen.pictures += 1
                if picture_or_sound.key_frame:
                    data = picture_or_sound.side_data
                    user = [bytes(part) for part in data if part.type.name == "SEI_UNREGISTERED"]
                    seen.notes.append(b"".join(user))
                light = float(picture_or_sound.to_ndarray(format="gray").mean()) > 140
                if light and not bright:
                    seen.flashes.append((float(picture_or_sound.time), now))
                bright = light
            else:
                samples = np.abs(picture_or_sound.to_ndarray().astype(np.float32).ravel())
                seen.loudest = max(seen.loudest, float(samples.max(initial=0)))
                found = np.flatnonzero(samples > 0.1)
                if len(found) and not loud:
                    moment = float(picture_or_sound.time) + found[0] / picture_or_sound.sample_rate
                    seen.beeps.append((moment, now))
                loud = len(found) > 0
            if enough(seen):
                return seen
    return seen


def _decoded(
    container: av.container.InputContainer, seen: Watched
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    for packet in container.demux():
        seen.codecs.add(packet.stream.codec_context.name)
        for frame in packet.decode():
            if isinstance(frame, av.VideoFrame | av.AudioFrame):
                yield frame
