"""The session's VAD, with a judge between it and the session.

Every window passes the judge before the session sees it: that is the earliest moment at which
anything is known of the user's voice, and needs no private part of LiveKit. Speech that the judge
calls our own echo is hidden, so that the session takes no turn from it; it appears late, and whole,
when somebody talks over the echo.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from livekit.agents import utils, vad
from numpy.typing import NDArray

from agent.turns.glimpse import Glimpse

Judge = Callable[[vad.VADEvent], bool]
"""Told every window (INFERENCE_DONE); says whether what it holds is our own voice."""
Glance = Callable[[NDArray[np.int16], float], None]
"""Told the sound up to now and its probability, between the VAD's own windows (glimpse.py)."""

_SURE_WINDOWS = 2
"""So many windows of somebody's voice in a row uncover speech that began as an echo."""


class WatchedVAD(vad.VAD):
    """Another VAD, judged. The streams of the other are owned by ours."""

    def __init__(self, inner: vad.VAD, judge: Judge, glance: Glance) -> None:
        super().__init__(capabilities=inner.capabilities)
        self._inner = inner
        self._judge = judge
        self._glance = glance

    @property
    def model(self) -> str:
        return self._inner.model

    @property
    def provider(self) -> str:
        return self._inner.provider

    @property
    def min_silence_duration(self) -> float | None:
        """LiveKit checks it against its end-of-turn model."""
        return getattr(self._inner, "min_silence_duration", None)

    def stream(self) -> vad.VADStream:
        return _WatchedStream(self, self._inner.stream(), Gate(self._judge), self._glance)


class _WatchedStream(vad.VADStream):
    def __init__(
        self, owner: WatchedVAD, inner: vad.VADStream, gate: "Gate", glance: Glance
    ) -> None:
        # before the base class, which starts _main_task
        self._inner, self._gate, self._glance = inner, gate, glance
        super().__init__(owner)

    async def _main_task(self) -> None:
        forward = asyncio.create_task(self._forward(), name="turns-vad-input")
        try:
            async for event in self._inner:
                for passed in self._gate.let_through(event):
                    self._event_ch.send_nowait(passed)
        finally:
            await utils.aio.cancel_and_wait(forward)
            await self._inner.aclose()

    async def _forward(self) -> None:
        between = Glimpse()
        async for item in self._input_ch:
            if isinstance(item, self._FlushSentinel):
                self._inner.flush()
            else:
                self._inner.push_frame(item)
                for heard, probability in between.push(item):
                    self._glance(heard, probability)
        self._inner.end_input()


class Gate:
    """What of a VAD's events the session is to see. Pure, but for the judge."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._ours = False
        self._hidden: vad.VADEvent | None = None  # the start of speech that is not shown
        self._others = 0  # windows of somebody's voice in a row

    def let_through(self, event: vad.VADEvent) -> list[vad.VADEvent]:
        """The events to pass on in the place of this one."""
        if event.type == vad.VADEventType.INFERENCE_DONE:
            return self._window(event)
        if event.type == vad.VADEventType.START_OF_SPEECH:
            if not self._ours:
                return [event]
            self._hidden, self._others = event, 0
            return []
        hidden, self._hidden = self._hidden, None
        return [event] if hidden is None else []

    def _window(self, event: vad.VADEvent) -> list[vad.VADEvent]:
        self._ours = self._judge(event)
        if self._hidden is None:
            return [event]
        self._others = 0 if self._ours or event.raw_accumulated_speech == 0 else self._others + 1
        if self._others < _SURE_WINDOWS:
            return [replace(event, speaking=False, speech_duration=0.0, raw_accumulated_speech=0.0)]
        started, self._hidden = self._hidden, None
        return [replace(started, speech_duration=event.raw_accumulated_speech), event]
