"""Whole calls through a real livekit-server and a real worker, heard and seen by a participant."""

import argparse
import asyncio
import itertools
import json
import time
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.utils import combine_frames
from livekit.plugins import pocketsphinx
from servers import Worker

from agent.config import Settings
from agent.probe import command, measure
from agent.probe.arguments import add_arguments
from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from agent.probe.sound import read_wav, resample, say

pytestmark = pytest.mark.server

WAIT_S = 30
COUNT = ["one", "two", "three", "four", "five"]
_rooms = itertools.count(1)


class Call:
    """A participant in a room of its own, microphone open, greeting over."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.room = f"test-{time.monotonic_ns()}-{next(_rooms)}"
        self.me = Participant(settings.livekit_url, participant_token(settings, self.room))

    async def __aenter__(self) -> Participant:
        await create_room(self.settings, Plan(room=self.room))
        await self.me.__aenter__()
        try:
            async with asyncio.timeout(WAIT_S):
                await self.me.publish_microphone()
                await self.me.wait_quiet(self.me.joined)
        except BaseException:
            await self.me.__aexit__()
            raise
        return self.me

    async def __aexit__(self, *_: object) -> None:
        await self.me.__aexit__()


async def recognise(samples: np.ndarray, phrases: list[str]) -> str:
    """What the offline ear makes of some sound, with these phrases as its language."""
    ear = pocketsphinx.STT(phrases=phrases, min_confidence=0.0)
    try:
        low = resample(samples, 48_000, 16_000)
        event = await ear.recognize(
            combine_frames([rtc.AudioFrame(low.tobytes(), 16_000, 1, len(low))])
        )
        return event.alternatives[0].text
    finally:
        await ear.aclose()


def agent_captions(me: Participant, after: float) -> str:
    """What the agent's captions said after a moment, the last state of each segment."""
    agent = me.agent()
    assert agent is not None
    latest: dict[str, str] = {}
    for moment, identity, text, attributes in me.texts:
        if identity == agent.identity and moment > after:
            latest[attributes["lk.segment_id"]] = text
    return " ".join(latest.values())


def user_captions(me: Participant) -> list[str]:
    mine = me.room.local_participant.identity
    return [text for _, identity, text, _ in me.texts if identity == mine]


async def test_a_spoken_question_gets_the_right_answer_heard_and_seen(
    livekit: Settings, worker: Worker
) -> None:
    question = await say("Can you count to five?")
    async with asyncio.timeout(90), Call(livekit) as me:
        _, asked = await me.speak(question)
        answered = await me.wait_voice(asked)
        over = await me.wait_quiet(answered - 0.01)
        sound = me.recording.sound(answered - 0.2, over + 0.3)
        heard = await recognise(sound, ["one two three four five", "six seven eight nine ten"])
        counted = [word for word in heard.split() if word in COUNT]
        # the ear itself may take one for "when" and two for "do"
        assert len(counted) >= 3 and counted == sorted(set(counted), key=COUNT.index), heard
        spans = measure.utterances(me.recording)
        moved = measure.mouth(me.recording, spans)
        assert moved is not None, "the mouth does not move with the sound"
        assert me.recording.video_size == (512, 512)
        assert "count" in " ".join(user_captions(me)).lower()
        assert "five" in agent_captions(me, asked).lower()


async def test_both_tracks_come_from_one_participant(livekit: Settings, worker: Worker) -> None:
    async with asyncio.timeout(60), Call(livekit) as me:
        agent = me.agent()
        assert agent is not None
        sources = {p.source: p for p in agent.track_publications.values()}
        assert set(sources) == {
            rtc.TrackSource.SOURCE_MICROPHONE,
            rtc.TrackSource.SOURCE_CAMERA,
        }
        assert not sources[rtc.TrackSource.SOURCE_CAMERA].simulcasted
        assert agent.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


