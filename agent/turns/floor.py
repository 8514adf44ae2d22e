"""Who has the floor: the wiring between a session, its avatar and the decisions of `barge`.

Everything is done by LiveKit's public means: the VAD's windows come through `watch`, transcripts
through `transcripts` (an agent's stt_node), a hold is the output's own pause and a stop is
`session.interrupt()`. LiveKit's own interruption by voice activity must be off
(`min_duration=NO_VAD`), or two would pull at one pause.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import Any, Protocol

import numpy as np
from livekit.agents import AgentSession, AgentStateChangedEvent, CloseEvent, stt, vad
from livekit.agents.voice.io import AudioOutput, PlaybackFinishedEvent, PlaybackStartedEvent
from numpy.typing import NDArray

from agent.turns.barge import Action, Barge, Meaning, Policy
from agent.turns.hearing import Hearing, Loudspeaker
from agent.turns.listening import WatchedVAD
from agent.turns.words import back_channels, meaning

logger = logging.getLogger(__name__)

NO_VAD = 3600.0
"""Seconds of speech from which LiveKit itself would interrupt."""

_TICK_S = 0.1
_CLOSED_S = 0.5
"""Without a window for so long, the microphone is closed."""
_SURE_INTERIM_S = 0.5
_SURE_INTERIM_WORDS = 2
"""Words that may still change count from this much voice, and so many, on."""
_CAPTION_S = 0.1
_ANSWER_S = 1.5
"""A "yes" so short before the end of our speech is an answer, not an encouragement."""
_EVENTS = 64


class Voice(Loudspeaker, Protocol):
    """What the floor needs of an avatar."""

    def duck(self) -> None: ...
    def unduck(self) -> None: ...


class Floor:
    """Guards one call's turns: give `watch` to the session as its VAD, then `start` it.

    language: of the back-channels. Without a voice nothing is ducked, and no echo is known.
    """

    def __init__(self, policy: Policy, *, language: str = "en") -> None:
        self.policy = policy
        self._barge = Barge(policy)
        self._hearing = Hearing()
        self._known = back_channels(language)
        self.on_action: Callable[[Action, float], None] = _log
        """Told of every action and its moment."""
        self._session: AgentSession[Any] | None = None
        self._voice: Voice | None = None
        self._output: AudioOutput | None = None
        self._speaking = False
        self._stopped = False  # our speech did not come to its end by itself
        self._said = ""  # by us, in the speech that is on
        self._window_at = 0.0
        self._ticking: asyncio.TimerHandle | None = None
        # words that wait for the end of our speech; full: the oldest are lost
        self._kept: deque[tuple[float, stt.SpeechEvent]] = deque(maxlen=_EVENTS)
        # of the recogniser's stream that is on; full: it waits, and what was kept is lost
        self._out: asyncio.Queue[stt.SpeechEvent | None] = asyncio.Queue(_EVENTS)

    def watch(self, inner: vad.VAD) -> WatchedVAD:
        """The VAD for the session: the same, with every window seen here first."""
        return WatchedVAD(inner, self._on_window, self._on_glimpse)

    def start(self, session: AgentSession[Any], voice: Voice | None) -> None:
        """Begin to guard, once the avatar is started; it ends when the session closes."""
        self._session, self._voice = session, voice
        self._hearing.loudspeaker = voice
        self._output = session.output.audio
        if self._output is not None:
            # not the agent's state: that is "thinking" already while the last words sound
            self._output.on("playback_started", self._on_started)
            self._output.on("playback_finished", self._on_finished)
        else:
            session.on("agent_state_changed", self._on_agent_state)
        session.on("close", self._on_close)

    def follow(self, policy: Policy, *, language: str) -> None:
        """Guard by another policy from now on: another persona speaks. A hold ends."""
        at = time.monotonic()
        if self._barge.state != "open":
            if self._voice is not None:
                self._voice.unduck()
            if self._output is not None:
                self._output.resume()
        self.policy, self._known = policy, back_channels(language)
        self._barge = Barge(policy)
        self._barge.on_speaking(at, self._speaking)

    @property
    def must_wait(self) -> bool:
        """Whether what is said or typed now waits until we have finished."""
        return self._speaking and self.policy.interrupt == "never"

    def on_text(self, text: str) -> None:
        """We are going to say this: it may come back as an echo."""
        self._said += text

    # The user's sound

    def _on_window(self, event: vad.VADEvent) -> bool:
        """Judge a VAD window; True when it holds our own voice."""
        self._window_at = now = time.monotonic()
        window = self._hearing.window(event, now)
        self._do(self._barge.on_window(window), now)
        return window.ours

    def _on_glimpse(self, heard: NDArray[np.int16], probability: float) -> None:
        now = time.monotonic()
        if self._barge.state == "open" and self._hearing.glimpse(heard, probability):
            self._do(self._barge.on_glimpse(now), now)

    # The user's words

    async def transcripts(
        self, events: AsyncIterable[stt.SpeechEvent]
    ) -> AsyncGenerator[stt.SpeechEvent, None]:
        """An stt_node's events, less those that are no turn: our echo, and encouragement."""
        self._out = out = asyncio.Queue[stt.SpeechEvent | None](_EVENTS)
        reading = asyncio.create_task(self._read(events, out), name="turns-transcripts")
        try:
            while (event := await out.get()) is not None:
                yield event
            await reading
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    async def _read(
        self, events: AsyncIterable[stt.SpeechEvent], out: asyncio.Queue[stt.SpeechEvent | None]
    ) -> None:
        try:
            async for event in events:
                if self._passes(event):
                    await out.put(event)
        finally:
            with contextlib.suppress(asyncio.QueueFull):  # then nobody reads any more
                out.put_nowait(None)

    def _passes(self, event: stt.SpeechEvent) -> bool:
        """Whether the session is to know of this now; acts on it while we speak."""
        final = event.type == stt.SpeechEventType.FINAL_TRANSCRIPT
        interim = event.type == stt.SpeechEventType.INTERIM_TRANSCRIPT
        if not event.alternatives or not (final or interim):
            return True
        best, at = event.alternatives[0], time.monotonic()
        near_s, only_ours = self._hearing.near_s, False
        spoken = self._said if self._hearing.echoes else ""
        if final:
            near_s, only_ours = self._hearing.take_utterance()
        asked = meaning(
            best.text,
            known=self._known,
            voice_s=near_s,
            confidence=best.confidence,
            min_words=self.policy.min_words,
            spoken=spoken,
        )
        if only_ours:
            asked = Meaning.NOTHING
        if not self._speaking:
            return not only_ours
        if self.policy.interrupt in ("never", "push-to-talk"):
            return self._keep(event, at) if final and not only_ours else not final
        if interim and asked is Meaning.TAKES and not _sure(best.text, near_s):
            return True
        self._do(self._barge.on_words(at, asked, final=final), at)
        if final and asked is Meaning.ENCOURAGES:
            return self._keep(event, at)
        return asked is Meaning.TAKES or (interim and near_s >= _CAPTION_S)

    def _keep(self, event: stt.SpeechEvent, at: float) -> bool:
        self._kept.append((at, event))
        return False

    def _release(self, at: float) -> None:
        """Our speech is over: keep what waited for it, and what was an answer to its end."""
        everything = self.policy.interrupt in ("never", "push-to-talk")
        due = [
            event
            for said_at, event in self._kept
            if everything or (not self._stopped and at - said_at <= _ANSWER_S)
        ]
        self._kept.clear()
        if due:
            self._hand_on(due)

    def _hand_on(self, due: list[stt.SpeechEvent]) -> None:
        """Give words to the session once it has nothing left to say: it would interrupt that."""
        if self._session is None:
            return
        if self._speaking or self._session.current_speech is not None:
            asyncio.get_running_loop().call_later(_TICK_S, self._hand_on, due)
            return
        for event in due:
            if not self._out.full():
                self._out.put_nowait(event)

    # Our speech

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._on_speaking(event.new_state == "speaking")

    def _on_started(self, _: PlaybackStartedEvent) -> None:
        self._on_speaking(True)

    def _on_finished(self, _: PlaybackFinishedEvent) -> None:
        self._on_speaking(False)

    def _on_speaking(self, speaking: bool) -> None:
        at = time.monotonic()
        if speaking == self._speaking:
            return
        self._speaking = speaking
        self._do(self._barge.on_speaking(at, speaking), at)
        if speaking:
            self._stopped = False
        else:
            self._said = ""
            self._release(at)

    def _do(self, action: Action | None, at: float) -> None:
        if action is None or self._session is None:
            return
        self.on_action(action, at)
        output = self._session.output.audio
        if action is Action.DUCK and self._voice is not None:
            self._voice.duck()
        elif action is Action.RESTORE and self._voice is not None:
            self._voice.unduck()
        elif action is Action.HOLD and output is not None:
            output.pause()
        elif action is Action.RESUME and output is not None:
            if self._voice is not None:
                self._voice.unduck()
            output.resume()
        elif action is Action.STOP:
            self._stop()
        self._tick()

    def _stop(self) -> None:
        assert self._session is not None
        output = self._session.output.audio
        try:
            self._session.interrupt()
            self._stopped = True
        except RuntimeError as error:  # this one speech may not be interrupted
            logger.info("the speech goes on", extra={"reason": str(error)})
        if self._stopped and output is not None:
            output.clear_buffer()  # before the pause ends, or some of it would still be heard
        if output is not None:
            output.resume()
        if self._voice is not None:
            self._voice.unduck()

    # A microphone that was closed sends no windows: time goes on all the same

    def _tick(self) -> None:
        if self._ticking is None and self._barge.state != "open":
            self._ticking = asyncio.get_running_loop().call_later(_TICK_S, self._on_tick)

    def _on_tick(self) -> None:
        self._ticking = None
        at = time.monotonic()
        if at - self._window_at >= _CLOSED_S:
            self._do(self._barge.on_time(at), at)
        self._tick()

    def _on_close(self, _: CloseEvent) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        if self._session is not None:
            if self._output is not None:
                self._output.off("playback_started", self._on_started)
                self._output.off("playback_finished", self._on_finished)
            else:
                self._session.off("agent_state_changed", self._on_agent_state)
            self._session.off("close", self._on_close)
            self._session = None


def _log(action: Action, at: float) -> None:
    logger.info("floor", extra={"action": action.value, "at_s": round(at, 4)})


def _sure(text: str, near_s: float) -> bool:
    """Whether words that may still change are enough to stop for."""
    return near_s >= _SURE_INTERIM_S and len(text.split()) >= _SURE_INTERIM_WORDS
