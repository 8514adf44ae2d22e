"""The AgentSession's end of the avatar: speech goes in by segment, playback events come back.

A segment is what lies between the first frame and its flush; the sink owes exactly one
playback_finished for each, after the flush, with the position that was heard. It accepts any
sample rate and resamples itself, because LiveKit's resampler drops the timings on the frames.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from avatar.frames import CLOCK_RATE, AudioChunk, Phone, SpeechEnd, Timings, Word
from avatar.timeline import Finished, Samples, Started
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from livekit import rtc

from .playout import DUCK_DB, FADE_MS, Playout

if TYPE_CHECKING:
    from .remote import RemotePlayout

logger = logging.getLogger(__name__)

USERDATA_PHONEMES = "visavis.phonemes"
"""Key in AudioFrame.userdata: a list of {"alphabet": "ipa" | "arpabet" | "sapi", "phones":
[[symbol, start_s, end_s], ...]}, in seconds from the segment's first sample."""

USERDATA_TEXT = "visavis.text"
"""Key in AudioFrame.userdata: a list of {"text": str, "pronunciation": [[symbol, ...], ...]}, the
next whole words of the segment and, if known, each word's phones in IPA. See `tts_node`."""


class AvatarSink(AudioOutput):
    """An AudioOutput that can pause, unless what it is bound to cannot."""

    def __init__(self, *, pause: bool = True) -> None:
        super().__init__(
            label="Visavis", capabilities=AudioOutputCapabilities(pause=pause), sample_rate=None
        )
        self._playout: Playout | RemotePlayout | None = None
        self._released = asyncio.Event()
        self._released.set()
        self._segment = 0
        self._open = False
        self._offset = 0  # samples of the open segment given so far
        self._skipped = 0  # segments up to this one go on in writing
        self.spoken = asyncio.Event()
        """Set by the first speech."""
        self._resampler: rtc.AudioResampler | None = None
        self.finished = 0
        """Segments that are over."""
        self._began: float | None = None  # when the segment that sounds would have, unpaused
        self._paused: float | None = None

    @property
    def played_s(self) -> float | None:
        """Seconds of the segment that sounds now, pauses left out; None in silence."""
        if self._began is None:
            return None
        return (self._paused or time.monotonic()) - self._began

    def bind(self, playout: "Playout | RemotePlayout | None") -> None:
        """Play into this playout; its events must be given to `handle`."""
        self._playout = playout

    def hold(self) -> None:
        """Take no more speech until `release`: the playout died and another one is on its way."""
        self._released.clear()

    def release(self) -> None:
        """Take speech again, for whatever playout is bound now. Twice is fine."""
        self._released.set()

    # What the session calls

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await self._released.wait()
        await super().capture_frame(frame)
        if not self._open:
            self._begin(frame.sample_rate)
        chunk_timings = timings(frame.userdata)
        frames = self._resampler.push(_mono(frame)) if self._resampler else [_mono(frame)]
        self._give(_samples(frames), chunk_timings)
        if self._playout is not None:
            await self._playout.wait_for_space()

    def flush(self) -> None:
        super().flush()
        if not self._open:
            return
        if self._resampler is not None:
            self._give(_samples(self._resampler.flush()), Timings())
        self._open = False
        if self._playout is not None:
            self._playout.hear(SpeechEnd(self._segment))
        else:  # never inside the call: the session counts the segment after flush returns
            asyncio.get_running_loop().call_soon(self.handle, Finished(self._segment, 0, True))

    def clear_buffer(self) -> None:
        if self._playout is not None:
            self._playout.clear()

    def pause(self) -> None:
        super().pause()
        if self._paused is None:
            self._paused = time.monotonic()
        if self._playout is not None:
            self._playout.pause()

    def resume(self) -> None:
        super().resume()
        if self._paused is not None and self._began is not None:
            self._began += time.monotonic() - max(self._paused, self._began)
        self._paused = None
        if self._playout is not None:
            self._playout.resume()

    # What turns ask for beyond LiveKit's interface

    def duck(self, *, gain_db: float = DUCK_DB, fade_ms: float = FADE_MS) -> None:
        """Speak softer at once, until `unduck` or `clear_buffer`. Twice is fine.

        Raises ValueError for a gain above 0 dB or a negative time.
        """
        if self._playout is not None:
            self._playout.duck(gain_db=gain_db, fade_ms=fade_ms)

    def unduck(self, *, fade_ms: float = FADE_MS) -> None:
        """Speak at full volume again, without a gap. Twice is fine."""
        if self._playout is not None:
            self._playout.unduck(fade_ms=fade_ms)

    def skip(self) -> None:
        """Drop the rest of the speech that is on, and report it as played: it goes on in text."""
        self._skipped = self._segment
        self.clear_buffer()

    # What the playout reports

    def handle(self, event: Started | Finished) -> None:
        """Pass the playout's event on to the session."""
        self._note(event)
        if isinstance(event, Started):
            self.on_playback_started(created_at=time.time())
        else:
            self.on_playback_finished(
                playback_position=event.position / CLOCK_RATE,
                interrupted=event.interrupted and event.segment > self._skipped,
            )

    def _note(self, event: Started | Finished) -> None:
        if isinstance(event, Started):
            self._began = time.monotonic()
        else:
            self._began = None
            self.finished += 1

    def _begin(self, sample_rate: int) -> None:
        self._open = True
        self.spoken.set()
        self._segment += 1
        self._offset = 0
        self._resampler = (
            rtc.AudioResampler(sample_rate, CLOCK_RATE, num_channels=1)
            if sample_rate != CLOCK_RATE
            else None
        )

    def _give(self, samples: Samples, chunk_timings: Timings) -> None:
        if self._playout is None or not (len(samples) or chunk_timings != Timings()):
            return
        chunk = AudioChunk(self._segment, self._offset, samples, chunk_timings)
        self._offset += len(samples)
        self._playout.hear(chunk)


