"""The avatar as an RTMP stream: H.264 and AAC in FLV, encoded and sent on one thread of its own.

The time stamps are the avatar's own clock samples, so picture and sound are as far apart as they
were when they were made: not at all. When the server goes away the stream is opened again, a little
later each time, and the time stamps go on; a server that is merely slow loses pictures, then sound.
"""

import logging
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray

from agent.bridges.feed import RATE, Feed, Picture, Sound
from agent.bridges.mark import mark_container, marked
from agent.bridges.urls import StreamUrl, reason

logger = logging.getLogger(__name__)

OutState = Literal["connecting", "live", "lost"]

_BACK_OFF_S = (0.3, 0.6, 1.2, 2.4, 4.0)
_TIMEOUT_S = 5.0
"""A write that the server does not take for this long means that it is gone."""
_KEY_S = 2.0
_FIRST_KEY_S, _FIRST_S = 0.5, 6.0
"""For so long after a beginning key frames are closer: viewers come back then, and wait for one."""
_VIDEO_BITS = 1_500_000
_SOUND_BITS = 96_000
_MILLI = Fraction(1, 1000)
_STILL_S = 0.5
"""Without a new picture for this long, the last one is sent again: servers drop silent streams."""
_FILL_S = 10.0
"""A longer gap in the sound is not filled with silence: the stream is opened anew."""


class RtmpOut:
    """Sends what `feed` brings to `url` until `close`. size: width and height of the pictures.

    on_state comes on the stream's own thread, with a reason where there is one.
    """

    def __init__(
        self, url: StreamUrl, feed: Feed, *, on_state: Callable[[OutState, str], None]
    ) -> None:
        self._url = url
        self._feed = feed
        self._on_state = on_state
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtmp-out", daemon=True)
        self._line = ClockLine()
        self.reconnects = 0
        self.pictures = 0

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End the stream properly, within a few seconds. Twice is fine."""
        self._closing.set()
        self._feed.close()
        if self._thread.is_alive():
            self._thread.join(_TIMEOUT_S + 1)

    def _run(self) -> None:
        tries = 0
        while not self._closing.is_set() and not self._feed.closed:
            self._on_state("connecting", "")
            began = time.monotonic()
            try:
                self._stream()
                return
            except (av.FFmpegError, OSError) as error:
                why = reason(error)
            except Exception as error:  # the outer edge of the thread
                logger.exception("the stream failed", exc_info=error)
                why = type(error).__name__
            if time.monotonic() - began > 10.0:
                tries = 0
            logger.warning("stream lost", extra={"to": str(self._url), "reason": why})
            self._on_state("lost", why)
            self.reconnects += 1
            self._closing.wait(_BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)])
            tries += 1

    def _stream(self) -> None:
        """One connection; returns when closed. Raises what FFmpeg raises when it is lost."""
        first = self._first_picture()
        if first is None:
            return
        options = {"flvflags": "no_duration_filesize", "max_interleave_delta": "300000"}
        with av.open(
            self._url.full, "w", format="flv", options=options, timeout=(_TIMEOUT_S, _TIMEOUT_S)
        ) as container:
            mark_container(container)
            encoder = _Encoder(container, first)
            container.start_encoding()
            self._feed.clear()  # what waited while the server was asked is old
            self._on_state("live", "")
            logger.info("stream live", extra={"to": str(self._url)})
            while not self._feed.closed:
                item = self._feed.get(0.5)
                if isinstance(item, Picture):
                    encoder.picture(item, self._line.at(item.start))
                    self.pictures += 1
                elif item is not None:
                    encoder.sound(item.samples, self._line.sound(item))
            encoder.finish()

    def _first_picture(self) -> Picture | None:
        while not self._feed.closed:
            item = self._feed.get(0.5)
            if isinstance(item, Picture):
                return item
        return None


class ClockLine:
    """Clock samples that go on when the playout was replaced and its clock began at 0 again."""

    def __init__(self) -> None:
        self._offset = 0
        self._end = 0

    def sound(self, item: Sound) -> int:
        """The line's sample for the first one of this sound."""
        if item.start + self._offset < self._end - RATE:
            self._offset = self._end - item.start
        start = item.start + self._offset
        self._end = max(self._end, start + len(item.samples))
        return start

    def at(self, sample: int) -> int:
        return sample + self._offset


class _Encoder:
    """Both encoders of one connection; pictures and sound are written as they come."""

    def __init__(self, container: Any, first: Picture) -> None:
        self._container = container
        self._video = container.add_stream("libx264", rate=25)
        self._video.width, self._video.height = first.width, first.height
        self._video.pix_fmt = "yuv420p"
        self._video.bit_rate = _VIDEO_BITS
        self._video.thread_count = 1
        self._video.time_base = self._video.codec_context.time_base = _MILLI
        self._video.codec_context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "bf": "0",
            "sc_threshold": "0",
            "forced-idr": "1",
            "g": "250",
            "maxrate": str(_VIDEO_BITS),
            "bufsize": str(_VIDEO_BITS // 2),
        }
        self._audio = container.add_stream("aac", rate=RATE, layout="mono")
        self._audio.bit_rate = _SOUND_BITS
        self._size = (first.width, first.height)
        self._shown = first
        self._shown_ms = -1
        self._key_ms = -1 << 40
        self._begun_ms: int | None = None
        self._heard: int | None = None  # the next sample of the stream's sound

    def picture(self, picture: Picture, start: int) -> None:
        if (picture.width, picture.height) != self._size:
            raise OSError(0, "the picture's size changed")
        self._shown = picture
        self._show(start)

    def _show(self, start: int) -> None:
        pts = round(start * 1000 / RATE)
        if pts <= self._shown_ms:
            return
        self._shown_ms = pts
        frame = to_frame(self._shown)
        frame.pts, frame.time_base = pts, _MILLI
        if self._begun_ms is None:
            self._begun_ms = pts
        every_s = _FIRST_KEY_S if pts - self._begun_ms < _FIRST_S * 1000 else _KEY_S
        if pts - self._key_ms >= every_s * 1000:
            self._key_ms = pts
            frame.pict_type = av.video.frame.PictureType.I
        self._container.mux([marked(packet) for packet in self._video.encode(frame)])

    def sound(self, samples: NDArray[np.int16], start: int) -> None:
        if self._heard is None:
            self._heard = start
        gap = start - self._heard
        if gap > _FILL_S * RATE:
            raise OSError(0, "a long stretch of sound was lost")
        if gap > 0:
            samples = np.concatenate([np.zeros(gap, np.int16), samples])
        elif gap < 0:
            samples = samples[-gap:]
        if len(samples):
            self._speak(samples, self._heard)
            self._heard += len(samples)
        if self._heard * 1000 / RATE - self._shown_ms > _STILL_S * 1000:
            self._show(self._heard)

    def _speak(self, samples: NDArray[np.int16], start: int) -> None:
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts, frame.time_base = start, Fraction(1, RATE)
        self._container.mux(self._audio.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._video.encode(None))
        self._container.mux(self._audio.encode(None))


def to_frame(picture: Picture) -> Any:
    """The picture for FFmpeg; width and height are even."""
    rows = picture.data.reshape(picture.height * 3 // 2, picture.width)
    return av.VideoFrame.from_ndarray(rows, format="yuv420p")
