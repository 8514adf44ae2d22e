"""The portrait drawn on one CPU core: lip sync, motion and mood joined into one face, then drawn.

It refuses to cut: when the voice vanishes between two frames (interrupted, paused, run out) the
mouth eases to rest from whatever shape it had, and eases back when it returns. The sound does not
wait for that, and need not: lips that close 90 ms after the last syllable are what people do.
"""

import math
import zlib
from functools import partial
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from avatar.frames import AudioChunk, Cue, Manner, SpeechEnd, VideoFrame
from avatar.gaze import ease
from avatar.lipsync import LipSync
from avatar.moods import Expression
from avatar.motion import Motion
from avatar.params import FaceParams, weights
from avatar.renderers.canvas import Canvas, check

TO_REST_S: Final = 0.090
TO_SPEECH_S: Final = 0.080
_MAX_STEP_S = 0.25


class Drawing(Protocol):
    """What turns one moment of a face into a picture: the portrait engine."""

    def draw(self, params: FaceParams, out: NDArray[np.uint8]) -> None: ...


class CpuRenderer(Canvas):
    """Implements avatar.renderers.Renderer. Make it with `open`."""

    def __init__(self, engine: Drawing, *, size: tuple[int, int], fps: int, seed: int = 0) -> None:
        super().__init__(size, fps)
        self.face = Face(seed=seed)
        """The face without the drawing; `face.params` is what the last frame showed."""
        self._engine = engine

    @classmethod
    def open(
        cls,
        portrait: str,
        *,
        size: tuple[int, int] = (512, 512),
        fps: int = 25,
        seed: int | None = None,
    ) -> Self:
        """Load a portrait (a shipped pack's name or a pack folder) and be ready to draw.

        seed: of the movements; by default of the portrait's name, so that two do not blink as one.
        Raises PortraitError for a pack that cannot be used, ValueError for an odd or empty size.
        """
        check(size, fps)
        from avatar.portrait import pack
        from avatar.portrait.engine import Engine, limit_threads

        # for the whole process and for good: another renderer may still need it when this one ends
        limit_threads()
        if seed is None:
            seed = zlib.crc32(Path(portrait).name.encode())
        return cls(Engine(pack.load(portrait), size=size), size=size, fps=fps, seed=seed)

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Take speech that will be played."""
        self.face.hear(item)

    def forget(self, segment: int) -> None:
        """Drop what is known of a segment; the mouth still eases from its last shape."""
        self.face.forget(segment)

    def draw(self, cue: Cue) -> VideoFrame:
        """The picture for this moment; its data is overwritten by the second draw after this."""
        params = self.face.at(cue)
        out = self._paper()
        self._engine.draw(params, out)
        return self._frame(cue.index, out)

    def close(self) -> None:
        """Nothing is held that is not freed with the object."""


class Face:
    """From speech and cues to face parameters, one moment after another; draws nothing."""

    def __init__(self, *, seed: int = 0) -> None:
        self.params = FaceParams()
        self._lipsync = LipSync()
        self._motion = Motion(seed)
        self._expression = Expression()
        self._mouth = weights()
        self._from = weights()
        self._voice: tuple[int, int] | None = None  # epoch and segment of the last frame
        self._changed_s = -math.inf
        self._last_s = math.nan

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        self._lipsync.hear(item)

    def forget(self, segment: int) -> None:
        self._lipsync.forget(segment)

    def at(self, cue: Cue) -> FaceParams:
        """The face at this moment. The same object each time: read it before the next call."""
        now = cue.time_s
        elapsed = (
            0.0 if math.isnan(self._last_s) else min(_MAX_STEP_S, max(0.0, now - self._last_s))
        )
        # over somebody's speech the mouth gives up at once, though our sound is still fading
        silent = cue.segment is None or cue.manner is Manner.ATTENTIVE
        voice = None if silent or cue.segment is None else (cue.epoch, cue.segment)
        self._speak(voice, cue.position, now)
        face = self.params
        np.copyto(face.weights, self._mouth)
        self._expression.advance(cue.mood, elapsed, speaking=voice is not None)
        self._expression.add(face.weights)
        self._motion.pose(cue, partial(self._lipsync.loudness_at, cue.segment or 0), face)
        self._last_s = now
        return face

    def _speak(self, voice: tuple[int, int] | None, position: int, now: float) -> None:
        if voice != self._voice:
            np.copyto(self._from, self._mouth)
            self._voice = voice
            # counted from the last frame, so that the first frame after a change already moves
            self._changed_s = now if math.isnan(self._last_s) else max(self._last_s, now - 0.05)
        if voice is None:
            self._mouth.fill(0)
        else:
            self._lipsync.weights_at(voice[1], position, self._mouth)
        length = TO_REST_S if voice is None else TO_SPEECH_S
        share = ease((now - self._changed_s) / length)
        if share < 1:
            self._mouth += (self._from - self._mouth) * np.float32(1 - share)
