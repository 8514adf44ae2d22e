"""The picture's half of the playout: each frame is drawn a little ahead and leaves when it is due.

One picture is made at a time, for the first frame that it can be ready for: a slow renderer shows
fewer pictures, not late ones. One that is late all the same is left out, unless nothing newer was
shown for a while: pictures never queue, and the sound never waits. While nobody is there to watch,
one picture a second is drawn and shown for all of it: an encoder that was fed one a second would
spend a second's bits on each of the first that somebody sees, and they would come a second late.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from avatar.clock import MediaClock
from avatar.frames import Cue, VideoFrame
from avatar.stream import AvatarStream

from livekit import rtc

from .face import STALL_S, FaceState, FaceWatch
from .tap import Tap

LATE_S = 0.02
"""A picture later than this is left out ..."""
_HOLD_S = 0.15
"""... unless the one before has been standing for this long."""
_UNWATCHED_S = 1.0
"""One picture in this time is drawn all the same: a recorder may be in the room unseen."""
_LEAD_MIN_S = 0.008
_LEAD_MAX_S = 0.15
"""Less than the source's queue: what a picture shows must have been handed over."""
_LEAD_MARGIN_S = 0.004
_DRAWS = 15
_USUAL = 11
"""The lead follows the 12th of the last 15 drawing times: one slow picture changes nothing, not
even the first of a call, which is slow."""


@dataclass(slots=True)
class VideoStats:
    """Counters since the start; read from any thread."""

    frames: int = 0
    skipped: int = 0
    """Frames that were not ready in time."""
    late_s: float = 0.0
    """The largest delay of a captured frame behind its due time."""
    restarts: int = 0


class VideoPlayout:
    """Runs on the playout's loop, where its methods are called too.

    cue says what a frame must show, trace what it carries for whoever measures (empty: nothing);
    on_face hears of every change of the face's state.
    """

    def __init__(
        self,
        stream: AvatarStream,
        clock: MediaClock,
        source: rtc.VideoSource,
        *,
        cue: Callable[[int], Cue],
        trace: Callable[[int], bytes],
        on_face: Callable[[FaceState, str], None],
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._source = source
        self._cue = cue
        self._trace = trace
        self._on_face = on_face
        self._period = 1 / clock.fps
        self._watch = FaceWatch(self._period, can_restart=stream.can_restart)
        self._face: FaceState = "live"
        self._reason = ""
        self._took: deque[float] = deque([self._period / 2], _DRAWS)
        self._last: VideoFrame | None = None
        self._shown_at = 0.0
        self._drawn_at = 0.0
        self._watched = asyncio.Event()
        self._watched.set()
        self.stats = VideoStats()
        self.tap: Tap | None = None

    def set_watched(self, watched: bool) -> None:
        """Whether anybody may be watching; if not, hardly anything is drawn."""
        (self._watched.set if watched else self._watched.clear)()

    async def run(self) -> None:
        """Show frame after frame, from the one after now; the clock must be running."""
        clock = self._clock
        frame = clock.frame_at(time.monotonic())
        while True:
            if self._last is not None and self._unwatched():
                frame = max(frame, clock.frame_at(time.monotonic())) + 1
                await _sleep_until(clock.due(frame))
                self._show(frame, self._last)
                continue
            frame = self._next(frame)
            await _sleep_until(clock.due(frame) - self._lead_s)
            drawn = await self._draw(frame)
            if clock.due(frame) > time.monotonic() + self._lead_s + self._period:
                frame = clock.frame_at(time.monotonic())  # the source was dry: all is due later
                continue
            await _sleep_until(clock.due(frame))
            self._show(frame, drawn)

    def _unwatched(self) -> bool:
        """Whether the picture before does, since nobody is there and it is not old."""
        recent = time.monotonic() - self._drawn_at < _UNWATCHED_S
        return recent and not self._watched.is_set()

    @property
    def _lead_s(self) -> float:
        place = (len(self._took) - 1) * _USUAL // (_DRAWS - 1)
        usual = sorted(self._took)[place] + _LEAD_MARGIN_S
        return min(_LEAD_MAX_S, max(_LEAD_MIN_S, usual))

    def _next(self, frame: int) -> int:
        """The first frame after this one that can be ready when it is due."""
        wanted = frame + self._watch.stride
        ready = self._clock.frame_at(time.monotonic() + self._lead_s) + 1
        self.stats.skipped += max(0, ready - wanted)
        return max(wanted, ready)

    async def _draw(self, frame: int) -> VideoFrame | None:
        """Ask for a picture and wait for it; gives up after STALL_S, or a period while still."""
        loop = asyncio.get_running_loop()
        picture: asyncio.Future[VideoFrame | None] = loop.create_future()

        def settle(drawn: VideoFrame | None) -> None:
            if not picture.done():
                picture.set_result(drawn)

        asked = time.monotonic()
        self._stream.request(self._cue(frame), lambda drawn: _post(loop, settle, drawn))
        patience = STALL_S if self._face != "still" else self._period
        drawn: VideoFrame | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):  # wait_for loses a cancellation in Python 3.11
                drawn = await picture
        now = self._drawn_at = time.monotonic()
        if drawn is not None:
            self._took.append(now - asked)
            self._watch.drawn(now, now - asked, drawn.instead)
        else:
            self._watch.missing(now, self._stream.fault)
        self._follow(now)
        return drawn

    def _follow(self, now: float) -> None:
        """Do what the watch decided."""
        if self._watch.restart_due(now):
            self.stats.restarts += 1
            self._stream.restart()
        told = (self._watch.state, self._watch.reason)
        if told != (self._face, self._reason):
            self._face, self._reason = told
            self._on_face(*told)

    def _show(self, frame: int, drawn: VideoFrame | None) -> None:
        shown = drawn if drawn is not None else self._last if self._face == "still" else None
        if shown is None:
            return
        self._last = shown
        now, due = time.monotonic(), self._clock.due(frame)
        if now - due > LATE_S and now - self._shown_at < _HOLD_S:
            self.stats.skipped += 1
            return
        self._shown_at = now
        self._source.capture_frame(
            rtc.VideoFrame(shown.width, shown.height, rtc.VideoBufferType.I420, shown.data.data),
            timestamp_us=round(due * 1e6),
            metadata=self._metadata(frame, due),
        )
        if self.tap is not None:
            self.tap.picture(self._clock.first_sample(frame), shown)
        self.stats.frames += 1
        self.stats.late_s = max(self.stats.late_s, now - due)

    def _metadata(self, frame: int, due: float) -> rtc.FrameMetadata | None:
        data = self._trace(frame)
        if not data:
            return None
        stamp, number = round(due * 1e6), frame & 0xFFFFFFFF
        return rtc.FrameMetadata(user_timestamp=stamp, frame_id=number, user_data=data)


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
