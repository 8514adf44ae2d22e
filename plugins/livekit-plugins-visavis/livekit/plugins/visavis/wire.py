"""What agent and avatar worker say to each other. Pure: text in, values out.

`lk.*` is LiveKit's own protocol: either side also works with an official partner, by it alone.
Names that begin with `visavis.` are for our own two ends; an official partner neither sends nor
misses them. Everything is state or carries its segment: said twice, it means the same.
"""

import struct
from typing import Literal, TypeVar

from avatar.frames import Manner, Mood, Timings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import VisavisException
from .face import FaceState

AUDIO_TOPIC = "lk.audio_stream"
RPC_CLEAR = "lk.clear_buffer"
RPC_STARTED = "lk.playback_started"
RPC_FINISHED = "lk.playback_finished"

SPEECH_TOPIC = "visavis.speech"
HINTS_TOPIC = "visavis.hints"
BEAT_TOPIC = "visavis.beat"
RPC_STATE = "visavis.state"
RPC_BEGUN = "visavis.begun"
RPC_ENDED = "visavis.ended"
RPC_SHOW = "visavis.show"
RPC_WEAR = "visavis.wear"

ATTRIBUTE_WORKER = "visavis.worker"
"""On the worker's participant: what it speaks beyond LiveKit's protocol. Its value is VERSION."""
VERSION = "2"

BEAT_S = 0.05
"""The worker says this often that it lives, and what sounds."""
MAX_PACKET = 14_000
"""Bytes of one data packet: LiveKit takes 15 KiB, and adds to them."""
_SPEECH = struct.Struct("!Q")
MAX_SAMPLES = (MAX_PACKET - _SPEECH.size) // 2
"""Of one packet of speech."""

_Natural = Field(ge=0, lt=2**53)


class WireError(VisavisException):
    """What the other side sent cannot be read; the message says what."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    def pack(self) -> str:
        """As it goes on the wire."""
        return self.model_dump_json()


class Assignment(_Message):
    """Metadata of the dispatch: whose face the worker shows, which one, and as whom it joins.

    waits: it stays unseen until it is told to show its face, for another one is there.
    """

    agent: str = Field(default="", max_length=256)
    identity: str = Field(default="", max_length=256)
    portrait: str = Field(min_length=1, max_length=4096)
    renderer: str = Field(min_length=1, max_length=64)
    width: int = Field(ge=16, le=4096)
    height: int = Field(ge=16, le=4096)
    fps: int = Field(ge=1, le=120)
    listener_timeout: float = Field(ge=0, le=600)
    trace: bool = True
    waits: bool = False


class State(_Message):
    """How to speak and look from now on. Only the newest counts: `seq` rises."""

    seq: int = _Natural
    paused: bool = False
    heard: bool = True
    gain_db: float = Field(default=0.0, le=0.0)
    fade_ms: float = Field(default=0.0, ge=0.0)
    manner: Manner = Manner.IDLE
    mood: Mood = Mood.NEUTRAL
    user_beat: int = Field(default=0, ge=0)


class Clear(_Message):
    """Drop all segments up to this one. It ends a pause and a duck; `seq` counts with State's."""

    seq: int = _Natural
    segment: int = _Natural


class Begun(_Message):
    """The first sample of the segment was played."""

    segment: int = _Natural


class Ended(_Message):
    """The segment is over; `position` samples of it, at the media clock's rate, were played."""

    segment: int = _Natural
    position: int = _Natural
    interrupted: bool


class Beat(_Message):
    """The worker lives; `segment` and the sample of it that leaves now (None: silence)."""

    segment: int | None = Field(default=None, ge=0)
    position: int = Field(default=0, ge=0)
    face: FaceState = "live"
    reason: str = Field(default="", max_length=500)


class Wear(_Message):
    """Show another portrait from now on."""

    portrait: str = Field(min_length=1, max_length=4096)
    renderer: str = Field(min_length=1, max_length=64)


class Hints(_Message):
    """Timings or text of a segment whose sound is `offset` samples along."""

    segment: int = _Natural
    offset: int = _Natural
    timings: Timings


class PlaybackFinished(_Message):
    """LiveKit's own report; an official partner accepts exactly these three keys."""

    playback_position: float = Field(ge=0)
    interrupted: bool
    synchronized_transcript: str | None = None


M = TypeVar("M", bound=_Message)


def read(kind: type[M], text: str | bytes) -> M:
    """The message in a payload. Raises WireError, one sentence."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise WireError(
            f"not a {kind.__name__.lower()} of visavis: {place}: {first['msg']}"
        ) from None


def pack_speech(segment: int, pcm: bytes) -> bytes:
    """Sound of a segment, 16-bit PCM at CLOCK_RATE, mono; without any, its end."""
    return _SPEECH.pack(segment) + pcm


def read_speech(data: bytes) -> tuple[int, bytes]:
    """Segment and sound of such a packet. Raises WireError, one sentence."""
    if len(data) < _SPEECH.size or len(data) % 2:
        raise WireError(f"not speech of visavis: {len(data)} bytes")
    return _SPEECH.unpack_from(data)[0], data[_SPEECH.size :]


def pack_hints(segment: int, offset: int, timings: Timings) -> list[str]:
    """As few packets as hold the hints; a single word too long for one is left out."""
    packed = Hints(segment=segment, offset=offset, timings=timings).pack()
    if len(packed.encode()) <= MAX_PACKET:
        return [packed]
    halves = _halves(timings)
    return [text for half in halves for text in pack_hints(segment, offset, half)]


def _halves(timings: Timings) -> tuple[Timings, ...]:
    words = timings.text.split()
    if max(len(timings.phones), len(timings.words), len(words)) < 2:
        return ()
    phones, timed, half = len(timings.phones) // 2, len(timings.words) // 2, len(words) // 2
    said, alphabet = timings.pronunciation, timings.alphabet
    return (
        Timings(timings.phones[:phones], timings.words[:timed], alphabet,
                " ".join(words[:half]), said[:half]),
        Timings(timings.phones[phones:], timings.words[timed:], alphabet,
                " ".join(words[half:]), said[half:]),
    )  # fmt: skip


Placement = Literal["local", "remote"]
"""Where the face is drawn and the voice played: in the agent's process, or at an avatar worker."""
