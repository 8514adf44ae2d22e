"""Talking over the avatar in a real room: what is lost, what is not, and what the history says."""

import asyncio
import time
from dataclasses import dataclass

import numpy as np
import pytest
import sounds
from livekit import rtc
from livekit.agents import tts
from livekit.agents.voice import io
from livekit.plugins import espeak, pocketsphinx, visavis
from numpy.typing import NDArray
from stages import STORY, Stage, persona, stage

from agent.config import Settings
from agent.guide import phrases
from agent.probe import measure
from agent.probe.sound import say
from agent.turns.hearing import RATE as EAR_RATE
from agent.turns.words import expected, plain
from avatar.frames import CLOCK_RATE, AudioChunk

pytestmark = pytest.mark.server

PATIENT = 60


def real_ear() -> pocketsphinx.STT:
    return pocketsphinx.STT(phrases=[*phrases(persona()), *expected("en")])


@dataclass(frozen=True, slots=True)
class Speech:
    """One thing that was said. It is looked up by its place: an answer may have come after it."""

    on: Stage
    number: int
    """How many speeches had finished before it."""

    @property
    def position_s(self) -> float:
        """How much of it was played."""
        return self.on.finished[self.number].playback_position

    @property
    def given_s(self) -> float:
        return sum(len(chunk.samples) for chunk in self._chunks()) / CLOCK_RATE

    def words_heard(self) -> int:
        """How many words had begun to sound when it ended, by its timings."""
        words = [word for chunk in self._chunks() for word in chunk.timings.words]
        return sum(len(plain(word.text)) for word in words if word.start_s < self.position_s)

    def _chunks(self) -> list[AudioChunk]:
        """What the face was told of it; segments are counted from 1."""
        heard = [item for item in self.on.face.heard if isinstance(item, AudioChunk)]
        return [chunk for chunk in heard if chunk.segment == self.number + 1]


def in_history(on: Stage) -> list[str]:
    """What the history has of the story that was told last, in words."""
    whole = plain(STORY)
    told = [plain(text) for text in on.said()]
    return next((said for said in reversed(told) if said and whole[: len(said)] == said), [])


def caption(on: Stage, after: float) -> str:
    """The agent's newest caption, in its last state."""
    found = [text for moment, who, text, _ in on.me.texts if who == "agent" and moment > after]
    return found[-1] if found else ""


async def test_coughs_and_murmurs_over_a_story_cost_none_of_it(livekit: Settings) -> None:
    noises = sounds.noises(1, seed=7)
    played = [s.samples for s in noises if s.name.split()[0] in ("cough", "keyboard", "laugh")]
    played += [s.samples for s in sounds.murmurs(2)]
    # an ear that hears no words in them; what the offline one makes up is `bench sounds`
    async with asyncio.timeout(PATIENT), stage(livekit) as on:
        handle, speech = on.session.say(STORY), Speech(on, len(on.finished))
        await on.me.wait_voice(time.monotonic())
        for samples in played:
            await on.me.speak(samples)
            await asyncio.sleep(0.5)
        await handle
        assert not handle.interrupted
        assert speech.position_s == pytest.approx(speech.given_s, abs=0.001)
        assert in_history(on) == plain(STORY)


async def test_a_real_interruption_silences_the_voice_and_cuts_the_history(
    livekit: Settings,
) -> None:
    talk = await say("Stop, please. I want to ask you something else.", pause_s=0.0)
    async with asyncio.timeout(PATIENT), stage(livekit, ear=real_ear()) as on:
        asked = time.monotonic()
        handle, speech = on.session.say(STORY), Speech(on, len(on.finished))
        await on.me.wait_voice(asked)
        await asyncio.sleep(1.7)
        began, ended = await on.me.speak(talk)
        quiet = measure.first_quiet(on.me.recording, began, 0.3)
        assert quiet is not None and quiet < ended, "the voice went on"
        await handle
        assert handle.interrupted
        assert on.actions[:2] == ["duck", "hold"]
        assert abs(len(in_history(on)) - speech.words_heard()) <= 1


