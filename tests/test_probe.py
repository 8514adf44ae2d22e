"""The probe's figures, on recordings whose truth is known."""

import argparse
import copy
import functools
import itertools
import wave
from pathlib import Path

import numpy as np
import pytest
from livekit.plugins.visavis.trace import Trace, levels_db
from servers import free_port

from agent.config import Settings
from agent.probe import command, measure
from agent.probe.arguments import LIMITS, add_arguments
from agent.probe.command import exceeded
from agent.probe.exact import exact_offsets
from agent.probe.recording import BLOCK, RATE, THUMB, Recording
from agent.probe.run import Report
from agent.probe.sound import SoundError, read_wav, write_wav

FPS = 25


def talk(seconds: float, seed: int = 1) -> np.ndarray:
    """Loudness of syllables, 0..1 in 10 ms steps, with pauses between phrases."""
    rng = np.random.default_rng(seed)
    level: list[float] = []
    while len(level) < seconds * 100:
        for _ in range(int(rng.integers(3, 9))):
            length = int(rng.integers(10, 26))
            level += list(np.sin(np.linspace(0, np.pi, length)) * rng.uniform(0.4, 1.0))
            level += [0.0] * int(rng.integers(2, 6))
        level += [0.0] * int(rng.integers(20, 90))
    return np.array(level[: int(seconds * 100)])


def recording(late: float, *, seconds: float = 20.0) -> Recording:
    """A fresh copy of `film`."""
    return copy.deepcopy(film(late, seconds))


@functools.cache
def film(late: float, seconds: float, fps: float = FPS, seed: int = 1) -> Recording:
    """A talking face whose mouth follows the sound `late` seconds behind, on a swaying head."""
    rng = np.random.default_rng(seed)
    level = np.concatenate([np.zeros(200), talk(seconds, seed), np.zeros(200)])
    made = Recording()
    tone = np.sin(2 * np.pi * 300 * np.arange(len(level) * BLOCK) / RATE)
    for i, loud in enumerate(level):
        block = tone[i * BLOCK : (i + 1) * BLOCK] * loud * 12_000
        made.add_audio(100 + i / 100, block.astype(np.int16))
    grid = np.arange(len(level)) / 100
    for n in range(int(len(level) / 100 * fps)):
        at = n / fps
        opening = np.interp(at + 0.5 / fps - late, grid + 0.005, level)
        picture = np.full((256, 256), 120.0) + 4 * np.sin(at) + rng.normal(0, 1.5, (256, 256))
        picture[40:44, 60:190] += 60 if n % 80 < 3 else 0  # blinks, which are not a mouth
        picture[170 : 172 + int(opening * 28), 100:156] = 30
        made.add_video(100 + at, np.clip(picture, 0, 255).astype(np.uint8))
    return made


@pytest.mark.parametrize("late", [-0.080, -0.035, 0.0, 0.040, 0.080, 0.180])
def test_a_shifted_picture_is_found_within_ten_milliseconds(late: float) -> None:
    made = recording(late)
    found = measure.offset(made, measure.utterances(made))
    assert found is not None
    assert abs(found.seconds - late) <= 0.010
    assert found.agreement > 0.6


def traced(late: float, *, seconds: float = 20.0) -> Recording:
    """The same, each picture carrying the loudness of the sound it was made for."""
    made = recording(0.0, seconds=seconds)
    sound = np.concatenate(made.audio_blocks)
    per_picture = RATE // FPS
    made.video_notes = []
    for n in range(len(made.video_times)):
        window = sound[n * per_picture : (n + 1) * per_picture]
        speaking = int(np.abs(window).max(initial=0) > 300)
        trace = Trace(7_000_000 + n * per_picture, speaking, 0, levels_db(window))
        made.video_notes.append(trace.pack())
    # a block is heard from its moment on; the sound of picture n begins at 100 + n / FPS
    made.video_times = [moment + late for moment in made.video_times]
    return made


@pytest.mark.parametrize("late", [-0.080, 0.0, 0.013, 0.080])
def test_pictures_that_say_their_sound_give_the_offset_exactly(late: float) -> None:
    found = exact_offsets(traced(late))
    assert found is not None
    assert abs(found.p50 - late) <= 0.003
    assert abs(found.p99 - abs(late)) <= 0.006
    assert found.pictures > 100


