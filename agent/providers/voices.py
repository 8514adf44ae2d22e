"""Several voices as one: when one dies, the next goes on at the word where it stopped.

To LiveKit it is a TTS that never fails. After the last voice, if even that one fails, words go by
in silence at reading pace: captions and history stay whole, and no turn hangs.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectOptions, tts, utils
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    USERDATA_TIMED_TRANSCRIPT,
    USERDATA_TTS_STARTED_TIME,
    TimedString,
)

from agent.providers.attempt import Attempt
from agent.providers.cache import Recording, SpeechCache
from agent.providers.health import Stage, words_of
from agent.providers.made import Made
from agent.providers.manuscript import Manuscript
from agent.providers.spoken import later
from avatar.frames import Mood

logger = logging.getLogger(__name__)

_WORD = re.compile(r"\s*\S+")
_READ_LETTERS_A_SECOND = 15.0
_AT_ONCE = 30
"""Turns of the event loop, well under a millisecond: a text that is complete by then was ready
before it was given to us, and may be in the cache."""


MOOD: ContextVar[Mood | None] = ContextVar("mood", default=None)
"""How the next stream of a chain is to sound: of the task that makes it, for that is LiveKit's."""


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """One of a chain. `make` is called at its first need; `key` names everything that its sound
    depends on, for the cache (empty: its sound is not worth keeping). `moods`: the same voice where
    it is different. `tune` sets how its next stream sounds, so many times as fast as usual; None:
    that is fixed when it is made, and each mood has an instance of its own."""

    name: str
    make: Callable[[], tts.TTS[Any]]
    key: str = ""
    tune: Callable[[tts.TTS[Any], float], None] | None = None
    moods: Mapping[Mood, "Voice"] = field(default_factory=dict)

    def of(self, mood: Mood | None) -> "Voice":
        return self.moods.get(mood, self) if mood is not None else self


class VoiceChain(tts.TTS[str]):
    """Speaks with the best voice that is well.

    limit_s: a voice that owes sound for so long is left. Raises whatever the first voice's `make`
    raises: a first choice that cannot even be made is a mistake that somebody wants to know of.
    """

    def __init__(
        self, voices: Sequence[Voice], *, limit_s: float, cache: SpeechCache | None = None
    ) -> None:
        first = voices[0].make()
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=first.sample_rate,
            num_channels=1,
        )
        self.stage = Stage("voice", [voice.name for voice in voices])
        self.cache = cache
        self.limit_s = limit_s
        self.voices = tuple(voices)
        self.pace = 1.0
        self._made = Made[Voice, tts.TTS[Any]](self.emit)
        self._tuned: dict[tts.TTS[Any], tuple[Voice, float]] = {}
        self._made.keep(self.voices[0], first)

    @property
    def model(self) -> str:
        return self._serving().model

    @property
    def provider(self) -> str:
        return self._serving().provider

    def voice(self, index: int, mood: Mood | None = None) -> tts.TTS[Any]:
        """The voice, made if it was not yet. Raises what its `make` raises."""
        usual = self.voices[index]
        which = usual if usual.tune is not None else usual.of(mood)
        return self._made.get(which, which.make)

    def tune(self, index: int, mood: Mood | None = None) -> None:
        """Let the next stream of that voice sound as it is to in a mood, at the wished pace."""
        voice, wanted = self.voice(index, mood), self.voices[index].of(mood)
        before = self._tuned.get(voice, (self.voices[index], 1.0))
        if wanted.tune is not None and before != (wanted, self.pace):
            wanted.tune(voice, self.pace)
            self._tuned[voice] = wanted, self.pace

    def set_pace(self, pace: float) -> None:
        """From the next utterance on it speaks so many times as fast as usual."""
        self.pace = pace

    def replace_first(self, voice: tts.TTS[Any]) -> None:
        """For tests and tools: another first voice."""
        self._made.keep(self.voices[0], voice)

    def prewarm(self) -> None:
        """Connect the first one, and the last, which must be there at once when it is needed.

        Without a running loop (a worker's setup function) they are only made.
        """
        for index in sorted({0, len(self.voices) - 1}):
            try:
                voice = self.voice(index)
                if running():
                    voice.prewarm()
            except Exception as error:
                self.stage.failed(index, error)
                logger.warning(
                    "a voice cannot be used",
                    extra={"voice": self.voices[index].name, "reason": words_of(error)},
                )

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> "ChainStream":
        return ChainStream(self, conn_options)

    async def aclose(self) -> None:
        await self._made.aclose()

    def _serving(self) -> tts.TTS[Any]:
        serving = self.voices[min(self.stage.serving, len(self.voices) - 1)]
        return self._made.first_of(serving, self.voices[0])


