"""Messages between the plugin and its child: nine bytes of header, then the body.

Sound is raw, everything else is JSON. Reads block; nothing here starts a thread or knows a decoder.
The fact you would not guess: PocketSphinx never releases the GIL (0.25 s of decoding stops an event
loop for 0.25 s), so this pipe is what keeps a call's own loop alive.
"""

import json
import struct
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import BinaryIO, Self

SAMPLE_RATE = 16_000
"""The acoustic model's rate: sound on the wire is mono int16 at this rate."""

_HEADER = struct.Struct("<BII")  # kind, utterance, length of the body
_MAX_BODY = 1 << 24


class Kind(IntEnum):
    """First what the plugin says, then what the child says."""

    MODEL = 1  # JSON list of phrases: utterances that begin from now on are heard with them
    START = 2  # JSON: streaming or not
    AUDIO = 3
    PAUSE = 4  # the speaker may be done: tidy up now, the end would be late for it
    END = 5
    CANCEL = 6
    READY = 16  # JSON: what loading took
    PARTIAL = 17  # JSON: text so far
    FINAL = 18  # JSON: Result


@dataclass(frozen=True, slots=True)
class Message:
    kind: Kind
    utterance: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Result:
    """What was heard in one utterance.

    text: the words, "" when the sound was not speech the decoder could follow at all.
    words: (word, start, end) in seconds from the first sample of the utterance.
    confidence: 0..1, the chance that the sentence is right; see confidence.py.
    """

    text: str
    confidence: float
    words: tuple[tuple[str, float, float], ...] = ()

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        given = json.loads(body)
        words = tuple((str(w), float(a), float(b)) for w, a, b in given["words"])
        return cls(text=given["text"], confidence=given["confidence"], words=words)


def write(stream: BinaryIO, message: Message) -> None:
    """Write one message and flush it. Raises BrokenPipeError when the other end is gone."""
    stream.write(_HEADER.pack(message.kind, message.utterance, len(message.body)) + message.body)
    stream.flush()


def read(stream: BinaryIO) -> Message | None:
    """The next message; None when the other end has closed, even in the middle of a message."""
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    kind, utterance, length = _HEADER.unpack(header)
    if length > _MAX_BODY:
        raise ValueError(f"a message of {length} bytes: the stream is out of step")
    body = stream.read(length)
    return Message(Kind(kind), utterance, body) if len(body) == length else None
