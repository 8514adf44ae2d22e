"""The picture's half of the playout: each frame is drawn a little ahead and leaves when it is due.

One picture is made at a time. A late one is shown late, and the frames whose time it took are left
out: pictures never queue, and the sound never waits. When the renderer died or hangs, the last
picture is sent on so that the track stays alive.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from avatar.clock import MediaClock
from avatar.frames import Cue, VideoFrame
from avatar.stream import AvatarStream

from livekit import rtc

FaceState = Literal["live", "still"]

STALL_S = 1.0
_LEAD_MIN_S = 0.008
_LEAD_MARGIN_S = 0.004
_LEAD_DECAY = 0.98


@dataclass(slots=True)
class VideoStats:
    """Counters since the start; read from any thread."""

    frames: int = 0
    skipped: int = 0
    """Frames that were not ready in time."""
    late_s: float = 0.0
    """The largest delay of a captured frame behind its due time."""


class VideoPlayout:
    """Runs on the playout's loop. `cue` says what a frame must show; on_face hears of trouble."""

    def __init__(
        self,
        stream: AvatarStream,
        clock: MediaClock,
        source: rtc.VideoSource,
        *,
        cue: Callable[[int], Cue],
        on_face: Callable[[FaceState, str], None],
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._source = source
        self._cue = cue
        self._on_face = on_face
        self._period = 1 / clock.fps
        self._lead_s = self._period
        self._face: FaceState = "live"
        self._last: VideoFrame | None = None
        self.stats = VideoStats()

    async def run(self) -> None:
        """Show frame after frame, from the one after now; the clock must be running."""
        clock = self._clock
        frame = clock.frame_at(time.monotonic()) + 1
        while True:
            await _sleep_until(clock.due(frame) - self._lead_s)
            drawn = await self._draw(frame)
            await _sleep_until(clock.due(frame))
            self._capture(frame, drawn)
            self._check_face(drawn)
            newest = clock.frame_at(time.monotonic())
            self.stats.skipped += max(0, newest - frame - 1)
            frame = max(frame + 1, newest)

    async def _draw(self, frame: int) -> VideoFrame | None:
        """Ask for a picture and wait for it: a late one is still newer than the one before.

        Gives up after STALL_S, or one period after the frame was due while the picture holds.
        """
        loop = asyncio.get_running_loop()
        picture: asyncio.Future[VideoFrame | None] = loop.create_future()

        def settle(drawn: VideoFrame | None) -> None:
            if not picture.done():
                picture.set_result(drawn)

        asked = time.monotonic()
        self._stream.request(self._cue(frame), lambda drawn: _post(loop, settle, drawn))
        patience = STALL_S if self._face == "live" else self._period
        try:
            drawn = await asyncio.wait_for(picture, patience)
        except TimeoutError:
            drawn = None
        took = time.monotonic() - asked + _LEAD_MARGIN_S
        self._lead_s = min(self._period, max(_LEAD_MIN_S, took, self._lead_s * _LEAD_DECAY))
        return drawn

    def _capture(self, frame: int, drawn: VideoFrame | None) -> None:
        shown = drawn if drawn is not None else self._last if self._face == "still" else None
        if shown is None:
            return
        self._last = shown
        due = self._clock.due(frame)
        picture = rtc.VideoFrame(
            shown.width, shown.height, rtc.VideoBufferType.I420, shown.data.data
        )
        self._source.capture_frame(picture, timestamp_us=round(due * 1e6))
        self.stats.frames += 1
        self.stats.late_s = max(self.stats.late_s, time.monotonic() - due)

    def _check_face(self, drawn: VideoFrame | None) -> None:
        if drawn is not None:
            self._set_face("live", "the renderer draws again")
        elif not self._stream.alive:
            self._set_face("still", "the renderer died")
        else:
            self._set_face("still", "the renderer stalled")

    def _set_face(self, state: FaceState, reason: str) -> None:
        if state != self._face:
            self._face = state
            self._on_face(state, reason)


def _post(
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[VideoFrame | None], None],
    drawn: VideoFrame | None,
) -> None:
    with contextlib.suppress(RuntimeError):  # the playout has ended: nobody waits any more
        loop.call_soon_threadsafe(settle, drawn)


async def _sleep_until(moment: float) -> None:
    delay = moment - time.monotonic()
    if delay > 0:
        await asyncio.sleep(delay)
