"""The thread on which sound meets picture, and what may be asked of it from the agent's loop.

The sound is written by voice.py and never stops, silence included; frame n is captured by video.py
when its first sample leaves. Both run on a thread with an event loop of its own: a busy agent
cannot make the voice stutter.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

import numpy as np
from avatar.clock import MediaClock
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, Mood, SpeechEnd
from avatar.stream import AvatarStream
from avatar.timeline import Finished, Samples, Started

from livekit import rtc

from .face import FaceState
from .tap import Tap
from .trace import Trace, levels_db
from .tracks import Publications, publish, settled, unpublish
from .video import VideoPlayout
from .voice import QUEUE_S, VoicePlayout

logger = logging.getLogger(__name__)

MAX_WAITING_S = 2.0
"""Speech taken ahead of being played; beyond it the giver waits (wait_for_space).

Long enough for an agent that is busy for a second; short, because what LiveKit does with speech on
its way here (an estimate of the speaking rate, above all) would otherwise be done in one go, just
when the first words and the first picture are due.
"""
DUCK_DB = -15.0
"""Some decibels more than the 12 that a listener is to notice: speech is never even."""
FADE_MS = 3.0
CENTRING_S = 0.020
"""Pictures leave half a frame and this much after their sound, to centre the receiver's offset."""
_STOP_S = 2.0
_NICE = -10
"""Of the playout's thread, where the system permits it: it needs little, but in time."""


