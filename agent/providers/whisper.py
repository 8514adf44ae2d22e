"""Whisper on this machine, by faster-whisper (the `whisper` extra): a good ear without a network.

It hears whole utterances, in threads of its own. The model is a folder that
`python -m agent models pull` fetched; nothing is ever fetched during a call.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, LanguageCode, stt, utils
from livekit.agents.types import NOT_GIVEN, NotGivenOr

_RATE = 16_000
_NO_SPEECH = 0.6
_THREADS = 2


class WhisperSTT(stt.STT[str]):
    """Raises FileNotFoundError, saying what to do, when the model is not there."""

    def __init__(self, folder: Path, *, language: str = "en") -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        if not (folder / "model.bin").is_file():
            raise FileNotFoundError(
                f"no Whisper model in {folder}: python -m agent models pull {folder.name}"
            )
        self._folder = folder
        self._language = language.split("-")[0]
        self._model: Any = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="whisper")

    @property
    def model(self) -> str:
        return self._folder.name

    @property
    def provider(self) -> str:
        return "faster-whisper"

    def prewarm(self) -> None:
        """Load the model, in the background."""
        self._pool.submit(self._load)

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        samples = _samples(rtc.combine_audio_frames(buffer))
        loop = asyncio.get_running_loop()
        try:
            text = await loop.run_in_executor(self._pool, self._hear, samples)
        except Exception as error:  # whatever the library raises: the next ear may hear
            raise APIConnectionError(f"whisper: {error}", retryable=False) from error
        return stt.SpeechEvent(
            type=stt.SpeechEventType.FINAL_TRANSCRIPT,
            request_id=utils.shortuuid("whisper_"),
            alternatives=[stt.SpeechData(language=LanguageCode(self._language), text=text)],
        )

    async def aclose(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> Any:
        if self._model is None:
            from faster_whisper import WhisperModel

            self._model = WhisperModel(
                str(self._folder),
                device="auto",
                compute_type="int8",
                cpu_threads=_THREADS,
                local_files_only=True,
            )
        return self._model

    def _hear(self, samples: Any) -> str:
        segments, _ = self._load().transcribe(
            samples, language=self._language, beam_size=1, condition_on_previous_text=False
        )
        said = [s.text for s in segments if s.no_speech_prob < _NO_SPEECH]
        return " ".join("".join(said).split())


def _samples(frame: rtc.AudioFrame) -> Any:
    """(n,) float32 mono at 16 kHz, in -1..1."""
    channels = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)
    mono = channels.mean(axis=1).astype(np.int16)
    if frame.sample_rate != _RATE:
        resampler = rtc.AudioResampler(frame.sample_rate, _RATE)
        plain = rtc.AudioFrame(mono.tobytes(), frame.sample_rate, 1, len(mono))
        parts = [*resampler.push(plain), *resampler.flush()]
        mono = np.concatenate([np.frombuffer(part.data, np.int16) for part in parts])
    return mono.astype(np.float32) / 32768.0
