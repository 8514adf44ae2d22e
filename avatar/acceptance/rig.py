"""Checks on the geometry that is drawn: lips that close, open and round as the sounds ask.

Nothing is drawn here, so it is quick and needs no detector; what it cannot see is a picture that
does not follow its geometry (pixels.py and seen.py look at that).
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.acceptance.film import FPS, SIZE, Film, stills, told
from avatar.acceptance.gates import Reached
from avatar.acceptance.speech import SENTENCES, Speech
from avatar.frames import Mood
from avatar.lipsync import LEAD_S
from avatar.portrait.engine import Engine
from avatar.visemes import from_phone

Floats = NDArray[np.float64]

CLOSED: Final = 0.012
"""A gap below this share of the eye distance is shut: half a pixel of a 160 px thumbnail."""

_BEFORE_S, _AFTER_S = 0.05, 0.02


def windows(speech: Speech, viseme: str) -> list[tuple[float, float]]:
    """When the sounds of a viseme may be seen, in seconds of speech."""
    alphabet = speech.timings.alphabet
    return [
        (phone.start_s - _BEFORE_S, phone.end_s + _AFTER_S)
        for phone in speech.timings.phones
        if from_phone(phone.symbol, alphabet)[0][0] == viseme
    ]


def closures(gaps: Floats, speech: Speech, *, fps: int = FPS) -> Floats:
    """The smallest of `gaps` (one a frame) around each p, b and m."""
    middles = (np.arange(len(gaps)) + 0.5) / fps
    near = [(middles >= a) & (middles <= b) for a, b in windows(speech, "PP")]
    return np.array([np.nanmin(gaps[k], initial=np.inf) for k in near])


def closed_share(gaps: Floats, speech: Speech, *, fps: int = FPS) -> float:
    return float((closures(gaps, speech, fps=fps) < CLOSED).mean())


def of_film(shown: Film) -> list[Reached]:
    """Closures, and lips that rest in silence."""
    speech = shown.speech
    first, last = speech.timings.phones[0].start_s, speech.timings.phones[-1].end_s
    silent = (shown.middles_s < first - 0.1 - LEAD_S) | (shown.middles_s > last + 1.5 / FPS)
    return [
        Reached("bilabials closed", "rig", closed_share(shown.gaps, speech), low=0.98),
        Reached("gap in silence", "rig", float(shown.gaps[silent].max()), high=CLOSED),
    ]


def of_shapes(engine: Engine) -> list[Reached]:
    """That the sounds look different, and in the right order."""
    unit = engine.pack.eye_distance * SIZE / 1024
    lips = {name: engine.lips(params) for name, params in stills().items()}
    gap = {name: lip.gap / unit for name, lip in lips.items()}
    wide = {name: float(lip.upper[0, -1] - lip.upper[0, 0]) / unit for name, lip in lips.items()}
    order = [gap[name] for name in ("PP", "FF", "SS", "ih", "E", "aa")]
    return [
        Reached("opening of aa", "rig", gap["aa"], low=0.15),
        Reached("least step of PP FF SS ih E aa", "rig", float(np.diff(order).min()), low=0.005),
        Reached("opening of FF", "rig", gap["FF"], low=0.015, high=0.07),
        Reached("width of ou against rest", "rig", wide["ou"] / wide["rest"], high=0.75),
        Reached("width of ih against rest", "rig", wide["ih"] / wide["rest"], low=1.0),
        Reached("width of smile against rest", "rig", wide["smile"] / wide["rest"], low=1.05),
    ]


def of_moods(engine: Engine, moods: Iterable[Mood] = Mood) -> list[Reached]:
    """No mood may part the lips of a p, b or m."""
    found = []
    for mood in moods:
        speech, gaps = gaps_of(engine, "en", fps=FPS, mood=mood)
        share = closed_share(gaps, speech)
        found.append(Reached(f"bilabials closed, {mood.value}", "rig", share, low=1.0))
    return found


def of_languages(engine: Engine, *, fps: int = FPS) -> list[Reached]:
    """Closures of sentences in other languages."""
    found = []
    for language in SENTENCES:
        speech, gaps = gaps_of(engine, language, fps=fps)
        share = closed_share(gaps, speech, fps=fps)
        found.append(Reached(f"bilabials closed, {language} at {fps} fps", "rig", share, low=0.98))
    return found


def gaps_of(
    engine: Engine, language: str, *, fps: int, mood: Mood = Mood.NEUTRAL
) -> tuple[Speech, Floats]:
    """A spoken sentence, and (n,) openings of the lips in its frames, in eye distances."""
    unit = engine.pack.eye_distance * SIZE / 1024
    speech, said = told(language, fps, mood)
    return speech, np.array([engine.lips(params).gap for params in said]) / unit