class Playout:
    """Plays segments of speech, and the face that speaks them, into two LiveKit tracks.

    Made, started and closed on one event loop, where its methods may be called and its callbacks
    come: on_event gets Started and Finished, exactly once each; on_face every change of the face
    (face.py); on_failure that the thread died of an error. first_frame: for the renderer, whose
    frames only rise. trace: each picture tells SDKs which samples it belongs to (trace.py).
    """

    def __init__(
        self,
        stream: AvatarStream,
        *,
        size: tuple[int, int],
        fps: int,
        trace: bool = True,
        first_frame: int = 0,
        on_event: Callable[[Started | Finished], None],
        on_face: Callable[[FaceState, str], None],
        on_failure: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._traced = trace
        self._on_event = on_event
        self._caller = asyncio.get_running_loop()
        self._clock = MediaClock(fps=fps, queue_s=QUEUE_S, delay_s=0.5 / fps + CENTRING_S)
        self._first_frame = first_frame
        self._last_index = first_frame - 1
        self._on_failure = on_failure
        self._video_source = rtc.VideoSource(*size)
        self.video = VideoPlayout(
            stream,
            self._clock,
            self._video_source,
            cue=self._cue,
            trace=self._trace if trace else lambda frame: b"",
            on_face=lambda state, reason: self._back(on_face, state, reason),
        )
        self.voice: VoicePlayout | None = None
        """The running writer, with its counters. None before start."""
        self._publications: tuple[rtc.LocalTrackPublication, ...] = ()
        self._publishing: asyncio.Task[Publications] | None = None
        self._room: rtc.Room | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="avatar-playout", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._space = asyncio.Event()
        self._space.set()
        self._full = False
        self._begun = False
        self._owed: dict[int, bool] = {}  # segments not reported as finished: whether they ended
        self.manner = Manner.IDLE
        self.mood = Mood.NEUTRAL
        self.user_beat = 0

    # Life

    async def start(self) -> None:
        """Start the clock: silence and the idle face from now on, heard by nobody yet."""
        self._thread.start()
        await asyncio.to_thread(self._started.wait)
        if self._failure is not None:
            raise RuntimeError("the playout thread could not start") from self._failure
        self._begun = True

    async def publish(self, room: rtc.Room) -> None:
        """Publish both tracks. Raises what LiveKit raises when the room refuses them.

        Cancelled, it goes on until `aclose`, which takes the tracks out again.
        """
        if self.voice is None:
            raise RuntimeError("start the playout before publishing it")
        self._room = room
        work = publish(
            room,
            self.voice.source,
            self._video_source,
            fps=self._clock.fps,
            trace=self._traced,
        )
        self._publishing = asyncio.create_task(work, name="avatar-tracks")
        self._publications = await asyncio.shield(self._publishing)

    @property
    def published(self) -> bool:
        """Whether the tracks are in the room, or on their way there."""
        return self._publishing is not None

    async def wait_for_listener(self) -> None:
        """Wait until somebody subscribes to the voice; at once when it was never published."""
        if self._publications:
            await self._publications[0].wait_for_subscription()

    def open(self) -> None:
        """Let speech out; until then it waits. Twice is fine."""
        self._tell(lambda voice: voice.release("unsubscribed"))

    @property
    def alive(self) -> bool:
        """Whether speech given now will be played."""
        return self._thread.is_alive() and self._failure is None

    async def aclose(self) -> None:
        """Take the tracks out of the room, end the thread. Twice is fine, half-started is fine."""
        room, self._room = self._room, None
        work, self._publishing = self._publishing, None
        if work is not None and room is not None:
            await unpublish(room, await settled(room, work))
        self._publications = ()
        if self._thread.is_alive():
            self._call(self._request_stop)
            await asyncio.to_thread(self._thread.join, _STOP_S)
        await self._video_source.aclose()

    # Commands: they take effect on the playout's own thread

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Queue speech, and let the renderer know of it ahead of its being played."""
        self._stream.hear(item)
        self._owed[item.segment] = isinstance(item, SpeechEnd)
        if not self.alive:
            self._caller.call_soon(self._conclude)
        elif isinstance(item, AudioChunk):
            self._tell(lambda voice: voice.add(item.segment, item.samples))
        else:
            self._tell(lambda voice: voice.end(item.segment))

    async def wait_for_space(self) -> None:
        """Wait while more than MAX_WAITING_S of speech are queued; always gives way once."""
        await asyncio.sleep(0)
        if self.alive:
            await self._space.wait()

    def clear(self) -> None:
        """Stop at once: what was not played is dropped, positions are what was heard."""
        self._tell(lambda voice: voice.clear())

    def pause(self) -> None:
        """Fall silent at once and keep what was not played. Twice is fine."""
        self._tell(lambda voice: voice.pause())

    def resume(self) -> None:
        """Go on from the very sample that `pause` kept. Twice is fine."""
        self._tell(lambda voice: voice.release("paused"))

    def set_heard(self, heard: bool) -> None:
        """Whether somebody can hear: if not, speech waits as in a pause, and apart from it."""
        self._tell(lambda voice: voice.release("away") if heard else voice.pause("away"))

    def duck(self, *, gain_db: float = DUCK_DB, fade_ms: float = FADE_MS) -> None:
        """Speak softer at once, until `unduck` or `clear`. Twice is fine."""
        if not gain_db <= 0.0 or not fade_ms >= 0.0:
            raise ValueError(f"gain_db is at most 0 and fade_ms at least 0: {gain_db}, {fade_ms}")
        self._tell(lambda voice: voice.set_level(10 ** (gain_db / 20), fade_ms / 1000))

    def unduck(self, *, fade_ms: float = FADE_MS) -> None:
        """Speak at full volume again. Twice is fine."""
        if not fade_ms >= 0.0:
            raise ValueError(f"fade_ms is at least 0: {fade_ms}")
        self._tell(lambda voice: voice.set_level(1.0, fade_ms / 1000))

    def recent_sound(self, seconds: float, sample_rate: int) -> Samples:
        """The last of what was played, silence included, up to now; from any thread.

        Raises ValueError for more than 2 s, or a rate that CLOCK_RATE is no multiple of.
        """
        if self.voice is None:
            return np.zeros(round(seconds * sample_rate), np.int16)
        return self.voice.recent.last(self._clock.played(time.monotonic()), seconds, sample_rate)

    def sounding(self) -> tuple[int, int] | None:
        """Segment and sample that leave now, None in silence. On the playout's own thread."""
        if self.voice is None:
            return None
        return self.voice.at(self._clock.played(time.monotonic()))

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this on the playout's own thread, which is late less often, until that ends."""
        assert self._loop is not None, "start it first"
        asyncio.run_coroutine_threadsafe(work, self._loop).add_done_callback(_say_failure)

    def tap(self, tap: Tap | None) -> None:
        """Hand what leaves to this tap too, from now on; it counts as a listener. None: to none."""

        def put(voice: VoicePlayout) -> None:
            self.video.tap = voice.tap = tap

        self._tell(put)
        if tap is not None:
            self.open()

    def set_watched(self, watched: bool) -> None:
        """Whether anybody may be watching: if not, hardly anything is drawn."""
        self._call(self.video.set_watched, watched)

    @property
    def frames(self) -> int:
        """Frames up to now, `first_frame` included: the next playout begins after them."""
        done = self._clock.frame_at(time.monotonic()) + 1 if self._clock.running else 0
        return self._first_frame + done

    def _tell(self, order: Callable[[VoicePlayout], None]) -> None:
        if self.voice is not None:
            self._call(order, self.voice)

    def _call(self, function: Callable[..., object], *args: Any) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the thread has ended: nothing is left to do
                self._loop.call_soon_threadsafe(function, *args)

    def _back(self, function: Callable[..., object], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the caller's loop is gone: nobody is left to tell
            self._caller.call_soon_threadsafe(function, *args)

    def _tell_session(self, event: Started | Finished) -> None:
        if isinstance(event, Finished):
            self._owed.pop(event.segment, None)
        self._on_event(event)

    def _conclude(self) -> None:
        """The thread has ended: whoever waits for a segment that has ended is told so."""
        self._thread.join()
        self._space.set()
        if self.voice is not None:
            self.voice.conclude([segment for segment, ended in self._owed.items() if ended])
        failed, self._begun = self._begun and self._failure is not None, False
        if failed:
            self._on_failure()

    # The playout thread

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # the outer edge of the thread
            self._failure = error
            logger.exception("the playout failed", exc_info=error)
        finally:
            self._back(self._conclude)
            self._started.set()

    async def _main(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.voice = voice = VoicePlayout(
            self._clock,
            on_event=self._on_voice,
            on_dropped=self._stream.forget,
            on_waiting=self._update_space,
        )
        voice.begin()
        tasks = [
            self._loop.create_task(voice.run(), name="playout-voice"),
            self._loop.create_task(self.video.run(), name="playout-video"),
            self._loop.create_task(self._stop.wait(), name="playout-stop"),
        ]
        self._started.set()
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            voice.stop()
            await voice.source.aclose()
        for task in done:
            task.result()

    def _request_stop(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def _cue(self, frame: int) -> Cue:
        assert self.voice is not None
        middle = (self._clock.first_sample(frame) + self._clock.first_sample(frame + 1)) // 2
        sounding = self.voice.at(middle)
        # for the renderer frames only rise, also when the clock stood still with a dry source
        self._first_frame = max(self._first_frame, self._last_index + 1 - frame)
        self._last_index = self._first_frame + frame
        return Cue(
            index=self._first_frame + frame,
            time_s=(self._first_frame + frame) / self._clock.fps,
            epoch=self.voice.epoch,
            segment=sounding[0] if sounding else None,
            position=sounding[1] if sounding else 0,
            manner=self.manner,
            mood=self.mood,
            user_beat=self.user_beat,
        )

    def _trace(self, frame: int) -> bytes:
        assert self.voice is not None
        start, end = self._clock.first_sample(frame), self._clock.first_sample(frame + 1)
        segment, position = self.voice.at(start) or (0, 0)
        return Trace(
            start, segment, position, levels_db(self.voice.sound(start, end - start))
        ).pack()

    def _on_voice(self, event: Started | Finished) -> None:
        if isinstance(event, Finished):
            self._stream.forget(event.segment)
        self._back(self._tell_session, event)

    def _update_space(self, waiting: int) -> None:
        full = waiting > MAX_WAITING_S * CLOCK_RATE
        if full != self._full:
            self._full = full
            self._back(self._space.clear if full else self._space.set)


def _say_failure(done: Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        logger.error("what ran beside the playout failed", exc_info=error)
