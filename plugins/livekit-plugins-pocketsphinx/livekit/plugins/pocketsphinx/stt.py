"""The STT: speech found by a VAD, heard while it is spoken, on a vocabulary known beforehand.

Understands what a persona's users are likely to say (`phrases`) and near paraphrases. It is not
dictation and refuses to pretend: what it cannot follow becomes UNCLEAR, what is no speech becomes
nothing. The fact you would not guess: LiveKit ignores an empty final transcript, so an agent that
understood nothing would just stay silent; the literal UNCLEAR lets it ask again.
"""

import asyncio
import weakref
from collections.abc import Sequence

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectionError,
    APIConnectOptions,
    APITimeoutError,
    LanguageCode,
    NotGivenOr,
    inference,
    stt,
    utils,
    vad,
)
from livekit.agents.utils import AudioBuffer, is_given

from livekit import rtc

from .ear.wire import SAMPLE_RATE, Result
from .process import Ear, EarLost
from .sound import to_wire
from .stream import RecognizeStream
from .transcript import speech_data, verdict

MAX_BUFFER_S = 120.0
MIN_CONFIDENCE = 0.3
"""Where no sentence of another topic or language was taken for one of ours; see the README."""
_BLOCK = 2 * SAMPLE_RATE  # bytes of a whole buffer that go to the child at once: one second


class STT(stt.STT[object]):
    """Offline speech to text by PocketSphinx. English only; one child process per instance."""

    def __init__(
        self,
        *,
        phrases: Sequence[str] | None = None,
        vad: vad.VAD | None = None,
        language: str = "en",
        min_confidence: float = MIN_CONFIDENCE,
        interim_results: bool = True,
    ) -> None:
        """Nothing is started before `prewarm` or the first sound.

        Args:
            phrases: What users are likely to say, as they would write it; about 20 to 500. None
                listens for small talk.
            vad: Finds the speech in a stream; None takes the Silero model of livekit-agents.
            language: "en" or an English locale; it is passed on, the model is American English.
            min_confidence: 0..1; a transcript below it is reported as UNCLEAR.
            interim_results: Report partial transcripts while the user speaks.

        Raises:
            ValueError: the language is not English, or min_confidence is not in 0..1.
        """
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=interim_results,
                aligned_transcript="word",
                offline_recognize=True,
            )
        )
        self._language = _english(language)
        self._min_confidence = _fraction(min_confidence)
        self._interim_results = interim_results
        self._vad = vad
        self._ear = Ear(phrases or ())
        self._streams: weakref.WeakSet[RecognizeStream] = weakref.WeakSet()

    @property
    def model(self) -> str:
        return "en-us"

    @property
    def provider(self) -> str:
        return "PocketSphinx"

    def prewarm(self) -> None:
        """Start the child and let it load (it takes a fraction of a second, there); returns at
        once."""
        self._ear.start()

    def update_options(
        self,
        *,
        phrases: NotGivenOr[Sequence[str] | None] = NOT_GIVEN,
        min_confidence: NotGivenOr[float] = NOT_GIVEN,
    ) -> None:
        """Change what is listened for, from the next utterance on; a running one keeps its phrases.

        Raises ValueError when min_confidence is not in 0..1.
        """
        if is_given(min_confidence):
            self._min_confidence = _fraction(min_confidence)
        if is_given(phrases):
            self._ear.load(phrases or ())

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> RecognizeStream:
        """A stream of its own VAD; streams share the child. Raises ValueError for another
        language."""
        if self._vad is None:
            self._vad = inference.VAD(model="silero")
        self._ear.start()
        stream = RecognizeStream(
            owner=self,
            ear=self._ear,
            detector=self._vad,
            language=_english(language) if is_given(language) else self._language,
            min_confidence=lambda: self._min_confidence,
            interim_results=self._interim_results,
            conn_options=conn_options,
        )
        self._streams.add(stream)
        return stream

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        spoken = _english(language) if is_given(language) else self._language
        frame = rtc.combine_audio_frames(buffer)
        if frame.duration > MAX_BUFFER_S:
            raise ValueError(
                f"a buffer of {frame.duration:.0f} s: give at most {MAX_BUFFER_S:.0f}, or a stream"
            )
        try:
            async with asyncio.timeout(conn_options.timeout):
                result = await self._hear(to_wire(frame))
        except TimeoutError as error:
            raise APITimeoutError() from error
        except EarLost as error:
            raise APIConnectionError(str(error)) from error
        return self._final(result, language=spoken, duration_s=frame.duration)

    async def _hear(self, sound: bytes) -> Result:
        hearing = self._ear.hear(streaming=False)
        try:
            for at in range(0, len(sound), _BLOCK):
                await hearing.push(sound[at : at + _BLOCK])
            return await hearing.finish()
        finally:
            hearing.cancel()

    def _final(
        self, result: Result, *, language: LanguageCode, duration_s: float
    ) -> stt.SpeechEvent:
        spoken_s = sum(end - start for _, start, end in result.words)
        text = verdict(result, min_confidence=self._min_confidence, speech_s=spoken_s)
        return stt.SpeechEvent(
            type=stt.SpeechEventType.FINAL_TRANSCRIPT,
            request_id=utils.shortuuid("ear_"),
            alternatives=[
                speech_data(text, result, language=language, start_s=0.0, end_s=duration_s)
            ],
        )

    async def aclose(self) -> None:
        """Close every stream and end the child. Twice is fine."""
        await asyncio.gather(*(stream.aclose() for stream in list(self._streams)))
        await asyncio.to_thread(self._ear.close)


def _english(language: str) -> LanguageCode:
    code = LanguageCode(language)
    if code.split("-")[0] != "en":
        raise ValueError(f'language {language!r}: the PocketSphinx model is English; use "en"')
    return code


def _fraction(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"min_confidence {value}: it must be between 0 and 1")
    return value
