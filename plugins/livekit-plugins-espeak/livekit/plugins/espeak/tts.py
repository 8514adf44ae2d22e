"""espeak-ng as a LiveKit TTS: speaks clause by clause while the text is still being written.

Words go out as `TimedString`, phonemes in the frames' userdata, both in seconds from the segment's
start. It refuses to fail on text that cannot be spoken (only emoji, say): LiveKit takes a reply
without sound for an error and tries again, so such a reply is a moment of silence.
"""

import asyncio
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from livekit.agents import tts, utils
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    TimedString,
)
from livekit.agents.utils import is_given

from .clauses import Break, Clause, ClauseSplitter
from .engine import Engine, Voicing
from .log import logger
from .spoken import speakable
from .timing import PAUSE, TimedPhone, TimedWord, lay_out
from .voices import Voice, check_voice, find_installation

USERDATA_PHONEMES = "visavis.phonemes"
"""Key in `AudioFrame.userdata`: a list of `Phonemes` on (or before) the frames where they sound."""

SAMPLE_RATE = 22050
MAX_TEXT = 20_000
"""Characters of one segment (twenty minutes); what comes after is not spoken, and logged."""
NOTHING_S = 0.05
"""Silence spoken for text in which there is nothing to say."""
END_S = 0.04
"""Silence after the last sound of a segment, in which the mouth closes."""
_PAUSE_RATE = 175  # words a minute at which Break's pauses hold
_PAUSE_EXPONENT = 1.5  # espeak-ng's own pauses shrink faster than its speech: 354, 150, 71 ms for
#                        a comma at 100, 175, 250 words a minute
_ORDINAL_DOT = ("de", "da", "nb", "nn", "no", "fi", "is", "et", "cs", "sk", "hu", "pl", "hr", "sl")


class Phonemes(TypedDict):
    """What rides under USERDATA_PHONEMES. `phones`: [symbol, start, end], s from the segment's
    start, in order, without gaps; "_" is silence, a plosive includes its closure."""

    alphabet: str
    phones: list[list[str | float]]