class Loudspeaker(io.AudioInput):
    """A microphone that hears our own voice by a loudspeaker and a room, and somebody beside it.

    It runs by the clock of the playout and not by ours: a busy machine changes nothing of what
    there is to hear, only when it comes.
    """

    _BLOCK = 1536  # of the playout's samples: 32 ms

    def __init__(self, avatar: visavis.AvatarSession, *, delay_s: float, gain_db: float) -> None:
        super().__init__(label="loudspeaker")
        assert avatar.playout is not None
        self._playout = avatar.playout
        self._delay = round(delay_s * CLOCK_RATE)
        self._response = sounds.room() * 10 ** (gain_db / 20)
        self._heard_to = self._played()
        self._talk = np.zeros(0, np.int16)
        self._silent = asyncio.Event()

    async def talk(self, samples: NDArray[np.int16]) -> None:
        """Somebody says this, at CLOCK_RATE; returns once all of it was heard."""
        self._talk = samples
        self._silent.clear()
        await self._silent.wait()

    async def __anext__(self) -> rtc.AudioFrame:
        while (missing := self._heard_to + self._BLOCK - self._played()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(missing / CLOCK_RATE)
        self._heard_to += self._BLOCK
        count = self._BLOCK + len(self._response) - 1
        assert self._playout.voice is not None
        back = self._playout.voice.recent.last(
            self._heard_to - self._delay, count / CLOCK_RATE, CLOCK_RATE
        )
        mic = np.convolve(back, self._response, "valid")
        part, self._talk = self._talk[: self._BLOCK], self._talk[self._BLOCK :]
        mic[: len(part)] += part
        if not len(self._talk):
            self._silent.set()
        low = mic.reshape(-1, CLOCK_RATE // EAR_RATE).mean(axis=1)
        samples = np.clip(low, -32768, 32767).astype(np.int16)
        return rtc.AudioFrame(samples.tobytes(), EAR_RATE, 1, len(samples))

    def _played(self) -> int:
        return self._playout._clock.played(time.monotonic())


@pytest.mark.parametrize(("delay_s", "gain_db"), [(0.08, -6.0), (0.25, -12.0), (0.4, -20.0)])
async def test_its_own_echo_does_not_interrupt_it_but_a_voice_over_it_does(
    livekit: Settings, delay_s: float, gain_db: float
) -> None:
    talk = await say("Stop, please. I want to ask you something else.", pause_s=0.0)
    async with asyncio.timeout(PATIENT), stage(livekit, ear=real_ear()) as on:
        back = Loudspeaker(on.avatar, delay_s=delay_s, gain_db=gain_db)
        on.session.input.audio = back
        await on.session.say("Before I begin, let me tell you where this comes from.")
        on.actions.clear()
        handle = on.session.say(STORY[: STORY.index(".") + 1])
        await handle
        assert not handle.interrupted
        assert "hold" not in on.actions, on.actions
        assert all(message.role == "assistant" for message in on.messages)
        handle, asked = on.session.say(STORY), time.monotonic()
        await on.me.wait_voice(asked)
        await asyncio.sleep(1.5)
        await back.talk(talk)
        await handle
        assert handle.interrupted
        assert "stop" in on.actions


class Untimed(tts.TTS):
    """espeak without its timings, as most synthesisers are; keeps them for the test."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=22_050,
            num_channels=1,
        )
        self._inner = espeak.TTS()
        self.times: list[float] = []
        """When each word begins, in seconds from the start of the last speech."""
        self._offset_s = 0.0

    def begin(self) -> None:
        self.times, self._offset_s = [], 0.0

    def synthesize(self, text: str, *, conn_options=None) -> tts.ChunkedStream:  # type: ignore[no-untyped-def]
        return _UntimedStream(tts=self, input_text=text, conn_options=conn_options)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _UntimedStream(tts.ChunkedStream):
    async def _run(self, output: tts.AudioEmitter) -> None:
        owner = self._tts
        assert isinstance(owner, Untimed)
        output.initialize(
            request_id="untimed", sample_rate=22_050, num_channels=1, mime_type="audio/pcm"
        )
        async with owner._inner.synthesize(self._input_text) as stream:
            async for event in stream:
                for word in event.frame.userdata.get("lk.timed_transcripts", ()):
                    owner.times += [owner._offset_s + word.start_time] * len(plain(str(word)))
                output.push(event.frame.data.tobytes())
                last = event
                owner_duration = event.frame.duration
                self._length = getattr(self, "_length", 0.0) + owner_duration
        assert last
        owner._offset_s += self._length


@pytest.mark.parametrize("timed", [True, False])
async def test_the_history_ends_at_the_word_that_was_heard(livekit: Settings, timed: bool) -> None:
    rng = np.random.default_rng(8)
    voice = espeak.TTS() if timed else Untimed()
    async with asyncio.timeout(PATIENT), stage(livekit, voice=voice) as on:
        off: list[int] = []
        shown: list[int] = []
        for _ in range(5):
            if isinstance(voice, Untimed):
                voice.begin()
            asked, speech = time.monotonic(), Speech(on, len(on.finished))
            handle = on.session.say(STORY)
            await on.me.wait_voice(asked)
            await asyncio.sleep(rng.uniform(0.2, 4.0))
            await on.session.interrupt()
            await handle
            assert len(on.finished) == speech.number + 1
            heard = (
                sum(time < speech.position_s for time in voice.times)
                if isinstance(voice, Untimed)
                else speech.words_heard()
            )
            off.append(len(in_history(on)) - heard)
            shown.append(len(plain(caption(on, asked))) - heard)
        assert max(map(abs, off)) <= 1, off
        assert max(map(abs, shown)) <= 2, shown  # the word in between is on its way
