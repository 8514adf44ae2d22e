"""LivePortrait as a renderer: the portrait's own picture, moved by a neural network on a GPU.

The same face parameters as the CPU portrait's (avatar.renderers.cpu.Face), so lips, blinks, moods
and manners are the same, and after an interruption the face comes to rest in the same way. Needs
the neural extra and the weights (python -m avatar models pull liveportrait).
"""

import math
import zlib
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame
from avatar.neural import device, shared, still, voices
from avatar.neural.batch import Late
from avatar.neural.driver import Driver
from avatar.neural.head import Nets, seat
from avatar.neural.shared import Read
from avatar.neural.still import Still
from avatar.renderers.canvas import Canvas
from avatar.renderers.cpu import Face
from avatar.residency import Hold


class LivePortraitRenderer(Canvas):
    """Implements avatar.renderers.Renderer. Make it with `open`."""

    def __init__(
        self,
        nets: Nets,
        shown: Still,
        *,
        fps: int,
        seed: int = 0,
        held: "tuple[Hold[Any] | None, ...]" = (),
        voice: voices.Fit | None = None,
    ) -> None:
        """held: the rights to use the networks, which are given back at the end.

        voice: makes a network that hears drive this head's lips and turn, instead of our visemes.
        """
        super().__init__((shown.picture.shape[1], shown.picture.shape[0]), fps)
        self._held = held
        self.face = Face(seed=seed)
        self._driver = Driver()
        self._head, self._paste = seat(nets, shown)
        self._voice = None if voice is None else voice(self._head)
        self._picture = shown.picture.copy()
        self.device, self._clock = nets.device, nets.drawing.clock
        self._drawn = False

    @classmethod
    def open(
        cls,
        portrait: str,
        *,
        size: tuple[int, int] = (512, 512),
        fps: int = 25,
        on: str | None = None,
        read: Read | None = None,
        motion: str | None = None,
    ) -> Self:
        """Load the weights and a portrait, and be ready to draw; the first picture costs no more.

        on: torch's device, by default a GPU. read: tensors by network; by default the user's files,
        whose networks all faces of the process share. motion: of neural.voices, what drives lips
        and turn; None: our visemes.
        Raises RendererError without a GPU, ModelError without weights, PortraitError for a pack.
        """
        where = device.choose(on)
        shown = still.of(portrait, size)
        seed = zlib.crc32(Path(portrait).name.encode())
        make = partial(cls, shown=shown, fps=fps, seed=seed)
        if motion is None:
            return shared.with_nets(
                "liveportrait", where, Nets.load, read, lambda nets, held: make(nets, held=(held,))
            )
        return shared.with_nets(
            "liveportrait",
            where,
            Nets.load,
            read,
            lambda nets, held: shared.with_nets(
                motion,
                where,
                voices.VOICES[motion],
                read,
                lambda voice, more: make(nets, held=(held, more), voice=voice),
            ),
        )

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Take speech that will be played."""
        self.face.hear(item)
        if self._voice is not None:
            self._voice.hear(item)

    def forget(self, segment: int) -> None:
        """Drop what is known of a segment; the mouth still eases from its last shape."""
        self.face.forget(segment)
        if self._voice is not None:
            self._voice.forget(segment)

    def draw(self, cue: Cue) -> VideoFrame:
        """The picture for this moment; its data is overwritten by the second draw after this.

        One that other faces kept waiting until the next was due is the one before.
        """
        drive = self._driver(self.face.at(cue))
        if self._voice is not None:
            drive = self._voice.over(cue, drive)
        # a CPU draws for files and tests, however long it takes
        live = self.device.gpu and self._drawn
        due_s = self._clock() + 1 / self.fps if live else math.inf
        try:
            face = self._head.draw(drive, due_s)
        except Late:
            return self._again(cue.index)
        self._drawn = True
        with self.device.stage("paste"):
            self._paste(np.ascontiguousarray(face[..., ::-1]), self._picture)
            out = self._paper()
            still.to_i420(self._picture, out)
        return self._frame(cue.index, out)

    def close(self) -> None:
        """Give the networks back; nothing else is held that is not freed with the object."""
        if self._voice is not None:
            self._voice.close()
        for held in self._held:
            if held is not None:
                held.release()