def running() -> bool:
    """Whether an event loop runs here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class ChainStream(tts.SynthesizeStream):
    """One utterance."""

    _tts_request_span_name = "tts_chain"
    _tts_attempt_span_name = None

    def __init__(self, chain: VoiceChain, conn_options: APIConnectOptions) -> None:
        self._chain = chain
        self._mood = MOOD.get()
        self._text = Manuscript()
        self._id = utils.shortuuid("voice_")
        super().__init__(tts=chain, conn_options=conn_options)  # starts _main_task

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[tts.SynthesizedAudio]) -> None:
        async for _ in event_aiter:
            pass

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        raise NotImplementedError("frames go out by themselves, with all that rides on them")

    async def _main_task(self) -> None:
        reading = asyncio.create_task(self._read(), name="voice-text")
        try:
            if await self._text.begun() and not await self._from_cache():
                await self._live()
        finally:
            await utils.aio.cancel_and_wait(reading)

    async def _read(self) -> None:
        async for item in self._input_ch:
            if isinstance(item, str):
                self._text.write(item)
        self._text.close()

    async def _from_cache(self) -> bool:
        chain = self._chain
        if chain.cache is None or not await self._was_ready():
            return False
        for index in (0, *chain.stage.order()):
            key = chain.voices[index].of(self._mood).key
            if key and (take := await chain.cache.find(key, self._text.text)) is not None:
                for frame in take.frames(chain.sample_rate):
                    self._send(frame)
                return True
        return False

    async def _was_ready(self) -> bool:
        for _ in range(_AT_ONCE):
            if self._text.complete:
                break
            await asyncio.sleep(0)
        return self._text.complete

    async def _live(self) -> None:
        at, offset_s, stage = 0, 0.0, self._chain.stage
        for index in stage.order():
            attempt = None
            try:
                attempt = Attempt(
                    self._chain.voice(index, self._mood),
                    self._text,
                    tune=partial(self._chain.tune, index, self._mood),
                    at=at,
                    limit_s=self._chain.limit_s,
                    rate=self._chain.sample_rate,
                )
                recording = self._recording(index) if not at else None
                async for frame in attempt.frames():
                    stage.use(index)
                    if recording is not None:
                        recording.add(frame)
                    self._send(later(frame, offset_s))
            except Exception as error:
                rest_s = stage.failed(index, error)
                if attempt is not None:
                    at = attempt.progress.reached(self._text.text)
                    offset_s += attempt.sent_s
                self._tell(index, error, rest_s, offset_s)
            else:
                stage.served(index)
                if recording is not None and self._chain.cache is not None:
                    self._chain.cache.keep(recording)
                return
        stage.use(len(self._chain.voices))
        await self._text.completed(within_s=60.0)
        for frame in _muted(self._text.text[at:], self._chain.sample_rate):
            self._send(later(frame, offset_s))

    def _recording(self, index: int) -> Recording | None:
        """Only what was ready beforehand is kept: greetings and canned answers, not what a model
        said to somebody."""
        key = self._chain.voices[index].of(self._mood).key
        if self._chain.cache is None or not key or not self._text.complete:
            return None
        return Recording(key, self._text.text, self._chain.sample_rate)

    def _send(self, frame: rtc.AudioFrame) -> None:
        if not self._started_time:  # the moment at which a voice was given its first sentence
            self._started_time = frame.userdata.get(USERDATA_TTS_STARTED_TIME) or perf_counter()
        self._event_ch.send_nowait(
            tts.SynthesizedAudio(frame=frame, request_id=self._id, segment_id=self._id)
        )

    def _tell(self, index: int, error: Exception, rest_s: float, spoken_s: float) -> None:
        logger.warning(
            "the voice failed",
            extra={
                "voice": self._chain.voices[index].name,
                "reason": words_of(error),
                "after_s": round(spoken_s, 2),
                "rests_s": round(rest_s, 1),
            },
        )


def _muted(text: str, rate: int) -> Iterator[rtc.AudioFrame]:
    """Silence as long as it takes to read the text, with its words on it."""
    clock_s = 0.0
    for match in _WORD.finditer(text):
        seconds = len(match.group()) / _READ_LETTERS_A_SECOND
        count = max(1, round(seconds * rate))
        frame = rtc.AudioFrame(bytes(2 * count), rate, 1, count)
        word = TimedString(match.group(), start_time=clock_s, end_time=clock_s + seconds)
        frame.userdata[USERDATA_TIMED_TRANSCRIPT] = [word]
        clock_s += count / rate
        yield frame
