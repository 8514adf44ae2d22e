"""AvatarSession in a real room with a real AgentSession: exactly one report, and never mute."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from faces import BrokenFace, PlainFace, StuckFace
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.io import PlaybackFinishedEvent
from livekit.plugins import espeak, visavis
from servers import agent_token

from agent.config import Settings
from agent.probe import measure
from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from avatar.frames import CLOCK_RATE, AudioChunk, SpeechEnd
from avatar.renderers import Renderer, understudy

pytestmark = pytest.mark.server

SENTENCE = "One, two, three, four, five, six, seven, eight, nine and ten are ten numbers."
_rooms = itertools.count(1)


@dataclass
class Stage:
    """An agent with a face in a room, and what it reported."""

    settings: Settings
    name: str
    room: rtc.Room
    session: AgentSession[None]
    avatar: visavis.AvatarSession
    face: Renderer
    finished: list[PlaybackFinishedEvent] = field(default_factory=list)
    faces: list[tuple[str, str]] = field(default_factory=list)

    def watcher(self) -> Participant:
        return Participant(
            self.settings.livekit_url, participant_token(self.settings, self.name, "watcher")
        )


@asynccontextmanager
async def stage(
    settings: Settings, face: Renderer, *, listener_timeout: float = 5.0
) -> AsyncIterator[Stage]:
    name = f"stage-{next(_rooms)}-{time.monotonic_ns()}"
    await create_room(settings, Plan(room=name))
    room, voice = rtc.Room(), espeak.TTS()
    session = AgentSession[None](tts=voice, vad=None, turn_handling={"turn_detection": "manual"})
    avatar = visavis.AvatarSession(renderer=face, listener_timeout=listener_timeout)
    made = Stage(settings, name, room, session, avatar, face)
    avatar.on("face_changed", lambda state, reason: made.faces.append((state, reason)))
    try:
        await room.connect(settings.livekit_url, agent_token(settings, name))
        await avatar.start(session, room)
        output = session.output.audio
        assert output is not None
        output.on("playback_finished", made.finished.append)
        await session.start(Agent(instructions="none"), room=room)
        yield made
    finally:
        await session.aclose()
        await avatar.aclose()
        await voice.aclose()
        await room.disconnect()


def given_seconds(face: PlainFace, segment: int) -> float:
    """How much speech of a segment the face was told of."""
    chunks = [item for item in face.heard if isinstance(item, AudioChunk)]
    return sum(len(chunk.samples) for chunk in chunks if chunk.segment == segment) / CLOCK_RATE


async def test_speech_is_heard_whole_and_reported_once(livekit: Settings) -> None:
    face = PlainFace()
    async with asyncio.timeout(60), stage(livekit, face) as on, on.watcher() as me:
        await me.audio_subscribed.wait()
        said = time.monotonic()
        await on.session.say(SENTENCE)
        await me.wait_quiet(said)
        assert [event.interrupted for event in on.finished] == [False]
        given = given_seconds(face, 1)
        assert on.finished[0].playback_position == pytest.approx(given, abs=0.001)
        spans = measure.utterances(me.recording)
        heard = spans[-1].end - spans[0].start
        # a starved receiver stretches what it plays; lost speech is much shorter
        assert given - 0.6 < heard < given + 0.5
        assert isinstance(face.heard[-1], SpeechEnd)
        assert any(chunk.timings.phones for chunk in face.heard if isinstance(chunk, AudioChunk))
        assert any(cue.segment == 1 for cue in face.cues)


async def test_an_interruption_reports_what_was_heard_and_the_next_speech_plays(
    livekit: Settings,
) -> None:
    face = PlainFace()
    async with asyncio.timeout(60), stage(livekit, face) as on, on.watcher() as me:
        await me.audio_subscribed.wait()
        for number in range(1, 6):
            said = time.monotonic()
            handle = on.session.say(SENTENCE)
            began = await me.wait_voice(said)
            await on.session.interrupt()
            await handle
            quiet = time.monotonic()
            assert len(on.finished) == number
            assert on.finished[-1].interrupted
            assert on.finished[-1].playback_position < quiet - began + 0.3
            await me.wait_quiet(began - 0.01, settle=0.3)
        assert face.forgotten[-1] == 5


async def test_clearing_is_idempotent(livekit: Settings) -> None:
    async with asyncio.timeout(60), stage(livekit, PlainFace()) as on, on.watcher() as me:
        await me.audio_subscribed.wait()
        output = on.session.output.audio
        assert output is not None
        output.clear_buffer()
        output.clear_buffer()
        said = time.monotonic()
        await on.session.say("Still here.")
        await me.wait_voice(said)
        assert [event.interrupted for event in on.finished] == [False]


async def test_a_pause_keeps_every_sample(livekit: Settings) -> None:
    face = PlainFace()
    async with asyncio.timeout(60), stage(livekit, face) as on, on.watcher() as me:
        await me.audio_subscribed.wait()
        output = on.session.output.audio
        assert output is not None
        said = time.monotonic()
        handle = on.session.say(SENTENCE)
        await me.wait_voice(said)
        output.pause()
        paused = time.monotonic()
        stopped = await me.wait_quiet(said, settle=0.5)
        assert stopped - paused < 0.4
        output.resume()
        await handle
        assert [event.interrupted for event in on.finished] == [False]
        given = given_seconds(face, 1)
        assert on.finished[0].playback_position == pytest.approx(given, abs=0.001)


async def test_the_voice_goes_on_when_the_face_dies(livekit: Settings) -> None:
    face = BrokenFace(after=40)
    async with asyncio.timeout(60), stage(livekit, face) as on, on.watcher() as me:
        await me.audio_subscribed.wait()
        await on.session.say(SENTENCE)
        await on.session.say("And on.")
        assert [event.interrupted for event in on.finished] == [False, False]
        assert on.faces == [("still", "the renderer died: the face broke")]
        await _attribute(me, "still")
        pictures = len(me.recording.video_times)
        await _pictures(me, pictures + 10)


async def test_a_neural_face_that_dies_is_stood_in_for_and_comes_back(
    livekit: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(understudy, "AGAIN_S", (0.5,))
    monkeypatch.setattr(understudy, "WELL_S", 0.2)
    made = iter((BrokenFace(after=40), PlainFace()))
    face = understudy.Understudied("neural", lambda: next(made), PlainFace())
    async with asyncio.timeout(60), stage(livekit, face) as on, on.watcher() as me:
        await me.audio_subscribed.wait()
        said = on.session.say(SENTENCE)
        await _attribute(me, "understudy", "neural died")
        await said
        await _attribute(me, "live")
        assert [event.interrupted for event in on.finished] == [False]
    assert on.faces == [("understudy", "neural died"), ("live", "the wanted renderer is back")]


async def test_a_stalled_face_holds_its_picture_and_comes_back(livekit: Settings) -> None:
    face = StuckFace(after=30)
    async with asyncio.timeout(60), stage(livekit, face) as on, on.watcher() as me:
        await me.audio_subscribed.wait()
        await on.session.say(SENTENCE)
        assert on.faces == [("still", "the renderer stalled")]
        assert [event.interrupted for event in on.finished] == [False]
        face.release.set()
        await _attribute(me, "live")
        assert [state for state, _ in on.faces] == ["still", "live"]


async def test_a_playout_that_dies_is_replaced_and_the_voice_comes_back(
    livekit: Settings,
) -> None:
    face = PlainFace()
    async with asyncio.timeout(60), stage(livekit, face) as on, on.watcher() as me:
        await me.audio_subscribed.wait()
        said = time.monotonic()
        handle = on.session.say(SENTENCE)
        await me.wait_voice(said)
        died, index = on.avatar.playout, face.cues[-1].index
        assert died is not None
        assert died.voice is not None
        await died.voice.source.aclose()
        died.voice.source.capture_frame = None  # type: ignore[method-assign, assign]  # it breaks
        await handle
        again = time.monotonic()
        await on.session.say("Here I am again.")
        await me.wait_voice(again - 2.0)
        assert len(on.finished) == 2
        assert not on.finished[-1].interrupted
        assert on.avatar.playout is not died
        assert face.cues[-1].index > index


async def test_the_first_words_wait_for_a_listener(livekit: Settings) -> None:
    async with asyncio.timeout(60), stage(livekit, PlainFace(), listener_timeout=20) as on:
        handle = on.session.say("Hello there.")
        async with on.watcher() as me:
            began = await me.wait_voice(me.joined)
            await handle
            assert began > me.joined
            assert on.finished[0].playback_position > 0.4


async def test_nobody_comes_and_it_speaks_all_the_same(livekit: Settings) -> None:
    async with asyncio.timeout(30), stage(livekit, PlainFace(), listener_timeout=0.2) as on:
        await on.session.say("Is anybody there?")
        assert [event.interrupted for event in on.finished] == [False]


async def test_starting_after_the_session_spoke_is_refused(livekit: Settings) -> None:
    room, name = rtc.Room(), f"late-{time.monotonic_ns()}"
    await room.connect(livekit.livekit_url, participant_token(livekit, name, "agent"))
    try:
        track = rtc.LocalAudioTrack.create_audio_track("roomio_audio", rtc.AudioSource(48_000, 1))
        await room.local_participant.publish_track(track, rtc.TrackPublishOptions())
        avatar = visavis.AvatarSession(renderer=PlainFace())
        with pytest.raises(visavis.VisavisException, match=r"before session\.start"):
            await avatar.start(AgentSession[None](vad=None), room)
    finally:
        await room.disconnect()


async def test_an_unknown_portrait_says_which_there_are(tmp_path: Path) -> None:
    avatar = visavis.AvatarSession(portrait="nobody")
    with pytest.raises(visavis.VisavisException, match=r"no portrait 'nobody'.*imani"):
        await avatar.start(AgentSession[None](vad=None), rtc.Room())


async def _attribute(me: Participant, state: str, why: str = "") -> None:
    def told() -> tuple[str | None, str]:
        seen = me.room.remote_participants["agent"].attributes
        return seen.get(visavis.ATTRIBUTE_FACE), seen.get(visavis.ATTRIBUTE_FACE_REASON, "")

    while told() != (state, why):  # noqa: ASYNC110  # no event tells
        await asyncio.sleep(0.02)


async def _pictures(me: Participant, count: int) -> None:
    while len(me.recording.video_times) < count:  # noqa: ASYNC110  # an array, not an event
        await asyncio.sleep(0.02)
