"""The sources, fed when the clock says so: the only place where sound meets picture.

One writer hands 20 ms chunks to the audio source, speech if there is some and silence if not, so
the audio clock never stops; frame n is captured when its first sample leaves. Both run on a thread
with an event loop of its own: a busy agent cannot make the voice stutter. The source's queue is
long (200 ms) and dropped on purpose where something must happen now: onset, interruption, pause.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from avatar.clock import MediaClock
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, Mood, SpeechEnd
from avatar.stream import AvatarStream
from avatar.timeline import Finished, Samples, Started, Timeline

from livekit import rtc

from .tracks import publish
from .video import FaceState, VideoPlayout

logger = logging.getLogger(__name__)

CHUNK_S = 0.02
QUEUE_S = 0.2
BLOCK = CLOCK_RATE // 100
"""Samples of one native block: the source sends and drops whole 10 ms blocks."""
MAX_WAITING_S = 2.0
"""Speech taken ahead of being played; beyond it the giver waits (wait_for_space).

Long enough for an agent that is busy for a second; short, because what LiveKit does with speech on
its way here (an estimate of the speaking rate, above all) would otherwise be done in one go, just
when the first words and the first picture are due.
"""
_CENTRING_S = 0.010
"""Pictures leave half a frame and this much after their sound, to centre the receiver's offset."""
_STOP_S = 2.0

Hold = Literal["paused", "unsubscribed"]


