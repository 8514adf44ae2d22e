"""The face at an avatar worker, in real rooms: workers die, agents leave, LiveKit's own parts."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import psutil
import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession, utils
from livekit.agents.voice.avatar import (
    AudioSegmentEnd,
    AvatarOptions,
    AvatarRunner,
    DataStreamAudioOutput,
    DataStreamAudioReceiver,
    VideoGenerator,
)
from livekit.agents.voice.io import PlaybackFinishedEvent
from livekit.plugins import visavis
from livekit.plugins.visavis.dispatch import Summons
from remotes import Ear, job_of, make_worker, play, speech
from servers import Background, Worker, agent_token

from agent.config import Settings
from agent.probe.run import Plan, create_room, participant_token

pytestmark = pytest.mark.server

PATIENT = 60
NAME = "test-avatar"
OURS = visavis.RemoteWorker(name=NAME, timeout_s=30.0)
OFFICIAL = "official"


@pytest.fixture(scope="module")
def workers(background: Background, livekit: Settings) -> Iterator[list[Worker]]:
    """Two workers, each for one call at a time."""
    both = [make_worker(livekit, NAME), make_worker(livekit, NAME)]

    async def start() -> None:
        await asyncio.gather(*(worker.start() for worker in both))

    async def stop() -> None:
        await asyncio.gather(*(worker.aclose() for worker in both))

    background.run(start())
    yield both
    background.run(stop())


async def job(workers: list[Worker], before: list[int]) -> psutil.Process:
    """The process that took a call since the workers had written so many lines."""
    while not (found := list(filter(None, map(job_of, workers, before)))):  # noqa: ASYNC110
        await asyncio.sleep(0.02)  # its log is slower than the avatar
    (process,) = found
    return process


async def test_a_worker_killed_in_a_sentence_costs_no_word(
    livekit: Settings, workers: list[Worker]
) -> None:
    before = [len(worker.lines) for worker in workers]
    async with asyncio.timeout(PATIENT), play(livekit, OURS) as on:
        await on.until_placed("remote")
        first, me = on.avatar.avatar_identity, on.room.local_participant.identity
        said = on.session.say("noise", audio=speech(4.0), add_to_chat_ctx=False)
        await on.ear.voice_of(first, 0)
        (await job(workers, before)).kill()
        killed = time.monotonic()
        await on.ear.voice_of(me, killed)
        await on.ear.face_of(me, killed)
        await said.wait_for_playout()
        (over,) = on.finished
        assert over.playback_position == pytest.approx(4.0) and not over.interrupted
        await on.until_placed("remote", 2)
        second = on.avatar.avatar_identity
        assert second not in (first, me)
        spoken = max(at for at, who, level in on.ear.sound if who == me and level > 500)
        assert await on.ear.face_of(second, 0) > spoken, "two faces, and the silent one on top"
        said = on.session.say("noise", audio=speech(1.0), add_to_chat_ctx=False)
        await on.ear.voice_of(second, killed)
        await said.wait_for_playout()
        assert [e.playback_position for e in on.finished] == pytest.approx([4.0, 1.0])


async def _data_bytes(room: rtc.Room) -> int:
    """What came into this room by its data channels."""
    stats = await room.get_rtc_stats()
    both = [*stats.publisher_stats, *stats.subscriber_stats]
    return sum(
        one.data_channel.dc.bytes_received
        for one in both
        if one.WhichOneof("stats") == "data_channel"
    )


async def test_speech_goes_to_the_worker_alone(livekit: Settings, workers: list[Worker]) -> None:
    async with asyncio.timeout(PATIENT), play(livekit, OURS) as on:
        await on.until_placed("remote")
        worker = on.avatar.avatar_identity
        said = on.session.say("noise", audio=speech(2.0), add_to_chat_ctx=False)
        await on.ear.voice_of(worker, 0)
        await said.wait_for_playout()
        last = asyncio.Event()
        on.ear.room.on("data_received", lambda _: last.set())
        await on.room.local_participant.publish_data("last")
        await last.wait()  # in order: what was sent before it has arrived
        assert 0 < await _data_bytes(on.ear.room) < 10_000  # two seconds are 192 000
        its_tracks = on.room.remote_participants[worker].track_publications
        assert len(its_tracks) == 2
        assert not any(publication.subscribed for publication in its_tracks.values())


async def test_the_worker_leaves_with_the_agent(livekit: Settings, workers: list[Worker]) -> None:
    before = [len(worker.lines) for worker in workers]
    async with asyncio.timeout(PATIENT), play(livekit, OURS) as on:
        await on.until_placed("remote")
        drawing, worker = await job(workers, before), on.avatar.avatar_identity
        on.session.say("noise", audio=speech(30.0), add_to_chat_ctx=False)
        await on.ear.voice_of(worker, 0)
        gone: list[str] = []
        left = asyncio.Event()

        def on_leave(participant: rtc.RemoteParticipant) -> None:
            gone.append(participant.identity)
            left.set()

        on.ear.room.on("participant_disconnected", on_leave)
        await on.room.disconnect()
        while worker not in gone:
            left.clear()
            await left.wait()
        await asyncio.to_thread(drawing.wait)


async def test_full_workers_leave_a_call_to_itself_until_one_is_free(
    livekit: Settings, workers: list[Worker]
) -> None:
    async with asyncio.timeout(PATIENT), AsyncExitStack() as calls:
        first = await calls.enter_async_context(play(livekit, OURS))
        async with play(livekit, OURS) as second:
            await asyncio.gather(first.until_placed("remote"), second.until_placed("remote"))
            hasty = visavis.RemoteWorker(name=NAME, timeout_s=2.0)
            third = await calls.enter_async_context(play(livekit, hasty))
            assert await third.until_placed("local") == "no avatar worker came within 2 s"
        await third.until_placed("remote")
        assert [place for _, place, _ in first.moments] == ["remote"]


async def come(summons: Summons, room: rtc.Room) -> str:
    """A worker in the room. Those that are still leaving another call refuse, for good."""
    while True:
        worker = summons.identity()
        await summons.call(worker)
        try:
            async with asyncio.timeout(5):
                await utils.wait_for_participant(room, identity=worker)
            return worker
        except TimeoutError:
            await summons.dismiss(worker)


async def test_livekits_own_output_speaks_through_our_worker(
    livekit: Settings, workers: list[Worker]
) -> None:
    name, ear, room = f"official-{time.monotonic_ns()}", Ear(), rtc.Room()
    session = AgentSession[None](vad=None, turn_handling={"turn_detection": "manual"})
    finished: list[PlaybackFinishedEvent] = []
    async with asyncio.timeout(PATIENT), AsyncExitStack() as end:
        await create_room(livekit, Plan(room=name))
        end.push_async_callback(ear.aclose)
        await ear.join(livekit.livekit_url, participant_token(livekit, name, "ear"))
        end.push_async_callback(room.disconnect)
        await room.connect(livekit.livekit_url, agent_token(livekit, name))
        key, secret = livekit.livekit_api_key, livekit.livekit_api_secret.get_secret_value()
        wanted = OURS.assignment("imani", (64, 64, 25), listener_timeout=5.0, trace=False)
        summons = Summons(room, OURS, wanted, (livekit.http_url, key, secret))
        end.push_async_callback(summons.aclose)
        worker = await come(summons, room)
        output = DataStreamAudioOutput(
            room,
            destination_identity=worker,
            sample_rate=24_000,
            wait_remote_track=rtc.TrackKind.KIND_VIDEO,
            wait_playback_start=True,
        )
        session.output.audio = output
        end.push_async_callback(session.aclose)
        await session.start(Agent(instructions="none"), room=room)
        output.on("playback_finished", finished.append)
        said = session.say("noise", audio=speech(1.0), add_to_chat_ctx=False)
        await ear.face_of(worker, 0)
        heard = await ear.voice_of(worker, 0)
        await said.wait_for_playout()
        said = session.say("noise", audio=speech(30.0), add_to_chat_ctx=False)
        await ear.voice_of(worker, heard + 1.5)
        await session.interrupt()
        await said.wait_for_playout()
        whole, cut = finished
        assert whole.playback_position == pytest.approx(1.0) and not whole.interrupted
        assert 0 < cut.playback_position < 30.0 and cut.interrupted


class _Mirror(VideoGenerator):
    """LiveKit's runner wants one: what comes in goes out, with a grey picture, idle ones too."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[rtc.AudioFrame | AudioSegmentEnd] = asyncio.Queue()

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        self._items.put_nowait(frame)

    def clear_buffer(self) -> None:
        while not self._items.empty():
            self._items.get_nowait()

    async def __aiter__(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        while True:
            yield rtc.VideoFrame(64, 64, rtc.VideoBufferType.I420, bytes([128]) * 6144)
            if not self._items.empty():
                yield self._items.get_nowait()


async def test_livekits_own_runner_is_our_avatar(livekit: Settings) -> None:
    remote = visavis.RemoteWorker(identity=OFFICIAL, timeout_s=30.0)
    room = rtc.Room()
    runner = AvatarRunner(
        room,
        audio_recv=DataStreamAudioReceiver(room, sender_identity="agent", frame_size_ms=40),
        video_gen=_Mirror(),
        options=AvatarOptions(64, 64, 25, 24_000, 1),
    )

    async def bring(name: str) -> None:
        await room.connect(livekit.livekit_url, agent_token(livekit, name, OFFICIAL))
        await runner.start()

    async with asyncio.timeout(PATIENT), play(livekit, remote, bring=bring) as on:
        try:
            await on.until_placed("remote")
            said = on.session.say("noise", audio=speech(1.0), add_to_chat_ctx=False)
            await on.ear.voice_of(OFFICIAL, 0)
            await on.ear.face_of(OFFICIAL, 0)
            await said.wait_for_playout()
            said = on.session.say("noise", audio=speech(30.0), add_to_chat_ctx=False)
            await on.ear.voice_of(OFFICIAL, time.monotonic() + 0.5)
            await on.session.interrupt()
            await said.wait_for_playout()
            assert [e.interrupted for e in on.finished] == [False, True]
            assert on.finished[0].playback_position == pytest.approx(1.0)
        finally:
            await runner.aclose()
            await room.disconnect()
