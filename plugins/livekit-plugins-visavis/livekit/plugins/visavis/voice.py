"""The sound's half of the playout: one writer that never stops, and what it can take back.

The source holds 200 ms, so that a busy machine is not heard; what it has not sent is taken back
where something must happen now: a first word, an interruption, a pause, a change of loudness. The
fact you would not guess: taking back is exact only between two pushes and between two ticks of the
source, so orders are obeyed by the writer itself, at such a moment (10 ms at most, mostly 3).
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

import numpy as np
from avatar.clock import BLOCK_S, MediaClock
from avatar.fader import Fader
from avatar.frames import CLOCK_RATE
from avatar.timeline import Finished, Samples, Started, Timeline

from livekit import rtc

from .recent import KEPT_S, Recent
from .tap import Tap

CHUNK_S = 0.02
QUEUE_S = 0.2
EDGE_S = 0.005
"""Sound that is cut is faded within this; the samples count as heard."""
_OBSERVE_S = 1.0
"""How often a push is made to wait, which shows where the source is."""
_CALM_TRIES = 4

Hold = Literal["paused", "unsubscribed", "away"]
"""What keeps speech waiting: the turns, a track that nobody asked for yet, a listener who left."""


class _Order(NamedTuple):
    need: Callable[[], bool]
    """Whether it only works on what is taken back."""
    act: Callable[[], None]
    cut: bool
    """Whether it ends the sound under way, sample for sample."""


class VoicePlayout:
    """Runs on the playout's loop, where its methods are called too.

    on_event gets Started and Finished, once each; on_dropped the segments that were cleared;
    on_waiting the samples of speech that wait, after each change.
    """

    def __init__(
        self,
        clock: MediaClock,
        *,
        on_event: Callable[[Started | Finished], None],
        on_dropped: Callable[[int], None],
        on_waiting: Callable[[int], None],
    ) -> None:
        self._clock = clock
        self._on_event = on_event
        self._on_dropped = on_dropped
        self._on_waiting = on_waiting
        self._timeline = Timeline(keep=int(CLOCK_RATE * (QUEUE_S * 2 + 1.0)))
        self._fader = Fader()
        self._level = 1.0
        self._holds: set[Hold] = {"unsubscribed"}
        self._timeline.hold(True)
        # bounded by its givers: speech by Playout.wait_for_space, the rest by LiveKit's turns
        self._orders: deque[_Order] = deque()
        self._ordered = asyncio.Event()
        self._edge = np.zeros(0, np.int16)  # handed out by the timeline, first of the next push
        self._taken_back = False
        self._going_on = np.zeros(0, np.int16)  # what the source sends until the refill is there
        self._observed_at = 0.0
        self.source = rtc.AudioSource(CLOCK_RATE, 1, queue_size_ms=round(QUEUE_S * 1000))
        self.recent = Recent()
        self.tap: Tap | None = None
        self._tapped = 0  # clock samples that the tap was told of
        self.epoch = 0
        self.underruns = 0
        self.underrun_s = 0.0

    # Orders

    def add(self, segment: int, samples: Samples) -> None:
        """Queue speech; it goes out at once when only silence is before it."""

        def act() -> None:
            self._timeline.add(segment, samples)
            self._on_waiting(self._timeline.waiting)

        self._order(lambda: not self._holds and self._timeline.silent_at_end(), act)

    def end(self, segment: int) -> None:
        self._order(_never, lambda: self._timeline.end(segment))

    def clear(self) -> None:
        """Drop what was not played; the loudness is full again, a pause is over."""
        self._order(self._sounding, self._clear, cut=True)

    def pause(self, hold: Hold = "paused") -> None:
        self._order(self._sounding, lambda: self._hold(hold), cut=True)

    def release(self, hold: Hold) -> None:
        """Go on from the sample at which the hold began."""
        self._order(
            lambda: self._holds == {hold} and self._timeline.waiting > 0,
            lambda: self._release(hold),
        )

    def set_level(self, level: float, fade_s: float) -> None:
        """Speak with this gain (0..1) from now on."""
        self._order(
            lambda: level != self._level and self._sounding(), lambda: self._fade(level, fade_s)
        )

    def stop(self) -> None:
        """Nothing is sent any more; what was not is given back, so that positions are right."""
        keep = self._clock.sent(time.monotonic())
        self._clock.rewind(keep)
        self._timeline.rewind(keep)

    def conclude(self, ended: Iterable[int]) -> None:
        """After `stop`: these segments, and all that have ended, are over where they stand."""
        while self._orders:
            self._orders.popleft().act()
        self._timeline.clear()
        for segment in ended:
            self._timeline.end(segment)
        self._timeline.clear()
        self._report()

    # What sounds

    def at(self, sample: int) -> tuple[int, int] | None:
        """Segment and its sample that sound at a clock sample, None in silence."""
        return self._timeline.at(sample)

    def sound(self, start: int, count: int) -> Samples:
        """What was handed over for these clock samples, as loud as it was."""
        return self._fader.apply(start, self._timeline.sound(start, count))

    # The writer: the only caller of the source

    def begin(self) -> None:
        """Let the clock run from now on."""
        self._clock.push(0, time.monotonic())

    async def run(self) -> None:
        """Hand over speech or silence for ever."""
        while True:
            while self._orders:
                await self._obey()
            wait_s = self._until_due(time.monotonic())
            if wait_s > 0 and not self._taken_back:
                await self._wait(wait_s)
                continue
            await self._push()
            self._report()

    async def _obey(self) -> None:
        order = self._orders[0]
        if not self._taken_back and order.need():
            await self._take_back()
        if self._taken_back and order.cut:
            self._drop()
        self._orders.popleft()
        order.act()
        if not self._orders:
            self._ordered.clear()
            self._report()

    async def _take_back(self) -> None:
        """Take back what the source has not sent; speech among it returns to its segment.

        The source goes on with it until `_push`, which has the successor ready, unless it is cut.
        """
        await self._calm()
        keep = self._clock.sent(time.monotonic())
        self._going_on = self._timeline.sound(keep, self._clock.pushed - keep)
        self._clock.rewind(keep)
        self._timeline.rewind(keep)
        self._taken_back = True

    def _drop(self) -> None:
        """Nothing more of what was taken back may be heard, as late as its successor may come."""
        self.source.clear_queue()
        self._going_on = self._going_on[:0]

    async def _calm(self) -> None:
        """Wait until no tick is near."""
        for _ in range(_CALM_TRIES):
            delay = self._clock.calm_in(time.monotonic())
            if delay <= 0:
                break
            await asyncio.sleep(delay)

    def _until_due(self, now: float) -> float:
        """Seconds until the next chunk fits; when one is observed, until it just does not."""
        room = QUEUE_S - CHUNK_S
        if not self._clock.sure or now - self._observed_at > _OBSERVE_S:
            room += BLOCK_S
        return self._clock.queued_s(now) - room

    async def _push(self) -> None:
        chunks = round(QUEUE_S / CHUNK_S) if self._taken_back else 1
        count, start = round(CHUNK_S * CLOCK_RATE), self._clock.pushed
        edge, self._edge = self._edge, np.zeros(0, np.int16)
        taken = [edge, self._timeline.take(count - len(edge))]
        taken += [self._timeline.take(count) for _ in range(chunks - 1)]
        samples = self._fader.apply(start, np.concatenate(taken))
        self._fader.forget(start - round(QUEUE_S * 2 * CLOCK_RATE))
        self.recent.put(start, samples)
        if len(self._going_on):
            await self._calm()
            samples = samples[self._gone(start) :]
        frame = rtc.AudioFrame(samples.tobytes(), CLOCK_RATE, 1, len(samples))
        before = time.monotonic()
        dry = self._clock.push(len(samples), before)
        if self._taken_back:
            self._drop()
            self._taken_back = False
        elif dry:
            self.underruns += 1
            self.underrun_s += dry
        await self.source.capture_frame(frame)
        after = time.monotonic()
        if self._clock.pushed_in(before, after):
            self._observed_at = after
        self._tell_tap()
        self._on_waiting(self._timeline.waiting)

    def _gone(self, start: int) -> int:
        """How many samples of the refill the source has sent meanwhile out of what it still had.

        None where they differ (a first word, an end): then all of it follows, later by that much.
        """
        gone, was = self._clock.overdue(time.monotonic()), self._going_on
        if gone >= len(was) or not np.array_equal(was[:gone], self._timeline.sound(start, gone)):
            return 0
        self._clock.keep(gone)
        return gone

    def _tell_tap(self) -> None:
        """Hand on what the source has sent since: what can still be taken back is not sound yet."""
        start, end = self._tapped, self._clock.sent(time.monotonic())
        if end <= start:
            return
        self._tapped = end
        if self.tap is not None:
            start = max(start, end - round(KEPT_S / 2 * CLOCK_RATE))
            self.tap.sound(start, self.recent.between(start, end))

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ordered.wait()

    # What orders do

    def _order(
        self, need: Callable[[], bool], act: Callable[[], None], *, cut: bool = False
    ) -> None:
        self._orders.append(_Order(need, act, cut))
        self._ordered.set()

    def _sounding(self) -> bool:
        """Whether speech lies in what the source has not sent, or would be sent next."""
        return not self._holds and self._timeline.speech_ahead(self._clock.played(time.monotonic()))

    def _clear(self) -> None:
        self.epoch += 1
        self._fade_out()
        for segment in self._timeline.clear():
            self._on_dropped(segment)
        self._holds.discard("paused")
        self._timeline.hold(bool(self._holds))
        self._level = 1.0
        self._fader.fade(self._timeline.pushed, 1.0, 0)
        self._on_waiting(self._timeline.waiting)

    def _hold(self, hold: Hold) -> None:
        if not self._holds:
            self._fade_out()
        self._holds.add(hold)
        self._timeline.hold(True)

    def _release(self, hold: Hold) -> None:
        if hold not in self._holds:
            return
        self._holds.remove(hold)
        self._timeline.hold(bool(self._holds))
        if hold != "unsubscribed":
            self._fade(self._level, EDGE_S)

    def _fade(self, level: float, fade_s: float) -> None:
        self._level = level
        if "paused" not in self._holds:
            self._fader.fade(self._timeline.pushed, level, round(fade_s * CLOCK_RATE))

    def _fade_out(self) -> None:
        """Let the sound that was cut end softly: its next few samples are played, falling."""
        if not self._taken_back or len(self._edge):
            return
        start, count = self._timeline.pushed, round(EDGE_S * CLOCK_RATE)
        if self._timeline.at(start - 1) is not None:
            self._fader.fade(start, 0.0, count)
            self._edge = self._timeline.take(count)

    def _report(self) -> None:
        for event in self._timeline.events(self._clock.played(time.monotonic())):
            self._on_event(event)


def _never() -> bool:
    return False
