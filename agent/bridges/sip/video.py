"""Picture of a call: H.264 both ways. Baseline, no B-frames, slices that fit one packet.

The face is square and meetings are wide: it stands in the middle, its edges drawn out.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc.codecs.h264 import H264Encoder, h264_depayload
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from agent.bridges.feed import RATE, Picture
from agent.bridges.rtmp_in import to_picture
from agent.bridges.rtmp_out import to_frame
from agent.bridges.sip.sdp import Stream

WIDTH, HEIGHT = 640, 360
_KEY_S = 4.0
_LEAST_KEY_S = 0.4
_BITS = 900_000
_SLICE = 1150
_MOST_WAITING = 45


class VideoEncoder:
    """Pictures in, the payloads of their packets out. `want_key` may be called from any thread."""

    def __init__(self, stream: Stream) -> None:
        limit = stream.bandwidth_kbps * 1000 or _BITS
        bits = max(128_000, min(_BITS, round(limit * 0.9)))
        self._mode = stream.format.param("packetization-mode") or "0"
        self._codec: Any = av.CodecContext.create("libx264", "w")
        self._codec.width, self._codec.height, self._codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self._codec.bit_rate, self._codec.thread_count = bits, 1
        self._codec.framerate, self._codec.time_base = Fraction(25), Fraction(1, 90_000)
        self._codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "level": "31",
            "forced-idr": "1",
            "x264-params": (
                f"keyint=250:scenecut=0:slice-max-size={_SLICE}:repeat-headers=1:"
                f"vbv-maxrate={bits // 1000}:vbv-bufsize={bits // 2500}:nal-hrd=none"
            ),
        }
        self._packer = H264Encoder()
        self._key_at: float | None = None
        self._wanted = True
        self._last = -1

    def want_key(self) -> None:
        self._wanted = True

    def encode(self, picture: Picture) -> list[bytes]:
        """The payloads, the last one to be marked; none for a picture out of order."""
        if picture.start <= self._last:
            return []
        self._last = picture.start
        moment = picture.start / RATE
        frame = to_frame(widen(picture))
        frame.pts, frame.time_base = picture.start * 90_000 // RATE, Fraction(1, 90_000)
        since = _KEY_S if self._key_at is None else moment - self._key_at
        if since >= _KEY_S or (self._wanted and since >= _LEAST_KEY_S):
            self._wanted, self._key_at = False, moment
            frame.pict_type = av.video.frame.PictureType.I
        payloads: list[bytes] = []
        for packet in self._codec.encode(frame):
            if self._mode == "1":
                payloads += self._packer.pack(packet)[0]
            else:
                payloads += H264Encoder._split_bitstream(bytes(packet))
        return payloads


def widen(picture: Picture) -> Picture:
    """WIDTH x HEIGHT: scaled to fit, the rest filled with the picture's own edges."""
    if (picture.width, picture.height) == (WIDTH, HEIGHT):
        return picture
    scale = min(WIDTH / picture.width, HEIGHT / picture.height)
    width = round(picture.width * scale) // 4 * 4
    height = round(picture.height * scale) // 4 * 4
    small = to_frame(picture).reformat(width=width, height=height).to_ndarray().reshape(-1)
    luma = width * height
    planes, at = [], 0
    for w, h, full_w, full_h in (
        (width, height, WIDTH, HEIGHT),
        (width // 2, height // 2, WIDTH // 2, HEIGHT // 2),
        (width // 2, height // 2, WIDTH // 2, HEIGHT // 2),
    ):
        plane = small[at : at + w * h].reshape(h, w)
        at += w * h
        left, top = (full_w - w) // 2, (full_h - h) // 2
        sides = ((top, full_h - h - top), (left, full_w - w - left))
        planes.append(np.pad(plane, sides, mode="edge").reshape(-1))
    assert at == luma * 3 // 2
    return Picture(picture.start, WIDTH, HEIGHT, np.concatenate(planes))


class VideoDecoder:
    """Packets in; pictures out on a thread of its own, by `on_picture`; `close` it.

    on_key_frame is called when the picture cannot be mended without one; both on that thread.
    """

    def __init__(
        self, on_picture: Callable[[Picture], None], on_key_frame: Callable[[], None]
    ) -> None:
        self._on_picture, self._on_key_frame = on_picture, on_key_frame
        self._jitter = JitterBuffer(capacity=256, is_video=True)
        # bounded: a decoder that cannot follow forgets all and begins with a new key frame
        self._frames: queue.Queue[bytes | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="sip-video-in", daemon=True)
        self._next: int | None = None
        self.pictures = 0
        self.errors = 0
        self._thread.start()

    def add(self, packet: RtpPacket) -> None:
        """Take a packet, in any order; from one thread."""
        try:
            packet._data = h264_depayload(packet.payload)  # type: ignore[attr-defined]
        except ValueError:
            return
        lost = self._next is not None and packet.sequence_number != self._next
        self._next = (packet.sequence_number + 1) & 0xFFFF
        wanted, frame = self._jitter.add(packet)
        if wanted or lost:
            self._on_key_frame()
        if frame is None:
            return
        try:
            self._frames.put_nowait(frame.data)
        except queue.Full:
            with self._frames.mutex:
                self._frames.queue.clear()
            self._on_key_frame()

    def close(self) -> None:
        """Twice is fine."""
        if self._thread.is_alive():
            with self._frames.mutex:
                self._frames.queue.clear()
            self._frames.put(None)
            self._thread.join()

    def _run(self) -> None:
        codec: Any = av.CodecContext.create("h264", "r")
        codec.thread_count = 1
        while (data := self._frames.get()) is not None:
            for picture in self._decoded(codec, data):
                self.pictures += 1
                self._on_picture(picture)

    def _decoded(self, codec: Any, data: bytes) -> Iterator[Picture]:
        try:
            frames = codec.decode(av.Packet(data))
        except av.FFmpegError:
            self.errors += 1
            self._on_key_frame()
            return
        yield from (to_picture(frame) for frame in frames)