class TTS(tts.TTS[str]):
    """Text to speech by espeak-ng, offline, in a process of its own.

    voice: language tag ("en-us"), name or file of a voice, and a variant if wanted ("en-us+f3").
    rate: words a minute, 80..450. pitch: 0..99. volume: 0..200, 100 is espeak-ng's own.
    max_ahead: a stream speaks at most so many seconds ahead of the listener, so that a long answer
    costs its time bit by bit; None: as fast as it can. conn_options: timeout of a clause and
    retries, unless a call brings its own.
    Raises ValueError for a voice or number that cannot be, FileNotFoundError without espeak-ng.
    """

    def __init__(
        self,
        *,
        voice: str = "en-us",
        rate: int = 165,
        pitch: int = 50,
        volume: int = 100,
        max_ahead: float | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        self._installation = find_installation()
        self._conn_options = conn_options
        self._max_ahead = max_ahead
        self._voicing = Voicing(voice, rate, pitch, volume)
        self._check(self._voicing)
        self._engine = Engine(self._installation, SAMPLE_RATE)
        self._streams = weakref.WeakSet[SynthesizeStream | ChunkedStream]()
        self._prewarming: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def model(self) -> str:
        return self._voicing.voice

    @property
    def provider(self) -> str:
        return "espeak-ng"

    def update_options(
        self,
        *,
        voice: NotGivenOr[str] = NOT_GIVEN,
        rate: NotGivenOr[int] = NOT_GIVEN,
        pitch: NotGivenOr[int] = NOT_GIVEN,
        volume: NotGivenOr[int] = NOT_GIVEN,
    ) -> None:
        """Speak differently from the next stream on. Raises ValueError and then changes nothing."""
        now = self._voicing
        changed = replace(
            now,
            voice=voice if is_given(voice) else now.voice,
            rate=rate if is_given(rate) else now.rate,
            pitch=pitch if is_given(pitch) else now.pitch,
            volume=volume if is_given(volume) else now.volume,
        )
        self._check(changed)
        self._voicing = changed

    def _check(self, voicing: Voicing) -> None:
        check_voice(voicing.voice, self._installation.data)
        limits = {"rate": (80, 450), "pitch": (0, 99), "volume": (0, 200)}
        for name, (low, high) in limits.items():
            value = getattr(voicing, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} must be a whole number {low}..{high}, not {value!r}")

    async def list_voices(self) -> list[Voice]:
        """The voices of the installed espeak-ng. Raises APIConnectionError."""
        return await self._engine.list_voices(timeout_s=self._conn_options.timeout)

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> "ChunkedStream":
        self._check_open()
        stream = ChunkedStream(tts=self, input_text=text, conn_options=self._options(conn_options))
        self._streams.add(stream)
        return stream

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> "SynthesizeStream":
        self._check_open()
        stream = SynthesizeStream(tts=self, conn_options=self._options(conn_options))
        self._streams.add(stream)
        return stream

    def _options(self, given: APIConnectOptions) -> APIConnectOptions:
        return self._conn_options if given is DEFAULT_API_CONNECT_OPTIONS else given

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this TTS is closed: make a new one")

    def prewarm(self) -> None:
        """Start the child and load the voice, in the background; nothing without a running loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a worker's setup function; the child then starts with the first request
        if self._prewarming is None and not self._closed:
            self._prewarming = loop.create_task(self._prewarm(), name="espeak-prewarm")

    async def _prewarm(self) -> None:
        try:
            await self._engine.speak("a", self._voicing, timeout_s=self._conn_options.timeout)
        except Exception as error:
            # the first request meets the same error, and there it can be answered
            logger.warning("espeak-ng could not be prewarmed", extra={"reason": str(error)})

    async def aclose(self) -> None:
        """Close every stream, end the child and reap it; twice is fine."""
        self._closed = True
        if self._prewarming is not None:
            self._prewarming.cancel()
            await asyncio.wait([self._prewarming])
        for stream in list(self._streams):
            await stream.aclose()
        await self._engine.aclose()


@dataclass(frozen=True, slots=True)
class _Speaker:
    """What a stream needs to speak: fixed when it begins, so that options may change meanwhile."""

    engine: Engine
    voicing: Voicing
    timeout_s: float
    max_ahead: float | None = None


class _Utterance:
    """One segment being spoken: its clock, and where sound and timings go."""

    def __init__(
        self,
        speaker: _Speaker,
        out: tts.AudioEmitter,
        phones: list[TimedPhone],
        mark_started: Callable[[], None] = lambda: None,
    ) -> None:
        self._speaker = speaker
        self._out = out
        self._phones = phones
        self._mark_started = mark_started  # the time to the first sound counts from here
        language = speaker.voicing.voice.lower().split("/")[-1].split("+")[0].split("-")[0]
        self._splitter = ClauseSplitter(ordinal_dot=language in _ORDINAL_DOT)
        self._clock = 0  # samples pushed
        self._characters = 0
        self._unsaid = ""  # written, but nothing to hear: goes along with the next word
        self._break: Break | None = None
        self._heard_from: float | None = None  # when the first sound went out

    @property
    def begun(self) -> bool:
        """Some text was written."""
        return self._characters > 0

    async def write(self, text: str) -> None:
        """Speak as much of the text so far as is complete."""
        room = MAX_TEXT - self._characters
        if len(text) > room >= 0:
            logger.warning("text cut: a segment is too long", extra={"limit": MAX_TEXT})
        self._characters += len(text)
        for clause in self._splitter.push(text[: max(0, room)]):
            await self._keep_pace()
            await self._say(clause)

    async def end(self) -> None:
        """Speak the rest; make sure that there was some sound if there was any text."""
        for clause in self._splitter.flush():
            await self._keep_pace()
            await self._say(clause)
        if self._clock or self._unsaid.strip():
            self._mark_started()
            end_s = (self._clock + round(END_S * SAMPLE_RATE)) / SAMPLE_RATE
            if self._unsaid:
                at_s = self._clock / SAMPLE_RATE
                self._out.push_timed_transcript(TimedString(self._unsaid, at_s, end_s))
                self._unsaid = ""
            self._push_silence(END_S if self._clock else NOTHING_S)

    async def _keep_pace(self) -> None:
        """Wait while the listener has more than enough to hear."""
        limit = self._speaker.max_ahead
        if limit is None or self._heard_from is None:
            return
        ahead = self._clock / SAMPLE_RATE - (time.monotonic() - self._heard_from)
        if ahead > limit:
            await asyncio.sleep(ahead - limit)

    async def _say(self, clause: Clause) -> None:
        written = self._unsaid + clause.text
        spoken = speakable(written)
        self._unsaid = written
        if not spoken.has_words:
            return
        # a clause cut for length goes on: without a comma it would be heard as an end
        text = spoken.text + ("," if clause.ends is Break.NONE else "")
        speaker = self._speaker
        self._mark_started()
        speech = await speaker.engine.speak(text, speaker.voicing, timeout_s=speaker.timeout_s)
        slowness = (_PAUSE_RATE / speaker.voicing.rate) ** _PAUSE_EXPONENT
        pause_s = self._break.value * slowness if self._break is not None else 0.0
        laid = lay_out(
            speech,
            spoken,
            written,
            rate=SAMPLE_RATE,
            clock=self._clock,
            pause=round(pause_s * SAMPLE_RATE),
        )
        if laid is None:
            return
        self._unsaid, self._break = "", clause.ends
        self._phones.extend(laid.phones)  # before the sound: they ride on the next frame out
        self._out.push_timed_transcript([_timed(word) for word in laid.words])
        self._out.push(laid.pcm.tobytes())
        self._clock += len(laid.pcm)
        if self._heard_from is None:
            self._heard_from = time.monotonic()

    def _push_silence(self, seconds: float) -> None:
        count = round(seconds * SAMPLE_RATE)
        start_s, end_s = self._clock / SAMPLE_RATE, (self._clock + count) / SAMPLE_RATE
        self._phones.append(TimedPhone(PAUSE, start_s, end_s))
        self._out.push(np.zeros(count, np.int16).tobytes())
        self._clock += count


def _timed(word: TimedWord) -> TimedString:
    return TimedString(word.text, start_time=word.start_s, end_time=word.end_s)


def _attach(audio: tts.SynthesizedAudio, pending: list[TimedPhone]) -> None:
    """Put what is pending on a frame going out; the emitter cuts frames anew, so not earlier."""
    if pending:
        phones: list[list[str | float]] = [[p.symbol, p.start_s, p.end_s] for p in pending]
        pending.clear()
        audio.frame.userdata[USERDATA_PHONEMES] = [Phonemes(alphabet="ipa", phones=phones)]


class SynthesizeStream(tts.SynthesizeStream):
    """One segment, spoken while it is written."""

    def __init__(self, *, tts: TTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=tts, conn_options=conn_options)
        self._speaker = _Speaker(tts._engine, tts._voicing, conn_options.timeout, tts._max_ahead)
        self._pending_phones: list[TimedPhone] = []

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        self._pending_phones.clear()  # of an attempt that failed
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        output_emitter.start_segment(segment_id=utils.shortuuid())
        utterance = _Utterance(
            self._speaker, output_emitter, self._pending_phones, self._mark_started
        )
        async for item in self._input_ch:
            if isinstance(item, str):
                await utterance.write(item)
            elif utterance.begun:  # the flush that ends the segment: a stream has only one
                break
        await utterance.end()

    async def __anext__(self) -> tts.SynthesizedAudio:
        audio = await super().__anext__()
        _attach(audio, self._pending_phones)
        return audio


class ChunkedStream(tts.ChunkedStream):
    """A text that is known from the start."""

    def __init__(self, *, tts: TTS, input_text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=tts, input_text=input_text, conn_options=conn_options)
        self._speaker = _Speaker(tts._engine, tts._voicing, conn_options.timeout)
        self._pending_phones: list[TimedPhone] = []

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        self._pending_phones.clear()
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            mime_type="audio/pcm",
        )
        utterance = _Utterance(self._speaker, output_emitter, self._pending_phones)
        await utterance.write(self.input_text)
        await utterance.end()

    async def __anext__(self) -> tts.SynthesizedAudio:
        audio = await super().__anext__()
        _attach(audio, self._pending_phones)
        return audio