def timings(userdata: Mapping[str, Any]) -> Timings:
    """The hints that ride on a frame; what is malformed is ignored, never an error."""
    phones: list[Phone] = []
    alphabet = "ipa"
    for entry in userdata.get(USERDATA_PHONEMES, ()):
        alphabet = entry.get("alphabet", alphabet)
        phones.extend(_phones(entry.get("phones", ())))
    words = tuple(
        Word(str(text), text.start_time, text.end_time or None)
        for text in userdata.get(USERDATA_TIMED_TRANSCRIPT, ())
        if isinstance(getattr(text, "start_time", None), int | float)
    )
    text, pronunciation = _text(userdata.get(USERDATA_TEXT, ()))
    if alphabet not in ("ipa", "arpabet", "sapi"):
        logger.debug("phonemes in an unknown alphabet ignored", extra={"alphabet": alphabet})
        phones, alphabet = [], "ipa"
    return Timings(
        tuple(phones),
        words,
        alphabet,  # type: ignore[arg-type]  # checked above
        text=text,
        pronunciation=pronunciation,
    )


def _text(entries: Sequence[Mapping[str, Any]]) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """All the words, and how they are said if that is known of every one of them."""
    words: list[str] = []
    said: list[tuple[str, ...]] = []
    for entry in entries:
        words += str(entry.get("text", "")).split()
        said += [tuple(map(str, phones)) for phones in entry.get("pronunciation", ())]
    return " ".join(words), tuple(said) if len(said) == len(words) else ()


def _phones(rows: Sequence[Sequence[Any]]) -> list[Phone]:
    out = []
    for row in rows:
        if len(row) == 3 and all(isinstance(t, int | float) for t in row[1:]):
            out.append(Phone(str(row[0]), float(row[1]), float(row[2])))
    return out


def _mono(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    if frame.num_channels == 1:
        return frame
    channels = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)
    mixed = channels.mean(axis=1).astype(np.int16)
    return rtc.AudioFrame(mixed.tobytes(), frame.sample_rate, 1, len(mixed))


def _samples(frames: Sequence[rtc.AudioFrame]) -> Samples:
    if not frames:
        return np.zeros(0, np.int16)
    return np.concatenate([np.frombuffer(f.data, np.int16) for f in frames])
