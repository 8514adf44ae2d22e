"""One call's microphone through a chain of ears: who listens, who is deaf, who comes back.

It remembers the sound of the utterance under way, so that whoever steps in hears all of it.
"""

import asyncio
import contextlib
import logging
import math
from collections import deque
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, stt, utils, vad
from livekit.agents.types import NotGivenOr

from agent.providers.health import words_of

if TYPE_CHECKING:
    from agent.providers.ears import EarChain

logger = logging.getLogger(__name__)

_Kind = stt.SpeechEventType
_WORDS = (_Kind.INTERIM_TRANSCRIPT, _Kind.PREFLIGHT_TRANSCRIPT, _Kind.FINAL_TRANSCRIPT)
_REMEMBER_S = 12.0
_BEFORE_S = 0.6
"""Of the sound before an utterance, in which its first consonant may be."""
_AFTER_S = 1.0
"""Silence given to an ear after a repeated utterance, so that it knows that it is over."""
_TICK_S = 0.05
_LEAST_SPEECH_S = 0.55
"""From the beginning of speech, or the last transcript in it, to the VAD's end of it."""
_SILENT_S = 0.6
"""Speech without a word for it, after which another ear listens along, unheard."""
_OPINION_S = 2.5
_BEGUN = 6
"""An ear that has begun to write is given so many times its limit: it may wait for more speech."""
_STILL_WRITES = 2
"""... as long as it goes on writing within so many times its limit."""


@dataclass(slots=True, eq=False)
class _Listener:
    """An open stream of one ear. `takes`: its events are passed on. Of a second opinion, `until`
    is when it is given up, and infinite while the main ear may still answer: `held` is what it
    would have said."""

    index: int
    stream: stt.RecognizeStream
    takes: bool
    task: asyncio.Task[None] | None = None
    finals: int = 0
    held: list[stt.SpeechEvent] = field(default_factory=list)
    until: float = math.inf

    def push(self, frame: rtc.AudioFrame) -> None:
        with contextlib.suppress(RuntimeError):  # it has just ended
            self.stream.push_frame(frame)


