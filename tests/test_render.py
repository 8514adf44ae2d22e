import builtins
import errno
import json
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from visemes.corpus import Espeak

from avatar import clip
from avatar.clip import read_sound
from avatar.frames import CLOCK_RATE
from avatar.params import CHANNELS, INDEX
from avatar.render import Job, main, render


def write_wav(path: Path, samples: NDArray[np.int16], rate: int = CLOCK_RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def buzz(seconds: float, rate: int = CLOCK_RATE) -> NDArray[np.int16]:
    t = np.arange(round(seconds * rate)) / rate
    return np.asarray(6000 * np.sign(np.sin(2 * np.pi * 150 * t)), np.int16)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "a.wav", buzz(1.0))


@pytest.fixture
def timings(tmp_path: Path) -> Path:
    path = tmp_path / "t.json"
    phones = [["m", 0.1, 0.3], ["ˈɑː", 0.3, 0.6], ["p", 0.6, 0.72], ["ˈɑː", 0.72, 1.0]]
    path.write_text(json.dumps({"alphabet": "ipa", "phones": phones}), encoding="utf-8")
    return path


def command(sound: Path, *more: str | Path) -> list[str]:
    return ["--portrait", "imani", "--size", "128x128", "--audio", str(sound), *map(str, more)]


def track_of(path: Path) -> list[dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["channels"] == list(CHANNELS)
    frames: list[dict[str, Any]] = found["frames"]
    return frames


def test_a_clip_has_every_frame_and_all_of_the_sound(
    sound: Path, timings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o.mp4"
    assert main(command(sound, "--timings", timings, "--out", out, "--fps", "25")) == 0
    with av.open(str(out)) as clip:
        pictures = [f.to_ndarray(format="gray") for f in clip.decode(video=0)]
        assert clip.streams.video[0].average_rate == 25
    with av.open(str(out)) as clip:
        heard = sum(f.samples for f in clip.decode(audio=0))
        assert clip.streams.audio[0].rate == CLOCK_RATE
    assert len(pictures) == 25
    assert pictures[0].shape == (128, 128)
    assert heard >= CLOCK_RATE
    assert "25/25 frames" in capsys.readouterr().err


def test_the_track_follows_the_timings(sound: Path, timings: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.json"
    assert main(command(sound, "--timings", timings, "--frames-json", out, "--fps", "50")) == 0
    frames = track_of(out)
    assert len(frames) == 50
    assert frames[0]["t"] == 0.01
    jaw = [frame["weights"][INDEX["jawOpen"]] for frame in frames]
    press = [frame["weights"][INDEX["mouthPressLeft"]] for frame in frames]
    for consonant, vowel in ((0.2, 0.45), (0.65, 0.85)):
        assert press[int(consonant * 50)] >= 0.7 > 0.1 > press[int(vowel * 50)]
        assert jaw[int(vowel * 50)] > 0.5 > 0.1 > jaw[int(consonant * 50)]


def test_the_same_command_writes_the_same_track_and_another_seed_another(
    sound: Path, timings: Path, tmp_path: Path
) -> None:
    texts = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        out = tmp_path / name
        arguments = command(sound, "--timings", timings, "--frames-json", out, "--seed", seed)
        assert main(arguments) == 0
        texts.append(out.read_text(encoding="utf-8"))
    assert texts[0] == texts[1] != texts[2]


def test_text_without_timings_closes_the_lips_for_its_letters(tmp_path: Path) -> None:
    said = Espeak().say("Mama and papa baked a big apple pie", "en-us+f3")
    sound = write_wav(tmp_path / "said.wav", np.asarray(said.samples * 32767, np.int16))

    def closed(*more: str) -> int:
        out = tmp_path / "f.json"
        assert main(command(sound, "--frames-json", out, "--fps", "50", *more)) == 0
        return sum(f["weights"][INDEX["mouthPressLeft"]] > 0.7 for f in track_of(out))

    assert closed("--text", said.text) > 15
    assert closed("--text", "Those were the days") < closed("--text", said.text)


def test_words_in_the_timings_move_the_mouth(tmp_path: Path) -> None:
    said = Espeak().say("Mama and papa baked a big apple pie", "en-us+f3")
    sound = write_wav(tmp_path / "said.wav", np.asarray(said.samples * 32767, np.int16))
    starts = [*said.word_starts_s, len(said.samples) / CLOCK_RATE]
    words = [[w, *span] for w, span in zip(said.text.split(), pairwise(starts), strict=True)]
    path, out = tmp_path / "t.json", tmp_path / "f.json"
    path.write_text(json.dumps({"words": words}))
    arguments = command(sound, "--timings", path, "--frames-json", out, "--fps", "50")
    assert main(arguments) == 0
    assert sum(f["weights"][INDEX["mouthPressLeft"]] > 0.7 for f in track_of(out)) > 15


def test_a_clip_that_cannot_be_finished_leaves_no_file(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(clip, "_write", full)
    with pytest.raises(clip.RenderError, match="No space left"):
        render(Job("imani", sound, size=(128, 128), out=tmp_path / "o.mp4"))
    assert not (tmp_path / "o.mp4").exists()


def test_a_mood_shows(sound: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.json"
    assert main(command(sound, "--frames-json", out, "--mood", "happy")) == 0
    assert track_of(out)[-1]["weights"][INDEX["mouthSmileLeft"]] > 0.2


def test_sound_of_any_rate_is_brought_to_the_clock_once(tmp_path: Path) -> None:
    samples = read_sound(write_wav(tmp_path / "a.wav", buzz(0.5, 22050), 22050))
    assert samples.dtype == np.int16
    assert len(samples) == pytest.approx(CLOCK_RATE / 2, abs=64)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "give --out"),
        (("--out", "o.mp4", "--mood", "hungry"), "hungry"),
        (("--out", "o.mp4", "--size", "511x512"), "two even numbers"),
        (("--out", "o.mp4", "--size", "big"), "two even numbers"),
        (("--out", "o.mp4", "--fps", "0"), "--fps is between"),
        (("--out", "o.mp4", "--fps", "fast"), "fast"),
        (("--out", "/nowhere/at/all/o.mp4"), "cannot write"),
        (("--frames-json", "/nowhere/at/all/f.json"), "cannot write"),
        (("--out", "o.mp4", "--timings", "/nowhere/t.json"), "cannot read"),
        (("--out", "o.mp4", "--surprise"), "--surprise"),
        (("--out", "."), "it is a folder"),
        (("--frames-json", "/dev/full"), "No space left"),
        (("--out", "/dev/full"), "cannot write"),
        (("--out", "o.mp4", "--text", "a", "--timings", "t.json"), "--timings or --text"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(
    sound: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(sound.parent)
    assert main(command(sound, *more)) == 2
    said = capsys.readouterr().err.strip().split("\n")[-1]
    assert said.startswith("render: ")
    assert words in said


def test_portraits_and_sounds_that_are_not_there_or_not_sounds_are_refused(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--frames-json", str(tmp_path / "f.json")]
    text = tmp_path / "not.wav"
    text.write_text("hello")
    empty = write_wav(tmp_path / "empty.wav", np.zeros(0, np.int16))
    for arguments, words in (
        (["--portrait", "nobody", "--audio", str(sound), *out], "no portrait 'nobody'"),
        (["--portrait", "imani", "--audio", str(tmp_path / "no.wav"), *out], "no sound file"),
        (["--portrait", "imani", "--audio", str(text), *out], "not a sound file"),
        (["--portrait", "imani", "--audio", str(empty), *out], "has no sound in it"),
        (["--portrait", "imani", *out], "--audio"),
    ):
        assert main(arguments) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"words": 5}', "words is a list"),
        ('{"phones": [["p", 0.1, NaN]]}', "not a number"),
        ('{"phones": [["p", 0.1, Infinity]]}', "not a number"),
        ('{"phones": [["p", 0.2, 0.1]]}', "must end after it starts"),
        ('{"phones": [["p", -1, 0.1]]}', "start at 0 or later"),
        ('{"phones": [["p", 0.2, 0.3], ["a", 0.1, 0.2]]}', "phone 2 ('a', 0.1 to 0.2 s) starts"),
        ('{"words": [["papa", 0.2, 3.5]]}', "ends after the sound, which is 1.00 s long"),
        ('{"phones": [["p", true, 0.3]]}', "a phone is [symbol, start, end]"),
        ("[" * 100_000, "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "needs"),
        ('{"alphabet": "runes", "phones": []}', "alphabet is ipa, arpabet or sapi"),
        ('{"phones": [["p", "0.1", 0.2]]}', "a phone is [symbol, start, end]"),
        ('{"phones": ["p"]}', "a phone is [symbol, start, end]"),
    ],
)
def test_bad_timings_are_refused(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    path = tmp_path / "t.json"
    path.write_text(content)
    arguments = command(sound, "--timings", path, "--frames-json", tmp_path / "f.json")
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_without_pyav_the_extra_is_named(
    sound: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without_av(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_av)
    assert main(command(sound, "--out", "o.mp4")) == 2
    assert "visavis-avatar[render]" in capsys.readouterr().err
