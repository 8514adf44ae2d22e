"""Wav2Lip as a renderer: a body that lives as ever, its mouth drawn at 96 x 96 to what is heard.

The body is the one that MuseTalk has, and so are the face's box and the mask; each picture's mouth
is made by itself, of the face as it is in that picture. In silence, and where the sound is not
known yet, the mouth is the body's own, shut. Needs the neural extra and weights for research and
personal use that nobody fetches for you; a GPU, or a CPU that is quick enough (understudy.py
decides).
"""

import zlib
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd, VideoFrame
from avatar.neural import body, device, shared, still
from avatar.neural.batch import Late
from avatar.neural.shared import Read
from avatar.neural.wav2lip import NAME, SIDE, Ear, Nets, quiet
from avatar.portrait import loop
from avatar.portrait.engine import limit_threads
from avatar.portrait.pack import load
from avatar.renderers.canvas import Canvas
from avatar.renderers.cpu import Face
from avatar.residency import Hold

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


class Wav2LipRenderer(Canvas):
    """Implements avatar.renderers.Renderer. Make it with `open`."""

    def __init__(
        self,
        nets: Nets,
        portrait: str,
        *,
        size: tuple[int, int],
        fps: int,
        seed: int = 0,
        held: Hold[Nets] | None = None,
    ) -> None:
        """held: the right to use the network, which is given back at the end."""
        super().__init__(size, fps)
        self._nets, self._held = nets, held
        self.device = nets.device
        self.face = Face(seed=seed)
        self._body = body.of(load(portrait), still.of(portrait, size))
        self._shown = body.Shown(self._body, nets.device, self._shut)
        self._ears: dict[int, Ear] = {}
        nets.prepare()

    @classmethod
    def open(
        cls,
        portrait: str,
        *,
        size: tuple[int, int] = (512, 512),
        fps: int = 25,
        on: str | None = None,
        read: Read | None = None,
    ) -> Self:
        """Load the weights and a portrait, and be ready to draw.

        on: torch's device, by default a GPU, or the CPU where there is none. read: tensors by
        network; by default the user's file, whose network all faces of the process share.
        Raises ModelError without weights, PortraitError for a pack.
        """
        limit_threads()
        seed = zlib.crc32(Path(portrait).name.encode())
        return shared.with_nets(
            NAME,
            device.choose_any(on),
            Nets.load,
            read,
            lambda nets, held: cls(nets, portrait, size=size, fps=fps, seed=seed, held=held),
        )

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Take speech that will be played."""
        self.face.hear(item)
        ear = self._ears.get(item.segment)
        if ear is None:
            ear = self._ears[item.segment] = Ear(self.fps)
        if isinstance(item, AudioChunk):
            ear.feed(item.samples)
        else:
            ear.finish()

    def forget(self, segment: int) -> None:
        """Drop what is known of a segment; the mouth still eases from its last shape."""
        self.face.forget(segment)
        self._ears.pop(segment, None)

    def draw(self, cue: Cue) -> VideoFrame:
        """The picture for this moment; its data is overwritten by the second draw after this.

        A mouth that other faces kept waiting until the next was due is the one before.
        """
        face = self.face.at(cue)
        tick = cue.index * loop.FPS // self.fps
        picture = self._body.picture(face, tick)
        window = self._heard(cue)
        said = None
        if window is not None:
            made = self._made(window, picture, tick)
            said = self._shown.last if made is None else made
        self._shown.put(cue.time_s, said, picture, tick)
        out = self._paper()
        still.to_i420(picture, out)
        return self._frame(cue.index, out)

    def close(self) -> None:
        """Give the network back; nothing else is held that is not freed with the object."""
        if self._held is not None:
            self._held.release()

    def _heard(self, cue: Cue) -> F32 | None:
        """What this moment says; None in silence and while the sound is not known."""
        ear = None if cue.segment is None else self._ears.get(cue.segment)
        if ear is None or cue.manner is Manner.ATTENTIVE:
            return None
        return ear.window(max(0, cue.position) * self.fps // CLOCK_RATE)

    def _made(self, window: F32, picture: U8, tick: int) -> U8 | None:
        """The face of a picture, saying this; None if others kept it waiting for too long."""
        due_s = self._nets.saying.clock() + 1 / self.fps
        try:
            return self._nets.say(window, self._body.cut(picture, tick, SIDE), due_s)
        except Late:
            return None

    def _shut(self, picture: U8, tick: int) -> U8 | None:
        return self._made(quiet(), picture, tick)