class EarStream(stt.RecognizeStream):
    """One call's microphone, through whichever ear hears."""

    def __init__(
        self, chain: "EarChain", language: NotGivenOr[str], conn_options: APIConnectOptions
    ) -> None:
        self._chain = chain
        self._language = language
        self._main: _Listener | None = None
        self._trial: _Listener | None = None
        self._opinion: _Listener | None = None
        self._past: deque[rtc.AudioFrame] = deque()
        self._past_s = 0.0
        self._speaking = False
        self._begun = False  # some words of it were heard, not the last ones
        self._wrote = -math.inf  # when they were, on the wall clock
        self._clock_s = 0.0  # of the sound so far
        self._speech_began: float | None = None  # of it, what is not transcribed to its end yet
        self._speech_ended: float | None = None  # when that was over, on the wall clock
        self._closing: set[asyncio.Task[None]] = set()
        super().__init__(stt=chain, conn_options=conn_options)  # starts _run

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass

    async def _run(self) -> None:
        detector = self._chain.detector.stream()
        tasks = [
            asyncio.create_task(self._watch(detector), name="ear-vad"),
            asyncio.create_task(self._tick(), name="ear-watch"),
        ]
        self._main = self._first()
        try:
            async for item in self._input_ch:
                if isinstance(item, rtc.AudioFrame):
                    self._remember(item)
                    detector.push_frame(item)
                    for listener in self._listeners():
                        listener.push(item)
                else:
                    for listener in self._listeners():
                        with contextlib.suppress(RuntimeError):
                            listener.stream.flush()
            if self._main is not None and self._main.task is not None:
                with contextlib.suppress(RuntimeError):
                    self._main.stream.end_input()
                await asyncio.wait({self._main.task}, timeout=_OPINION_S)
        finally:
            await utils.aio.cancel_and_wait(*tasks)
            await detector.aclose()
            for listener in self._listeners():
                await self._close(listener)

    def _listeners(self) -> list[_Listener]:
        return [one for one in (self._main, self._trial, self._opinion) if one is not None]

    # Opening and closing

    def _first(self) -> _Listener | None:
        """The best ear that can be opened, with what was missed; None: not even the last one."""
        for index in self._chain.stage.rested():
            listener = self._open(index, takes=True)
            if listener is not None:
                self._chain.stage.use(index)
                return listener
        self._chain.stage.use(len(self._chain.ears))
        return None

    def _open(self, index: int, *, takes: bool) -> _Listener | None:
        try:
            stream = self._chain.open(index, self._language)
        except Exception as error:
            self._failed(index, error)
            return None
        listener = _Listener(index, stream, takes)
        listener.task = asyncio.create_task(self._listen(listener), name="ear-listener")
        return listener

    async def _close(self, listener: _Listener) -> None:
        if listener.task is not None and listener.task is not asyncio.current_task():
            await utils.aio.cancel_and_wait(listener.task)
        await listener.stream.aclose()

    async def _listen(self, listener: _Listener) -> None:
        try:
            async for event in listener.stream:
                self._on_event(listener, event)
            error: Exception = APIError("the ear stopped listening")
        except Exception as failure:
            error = failure
        if self._input_ch.closed and self._input_ch.empty():
            return
        await listener.stream.aclose()
        self._on_end(listener, error)

    def _on_end(self, listener: _Listener, error: Exception) -> None:
        if listener is self._opinion:
            self._opinion = None
            return
        self._failed(listener.index, error)
        if listener is self._trial:
            self._trial = None
        elif listener is self._main:
            self._step_in()

    def _step_in(self) -> None:
        """The main ear is gone: another one hears, and what was said meanwhile too."""
        if self._opinion is not None:  # it has heard that already
            self._main, self._opinion = self._opinion, None
            self._promote(self._main)
            return
        self._main = self._first()
        if self._main is not None:
            self._repeat(self._main)

    def _failed(self, index: int, error: Exception | str) -> None:
        rest_s = self._chain.stage.failed(index, error)
        reason = error if isinstance(error, str) else words_of(error)
        logger.warning(
            "the ear failed",
            extra={
                "ear": self._chain.ears[index].name,
                "reason": reason,
                "rests_s": round(rest_s, 1),
            },
        )

    # What is heard

    def _on_event(self, listener: _Listener, event: stt.SpeechEvent) -> None:
        text = event.alternatives[0].text if event.alternatives else ""
        words = event.type in _WORDS and bool(text.strip())
        if words and event.type is _Kind.FINAL_TRANSCRIPT:
            listener.finals += 1
        if listener is self._opinion and words and event.type is _Kind.FINAL_TRANSCRIPT:
            listener.held.append(event)
            if listener.until < math.inf:
                self._believe(listener)
            return
        if listener is self._trial and listener.finals:
            self._take_over(listener, event)
            return
        if not listener.takes:
            return
        if words:
            self._begun, self._wrote = True, monotonic()
            self._drop_opinion(unasked=True)
        if words and event.type is _Kind.FINAL_TRANSCRIPT:
            self._transcribed()
            self._drop_opinion()
            self._chain.stage.served(listener.index)
        self._event_ch.send_nowait(event)

    def _believe(self, listener: _Listener) -> None:
        """The second opinion heard words where the main ear heard none: that one is deaf."""
        deaf, self._main, self._opinion = self._main, listener, None
        if deaf is not None:
            self._failed(deaf.index, "it heard nothing of what was said")
            self._drop(deaf)
        self._promote(listener)
        self._transcribed()
        for event in listener.held:
            self._event_ch.send_nowait(event)
        listener.held.clear()

    def _take_over(self, listener: _Listener, event: stt.SpeechEvent) -> None:
        """A better ear has heard an utterance to its end; the main one has passed that on, or is
        about to: it is passed over unless this one was first."""
        worse, self._main, self._trial = self._main, listener, None
        self._promote(listener)
        if worse is not None:
            self._drop(worse)
        logger.info("a better ear hears again", extra={"ear": self._chain.stage.name})
        self._chain.stage.served(listener.index)
        if self._speech_began is not None:
            self._transcribed()
            self._event_ch.send_nowait(event)

    def _transcribed(self) -> None:
        """Words for the speech so far: nothing of it has to be remembered."""
        self._begun = False
        self._speech_began = self._clock_s if self._speaking else None
        self._speech_ended = None
        self._forget(_BEFORE_S)

    def _promote(self, listener: _Listener) -> None:
        listener.takes = True
        self._chain.stage.use(listener.index)

    def _drop_opinion(self, *, unasked: bool = False) -> None:
        """unasked: only one that merely listens along."""
        opinion = self._opinion
        if opinion is not None and (not unasked or opinion.until == math.inf):
            self._opinion = None
            self._drop(opinion)

    def _drop(self, listener: _Listener) -> None:
        task = asyncio.create_task(self._close(listener), name="ear-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # Speech, by the VAD

    async def _watch(self, detector: vad.VADStream) -> None:
        async for event in detector:
            if event.type is vad.VADEventType.START_OF_SPEECH:
                self._speaking, self._speech_ended = True, None
                if self._speech_began is None:
                    self._speech_began, self._begun = self._clock_s, False
            elif event.type is vad.VADEventType.END_OF_SPEECH:
                self._speaking = False
                began = self._speech_began
                long_enough = began is not None and self._clock_s - began >= _LEAST_SPEECH_S
                self._speech_ended = monotonic() if long_enough else None
                self._speech_began = began if long_enough else None
                if long_enough:
                    self._ask_for_words()
                else:
                    self._drop_opinion(unasked=True)

    def _ask_for_words(self) -> None:
        """In noise a service waits for more, where our VAD knows that nobody speaks."""
        if self._main is not None and self._chain.ears[self._main.index].finalises:
            with contextlib.suppress(RuntimeError):
                self._main.stream.flush()

    async def _tick(self) -> None:
        """Ask for a second opinion, end one, call a better ear back."""
        while True:
            await asyncio.sleep(_TICK_S)
            now = monotonic()
            if self._main is None and (again := self._first()) is not None:
                self._main = again
                self._repeat(again)
            self._doubt(now)
            self._call_back()

    def _doubt(self, now: float) -> None:
        """An ear that is late: at first another one listens along, then that one is believed."""
        if self._main is None:
            return
        if self._opinion is None and self._suspicious(self._main, now):
            self._ask(self._main)
        opinion, overdue = self._opinion, self._overdue(self._main, now)
        if overdue:
            self._speech_began = self._speech_ended = None
        if opinion is None:
            return
        if overdue:
            opinion.until = now + _OPINION_S
            if opinion.held:
                self._believe(opinion)
        elif now > opinion.until:
            self._drop_opinion()

    def _suspicious(self, main: _Listener, now: float) -> bool:
        if self._speech_began is None:
            return False
        if self._speech_ended is not None:
            return now - self._speech_ended > self._chain.ears[main.index].limit_s / 2
        silent = not self._begun and self._clock_s - self._speech_began > _SILENT_S
        return silent and self._chain.writes_along(main.index)

    def _overdue(self, main: _Listener, now: float) -> bool:
        if self._speech_ended is None:
            return False
        limit_s, since_s = self._chain.ears[main.index].limit_s, now - self._speech_ended
        if self._begun and now - self._wrote < _STILL_WRITES * limit_s:
            return since_s > _BEGUN * limit_s
        return since_s > limit_s

    def _ask(self, main: _Listener) -> None:
        others = [n for n in self._chain.stage.order() if n > main.index]
        for index in others:
            self._opinion = self._open(index, takes=False)
            if self._opinion is not None:
                self._repeat(self._opinion)
                return

    def _call_back(self) -> None:
        better = self._chain.stage.better_due()
        quiet = self._speech_began is None and self._opinion is None
        if better is not None and self._trial is None and self._main is not None and quiet:
            self._trial = self._open(better, takes=False)

    def _remember(self, frame: rtc.AudioFrame) -> None:
        self._past.append(frame)
        self._past_s += frame.duration
        self._clock_s += frame.duration
        self._forget(_REMEMBER_S if self._speech_began is not None else _BEFORE_S)

    def _forget(self, keep_s: float) -> None:
        while self._past and self._past_s - self._past[0].duration > keep_s:
            self._past_s -= self._past.popleft().duration

    def _repeat(self, listener: _Listener) -> None:
        """Give an ear what was said lately, and that it is over if it is."""
        for frame in list(self._past):
            listener.push(frame)
        if self._past and not self._speaking:
            rate, channels = self._past[-1].sample_rate, self._past[-1].num_channels
            count = rate // 10
            for _ in range(round(_AFTER_S * 10)):
                listener.push(rtc.AudioFrame(bytes(2 * channels * count), rate, channels, count))
