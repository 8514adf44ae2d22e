"""Sentences to judge a face by, written as phones, and a sound that goes with them.

No synthesiser is needed: durations come from a table of sound classes, and the sound is a buzz with
hiss, which is enough to say where speech is loud, quiet and silent. It is no voice and is never
played to anybody. All of it is the same on every machine.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE, Phone, Timings

_PLOSIVES: Final = "pbtdkgɡqʔcɟ"
_NASALS: Final = "mnŋɲɱɳ"
_HISSES: Final = "fvszʃʒθðxçhɕʑʂʐɣχʁħɸβ"
_GLIDES: Final = "lrɹjwɾʎɥʋɫɻʀ"
_LENGTHS_S: Final = {"plosive": 0.075, "nasal": 0.070, "hiss": 0.090, "glide": 0.055, "vowel": 0.1}
_LOUD: Final = {"plosive": 0.25, "nasal": 0.5, "hiss": 0.35, "glide": 0.6, "vowel": 0.8}
_PAUSES_S: Final = {"|": 0.22, "‖": 0.42}
_LEAD_IN_S: Final = 0.12
_TAIL_S: Final = 0.36

SENTENCES: Final[dict[str, str]] = {
    "en": "h ə l ˈoʊ | m aɪ n ˈeɪ m ɪ z b ˈɑ b ‖ p l ˈiː z m ˈuː v ð ə b ˈɪ ɡ b l ˈuː v ˈeɪ p ɚ "
    "l ˈæ m p | w i w ɪ l w ˈɑ tʃ f ˈaɪ v b ˈoʊ t s p ˈæ s b ˈaɪ ‖ w ˈaʊ | j ˈɛ s ˈaɪ θ ˈɪ ŋ k "
    "s ˈoʊ",
    "de": "ɡ uː t n̩ m ˈɔʁ ɡ ŋ̍ | m aɪ n p ˈɑː p ɑː b r ˈɪ ŋ t f ˈyː n f b ˈʊ n t ə b ˈɛ l ə m ɪ t "
    "ʊ n t p ʃ ˈø n ə pf ˈɛ r d ə",
    "fr": "b ɔ̃ ʒ ˈu ʁ | m a p ə t ˈi t ʃ ˈɑ̃ b ʁ ɛ b ˈɛ l | ɔ̃ n ə p ˈø p a m ˈɑ̃ ʒ e s ə p ˈɛ̃",
    "es": "b w ˈe n o s ð ˈi a s | m i p ˈa ð ɾ e b ˈe β e p ˈo k a a ɣ w a | p ˈe ɾ o m ˈu tʃ o "
    "β ˈi n o",
    "it": "b wˈɔ n dʒ ˈo r n o | m i p j ˈa tʃ e l a p ˈa s t a | e b ˈe v o p ˈɔ k o m a b ˈɛ n e",
    "pl": "dʑ ˈɛ ɲ d ˈɔ b r ɨ | m ˈa m a k u p ˈi w a b ˈa r dz ɔ m ˈa w ɔ p ˈɔ m i d ɔ r uf",
    "ru": "p rʲ ɪ vʲ ˈe t | m ˈa m ə k u pʲ ˈi l ə b alʲ ʂ ˈo j p ʌ p u ɡ ˈa j | b ˈɨ l ə b ˈɨ",
    "tr": "m ˈe r h a b a | b u ɡ ˈy n p a z ˈa r d a b ˈe b e k e p ˈa b u tʃ b a k t ɯ k",
    "hi": "n ə m ə s t ˈeː | m ˈeː r aː b ʱ ˈaː i p ˈaː n i b ə h ˈʊ t p ˈiː t aː ɦ ɛː",
}
"""IPA with a space between phones and | and ‖ for pauses; by language. Full of p, b and m."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A sentence: (n,) int16 mono at CLOCK_RATE, and when each phone sounds."""

    samples: NDArray[np.int16]
    timings: Timings

    @property
    def seconds(self) -> float:
        return len(self.samples) / CLOCK_RATE


def speak(ipa: str) -> Speech:
    """Lay the phones of `ipa` (as in SENTENCES) out in time and make their sound."""
    phones: list[Phone] = []
    rng = np.random.default_rng(7)
    pieces = [np.zeros(round(_LEAD_IN_S * CLOCK_RATE))]
    at = _LEAD_IN_S
    for symbol in ipa.split():
        if symbol in _PAUSES_S:
            length, loud, kind = _PAUSES_S[symbol], 0.0, "pause"
        else:
            kind = _kind(symbol)
            stressed = symbol.startswith("ˈ")
            length = _LENGTHS_S[kind] * (1.35 if stressed else 1.0) * _longer(symbol)
            loud = _LOUD[kind] * (1.25 if stressed else 0.8 if kind == "vowel" else 1.0)
        count = round((at + length) * CLOCK_RATE) - round(at * CLOCK_RATE)
        pieces.append(loud * _tone(kind, count, rng))
        if kind != "pause":
            phones.append(Phone(symbol, at, at + length))
        at += length
    pieces.append(np.zeros(round(_TAIL_S * CLOCK_RATE)))
    samples = np.clip(np.concatenate(pieces), -1, 1) * 20_000
    return Speech(samples.astype(np.int16), Timings(phones=tuple(phones)))


def _kind(symbol: str) -> str:
    first = unicodedata.normalize("NFD", symbol.lstrip("ˈˌ"))[0]
    for kind, letters in (
        ("plosive", _PLOSIVES), ("nasal", _NASALS), ("hiss", _HISSES), ("glide", _GLIDES)
    ):  # fmt: skip
        if first in letters:
            return kind
    return "vowel"


def _longer(symbol: str) -> float:
    """Long vowels, diphthongs and affricates take more time."""
    letters = [c for c in unicodedata.normalize("NFD", symbol) if unicodedata.category(c) == "Ll"]
    return 1.5 if "ː" in symbol else 1.4 if len(letters) > 1 else 1.0


def _tone(kind: str, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A buzz of 120 Hz with the tilt of a voice, hiss for hisses, a closure before a plosive."""
    t = np.arange(count) / CLOCK_RATE
    buzz: NDArray[np.float64] = np.zeros(count)
    for k in range(1, 24):
        buzz += np.sin(2 * np.pi * 120 * k * t) / k
    noise = rng.standard_normal(count)
    hiss = np.diff(noise, prepend=0.0)
    shares = {"vowel": (0.7, 0.0), "glide": (0.6, 0.0), "nasal": (0.5, 0.0), "hiss": (0.1, 0.3)}
    if kind == "plosive":
        return np.where(np.arange(count) < 0.6 * count, 0.02 * buzz, 0.4 * hiss)
    voiced, breathed = shares.get(kind, (0.0, 0.0))
    return voiced * buzz + breathed * hiss
