"""A stream from outside, as sound and pictures that are due on our clock.

FFmpeg opens, reads and decodes on a thread of its own; what comes out waits on the loop until its
moment (anchor.py). When the stream ends or breaks it is opened again, a little later each time: a
session does not end because a publisher went away.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import av
import numpy as np

from agent.bridges.anchor import Anchor
from agent.bridges.feed import RATE, Picture, Sound
from agent.bridges.guest import Guest
from agent.bridges.urls import StreamUrl, reason

logger = logging.getLogger(__name__)

InState = Literal["connecting", "live", "lost"]

_BACK_OFF_S = (0.3, 0.6, 1.2, 2.0, 2.0)
_OPEN_S = 8.0
_SILENT_S = 4.0
"""A publisher that sends nothing for this long is gone."""
_BUFFER_S = 0.08
_SOUND_AHEAD_S = 0.03
_MOST_WAITING = 200
_OPTIONS = {
    "flags": "low_delay",
    # many servers hold the picture back until a key frame, and a track that comes after the opening
    # is never read: look as long as that takes. Both tracks known end the look at once.
    "probesize": "1000000",
    "analyzeduration": "5000000",
}


class StreamIn:
    """Plays the stream at `url` through `guest` until `aclose`. Made and used on one loop."""

    def __init__(
        self, url: StreamUrl, guest: Guest, *, on_state: Callable[[InState, str], None]
    ) -> None:
        self._url = url
        self._guest = guest
        self._on_state = on_state
        self._loop = asyncio.get_running_loop()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream-in", daemon=True)
        self._anchor = Anchor(_BUFFER_S)
        # sound and pictures each in order; the newest is dropped where the loop does not follow
        self._sounds: asyncio.Queue[tuple[float, Sound]] = asyncio.Queue(_MOST_WAITING)
        self._pictures: asyncio.Queue[tuple[float, Picture]] = asyncio.Queue(30)
        self._tasks: list[asyncio.Task[None]] = []
        self.reconnects = 0

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._play_sounds(), name="stream-in-sound"),
            asyncio.create_task(self._play_pictures(), name="stream-in-pictures"),
        ]
        self._thread.start()

    async def aclose(self) -> None:
        """Stop. Twice is fine. Waits for FFmpeg, at most as long as it may be silent."""
        self._closing.set()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, _OPEN_S)

    # On the loop

    async def _play_sounds(self) -> None:
        while True:
            due, sound = await self._sounds.get()
            await _sleep_until(due - _SOUND_AHEAD_S)
            self._guest.hear(sound.samples)

    async def _play_pictures(self) -> None:
        while True:
            due, picture = await self._pictures.get()
            await _sleep_until(due)
            self._guest.see(picture)

    def _take(self, stamp: float, item: Sound | Picture) -> None:
        due = self._anchor.due(stamp, time.monotonic())
        if isinstance(item, Sound) and not self._sounds.full():
            self._sounds.put_nowait((due, item))
        elif isinstance(item, Picture) and not self._pictures.full():
            self._pictures.put_nowait((due, item))

    # On the thread

    def _run(self) -> None:
        tries = 0
        while not self._closing.is_set():
            self._tell("connecting", "")
            why = "the publisher ended it"
            try:
                if self._read():
                    tries = 0
            except (av.FFmpegError, OSError) as error:
                why = reason(error)
            except Exception as error:  # the outer edge of the thread
                logger.exception("the stream failed", exc_info=error)
                why = type(error).__name__
            if self._closing.is_set():
                return
            logger.warning("stream lost", extra={"from": str(self._url), "reason": why})
            self._tell("lost", why)
            self.reconnects += 1
            self._closing.wait(_BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)])
            tries += 1

    def _read(self) -> bool:
        """One connection, to its end; whether anything came. Raises what FFmpeg raises."""
        came = False
        with av.open(
            self._url.full, "r", options=_OPTIONS, timeout=(_OPEN_S, _SILENT_S)
        ) as container:
            for stream in container.streams.video:
                stream.thread_count = 1
            resampler, shown = av.AudioResampler("s16", "mono", RATE), _Shown()
            for packet in container.demux():
                if self._closing.is_set():
                    return came
                for stamp, item in _decoded(packet, resampler, shown):
                    if not came:
                        came = True
                        logger.info("stream live", extra={"from": str(self._url)})
                        self._tell("live", "")
                    self._post(self._take, stamp, item)
        return came

    def _tell(self, state: InState, why: str) -> None:
        self._post(self._on_state, state, why)

    def _post(self, function: Callable[..., None], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)


class _Shown:
    """Whether a key frame came: what is decoded before it is guessed from grey."""

    def __init__(self) -> None:
        self.begun = False


def _decoded(packet: Any, resampler: Any, shown: _Shown) -> "list[tuple[float, Sound | Picture]]":
    """What a packet holds, with time stamps (s); what cannot be decoded is passed over."""
    found: list[tuple[float, Sound | Picture]] = []
    try:
        frames = packet.decode()
    except av.InvalidDataError:
        return found
    for frame in frames:
        if frame.pts is None:
            continue
        stamp = float(frame.pts * frame.time_base)
        if isinstance(frame, av.VideoFrame):
            shown.begun = shown.begun or bool(frame.key_frame)
            if not shown.begun:
                continue
            found.append((stamp, to_picture(frame)))
        elif isinstance(frame, av.AudioFrame):
            for part in resampler.resample(frame):
                samples = part.to_ndarray().reshape(-1).astype(np.int16)
                found.append((stamp, Sound(0, samples)))
                stamp += len(samples) / RATE
    return found


def to_picture(frame: Any) -> Picture:
    """Any decoded frame as I420 with even sides."""
    width, height = frame.width // 2 * 2, frame.height // 2 * 2
    plain = frame.reformat(width=width, height=height, format="yuv420p")
    return Picture(0, width, height, np.ascontiguousarray(plain.to_ndarray()).reshape(-1))


async def _sleep_until(moment: float) -> None:
    delay = moment - time.monotonic()
    if delay > 0:
        await asyncio.sleep(delay)