def test_without_notes_there_is_no_exact_offset() -> None:
    assert exact_offsets(recording(0.0)) is None


def test_a_voice_that_breaks_off_is_a_hole_and_a_pause_is_none() -> None:
    made = recording(0.0)
    assert measure.holes(made) == []
    loudest = int(np.argmax(made.audio_levels))
    for i in range(loudest - 3, loudest + 4):
        made.audio_levels[i] = 0.5
    for i in (loudest, loudest + 1):
        made.audio_levels[i] = 0.0
    (cut,) = measure.holes(made)
    assert cut.length == pytest.approx(0.02)


def test_the_last_moving_mouth_is_found() -> None:
    made = recording(0.0)
    spans = measure.utterances(made)
    last = measure.mouth_moves_before(made, spans, spans[0].start, spans[0].end + 0.3)
    assert last is not None
    assert spans[0].end - 0.25 < last < spans[0].end + 0.1


def test_a_still_picture_has_no_offset() -> None:
    made = recording(0.0)
    made.video_thumbs = [made.video_thumbs[0]] * len(made.video_thumbs)
    assert measure.offset(made, measure.utterances(made)) is None


def test_noise_that_does_not_go_with_the_sound_has_no_offset() -> None:
    made = recording(0.0)
    rng = np.random.default_rng(5)
    made.video_thumbs = [
        rng.integers(100, 130, (THUMB, THUMB)).astype(np.uint8) for _ in made.video_thumbs
    ]
    found = measure.offset(made, measure.utterances(made))
    assert found is None or found.agreement < 0.3


def test_a_limit_breaks_above_itself_and_where_nothing_was_seen() -> None:
    report = Report(offset=-0.09, first_sound=0.5)
    kept = {"offset": 0.1, "first_sound": 0.5, "join": None}
    assert exceeded(report, kept) == []
    offset, sound, reply = exceeded(
        report, {"offset": 0.08, "first_sound": 0.4, "reply_latency": 1.0}
    )
    assert offset == "picture against sound, either way: -0.090 s, limit 0.08 s"
    assert sound == "join to first sound: 0.500 s, limit 0.4 s"
    assert reply == "end of speech to first sound of the answer: not seen (limit 1 s)"


def test_every_limit_is_a_figure_and_an_option() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = parser.parse_args([f"--max-{name.replace('_', '-')}=1.5" for name in LIMITS])
    for name in LIMITS:
        assert getattr(given, f"max_{name}") == 1.5
        assert hasattr(Report(), name)


def test_a_server_that_is_away_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    away = Settings(livekit_url=f"ws://127.0.0.1:{free_port()}")
    assert command.run(away, parser.parse_args([])) == 2
    said = capsys.readouterr().err
    assert said.startswith("probe: ") and said.count("\n") == 1


def test_frame_rate_and_freezes_are_counted_from_the_gaps() -> None:
    made = recording(0.0)
    del made.video_times[100:110], made.video_thumbs[100:110]
    stops = measure.freezes(made)
    assert [round(stop.length, 2) for stop in stops] == [0.44]
    assert measure.frame_rate(recording(0.0)) == pytest.approx(FPS, abs=0.1)


def test_voice_is_found_by_its_loudness() -> None:
    made = recording(0.0)
    first = measure.first_voice(made, 100)
    assert first is not None
    assert 102.0 <= first <= 102.06
    spans = measure.utterances(made)
    assert spans[0].start == first
    assert all(b.start - a.end > measure.HANGOVER_S for a, b in itertools.pairwise(spans))
    assert measure.first_voice(made, 500) is None
    last = measure.last_voice(made, 100, 500)
    assert last == spans[-1].end


def test_a_wav_comes_back_as_it_was_written(tmp_path: Path) -> None:
    samples = (np.sin(np.arange(RATE) / 20) * 9000).astype(np.int16)
    write_wav(tmp_path / "a.wav", samples)
    assert (read_wav(tmp_path / "a.wav") == samples).all()


def test_unusable_sound_files_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "noise.wav").write_bytes(b"RIFFnot a wav at all")
    with pytest.raises(SoundError, match=r"noise\.wav: not a readable WAV file"):
        read_wav(tmp_path / "noise.wav")
    with wave.open(str(tmp_path / "eight.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(100))
    with pytest.raises(SoundError, match="convert it to 16-bit PCM"):
        read_wav(tmp_path / "eight.wav")
