"""One stream of sound: a VAD finds the utterances, the child hears them while they are spoken.

Everything is driven by the VAD's own events, which carry the sound they speak of: so what is
decoded is exactly what the VAD called speech, with its prefix padding. Queues: LiveKit's own
channels are unbounded, and they stay short because this side only forwards; the box before the
child is bounded, and while it is half full the VAD's events wait. When the child dies the running
utterance is lost and reported as a recoverable error; the next one starts another child.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine

from livekit.agents import APIConnectionError, APIConnectOptions, LanguageCode, stt, utils, vad

from livekit import rtc

from .ear.wire import SAMPLE_RATE
from .log import logger
from .process import Ear, EarLost, Hearing
from .sound import mono
from .transcript import speech_data, verdict

MAX_UTTERANCE_S = 30.0
"""A longer one is finished there, and another begun: nobody waits half a minute for an answer."""
_PAUSE_S = 0.1
"""After this much silence the recogniser tidies up; the VAD waits longer (0.25 s) to be sure."""


class RecognizeStream(stt.RecognizeStream):
    """Made by `STT.stream`. Takes frames of any rate and channel count, see the base class."""

    def __init__(
        self,
        *,
        owner: stt.STT[object],
        ear: Ear,
        detector: vad.VAD,
        language: LanguageCode,
        min_confidence: Callable[[], float],
        interim_results: bool,
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(stt=owner, conn_options=conn_options, sample_rate=SAMPLE_RATE)
        self._ear, self._vad, self._language = ear, detector, language
        self._min_confidence, self._interim_results = min_confidence, interim_results
        self._hearing: Hearing | None = None
        self._offset_s = 0.0  # of the VAD stream's first sample in this stream
        self._begin_s = 0.0  # of the running utterance, in the VAD stream
        self._sound_s = 0.0  # how much of the running utterance has been sent
        self._paused = False
        self._losses = 0  # of the child, since an utterance last came out well

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """More sound. Raises RuntimeError when the stream is closed or its input has ended."""
        super().push_frame(mono(frame))  # the base class's resampler is for one channel

    async def _run(self) -> None:
        try:
            while await self._segment():
                pass
        finally:
            self._drop()

    async def _segment(self) -> bool:
        """Everything up to a flush or the end of the input; False at the end.

        Each has its own VAD stream: a VAD's flush forgets what it holds without saying when, so
        that ending its input is the only way to know that all of the sound has come out.
        """
        detector = self._vad.stream()
        forward = asyncio.create_task(self._forward(detector), name="ear-forward")
        try:
            async for event in detector:
                await self._survive(self._on_vad(event))
            if self._hearing is not None:
                await self._survive(self._finish(speech_s=self._sound_s, silence_s=0.0))
            flushed, forwarded_s = await forward
        finally:
            await utils.aio.cancel_and_wait(forward)
            await detector.aclose()
        self._offset_s += forwarded_s
        return flushed

    async def _survive(self, step: Coroutine[None, None, None]) -> None:
        """Run one step; a child that is lost costs the utterance, not the stream and its VAD.

        Raises APIConnectionError when it has happened too often with no success in between.
        """
        try:
            await step
        except EarLost as error:
            self._drop()
            self._losses += 1
            failure = APIConnectionError(str(error))
            if self._losses > self._conn_options.max_retry:
                raise failure from error
            self._emit_error(failure, recoverable=True)
            self._send(stt.SpeechEvent(stt.SpeechEventType.END_OF_SPEECH))

    async def _forward(self, detector: vad.VADStream) -> tuple[bool, float]:
        """Hand the input on until a flush (True) or its end (False), and how much it was."""
        forwarded = 0
        flushed = False
        async for item in self._input_ch:
            if isinstance(item, self._FlushSentinel):
                flushed = True
                break
            forwarded += item.samples_per_channel
            detector.push_frame(item)
        detector.end_input()
        return flushed, forwarded / SAMPLE_RATE

    async def _on_vad(self, event: vad.VADEvent) -> None:
        if event.type == vad.VADEventType.START_OF_SPEECH:
            self._send(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
            self._begin(event.timestamp - _duration_s(event.frames))
            await self._push(event.frames)
        elif self._hearing is None:
            return
        elif event.type == vad.VADEventType.INFERENCE_DONE:
            if self._sound_s >= MAX_UTTERANCE_S:
                await self._finish(speech_s=event.speech_duration, silence_s=0.0)
                self._send(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
                self._begin(event.timestamp - _duration_s(event.frames))
            await self._push(event.frames)
            self._note_pause(event.raw_accumulated_silence)
        elif event.type == vad.VADEventType.END_OF_SPEECH:
            await self._finish(speech_s=event.speech_duration, silence_s=event.silence_duration)

    def _begin(self, begin_s: float) -> None:
        self._hearing = self._ear.hear(
            streaming=True, on_partial=self._on_partial if self._interim_results else None
        )
        self._begin_s, self._sound_s, self._paused = max(0.0, begin_s), 0.0, False

    async def _push(self, frames: list[rtc.AudioFrame]) -> None:
        assert self._hearing is not None
        for frame in frames:
            await self._hearing.push(bytes(frame.data))
        self._sound_s += _duration_s(frames)

    def _note_pause(self, silence_s: float) -> None:
        assert self._hearing is not None
        if silence_s >= _PAUSE_S and not self._paused:
            self._hearing.pause()
        self._paused = silence_s >= _PAUSE_S

    def _on_partial(self, text: str) -> None:
        start_s = self.start_time_offset + self._offset_s + self._begin_s
        data = stt.SpeechData(
            language=self._language, text=text, start_time=start_s, end_time=start_s + self._sound_s
        )
        self._send(stt.SpeechEvent(stt.SpeechEventType.INTERIM_TRANSCRIPT, alternatives=[data]))

    async def _finish(self, *, speech_s: float, silence_s: float) -> None:
        """Tell what was heard, if anything, and that the speech is over."""
        assert self._hearing is not None
        ended_at = time.time() - silence_s
        begun = time.perf_counter()
        result = await self._hearing.finish()
        logger.debug("utterance heard", extra={"finish_s": time.perf_counter() - begun})
        self._hearing, self._losses = None, 0
        text = verdict(result, min_confidence=self._min_confidence(), speech_s=speech_s)
        request_id = utils.shortuuid("ear_")
        if text:
            start_s = self.start_time_offset + self._offset_s + self._begin_s
            data = speech_data(
                text,
                result,
                language=self._language,
                start_s=start_s,
                end_s=start_s + self._sound_s - silence_s,
            )
            self._send(
                stt.SpeechEvent(
                    stt.SpeechEventType.FINAL_TRANSCRIPT,
                    request_id=request_id,
                    alternatives=[data],
                    speech_end_time=ended_at,
                )
            )
        self._send(
            stt.SpeechEvent(
                stt.SpeechEventType.END_OF_SPEECH, request_id=request_id, speech_end_time=ended_at
            )
        )
        usage = stt.RecognitionUsage(audio_duration=self._sound_s)
        self._send(
            stt.SpeechEvent(
                stt.SpeechEventType.RECOGNITION_USAGE,
                request_id=request_id,
                recognition_usage=usage,
            )
        )

    def _drop(self) -> None:
        if self._hearing is not None:
            self._hearing.cancel()
            self._hearing = None

    def _send(self, event: stt.SpeechEvent) -> None:
        if not self._event_ch.closed:
            self._event_ch.send_nowait(event)


def _duration_s(frames: list[rtc.AudioFrame]) -> float:
    return sum(frame.samples_per_channel / frame.sample_rate for frame in frames)
