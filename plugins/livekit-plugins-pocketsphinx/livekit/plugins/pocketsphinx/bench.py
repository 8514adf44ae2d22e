"""Measure the ear on synthetic speech: `python -m livekit.plugins.pocketsphinx.bench [VOICE ...]`.

Speaks phrases by livekit-plugins-espeak, feeds them at the speed of speech and prints, for each
voice, the word error rate, the time from the VAD's end of speech to the transcript and the lag of
the event loop. Says nothing about people: synthetic voices are not human ones.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Sequence

import numpy as np
from livekit.agents import stt

from livekit import rtc
from livekit.plugins import espeak

from .ear.text import general
from .log import logger
from .stt import STT

_FRAME_S = 0.02
_TICK_S = 0.005


class _Finishes(logging.Handler):
    """Collects what the stream logs about each utterance."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seconds: list[float] = []

    def emit(self, record: logging.LogRecord) -> None:
        seconds = getattr(record, "finish_s", None)
        if isinstance(seconds, float):
            self.seconds.append(seconds)


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Substitutions, insertions and deletions (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row = row, [i]
        for j, other in enumerate(heard, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (word != other)))
    return row[-1]


async def _speak(voice: espeak.TTS, text: str) -> list[rtc.AudioFrame]:
    async with voice.synthesize(text) as stream:
        frame = await stream.collect()
    room = np.random.default_rng(7).normal(0, 12, frame.sample_rate).astype(np.int16)
    sound = np.concatenate([room[: len(room) // 2], np.frombuffer(frame.data, np.int16), room])
    step = int(frame.sample_rate * _FRAME_S)
    blocks = [sound[at : at + step] for at in range(0, len(sound), step)]
    return [rtc.AudioFrame(b.tobytes(), frame.sample_rate, 1, len(b)) for b in blocks]


async def _hear(ear: STT, frames: list[rtc.AudioFrame]) -> str:
    heard: list[str] = []
    async with ear.stream() as stream:
        begun = time.monotonic()
        for number, frame in enumerate(frames):
            stream.push_frame(frame)
            await asyncio.sleep(begun + number * _FRAME_S - time.monotonic())
        stream.end_input()
        async for event in stream:
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                heard.append(event.alternatives[0].text)
    return " ".join(heard)


async def _lag(lags: list[float]) -> None:
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(_TICK_S)
        lags.append(time.perf_counter() - begun - _TICK_S)


async def measure(voice_name: str, phrases: Sequence[str]) -> str:
    """One line of figures for one voice."""
    finishes, lags = _Finishes(), list[float]()
    logger.addHandler(finishes)
    logger.setLevel(logging.DEBUG)
    voice, ear = espeak.TTS(voice=voice_name), STT(min_confidence=0.0)
    ear.prewarm()
    errors = words = 0
    for phrase in phrases:
        frames = await _speak(voice, phrase)
        watch = asyncio.create_task(_lag(lags), name="bench-lag")
        heard = await _hear(ear, frames)
        watch.cancel()
        await asyncio.wait([watch])
        errors += word_errors(phrase.split(), heard.split())
        words += len(phrase.split())
    await voice.aclose()
    await ear.aclose()
    logger.removeHandler(finishes)
    final_ms = np.percentile(finishes.seconds, [50, 95]) * 1e3
    lag_ms = np.percentile(lags, [50, 99]) * 1e3
    return (
        f"{voice_name}: WER {errors / words:.1%} of {words} words, end of speech to final "
        f"p50 {final_ms[0]:.0f} p95 {final_ms[1]:.0f} ms, loop lag p50 {lag_ms[0]:.1f} "
        f"p99 {lag_ms[1]:.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m livekit.plugins.pocketsphinx.bench")
    parser.add_argument("voices", nargs="*", default=["en-us"], help="espeak-ng voices")
    parser.add_argument("--count", type=int, default=12, help="how many phrases of small talk")
    options = parser.parse_args()
    phrases = general()[1]
    chosen = phrases[:: max(1, len(phrases) // options.count)]
    for voice in options.voices:
        sys.stdout.write(asyncio.run(measure(voice, chosen)) + "\n")


if __name__ == "__main__":
    main()
