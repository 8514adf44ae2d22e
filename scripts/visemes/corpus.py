"""Speech whose phones are known, because a machine spoke it: espeak-ng to learn, flite to score.

espeak-ng is loaded into this process, which is fine for a tool and never done by the product. Phone
times come from the espeak plugin's own layout, so that the net learns what the product calls a
closure. flite (Debian: `apt install flite`) is another synthesiser with recorded voices; it says
its phones with `-psdur`.
"""

import math
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from livekit.plugins.espeak.child import Library
from livekit.plugins.espeak.spoken import speakable
from livekit.plugins.espeak.timing import lay_out
from livekit.plugins.espeak.voices import find_installation
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE, Alphabet, Phone
from avatar.speech.aligner import Expected

Floats = NDArray[np.float32]

VARIANTS: Final = (
    *("adam", "Alicia", "Andrea", "Annie", "belinda", "benjamin", "david", "ed", "Gene"),
    *("Henrique", "john", "linda", "Michael", "paul", "rob", "f1", "f2", "f4", "m1", "m2"),
    *("m4", "m6", "m7", "steph", "klatt2", "klatt3", "Lee", "pablo", "quincy", "victor"),
)
ACCENTS: Final = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-us")
HELD_OUT: Final = ("en-us+f3", "en-us+m3", "en-gb+f5", "en-us+m5")
"""espeak voices that are never learnt from."""

FLITE_TUNING: Final = ("slt", "rms")
FLITE_TEST: Final = ("slt", "rms", "awb", "kal16")


@dataclass(frozen=True, slots=True)
class Utterance:
    """samples: (n,) float32 in -1..1 at CLOCK_RATE; phones in seconds, in order."""

    voice: str
    text: str
    samples: Floats
    phones: tuple[Phone, ...]
    alphabet: Alphabet
    word_starts_s: tuple[float, ...] = ()


class Espeak:
    """espeak-ng in this process."""

    def __init__(self) -> None:
        found = find_installation()
        self._library = Library(found.library, str(found.data) if found.data else None)

    def say(self, text: str, voice: str, *, rate: int = 165, pitch: int = 50) -> Utterance:
        """Raises LookupError for a voice that is not there, ValueError for no sound."""
        spoken = speakable(text)
        speech = self._library.speak(
            spoken.text.encode(),
            voice=voice,
            rate=rate,
            pitch=pitch,
            volume=100,
            stop=lambda: False,
        )
        clock = self._library.sample_rate
        laid = lay_out(speech, spoken, text, rate=clock, clock=0, pause=0)
        if laid is None:
            raise ValueError(f"{text!r} has no sound")
        samples = resample(laid.pcm.astype(np.float32) / 32768, clock)
        phones = tuple(Phone(p.symbol, p.start_s, p.end_s) for p in laid.phones)
        return Utterance(voice, text, samples, phones, "ipa", tuple(w.start_s for w in laid.words))

    def words(self, text: str, voice: str = "en-us") -> list[Expected]:
        """The words of a text as espeak-ng reads them."""
        said = self.say(text, voice)
        found: list[list[str]] = [[]]
        starts = [*said.word_starts_s[1:], math.inf]
        for phone in said.phones:
            while phone.start_s >= starts[len(found) - 1] - 1e-6:
                found.append([])
            if phone.symbol != "_":
                found[-1].append(phone.symbol)
        return [Expected(tuple(phones)) for phones in found if phones]


def flite(text: str, voice: str) -> Utterance:
    """Say it with flite. Raises FileNotFoundError when it is not installed."""
    if shutil.which("flite") is None:
        raise FileNotFoundError("flite is not installed: apt install flite")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        said = subprocess.run(
            ["flite", "-voice", voice, "-psdur", "-t", text, "-o", str(path)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    phones = []
    start = 0.0
    for token in said.split():
        symbol, _, end = token.rpartition(":")
        phones.append(Phone(symbol, start, float(end)))
        start = float(end)
    samples = resample(pcm.astype(np.float32) / 32768, rate)
    return Utterance(voice, text, samples, tuple(phones), "arpabet")


def flite_all(voices: tuple[str, ...], texts: tuple[str, ...]) -> Iterator[Utterance]:
    """Every text by every voice, voice after voice."""
    for voice in voices:
        for text in texts:
            yield flite(text, voice)


def resample(samples: Floats, rate: int, to: int = CLOCK_RATE) -> Floats:
    """The same sound at another rate, by its spectrum."""
    count = round(len(samples) * to / rate)
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(count // 2 + 1, spectrum.dtype)
    common = min(len(kept), len(spectrum))
    kept[:common] = spectrum[:common]
    result: Floats = (np.fft.irfft(kept, count) * (count / len(samples))).astype(np.float32)
    return result
