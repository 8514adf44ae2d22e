"""What crosses every boundary of the rendering core: sound and timings in, pictures out.

Times inside a segment are counted in samples at CLOCK_RATE (or seconds where a name ends in _s)
from the segment's first sample; a segment is one utterance, from the first sound to its flush.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CLOCK_RATE = 48_000
"""Samples per second of the media clock; every sound is resampled to it once, at the door."""

Alphabet = Literal["ipa", "arpabet", "sapi"]


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound; for a plosive `start_s..end_s` spans closure and release."""

    symbol: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Word:
    """A written word and when it sounds; `end_s` may be None while it is not known."""

    text: str
    start_s: float
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Hints that ride with the sound they belong to, or a little after it. All may be empty.

    text: the next whole words of the segment, in order, when nobody says when they sound; it may
    run far ahead of the sound. pronunciation: those words in IPA, a tuple of phones for each; when
    it is empty, or not one for each word, their letters are read by rules.
    """

    phones: tuple[Phone, ...] = ()
    words: tuple[Word, ...] = ()
    alphabet: Alphabet = "ipa"
    text: str = ""
    pronunciation: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A stretch of one segment's speech, known ahead of being played.

    samples: (n,) int16 mono at CLOCK_RATE; `start` is the index of samples[0] in the segment.
    Chunks of a segment come in order and without gaps; timings may run ahead of or behind them.
    """

    segment: int
    start: int
    samples: NDArray[np.int16]
    timings: Timings = Timings()


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """The segment has no more sound than what was given."""

    segment: int


class Manner(Enum):
    """What the face is doing besides its mouth; from the agent's and the user's state."""

    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    ATTENTIVE = (
        "attentive"  # the user began to talk over us: look up, brows raised, mouth easing shut
    )


class Mood(Enum):
    """Eased additive presets of expression."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISED = "surprised"
    CONCERNED = "concerned"
    ENCOURAGING = "encouraging"
    ANGRY = "angry"


@dataclass(frozen=True, slots=True)
class Cue:
    """What one picture must show: frame `index` of the media clock, and what sounds at its middle.

    `time_s` is media time (index / fps). `segment` is None in silence and while paused; `position`
    is the sample of the segment at the frame's middle. `epoch` rises at every interruption.
    `user_beat` counts the user's clauses and pauses: when it rises, a listener may nod.
    """

    index: int
    time_s: float
    epoch: int = 0
    segment: int | None = None
    position: int = 0
    manner: Manner = Manner.IDLE
    mood: Mood = Mood.NEUTRAL
    user_beat: int = 0


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One picture, I420: `data` is a flat (width * height * 3 // 2,) uint8 array, Y then U then V.

    The array belongs to the renderer and is overwritten by the second render after this one.
    instead: why another renderer than the wanted one drew this; empty: it is the wanted one's.
    """

    width: int
    height: int
    index: int
    data: NDArray[np.uint8]
    instead: str = ""
