"""What a person looks at before they take a face: a sheet of moments, and a short clip.

Both are drawn from the written pack, the clip by the path a call takes. It hums in place of
speaking: no voice is at hand here, so the mouth follows phones of a phrase that is built in.
"""

import json
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.errors import AvatarError
from avatar.frames import CLOCK_RATE

SHEET: Final = "sheet.png"
CLIP: Final = "preview.mp4"

# "Hello! I am your new face. What shall we talk about?" as a calm speaker times it
_PHRASE: Final = (
    *(("h", 70), ("ə", 60), ("l", 80), ("oʊ", 230), ("", 320)),
    *(("aɪ", 170), ("æ", 90), ("m", 80), ("j", 60), ("ɔː", 110), ("ɹ", 60), ("n", 70)),
    *(("uː", 150), ("f", 110), ("eɪ", 210), ("s", 150), ("", 420)),
    *(("w", 80), ("ʌ", 90), ("t", 70), ("ʃ", 110), ("æ", 100), ("l", 70), ("w", 60), ("iː", 120)),
    *(("t", 90), ("ɔː", 190), ("k", 80), ("ə", 60), ("b", 80), ("aʊ", 220), ("t", 100)),
)
_LEAD_MS: Final = 500
_LENGTH_S: Final = 5.0
_VOWELS: Final = frozenset("əoaæɔueɪʌi")


def write_sheet(folder: Path) -> None:
    """sheet.png into the pack's folder."""
    from avatar.cli.sheet import main

    if main([str(folder), "--out", str(folder / SHEET), "--size", "240"]):
        raise AvatarError(f"the sheet of {folder} could not be drawn")


def write_clip(folder: Path) -> tuple[str | None, list[str]]:
    """preview.mp4 into the pack's folder: its name, or None and why not."""
    try:
        make_clip(folder, folder / CLIP)
    except AvatarError as error:
        return None, [f"no preview clip: {error}"]
    return CLIP, []


def make_clip(folder: Path, out: Path) -> None:
    """The pack in that folder, moving for five seconds, as an MP4 at `out`. Raises AvatarError."""
    from avatar.render import Job, render

    phones, sound = _phrase()
    with tempfile.TemporaryDirectory(prefix="visavis-") as scratch:
        audio, timings = Path(scratch) / "hum.wav", Path(scratch) / "phones.json"
        _write_wav(audio, sound)
        timings.write_text(json.dumps({"alphabet": "ipa", "phones": phones}), "utf-8")
        render(Job(str(folder), audio, timings, out=out))


def _phrase() -> tuple[list[tuple[str, float, float]], NDArray[np.int16]]:
    """(phones with seconds, five seconds of a soft hum that follows them)."""
    phones = []
    sound = np.zeros(int(_LENGTH_S * CLOCK_RATE), np.float32)
    at = _LEAD_MS / 1000
    for symbol, length_ms in _PHRASE:
        end = at + length_ms / 1000
        if symbol:
            phones.append((symbol, round(at, 3), round(end, 3)))
            loud = 0.10 if symbol[0] in _VOWELS else 0.03
            sound[int(at * CLOCK_RATE) : int(end * CLOCK_RATE)] = loud
        at = end
    smooth = np.ones(CLOCK_RATE // 40) / (CLOCK_RATE // 40)
    envelope = np.convolve(sound, smooth, mode="same")
    t = np.arange(len(sound)) / CLOCK_RATE
    pitch = 150 + 12 * np.sin(2 * np.pi * 0.5 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / CLOCK_RATE
    tone = np.sin(phase) + 0.4 * np.sin(2 * phase) + 0.2 * np.sin(3 * phase)
    return phones, (tone * envelope * 20000).astype(np.int16)


def _write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    import wave

    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(CLOCK_RATE)
        out.writeframes(samples.tobytes())
