"""Sound and picture of one call: what the avatar says out to the peer, what the peer says in.

One thread encodes what the feed brings; its packets leave on the loop. Pictures are sent in small
bursts, because a key frame at once overruns the receiver; sound is never behind a picture.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from aiortc.rtp import RtpPacket
from numpy.typing import NDArray

from agent.bridges.feed import Feed, Picture
from agent.bridges.sip.audio import FRAME_S, AudioDecoder, AudioEncoder, DigitReader, DigitWriter
from agent.bridges.sip.rtp import RtpLine, SourceClock
from agent.bridges.sip.sdp import Stream
from agent.bridges.sip.video import VideoDecoder, VideoEncoder

logger = logging.getLogger(__name__)

_BURST = 3
_BURST_S = 0.003
_MOST_PACED = 200
_REPORT_S = 3.0
_ASK_S = 0.7


class CallMedia:
    """Open with `open`; `agree` after every offer and answer; `aclose` frees the ports.

    on_sound, on_picture: what the peer sends (pictures on a thread of their own); on_digit: keys
    the peer presses; ask_key_frame: the other way of asking, beside RTCP.
    """

    def __init__(self, lines: dict[str, RtpLine], clock: SourceClock, feed: Feed) -> None:
        self.lines = lines
        self.on_sound: Callable[[NDArray[np.int16]], None] = lambda samples: None
        self.on_picture: Callable[[Picture], None] = lambda picture: None
        self.on_digit: Callable[[str], None] = lambda digit: None
        self.ask_key_frame: Callable[[], None] = lambda: None
        self.pictures_sent = 0
        self._clock, self._feed = clock, feed
        self._loop = asyncio.get_running_loop()
        self._streams: dict[str, Stream] = {}
        self._sound_out: AudioEncoder | None = None
        self._picture_out: VideoEncoder | None = None
        self._sound_in: AudioDecoder | None = None
        self._picture_in: VideoDecoder | None = None
        self._digits_in, self._digits_out = DigitReader(), DigitWriter(8000)
        self._press: int | None = None
        self._paced: deque[tuple[bytes, int, bool]] = deque()  # beyond _MOST_PACED: not sent
        self._pace = asyncio.Event()
        self._asked_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._encode, name="sip-encode", daemon=True)

    @classmethod
    async def open(cls, host: str, feed: Feed, *, video: bool = True) -> "CallMedia":
        """Ports at this address. Raises BridgeError where there are none."""
        clock = SourceClock()
        kinds = ("audio", "video") if video else ("audio",)
        lines = {kind: await RtpLine.open(host, clock) for kind in kinds}
        media = cls(lines, clock, feed)
        lines["audio"].on_packet = media._hear
        if video:
            lines["video"].on_packet = media._see
            lines["video"].on_key_frame = media.want_key_frame
        media._tasks = [
            asyncio.create_task(media._send_paced(), name="sip-pace"),
            asyncio.create_task(media._report(), name="sip-reports"),
        ]
        media._thread.start()
        return media

    @property
    def ports(self) -> dict[str, int]:
        return {kind: line.port for kind, line in self.lines.items()}

    def agree(self, streams: dict[str, Stream]) -> None:
        """Send and hear as was agreed, from now on."""
        for kind, line in self.lines.items():
            line.agree(streams.get(kind))
        old, self._streams = self._streams, dict(streams)
        sound, picture = streams.get("audio"), streams.get("video")
        if sound is not None and (old.get("audio") is None or old["audio"].format != sound.format):
            self._sound_out, self._sound_in = AudioEncoder(sound.format), AudioDecoder(sound.format)
            self._digits_out = DigitWriter(sound.format.clock)
        if picture is None:
            self._picture_out = None
        elif old.get("video") is None or old["video"].format != picture.format:
            self._picture_out = VideoEncoder(picture)
        if picture is not None and self._picture_in is None:
            self._picture_in = VideoDecoder(
                lambda found: self.on_picture(found), lambda: self._post(self._want_their_key)
            )
        self.want_key_frame()

    def want_key_frame(self) -> None:
        """The peer cannot show what it has."""
        encoder = self._picture_out
        if encoder is not None:
            encoder.want_key()

    def press(self, digits: str) -> None:
        """Send digits, w for half a second of pause. Raises ValueError for others."""
        self._digits_out.add(digits)

    async def aclose(self) -> None:
        """Twice is fine."""
        self._closing.set()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for line in self.lines.values():
            line.close()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)
        decoder, self._picture_in = self._picture_in, None
        if decoder is not None:
            await asyncio.to_thread(decoder.close)

    # Out: the encoding thread

    def _encode(self) -> None:
        while not self._closing.is_set():
            item = self._feed.get(0.2)
            try:
                if isinstance(item, Picture):
                    if (pictures := self._picture_out) is not None:
                        self._post(self._send_picture, item.start, pictures.encode(item))
                elif item is not None and (sounds := self._sound_out) is not None:
                    for sample, payload in sounds.encode(item):
                        self._post(self._send_sound, sample, payload)
                elif item is None and self._feed.closed:
                    return
            except Exception:  # the outer edge of the thread; the next one may work
                logger.exception("not encoded")

    def _send_sound(self, sample: int, payload: bytes) -> None:
        self._clock.note(sample)
        line, stream = self.lines["audio"], self._streams.get("audio")
        stamp = line.stamp(sample)
        digit = self._digits_out.next()
        if digit is None or stream is None or stream.dtmf is None:
            self._press = None
            line.send(payload, stamp)
            return
        event, first = digit
        if first or self._press is None:
            self._press = stamp
        line.send(event, self._press, marker=first, number=stream.dtmf.number)

    def _send_picture(self, sample: int, payloads: list[bytes]) -> None:
        if not payloads:
            return
        if len(self._paced) > _MOST_PACED:
            self.want_key_frame()  # this one is left out: what follows needs a new beginning
            return
        stamp = self.lines["video"].stamp(sample)
        for number, payload in enumerate(payloads, 1):
            self._paced.append((payload, stamp, number == len(payloads)))
        self.pictures_sent += 1
        self._pace.set()

    async def _send_paced(self) -> None:
        while True:
            await self._pace.wait()
            self._pace.clear()
            while self._paced:
                for _ in range(min(_BURST, len(self._paced))):
                    payload, stamp, last = self._paced.popleft()
                    self.lines["video"].send(payload, stamp, marker=last)
                await asyncio.sleep(_BURST_S)

    async def _report(self) -> None:
        await asyncio.sleep(FRAME_S * 10)
        while True:
            for line in self.lines.values():
                line.report()
            await asyncio.sleep(_REPORT_S)

    # In

    def _hear(self, packet: RtpPacket) -> None:
        stream = self._streams.get("audio")
        if stream is None:
            return
        if stream.dtmf is not None and packet.payload_type == stream.dtmf.number:
            if digit := self._digits_in.read(packet):
                self.on_digit(digit)
        elif packet.payload_type == stream.format.number and self._sound_in is not None:
            for samples in self._sound_in.decode(packet):
                self.on_sound(samples)

    def _see(self, packet: RtpPacket) -> None:
        stream = self._streams.get("video")
        if stream is None or self._picture_in is None:
            return
        if packet.payload_type == stream.format.number:
            self._picture_in.add(packet)

    def _want_their_key(self) -> None:
        now = time.monotonic()
        if now - self._asked_at > _ASK_S:
            self._asked_at = now
            self.lines["video"].ask_key_frame()
            self.ask_key_frame()

    def _post(self, function: Callable[..., None], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)