async def test_typed_questions_are_answered_and_abuse_is_survived(
    livekit: Settings, worker: Worker
) -> None:
    async with asyncio.timeout(90), Call(livekit) as me:
        local = me.room.local_participant
        await local.publish_data(bytes(range(256)) * 40, topic="lk.chat")
        await local.publish_data(b"\x00\xff" * 5000, reliable=False)
        await local.send_text("", topic="lk.chat")
        asked = time.monotonic()
        await me.type("x" * 10_000)
        heard = await me.wait_voice(asked)
        await me.wait_quiet(heard - 0.01)
        asked = time.monotonic()
        await me.type("what can you do?")
        heard = await me.wait_voice(asked)
        await me.wait_quiet(heard - 0.01)
        assert len(agent_captions(me, asked)) > 20


async def test_talking_over_it_stops_the_voice_and_cuts_the_caption(
    livekit: Settings, worker: Worker
) -> None:
    interruption = await say("Stop, please. I want to ask you something else.", pause_s=0.0)
    async with asyncio.timeout(90), Call(livekit) as me:
        asked = time.monotonic()
        await me.type("tell me a story")
        await me.wait_voice(asked)
        await _words(me, asked, 25)
        began, ended = await me.speak(interruption)
        quiet = measure.first_quiet(me.recording, began, 0.3)
        assert quiet is not None, "the voice went on"
        assert quiet < ended
        cut = agent_captions(me, asked)
        assert 10 < len(cut.split()) < 80, "the caption is not cut to what was heard"


async def _words(me: Participant, after: float, count: int) -> None:
    """Until the captions show so many words."""
    while len(agent_captions(me, after).split()) < count:  # noqa: ASYNC110  # texts, not events
        await asyncio.sleep(0.05)


async def test_the_probe_measures_a_call_and_keeps_what_it_heard(
    livekit: Settings, worker: Worker, tmp_path: Path
) -> None:
    figures, sound = tmp_path / "figures.json", tmp_path / "sound.wav"
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = ["--say", "What can you do?", "--interrupt-say", "Stop, please."]
    kept = ["--interrupt-at", "0", "--json", str(figures), "--record", str(sound)]
    asked = parser.parse_args([*words, *kept, "--max-join", "60", "--max-offset-exact-p99", "60"])
    assert await asyncio.to_thread(command.run, livekit, asked) == 0
    told = json.loads(figures.read_text())
    seen = ("join", "first_picture", "first_sound", "first_mouth", "reply_latency", "tail_sound")
    assert all(told[name] is not None for name in (*seen, "offset_exact", "offset_exact_p99"))
    assert told["heard_s"] > 1 and told["fps"] > 0 and told["captions"]
    assert len(read_wav(sound)) > 0


async def test_three_calls_at_once_in_one_worker(livekit: Settings, worker: Worker) -> None:
    async def one(text: str) -> str:
        async with Call(livekit) as me:
            asked = time.monotonic()
            await me.type(text)
            heard = await me.wait_voice(asked)
            await me.wait_quiet(heard - 0.01)
            return agent_captions(me, asked).lower()

    async with asyncio.timeout(120):
        answers = await asyncio.gather(
            one("spell cat"), one("count to three"), one("what is two plus two")
        )
    assert "c" in answers[0]
    assert "three" in answers[1]
    assert "four" in answers[2]


async def test_twenty_calls_one_after_the_other(livekit: Settings, worker: Worker) -> None:
    async with asyncio.timeout(300):
        for number in range(20):
            room = f"twenty-{number}"
            await create_room(livekit, Plan(room=room))
            async with Participant(livekit.livekit_url, participant_token(livekit, room)) as me:
                await me.wait_voice(me.joined)
                assert me.recording.video_times or await _picture(me)


async def _picture(me: Participant) -> bool:
    while not me.recording.video_times:  # noqa: ASYNC110  # an array, not an event
        await asyncio.sleep(0.02)
    return True


async def test_a_room_nobody_may_enter_refuses_the_token(livekit: Settings) -> None:
    wrong = livekit.model_copy(update={"livekit_api_key": "nobody"})
    with pytest.raises(rtc.ConnectError):
        async with Participant(livekit.livekit_url, participant_token(wrong, "x")):
            pytest.fail("a token of an unknown key was accepted")
