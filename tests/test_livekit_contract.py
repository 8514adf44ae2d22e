"""What we use of LiveKit beyond its documented surface: an upgrade that changes it fails here."""

import asyncio
import inspect

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import AgentSession, LanguageCode, inference
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.agents.vad import VADEvent
from livekit.agents.voice.agent_activity import AgentActivity
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.avatar import AvatarSession as BaseAvatarSession
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities
from livekit.agents.voice.room_io import AudioInputOptions, RoomIO, RoomOptions, TextInputOptions
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


class Collector:
    """What the sink calls of a playout."""

    samples = 0

    def hear(self, item: object) -> None:
        self.samples += len(getattr(item, "samples", ()))

    async def wait_for_space(self) -> None: ...


async def test_a_held_sink_gives_its_speech_to_the_next_playout() -> None:
    died, new, sink = Collector(), Collector(), AvatarSink()
    sink.bind(died)  # type: ignore[arg-type]  # has what the sink calls
    sink.hold()
    given = asyncio.create_task(sink.capture_frame(frame()))
    await asyncio.sleep(0)
    assert not given.done()
    sink.bind(new)  # type: ignore[arg-type]  # likewise
    sink.release()
    await given
    assert (died.samples, new.samples) == (0, 480)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
async def test_any_sample_rate_reaches_the_playout_whole(rate: int) -> None:
    collector, sink = Collector(), AvatarSink()
    sink.bind(collector)  # type: ignore[arg-type]  # has what the sink calls
    for _ in range(50):
        await sink.capture_frame(frame(rate // 50, rate))
    sink.flush()
    assert abs(collector.samples - 48_000) <= 480


def test_vad_windows_carry_what_the_floor_judges() -> None:
    fields = VADEvent.__dataclass_fields__
    for name in ("probability", "frames", "speech_duration", "raw_accumulated_speech"):
        assert name in fields
    assert {"min_silence_duration"} <= set(dir(inference.VAD))


def test_livekit_leaves_interruptions_by_voice_to_us() -> None:
    source = inspect.getsource(AgentActivity.on_vad_inference_done)
    assert 'ev.speech_duration >= self._session.options.interruption["min_duration"]' in source


def test_a_final_transcript_still_interrupts_by_itself() -> None:
    source = inspect.getsource(AgentActivity.on_final_transcript)
    assert "_interrupt_by_audio_activity" in source


def test_what_turns_import_from_inside_livekit_is_there() -> None:
    assert "tts_conn_options" in SessionConnectOptions.__dataclass_fields__
    assert "text_input_cb" in TextInputOptions.__dataclass_fields__
    assert "frame_size_ms" in AudioInputOptions.__dataclass_fields__
    assert hasattr(RoomIO, "linked_participant")
    assert "conn_options" in inspect.signature(AgentSession.__init__).parameters


def test_a_stream_of_speech_is_driven_by_its_main_task() -> None:
    """Our chain of voices replaces it, so that what rides on frames is kept."""
    from livekit.agents import tts

    made = inspect.getsource(tts.SynthesizeStream.__init__)
    for name in ("_main_task", "_input_ch", "_event_ch"):
        assert name in made
    assert inspect.iscoroutinefunction(tts.SynthesizeStream._main_task)
    assert inspect.isfunction(tts.SynthesizeStream._mark_started)


def test_the_remote_protocol_has_the_names_and_keys_that_our_worker_speaks() -> None:
    from livekit.agents.voice.avatar import _datastream_io as official
    from livekit.agents.voice.io import PlaybackFinishedEvent
    from livekit.plugins.visavis import wire

    assert official.AUDIO_STREAM_TOPIC == wire.AUDIO_TOPIC
    assert official.RPC_CLEAR_BUFFER == wire.RPC_CLEAR
    assert official.RPC_PLAYBACK_STARTED == wire.RPC_STARTED
    assert official.RPC_PLAYBACK_FINISHED == wire.RPC_FINISHED
    assert set(PlaybackFinishedEvent.__dataclass_fields__) == set(
        wire.PlaybackFinished.model_fields
    )
