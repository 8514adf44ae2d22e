"""The TTS as LiveKit uses it: streams, timings, errors, and a whole AgentSession."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import numpy as np
import psutil
import pytest
from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    Agent,
    AgentSession,
    APIConnectOptions,
    Plugin,
    TurnHandlingOptions,
    llm,
    metrics,
)
from livekit.agents.types import NOT_GIVEN, USERDATA_TIMED_TRANSCRIPT, NotGivenOr, TimedString
from livekit.agents.voice import io
from livekit.agents.voice.run_result import RunResult
from livekit.plugins import espeak

Phone = tuple[str, float, float]


@pytest.fixture
async def tts() -> AsyncIterator[espeak.TTS]:
    tts = espeak.TTS()
    yield tts
    await tts.aclose()


def phones_of(frames: list[rtc.AudioFrame]) -> list[Phone]:
    entries = [entry for f in frames for entry in f.userdata.get(espeak.USERDATA_PHONEMES, ())]
    assert all(entry["alphabet"] == "ipa" for entry in entries)
    return [(str(s), float(a), float(b)) for entry in entries for s, a, b in entry["phones"]]


def words_of(frames: list[rtc.AudioFrame]) -> list[TimedString]:
    return [word for f in frames for word in f.userdata.get(USERDATA_TIMED_TRANSCRIPT, ())]


async def frames_of(tts: espeak.TTS, *texts: str) -> list[rtc.AudioFrame]:
    async with tts.stream() as stream:
        for text in texts:
            stream.push_text(text)
        stream.end_input()
        return [audio.frame async for audio in stream]


def check_timings(frames: list[rtc.AudioFrame], text: str) -> None:
    """Words are the text; phones cover the sound; each rides on a frame no later than it sounds."""
    duration_s = sum(frame.samples_per_channel for frame in frames) / espeak.tts.SAMPLE_RATE
    words, phones = words_of(frames), phones_of(frames)
    assert "".join(words) == text
    times = [(word.start_time, word.end_time) for word in words]
    assert times == sorted(times)
    assert phones[0][1] == 0.0
    assert phones[-1][2] == pytest.approx(duration_s, abs=0.02)
    assert all(a[1] < a[2] == b[1] for a, b in pairwise(phones))
    position = 0
    for frame in frames:
        position += frame.samples_per_channel
        for _, start_s, _ in phones_of([frame]):
            assert start_s >= 0
        arrived = [p for f in frames[: frames.index(frame) + 1] for p in phones_of([f])]
        due = [p for p in phones if p[1] < position / espeak.tts.SAMPLE_RATE - 0.02]
        assert arrived[: len(due)] == due


async def test_a_stream_carries_words_and_phones_on_one_clock(tts: espeak.TTS) -> None:
    text = "Hello, my name is Bob. I have **3.50** dollars 😀 — and no more! Okay?"
    frames = await frames_of(tts, *(text[i : i + 4] for i in range(0, len(text), 4)))
    check_timings(frames, text)


async def test_synthesize_carries_them_too(tts: espeak.TTS) -> None:
    text = "Hello, my name is Bob. Goodbye!"
    async with tts.synthesize(text) as stream:
        frames = [audio.frame async for audio in stream]
    check_timings(frames, text)


@pytest.mark.parametrize("voice", ["en-us", "en-gb", "de", "fr", "es", "en-us+f3", "hi", "cmn"])
async def test_languages_speak(voice: str) -> None:
    texts = {
        "de": "Am 3. Mai, also bald, kommt Käthe. Schön!",
        "fr": "Bonjour, c'est l'été : où êtes-vous ?",
        "es": "¿Qué tal? Mañana, quizás, hablamos.",
        "hi": "नमस्ते, आप कैसे हैं?",
        "cmn": "你好，今天天气很好。我们走吧！",
    }
    text = texts.get(voice, "Good morning, how are you today?")
    tts = espeak.TTS(voice=voice)
    check_timings(await frames_of(tts, text), text)
    await tts.aclose()


async def test_sound_comes_before_the_last_text(tts: espeak.TTS) -> None:
    async with tts.stream() as stream:
        stream.push_text("Hello there, this is ")
        first = await anext(stream)  # would wait for ever if the clause waited for the end
        assert first.frame.samples_per_channel > 0
        stream.push_text("the rest.")
        stream.end_input()
        rest = [audio.frame async for audio in stream]
    assert "".join(words_of([first.frame, *rest])) == "Hello there, this is the rest."


async def test_a_clause_ends_in_a_pause_and_the_next_begins_without_a_click(
    tts: espeak.TTS,
) -> None:
    frames = await frames_of(tts, "Oh no. ", "We lose. ", "I am ill.")
    pcm = np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])
    pauses = [phone for phone in phones_of(frames) if phone[0] == "_" and phone[2] - phone[1] > 0.2]
    assert len(pauses) == 2
    for _, start_s, end_s in pauses:
        quiet = pcm[round(start_s * 22050) : round(end_s * 22050)].astype(np.int32)
        assert np.abs(quiet).max() < 60
        assert end_s - start_s < 0.45


@pytest.mark.parametrize("text", ["😀 🎉", "***", "…", "</speak>", "   ", "— —"])
async def test_text_with_nothing_to_say_is_a_moment_of_silence(tts: espeak.TTS, text: str) -> None:
    errors: list[Any] = []
    tts.on("error", errors.append)
    frames = await frames_of(tts, text)
    assert errors == []
    assert not any(np.frombuffer(frame.data, np.int16).any() for frame in frames)
    if text.strip():
        assert "".join(words_of(frames)) == text
        assert sum(frame.duration for frame in frames) <= 0.1
    async with tts.synthesize(text) as stream:
        assert sum([audio.frame.duration async for audio in stream]) <= 0.1


async def test_no_text_at_all_is_no_sound(tts: espeak.TTS) -> None:
    assert await frames_of(tts) == []
    async with tts.stream() as stream:
        stream.flush()  # before any text: ends nothing
        stream.push_text("Hello.")
        stream.end_input()
        assert [audio async for audio in stream]


async def test_a_long_text_is_spoken_in_bounded_clauses_and_to_the_end(tts: espeak.TTS) -> None:
    text = ("Ninety nine words, and no more " * 400)[:9996] + "end."
    assert len(text) == 10_000
    frames = await frames_of(tts, text)
    assert "".join(words_of(frames)) == text
    assert max(len(frame.data) for frame in frames) <= 22050  # never more than half a second


async def test_text_beyond_the_limit_of_a_segment_is_not_spoken(
    tts: espeak.TTS, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("livekit.plugins.espeak.tts.MAX_TEXT", 20)
    frames = await frames_of(tts, "One two three. ", "Four five six. ", "Seven. ")
    assert "".join(words_of(frames)) == "One two three. Four "
    assert caplog.messages == ["text cut: a segment is too long"]


async def test_closing_a_stream_leaves_the_next_one_undelayed(tts: espeak.TTS) -> None:
    stream = tts.stream()
    stream.push_text("This will never be heard to its end, " * 50)
    await anext(stream)
    pid = tts._engine.pid
    await stream.aclose()
    assert words_of(await frames_of(tts, "Next."))
    assert tts._engine.pid == pid


async def test_several_streams_at_once_each_get_their_own_words(tts: espeak.TTS) -> None:
    texts = [f"This is stream {number}, and it goes on. Until here." for number in range(8)]
    for text, frames in zip(
        texts, await asyncio.gather(*(frames_of(tts, text) for text in texts)), strict=True
    ):
        check_timings(frames, text)


async def test_a_child_killed_in_mid_speech_is_not_heard(tts: espeak.TTS) -> None:
    async with tts.stream() as stream:
        stream.push_text("Hello there, this is ")
        frames = [(await anext(stream)).frame]
        psutil.Process(tts._engine.pid).kill()
        stream.push_text("the rest.")
        stream.end_input()
        frames += [audio.frame async for audio in stream]
    check_timings(frames, "Hello there, this is the rest.")


async def test_a_failure_is_left_to_livekits_retry(
    tts: espeak.TTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Any] = []
    tts.on("error", errors.append)
    tts.on("error", lambda _: monkeypatch.undo())  # the second attempt finds the program again
    monkeypatch.setattr("livekit.plugins.espeak.engine._PROGRAM", "/nonexistent.py")
    text = "Hello, here I am."
    async with tts.stream(conn_options=APIConnectOptions(max_retry=1)) as stream:
        stream.push_text(text)
        stream.end_input()
        frames = [audio.frame async for audio in stream]
    assert [error.recoverable for error in errors] == [True]
    check_timings(frames, text)


async def test_metrics_say_how_long_the_first_sound_took(tts: espeak.TTS) -> None:
    seen: list[metrics.TTSMetrics] = []
    tts.on("metrics_collected", seen.append)
    await frames_of(tts, "Hello there.")
    async with tts.synthesize("Hello there.") as stream:
        await stream.collect()
    for metric, streamed in zip(seen, (True, False), strict=True):
        assert metric.streamed is streamed
        assert 0 < metric.ttfb < metric.duration
        assert metric.audio_duration > 0.5
        assert metric.characters_count == 12
        assert metric.metadata is not None
        assert (metric.metadata.model_name, metric.metadata.model_provider) == (
            "en-us",
            "espeak-ng",
        )


async def test_options_change_the_next_stream(tts: espeak.TTS) -> None:
    text = "One two three four five six seven."
    slow = sum(frame.duration for frame in await frames_of(tts, text))
    tts.update_options(rate=330, voice="en-gb", pitch=70, volume=60)
    assert tts.model == "en-gb"
    fast = sum(frame.duration for frame in await frames_of(tts, text))
    assert fast < 0.7 * slow
    with pytest.raises(ValueError, match="rate must be"):
        tts.update_options(rate=9000, voice="de")
    assert tts.model == "en-gb"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"voice": "en_US"}, "did you mean 'en-us'"),
        ({"voice": "en-uk"}, "did you mean .*'en-gb'"),
        ({"voice": "en-us+f33"}, "no variant 'f33': did you mean .*'f3'"),
        ({"voice": ""}, "voice must be a name"),
        ({"rate": 20}, "rate must be a whole number 80..450, not 20"),
        ({"pitch": 100}, "pitch must be"),
        ({"volume": 1.5}, "volume must be"),
    ],
)
def test_options_that_cannot_be_are_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        espeak.TTS(**options)


async def test_prewarm_starts_the_child_and_aclose_ends_everything() -> None:
    tts = espeak.TTS()
    tts.prewarm()
    tts.prewarm()
    await frames_of(tts, "Hello.")
    process = psutil.Process(tts._engine.pid)
    stream = tts.stream()
    stream.push_text("Not heard, ")
    await tts.aclose()
    await tts.aclose()
    assert not process.is_running()
    with pytest.raises(RuntimeError, match="closed"):
        tts.stream()
    with pytest.raises(RuntimeError, match="closed"):
        tts.synthesize("hello")


async def test_aclose_during_prewarm_leaves_nothing() -> None:
    before = psutil.Process().children()
    tts = espeak.TTS()
    tts.prewarm()
    await asyncio.sleep(0)
    await tts.aclose()
    assert psutil.Process().children() == before


def test_prewarm_without_a_loop_is_harmless() -> None:
    espeak.TTS().prewarm()


async def test_list_voices_names_what_can_be_asked_for(tts: espeak.TTS) -> None:
    languages = {tag for voice in await tts.list_voices() for tag in voice.languages}
    assert {"en-us", "en-gb", "de", "fr-fr", "es"} <= languages


def test_the_plugin_is_registered() -> None:
    (plugin,) = [p for p in Plugin.registered_plugins if p.package == "livekit.plugins.espeak"]
    assert plugin.version == espeak.__version__


# A whole session: a scripted LLM, our TTS, and a sink that plays at once.


class Script(llm.LLM[Any]):
    def __init__(self, *replies: str) -> None:
        super().__init__()
        self.replies = list(replies)

    def chat(self, **given: Any) -> llm.LLMStream:
        return ScriptStream(
            self,
            chat_ctx=given["chat_ctx"],
            tools=given.get("tools") or [],
            conn_options=given.get("conn_options", DEFAULT_API_CONNECT_OPTIONS),
        )


class ScriptStream(llm.LLMStream):
    async def _run(self) -> None:
        assert isinstance(self._llm, Script)
        for token in self._llm.replies.pop(0).split(" "):
            delta = llm.ChoiceDelta(role="assistant", content=f"{token} ")
            self._event_ch.send_nowait(llm.ChatChunk(id="reply", delta=delta))


class Sink(io.AudioOutput):
    def __init__(self) -> None:
        super().__init__(label="sink", capabilities=io.AudioOutputCapabilities(pause=True))
        self.frames: list[rtc.AudioFrame] = []
        self._position_s = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self._position_s == 0.0:
            self.on_playback_started(created_at=time.time())
        self._position_s += frame.duration
        self.frames.append(frame)

    def flush(self) -> None:
        super().flush()
        position_s, self._position_s = self._position_s, 0.0
        if position_s:
            asyncio.get_running_loop().call_soon(
                lambda: self.on_playback_finished(playback_position=position_s, interrupted=False)
            )

    def clear_buffer(self) -> None:
        pass


@pytest.mark.parametrize("transforms", [NOT_GIVEN, None], ids=["filtered", "unfiltered"])
async def test_in_a_session_phones_reach_the_sink_and_emoji_do_not_stop_the_talk(
    tts: espeak.TTS, transforms: NotGivenOr[None]
) -> None:
    script = Script("Hello, my name is Bob. Nice to meet you!", "🎉 🎉", "Goodbye then.")
    session = AgentSession[None](
        llm=script,
        tts=tts,
        vad=None,
        turn_handling=TurnHandlingOptions(turn_detection="manual"),
        aec_warmup_duration=None,
        use_tts_aligned_transcript=True,
        tts_text_transforms=transforms,
    )
    errors: list[Any] = []
    session.on("error", errors.append)
    sink = Sink()
    session.output.audio = sink
    await session.start(Agent(instructions="talk"))
    try:
        spoken = []
        for question in ("hi", "party?", "bye"):
            result: RunResult[Any] = await session.run(user_input=question)
            result.expect.next_event().is_message(role="assistant")
            spoken.append(list(sink.frames))
            sink.frames.clear()
    finally:
        await session.aclose()
    assert errors == []
    check_timings(spoken[0], "Hello, my name is Bob. Nice to meet you! ")
    check_timings(spoken[2], "Goodbye then. ")
    history = [item for item in session.history.items if item.type == "message"]
    said = [(item.text_content or "").strip() for item in history if item.role == "assistant"]
    assert said[0] == "Hello, my name is Bob. Nice to meet you!"  # from the timed words
    assert said[-1] == "Goodbye then."
    assert not any(np.frombuffer(frame.data, np.int16).any() for frame in spoken[1])
    assert bool(spoken[1]) is (transforms is None)  # LiveKit's own filter leaves no text at all