class Playout:
    """Plays segments of speech, and the face that speaks them, into two LiveKit tracks.

    Made, started and closed on one event loop, where its methods may be called and its callbacks
    come: on_event gets Started and Finished, exactly once each; on_face gets "still" when the
    renderer died or stalled, "live" when it draws again.
    """

    def __init__(
        self,
        stream: AvatarStream,
        *,
        width: int,
        height: int,
        fps: int,
        on_event: Callable[[Started | Finished], None],
        on_face: Callable[[FaceState, str], None],
    ) -> None:
        self._stream = stream
        self._on_event = on_event
        self._caller = asyncio.get_running_loop()
        self._clock = MediaClock(fps=fps, queue_s=QUEUE_S, delay_s=0.5 / fps + _CENTRING_S)
        self._timeline = Timeline(keep=int(CLOCK_RATE * (QUEUE_S * 2 + 1.0)))
        self._video_source = rtc.VideoSource(width, height)
        self.video = VideoPlayout(
            stream,
            self._clock,
            self._video_source,
            cue=self._cue,
            on_face=lambda state, reason: self._back(on_face, state, reason),
        )
        self._audio_source: rtc.AudioSource | None = None
        self._publications: tuple[rtc.LocalTrackPublication, ...] = ()
        self._room: rtc.Room | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="avatar-playout", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._holds: set[Hold] = {"unsubscribed"}
        self._timeline.hold(True)
        self._epoch = 0
        self._dropped = False
        self._space = asyncio.Event()
        self._space.set()
        self._full = False
        self.manner = Manner.IDLE
        self.mood = Mood.NEUTRAL
        self.underruns = 0
        self.underrun_s = 0.0

    # Life

    async def start(self) -> None:
        """Start the clock: silence and the idle face from now on, heard by nobody yet."""
        self._thread.start()
        await asyncio.to_thread(self._started.wait)
        if self._failure is not None:
            raise RuntimeError("the playout thread could not start") from self._failure

    async def publish(self, room: rtc.Room) -> None:
        """Publish both tracks. Raises what LiveKit raises when the room refuses them."""
        if self._audio_source is None:
            raise RuntimeError("start the playout before publishing it")
        self._room = room
        self._publications = await publish(
            room, self._audio_source, self._video_source, fps=self._clock.fps
        )

    async def wait_for_listener(self, timeout_s: float) -> bool:
        """Let speech out once the audio is subscribed to (True), or after timeout_s (False)."""
        try:
            await asyncio.wait_for(self._publications[0].wait_for_subscription(), timeout_s)
            heard = True
        except TimeoutError:
            heard = False
        self._call(self._set_hold, "unsubscribed", False)
        return heard

    @property
    def alive(self) -> bool:
        """Whether speech given now will be played."""
        return self._thread.is_alive() and self._failure is None

    async def aclose(self) -> None:
        """Take the tracks out of the room, end the thread. Twice is fine, half-started is fine."""
        room, self._room = self._room, None
        if room is not None and room.isconnected():
            for publication in self._publications:
                with contextlib.suppress(rtc.participant.UnpublishTrackError):
                    await room.local_participant.unpublish_track(publication.sid)
        self._publications = ()
        if self._thread.is_alive():
            self._call(self._request_stop)
            await asyncio.to_thread(self._thread.join, _STOP_S)
        await self._video_source.aclose()

    # Commands: they take effect on the playout's own thread

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Queue speech, and let the renderer know of it ahead of its being played."""
        self._stream.hear(item)
        if isinstance(item, AudioChunk):
            self._call(self._add, item.segment, item.samples)
        else:
            self._call(self._timeline.end, item.segment)

    async def wait_for_space(self) -> None:
        """Wait while more than MAX_WAITING_S of speech are queued; always gives way once."""
        await asyncio.sleep(0)
        await self._space.wait()

    def clear(self) -> None:
        """Stop at once: what was not played is dropped, positions are what was heard."""
        self._call(self._clear)

    def pause(self) -> None:
        """Fall silent at once and keep what was not played."""
        self._call(self._pause)

    def resume(self) -> None:
        """Go on from the very sample that `pause` kept."""
        self._call(self._set_hold, "paused", False)

    def _call(self, function: Callable[..., object], *args: Any) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the thread has ended: nothing is left to do
                self._loop.call_soon_threadsafe(function, *args)

    def _back(self, function: Callable[..., object], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the caller's loop is gone: nobody is left to tell
            self._caller.call_soon_threadsafe(function, *args)

    # The playout thread

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # the outer edge of the thread
            self._failure = error
            logger.exception("the playout failed", exc_info=error)
        finally:
            self._abandon()
            self._started.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._audio_source = rtc.AudioSource(
            CLOCK_RATE, 1, queue_size_ms=round(QUEUE_S * 1000), loop=self._loop
        )
        self._push(self._timeline.take(BLOCK))  # the clock runs from here on
        tasks = [
            self._loop.create_task(self._write(), name="playout-audio"),
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
            await self._audio_source.aclose()
        for task in done:
            task.result()

    def _request_stop(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def _abandon(self) -> None:
        """Nothing will be played any more: every open segment is over where it stands."""
        for segment in self._timeline.clear():
            self._timeline.end(segment)
        self._report()

    def _add(self, segment: int, samples: Samples) -> None:
        played = self._clock.played(time.monotonic())
        if not self._holds and not self._timeline.speech_ahead(played):
            self._drop_queue()  # it holds silence: speech goes out now
        self._timeline.add(segment, samples)
        self._update_space()

    def _clear(self) -> None:
        self._epoch += 1
        self._drop_queue()
        for segment in self._timeline.clear():
            self._stream.forget(segment)
        self._set_hold("paused", False)
        self._report()

    def _pause(self) -> None:
        self._drop_queue()
        self._set_hold("paused", True)

    def _set_hold(self, hold: Hold, on: bool) -> None:
        held = bool(self._holds)
        (self._holds.add if on else self._holds.discard)(hold)
        self._timeline.hold(bool(self._holds))
        if held and not self._holds and self._timeline.waiting:
            self._drop_queue()

    def _drop_queue(self) -> None:
        """Take back what the source has not sent; speech among it returns to its segment."""
        if self._audio_source is None:
            return
        queued = int(self._clock.queued_s(time.monotonic()) * CLOCK_RATE) // BLOCK * BLOCK
        keep = max(0, self._clock.pushed - queued)
        self._audio_source.clear_queue()
        self._clock.rewind(keep)
        self._timeline.rewind(keep)
        self._dropped = True

    def _push(self, samples: Samples) -> None:
        gap = self._clock.push(len(samples), time.monotonic())
        if gap:
            self.underruns += 1
            self.underrun_s += gap

    async def _write(self) -> None:
        """The writer: the only caller of AudioSource.capture_frame."""
        assert self._audio_source is not None
        count = int(CLOCK_RATE * CHUNK_S)
        while True:
            samples = self._timeline.take(count)
            self._push(samples)
            self._dropped = False
            before = time.monotonic()
            await self._audio_source.capture_frame(
                rtc.AudioFrame(samples.tobytes(), CLOCK_RATE, 1, count)
            )
            if not self._dropped:
                self._clock.pushed_in(before, time.monotonic())
            self._report()

    def _cue(self, frame: int) -> Cue:
        middle = (self._clock.first_sample(frame) + self._clock.first_sample(frame + 1)) // 2
        sounding = self._timeline.at(middle)
        return Cue(
            index=frame,
            time_s=frame / self._clock.fps,
            epoch=self._epoch,
            segment=sounding[0] if sounding else None,
            position=sounding[1] if sounding else 0,
            manner=self.manner,
            mood=self.mood,
        )

    def _report(self) -> None:
        for event in self._timeline.events(self._clock.played(time.monotonic())):
            if isinstance(event, Finished):
                self._stream.forget(event.segment)
            self._back(self._on_event, event)
        self._update_space()

    def _update_space(self) -> None:
        full = self._timeline.waiting > MAX_WAITING_S * CLOCK_RATE
        if full != self._full:
            self._full = full
            self._back(self._space.clear if full else self._space.set)
