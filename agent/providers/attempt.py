"""One voice at its part of an utterance: its sound, watched, and held back where it can be.

A stream that dies may do so in the middle of a word. While the listener has more than enough to
hear, the newest sound waits here, so that a broken word can be cut off before anybody hears it, and
the next voice begins with that word.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from time import monotonic
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, tokenize, tts, utils
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString

from agent.providers.manuscript import Manuscript
from agent.providers.spoken import Progress

_POLL_S = 0.05
_LEAD_S = 0.6
"""Sound that the listener keeps in front of him while newer sound is held back."""
_HELD_S = 1.0
_BEFORE_S = 0.2
"""So long before the sound runs out a silent voice is on the clock."""
_FADE_S = 0.005
_CONNECT = APIConnectOptions(max_retry=1, retry_interval=0.1, timeout=10.0)
"""The patience that counts is ours; see `Attempt`."""


class Stalled(Exception):
    """The voice owes sound and makes none."""


class Attempt:
    """A voice says a manuscript from letter `at` on.

    tune: called right before each of its streams. limit_s: for the first sound of a whole sentence,
    and for more once the sound runs out.
    """

    def __init__(
        self,
        voice: tts.TTS[Any],
        manuscript: Manuscript,
        *,
        tune: Callable[[], None],
        at: int,
        limit_s: float,
        rate: int,
    ) -> None:
        self._voice = voice
        self._tune = tune
        self._text = manuscript
        self._limit_s = limit_s
        self._rate = rate
        self.progress = Progress(at)
        self.sent_s = 0.0
        """Seconds of sound that were passed on."""
        self._held: deque[rtc.AudioFrame] = deque()
        self._held_s = 0.0
        self._words: deque[TimedString] = deque()
        self._began = monotonic()
        self._heard_from = 0.0
        self._last = self._began
        self._resampler = (
            rtc.AudioResampler(voice.sample_rate, rate) if voice.sample_rate != rate else None
        )

    async def frames(self) -> AsyncGenerator[rtc.AudioFrame, None]:
        """Its sound. Raises whatever the voice raises, Stalled, or APIError if it left words out;
        by then everything that is worth hearing has been given."""
        source = self._sound()
        try:
            async for frame in self._watched(source):
                if frame is not None:
                    self._hold(frame)
                for due in self._due():
                    yield due
            self._check()
        except Exception:
            for frame in self._cut():
                yield frame
            if self.progress.owes(self._text.text) or not self._text.complete:
                raise
            return  # it said everything and only forgot to end
        finally:
            await source.aclose()
        for frame in self._all():
            yield frame

    # The voice

    def _sound(self) -> AsyncGenerator[rtc.AudioFrame, None]:
        return self._streamed() if self._voice.capabilities.streaming else self._by_sentences()

    async def _streamed(self) -> AsyncGenerator[rtc.AudioFrame, None]:
        self._tune()
        async with self._voice.stream(conn_options=_CONNECT) as stream:
            feeding = asyncio.create_task(_feed(stream, self._text.read(self.progress.begins)))
            try:
                async for event in stream:
                    for frame in self._resampled(event.frame):
                        yield frame
            finally:
                await utils.aio.cancel_and_wait(feeding)
        for frame in self._flushed():
            yield frame

    async def _by_sentences(self) -> AsyncGenerator[rtc.AudioFrame, None]:
        """A voice that wants whole texts gets whole sentences."""
        sentences = tokenize.blingfire.SentenceTokenizer(retain_format=True).stream()
        feeding = asyncio.create_task(_feed(sentences, self._text.read(self.progress.begins)))
        letter = self.progress.begins
        try:
            async for event in sentences:
                letter += len(event.token)
                if not event.token.strip():
                    continue
                spoken: list[TimedString] = [TimedString(event.token, self.progress.seconds)]
                self._tune()
                async with self._voice.synthesize(
                    event.token.strip(), conn_options=_CONNECT
                ) as stream:
                    async for audio in stream:
                        for frame in self._resampled(audio.frame):
                            frame.userdata[USERDATA_TIMED_TRANSCRIPT], spoken = spoken, []
                            yield frame
                for frame in self._flushed():
                    yield frame
                self.progress.complete_to(min(letter, len(self._text.text)))
        finally:
            await utils.aio.cancel_and_wait(feeding)
            await sentences.aclose()

    def _resampled(self, frame: rtc.AudioFrame) -> list[rtc.AudioFrame]:
        if self._resampler is None:
            return [frame]
        frames = self._resampler.push(frame)
        if frames:
            frames[0].userdata.update(frame.userdata)
        elif words := frame.userdata.get(USERDATA_TIMED_TRANSCRIPT):
            self._note(words)
        return frames

    def _flushed(self) -> list[rtc.AudioFrame]:
        return self._resampler.flush() if self._resampler is not None else []

    # Patience

    async def _watched(
        self, source: AsyncGenerator[rtc.AudioFrame, None]
    ) -> AsyncGenerator[rtc.AudioFrame | None, None]:
        """The frames, and None from time to time. Raises Stalled."""
        came: deque[rtc.AudioFrame] = deque()  # short: who takes them waits for nothing else
        news = asyncio.Event()

        async def listen() -> None:
            async for frame in source:
                self._last = monotonic()
                came.append(frame)
                news.set()

        listening = asyncio.create_task(listen(), name="voice-sound")
        listening.add_done_callback(lambda _: news.set())
        try:
            while True:
                try:
                    async with asyncio.timeout(_POLL_S):
                        await news.wait()
                except TimeoutError:
                    self._judge()
                    yield None
                    continue
                news.clear()
                while came:
                    yield came.popleft()
                if listening.done():
                    listening.result()
                    return
        finally:
            await utils.aio.cancel_and_wait(listening)

    def _judge(self) -> None:
        owed_since = self._owed_since()
        if owed_since is None:
            return
        runs_out = self._heard_from + self.sent_s + self._held_s if self._heard_from else 0.0
        if monotonic() - max(owed_since, self._last, runs_out - _BEFORE_S) > self._limit_s:
            raise Stalled(f"no sound for {self._limit_s:g} s")

    def _owed_since(self) -> float | None:
        text = self._text
        if text.complete_at is not None:
            return max(text.complete_at, self._began)
        if self.progress.owes(text.text[: text.whole]):
            return max(text.sentence_at, self._began)
        return None

    def _check(self) -> None:
        text = self._text.text
        if not self.progress.seconds and self.progress.owes(text):
            raise APIError("the voice made no sound")
        if self.progress.timed and self.progress.owes(text):
            raise APIError("the voice left words out")

    # Sound on its way out

    def _hold(self, frame: rtc.AudioFrame) -> None:
        self._note(frame.userdata.pop(USERDATA_TIMED_TRANSCRIPT, ()))
        self.progress.add_sound(frame)
        self._held.append(frame)
        self._held_s += frame.duration

    def _note(self, words: Any) -> None:
        timed = [word for word in words if isinstance(word, TimedString)]
        self._words += self.progress.add_words(timed, self._text.text)

    def _due(self) -> list[rtc.AudioFrame]:
        now, due = monotonic(), []
        while self._held:
            ahead = self.sent_s - (now - self._heard_from) if self._heard_from else 0.0
            if ahead > _LEAD_S and self._held_s <= _HELD_S:
                break
            due.append(self._send(self._held.popleft()))
        return due

    def _send(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        if not self._heard_from:
            self._heard_from = monotonic()
        self._held_s -= frame.duration
        self.sent_s += frame.duration
        riding = []
        while self._words and self._starts(self._words[0]) < self.sent_s:
            riding.append(self._words.popleft())
        if riding:
            frame.userdata[USERDATA_TIMED_TRANSCRIPT] = riding
        return frame

    def _starts(self, word: TimedString) -> float:
        return float(word.start_time) if isinstance(word.start_time, int | float) else 0.0

    def _all(self) -> list[rtc.AudioFrame]:
        frames = [self._send(self._held.popleft()) for _ in range(len(self._held))]
        if frames and self._words:
            last = frames[-1].userdata
            last[USERDATA_TIMED_TRANSCRIPT] = [
                *last.get(USERDATA_TIMED_TRANSCRIPT, ()),
                *self._words,
            ]
            self._words.clear()
        return frames

    def _cut(self) -> list[rtc.AudioFrame]:
        """What is held, without a word that broke off in it."""
        cut_s, out = self.progress.cut_s(self._text.text), []
        while self._held:
            frame = self._held.popleft()
            room_s = frame.duration if cut_s is None else cut_s - self.sent_s
            if room_s <= 0:
                break
            if room_s < frame.duration:
                out.append(self._send(_shortened(frame, room_s)))
                break
            out.append(self._send(frame))
        self._held.clear()
        return out


def _shortened(frame: rtc.AudioFrame, seconds: float) -> rtc.AudioFrame:
    """The beginning of a frame, faded out at its end."""
    count = max(1, min(frame.samples_per_channel, round(seconds * frame.sample_rate)))
    samples = np.frombuffer(frame.data, np.int16)[: count * frame.num_channels].copy()
    fade = min(count, round(_FADE_S * frame.sample_rate)) * frame.num_channels
    samples[-fade:] = (samples[-fade:] * np.linspace(1.0, 0.0, fade)).astype(np.int16)
    return rtc.AudioFrame(
        samples.tobytes(), frame.sample_rate, frame.num_channels, count, userdata=frame.userdata
    )


async def _feed(into: Any, text: AsyncIterator[str]) -> None:
    """Push a text into a stream, and its end; a stream that is closed already says so itself."""
    with contextlib.suppress(RuntimeError):
        async for part in text:
            into.push_text(part)
        into.end_input()
