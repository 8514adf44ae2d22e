"""The STT with its real decoder and a real VAD, on speech that espeak-ng makes."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import numpy as np
import psutil
import pytest
from livekit import rtc
from livekit.agents import stt
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins import espeak, pocketsphinx
from numpy.typing import NDArray

PHRASES = (
    "hello",
    "what is your name",
    "what time is it",
    "tell me a story",
    "tell me about visavis",
    "how does this work",
    "can you change your voice",
    "thank you very much",
    "are you a robot",
    "good morning",
)
RATE = 22_050
Sound = NDArray[np.int16]
Say = Callable[[str], Sound]


@pytest.fixture(scope="module")
def say() -> Say:
    """Speaks a sentence, with a quiet room before and after it: (n,) int16 at RATE."""
    spoken: dict[str, Sound] = {}

    async def speak(text: str) -> Sound:
        voice = espeak.TTS(voice="en-us")
        async with voice.synthesize(text) as stream:
            frame = await stream.collect()
        await voice.aclose()
        assert frame.sample_rate == RATE
        return np.frombuffer(frame.data, dtype=np.int16)

    def cached(text: str) -> Sound:
        if text not in spoken:
            # its own thread: a loop already runs in this one
            task = threading.Thread(target=lambda: spoken.update({text: asyncio.run(speak(text))}))
            task.start()
            task.join()
        return np.concatenate([room(0.6), spoken[text] + room(0, len(spoken[text])), room(0.9)])

    return cached


@pytest.fixture
async def ear() -> AsyncIterator[pocketsphinx.STT]:
    ear = pocketsphinx.STT(phrases=PHRASES)
    yield ear
    await ear.aclose()


def room(seconds: float, samples: int = 0) -> Sound:
    """The hiss of a quiet room."""
    return np.random.default_rng(7).normal(0, 12, samples or int(seconds * RATE)).astype(np.int16)


def frames_of(sound: Sound, *, rate: int = RATE, channels: int = 1) -> list[rtc.AudioFrame]:
    step = rate // 50 * channels
    blocks = [sound[at : at + step] for at in range(0, len(sound), step)]
    return [rtc.AudioFrame(b.tobytes(), rate, channels, len(b) // channels) for b in blocks]


async def events_of(stream: stt.RecognizeStream, *sounds: Sound) -> list[SpeechEvent]:
    async with stream:
        for frame in frames_of(np.concatenate(sounds)):
            stream.push_frame(frame)
        stream.end_input()
        return [event async for event in stream]


def finals(events: list[SpeechEvent]) -> list[str]:
    wanted = SpeechEventType.FINAL_TRANSCRIPT
    return [event.alternatives[0].text for event in events if event.type is wanted]


async def recognized(ear: pocketsphinx.STT, sound: Sound) -> stt.SpeechData:
    event = await ear.recognize(frames_of(sound))
    return event.alternatives[0]


async def test_sentences_of_the_domain_come_out_as_they_were_said(
    ear: pocketsphinx.STT, say: Say
) -> None:
    said = ["what is your name", "tell me about visavis", "can you change your voice"]
    assert finals(await events_of(ear.stream(), *map(say, said))) == said


async def test_an_utterance_is_told_from_its_start_to_its_usage(
    ear: pocketsphinx.STT, say: Say
) -> None:
    events = await events_of(ear.stream(), say("how does this work"))
    kinds = [event.type for event in events]
    assert kinds[0] is SpeechEventType.START_OF_SPEECH
    assert kinds[-3:] == [
        SpeechEventType.FINAL_TRANSCRIPT,
        SpeechEventType.END_OF_SPEECH,
        SpeechEventType.RECOGNITION_USAGE,
    ]
    assert set(kinds[1:-3]) == {SpeechEventType.INTERIM_TRANSCRIPT}
    partials = [event.alternatives[0].text for event in events[1:-3]]
    assert all(one != after for one, after in pairwise(partials))
    data = events[-3].alternatives[0]
    assert data.words is not None and [str(word) for word in data.words] == data.text.split()
    assert 0.0 <= data.start_time < 0.6 < data.end_time
    assert data.confidence > 0.5
    usage = events[-1].recognition_usage
    assert usage is not None and usage.audio_duration > 1.0


async def test_a_stream_hears_what_a_whole_buffer_holds(ear: pocketsphinx.STT, say: Say) -> None:
    for phrase in ("what time is it", "thank you very much", "good morning"):
        whole = await recognized(ear, say(phrase))
        assert finals(await events_of(ear.stream(), say(phrase))) == [whole.text] == [phrase]


async def test_any_rate_and_channel_count_is_taken(ear: pocketsphinx.STT, say: Say) -> None:
    sound = np.repeat(say("are you a robot"), 2)  # both channels
    stream = ear.stream()
    async with stream:
        for frame in frames_of(sound, channels=2):
            stream.push_frame(frame)
        stream.end_input()
        assert finals([event async for event in stream]) == ["are you a robot"]


async def test_speech_about_something_else_is_unclear(ear: pocketsphinx.STT, say: Say) -> None:
    other = say("my grandmother bought seventeen chickens at the market")
    assert finals(await events_of(ear.stream(), other)) == [pocketsphinx.UNCLEAR]
    data = await recognized(ear, other)
    assert data.text == pocketsphinx.UNCLEAR
    assert data.words is None and data.confidence < 0.3


@pytest.mark.parametrize("kind", ["silence", "hiss", "hum", "knocks"])
async def test_what_is_no_speech_is_no_transcript(ear: pocketsphinx.STT, kind: str) -> None:
    random, time_s = np.random.default_rng(3), np.arange(2 * RATE) / RATE
    knocks = random.normal(0, 6000, 2 * RATE) * np.exp(-30.0 * (time_s % 0.4))
    sound = {
        "silence": np.zeros(2 * RATE),
        "hiss": random.normal(0, 1500, 2 * RATE),
        "hum": 5000 * np.sin(2 * np.pi * 100 * time_s),
        "knocks": np.clip(knocks, -30_000, 30_000),
    }[kind].astype(np.int16)
    assert (await recognized(ear, sound)).text == ""
    assert finals(await events_of(ear.stream(), sound)) == []


async def test_a_running_utterance_keeps_its_phrases(ear: pocketsphinx.STT, say: Say) -> None:
    first, second = say("tell me about visavis"), say("where is the nearest station")
    async with ear.stream() as stream:
        for frame in frames_of(first[: len(first) // 2]):
            stream.push_frame(frame)
        async for event in stream:
            if event.type is SpeechEventType.START_OF_SPEECH:
                break
        ear.update_options(phrases=["where is the nearest station", "a ticket please"])
        for frame in frames_of(np.concatenate([first[len(first) // 2 :], second])):
            stream.push_frame(frame)
        stream.end_input()
        heard = finals([event async for event in stream])
    assert heard == ["tell me about visavis", "where is the nearest station"]


async def test_two_streams_do_not_hear_each_other(ear: pocketsphinx.STT, say: Say) -> None:
    one, two = await asyncio.gather(
        events_of(ear.stream(), say("tell me a story")),
        events_of(ear.stream(), say("what time is it")),
    )
    assert finals(one) == ["tell me a story"]
    assert finals(two) == ["what time is it"]


async def test_a_flush_ends_the_utterance(ear: pocketsphinx.STT, say: Say) -> None:
    sound = say("what is your name")[: -int(0.85 * RATE)]  # the VAD has not seen the end of it
    async with ear.stream() as stream:
        for frame in frames_of(sound):
            stream.push_frame(frame)
        stream.flush()
        async for event in stream:
            if event.type is SpeechEventType.END_OF_SPEECH:
                break
        for frame in frames_of(say("good morning")):
            stream.push_frame(frame)
        stream.end_input()
        assert finals([event async for event in stream]) == ["good morning"]


async def test_closing_in_the_middle_leaves_nothing_behind(say: Say) -> None:
    before = set(psutil.Process().children())  # the servers of other tests
    ear = pocketsphinx.STT(phrases=PHRASES)
    stream = ear.stream()
    for frame in frames_of(say("how does this work")[: 2 * RATE]):
        stream.push_frame(frame)
    async for event in stream:
        if event.type is SpeechEventType.START_OF_SPEECH:
            break
    (child,) = set(psutil.Process().children()) - before
    assert "ear.__main__" in " ".join(child.cmdline())
    await ear.aclose()
    await ear.aclose()
    await stream.aclose()
    assert not child.is_running()
    assert not [t for t in threading.enumerate() if t.name.startswith("ear-")]
    with pytest.raises(Exception, match="closed"):
        ear.stream()


async def test_a_recogniser_that_is_dropped_ends_its_process() -> None:
    before = set(psutil.Process().children())
    ear = pocketsphinx.STT(phrases=PHRASES)
    ear.prewarm()
    (child,) = set(psutil.Process().children()) - before
    del ear
    gc.collect()
    assert not child.is_running()


async def test_a_process_that_dies_is_replaced(ear: pocketsphinx.STT, say: Say) -> None:
    before = set(psutil.Process().children())
    errors: list[stt.STTError] = []
    ear.on("error", errors.append)
    async with ear.stream() as stream:
        (child,) = set(psutil.Process().children()) - before
        for frame in frames_of(say("how does this work")[: int(1.5 * RATE)]):
            stream.push_frame(frame)
        async for event in stream:
            if event.type is SpeechEventType.START_OF_SPEECH:
                break
        child.kill()
        child.wait()
        for frame in frames_of(np.concatenate([room(1.5), say("what time is it")])):
            stream.push_frame(frame)
        stream.end_input()
        assert finals([event async for event in stream]) == ["what time is it"]
    assert [error.recoverable for error in errors] == [True]


async def test_what_cannot_be_is_refused(ear: pocketsphinx.STT) -> None:
    with pytest.raises(ValueError, match="English"):
        pocketsphinx.STT(language="de")
    with pytest.raises(ValueError, match="between 0 and 1"):
        ear.update_options(min_confidence=1.5)
    with pytest.raises(ValueError, match="at most 120"):
        await ear.recognize(frames_of(np.zeros(130 * RATE, np.int16)))
    assert (ear.model, ear.provider) == ("en-us", "PocketSphinx")
