"""What we use of LiveKit beyond its documented surface: an upgrade that changes it fails here."""

import asyncio
import inspect

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import AgentSession, LanguageCode, inference
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.agents.voice.avatar import AvatarSession as BaseAvatarSession
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities
from livekit.agents.voice.room_io import RoomOptions
from livekit.agents.worker import AgentServer
from livekit.plugins import visavis
from livekit.plugins.visavis.sink import AvatarSink, timings

from avatar.timeline import Finished, Started


def frame(samples: int = 480, rate: int = 48_000) -> rtc.AudioFrame:
    return rtc.AudioFrame(np.zeros(samples, np.int16).tobytes(), rate, 1, samples)


def test_version_is_the_pinned_one() -> None:
    from livekit.agents import __version__

    assert __version__.startswith("1.8.")


def test_timed_transcripts_ride_on_the_frame_under_the_known_key() -> None:
    assert USERDATA_TIMED_TRANSCRIPT == "lk.timed_transcripts"
    word = TimedString("hello ", start_time=0.1, end_time=0.4)
    found = timings({USERDATA_TIMED_TRANSCRIPT: [word]})
    assert [(w.text, w.start_s, w.end_s) for w in found.words] == [("hello ", 0.1, 0.4)]


def test_frames_keep_their_userdata() -> None:
    made = rtc.AudioFrame(bytes(2), 48_000, 1, 1, userdata={"a": 1})
    assert made.userdata == {"a": 1}


async def test_the_tail_of_the_output_chain_can_be_replaced() -> None:
    session = AgentSession[None](vad=None)
    sink = AvatarSink()
    session.output.replace_audio_tail(sink)
    assert session.output.audio is sink
    assert sink.can_pause


async def test_the_base_output_counts_one_segment_from_capture_to_finish() -> None:
    class Plain(AudioOutput):
        def __init__(self) -> None:
            super().__init__(label="plain", capabilities=AudioOutputCapabilities(pause=True))

        async def capture_frame(self, frame: rtc.AudioFrame) -> None:
            await super().capture_frame(frame)

        def flush(self) -> None:
            super().flush()

        def clear_buffer(self) -> None: ...

    plain = Plain()
    await plain.capture_frame(frame())
    await plain.capture_frame(frame())
    assert plain._pending_playback_count == 1
    plain.flush()
    plain.on_playback_finished(playback_position=0.02, interrupted=False)
    assert plain._pending_playback_count == 0


async def test_a_sink_without_a_playout_still_finishes_its_segment() -> None:
    sink = AvatarSink()
    await sink.capture_frame(frame())
    sink.flush()
    async with asyncio.timeout(1):
        event = await sink.wait_for_playout()
    assert event.interrupted
    assert event.playback_position == 0.0


async def test_playout_events_become_session_events() -> None:
    sink = AvatarSink()
    heard: list[object] = []
    sink.on("playback_started", heard.append)
    sink.on("playback_finished", heard.append)
    await sink.capture_frame(frame())
    sink.handle(Started(1))
    sink.handle(Finished(1, 24_000, interrupted=True))
    assert [type(event).__name__ for event in heard] == [
        "PlaybackStartedEvent",
        "PlaybackFinishedEvent",
    ]
    assert heard[1].playback_position == 0.5  # type: ignore[attr-defined]  # checked by name


def test_the_base_avatar_session_keeps_what_our_close_undoes() -> None:
    source = inspect.getsource(BaseAvatarSession)
    for name in ("self._room", "self._agent_session", "_on_connection_state_changed"):
        assert name in source
    assert "remove_participant" in inspect.getsource(BaseAvatarSession.aclose)


def test_the_worker_tells_its_active_jobs() -> None:
    assert isinstance(inspect.getattr_static(AgentServer, "active_jobs"), property)


def test_the_arguments_we_pass_exist() -> None:
    server = inspect.signature(AgentServer.__init__).parameters
    wanted = ("setup_fnc", "initialize_process_timeout", "num_idle_processes", "load_fnc")
    assert all(name in server for name in (*wanted, "load_threshold", "host", "port"))
    assert "version" in inspect.signature(inference.TurnDetector.__init__).parameters
    assert "min_silence_duration" in inspect.signature(inference.VAD.__init__).parameters
    assert "delete_room_on_close" in inspect.signature(RoomOptions).parameters


async def test_the_end_of_turn_threshold_can_be_moved_during_a_call() -> None:
    detector = inference.TurnDetector(version="v1-mini")
    english = LanguageCode("en")
    detector._opts.thresholds.update_overrides(0.01)
    assert await detector.unlikely_threshold(english) == pytest.approx(0.01)
    detector._opts.thresholds.update_overrides(0.36)
    assert await detector.unlikely_threshold(english) == pytest.approx(0.36)


def test_malformed_phonemes_are_ignored() -> None:
    odd = [
        {"alphabet": "ipa", "phones": [["p", 0.1, 0.2], ["t"], ["k", "x", 1]]},
        {"alphabet": "klingon", "phones": []},
    ]
    assert timings({visavis.USERDATA_PHONEMES: odd}).phones == ()
    found = timings({visavis.USERDATA_PHONEMES: odd[:1]})
    assert [(p.symbol, p.start_s, p.end_s) for p in found.phones] == [("p", 0.1, 0.2)]


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
async def test_any_sample_rate_reaches_the_playout_whole(rate: int) -> None:
    class Collector:
        alive = True
        samples = 0

        def hear(self, item: object) -> None:
            self.samples += len(getattr(item, "samples", ()))

        async def wait_for_space(self) -> None: ...

    collector, sink = Collector(), AvatarSink()
    sink.bind(collector)  # type: ignore[arg-type]  # has what the sink calls
    for _ in range(50):
        await sink.capture_frame(frame(rate // 50, rate))
    sink.flush()
    assert abs(collector.samples - 48_000) <= 480
