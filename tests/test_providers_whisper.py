"""The offline ear that wants a model: what is said when it is not there."""

from pathlib import Path

import numpy as np
import pytest
from livekit import rtc

from agent.__main__ import main
from agent.config import Settings
from agent.providers import choose, upkeep
from agent.providers.whisper import WhisperSTT, _samples


def test_without_its_model_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="models pull whisper-small"):
        WhisperSTT(tmp_path / "whisper-small")


def test_a_model_nobody_knows_is_refused_with_the_known_ones() -> None:
    with pytest.raises(upkeep.UpkeepError, match="whisper-large-v3"):
        upkeep.pull("whisper-giant")


def test_one_that_was_pulled_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = choose.whisper_folder("base")
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"")
    assert main(["models", "pull", "whisper-base"]) == 0
    assert capsys.readouterr().out.strip() == str(folder)
    assert WhisperSTT(folder).model == "whisper-base"


def test_it_is_an_ear_by_itself_only_where_package_and_model_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert choose.ear_names(Settings()) == ("pocketsphinx",)


def test_sound_of_any_rate_is_heard_at_its_own() -> None:
    tone = (3000 * np.sin(np.arange(48_000) * 0.05)).astype(np.int16)
    heard = _samples(rtc.AudioFrame(np.repeat(tone, 2).tobytes(), 48_000, 2, 48_000))
    assert heard.dtype == np.float32
    assert len(heard) == pytest.approx(16_000, abs=400)
    assert 0.05 < np.abs(heard).max() < 0.2
