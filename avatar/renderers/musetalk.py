"""MuseTalk as a renderer: a body that lives as ever, its mouth is a neural network's.

The body is the portrait at rest, drawn by the CPU engine with its eyes and brows alive, or the loop
of a portrait that was filmed. The network redraws the lower half of its face to what is heard,
eight frames at once, and it is blended in. In silence, and where the sound is not known yet, the
mouth is the body's own, shut. Needs the neural extra, an NVIDIA GPU and the weights
(python -m avatar models pull musetalk).
"""

import math
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd, VideoFrame
from avatar.neural import checkpoint, device, latents, mouth, shared, still
from avatar.neural.batch import Late
from avatar.neural.body import Body, DrawnBody, FilmedBody, Shown
from avatar.neural.ear import BLOCK, Ear
from avatar.neural.latents import Looks
from avatar.neural.lips import Nets, Speaker
from avatar.neural.shared import Read
from avatar.portrait import loop
from avatar.portrait.engine import limit_threads
from avatar.portrait.pack import load
from avatar.renderers.canvas import Canvas
from avatar.renderers.cpu import Face
from avatar.residency import Hold

U8 = NDArray[np.uint8]

_KEPT_BLOCKS: Final = 3


class MuseTalkRenderer(Canvas):
    """Implements avatar.renderers.Renderer. Make it with `open`."""

    def __init__(
        self,
        nets: Nets,
        portrait: str,
        *,
        size: tuple[int, int],
        fps: int,
        seed: int = 0,
        block: int = BLOCK,
        weights: str = "",
        held: Hold[Nets] | None = None,
    ) -> None:
        """block: frames that are said together; more of them cost less each and come later.
        weights: what tells these from others, for what is kept of a loop; empty: nothing is kept.
        held: the right to use the networks, which is given back at the end.
        """
        super().__init__(size, fps)
        self._held = held
        self.device = nets.device
        self.face = Face(seed=seed)
        speaker = Speaker(nets, block)
        pack, shown = load(portrait), still.of(portrait, size)
        film = loop.of(pack.path)
        self._body: Body
        self._look: Callable[[], Looks]
        if film is None:
            self._body = drawn = DrawnBody(pack, shown)
            face = mouth.cut(shown.picture, drawn.box)
            self._look = lambda: latents.Drawn(speaker.latents(face))
        else:
            self._body = FilmedBody(film, shown)
            self._look = lambda: latents.Filmed(film, latents.kept(film, nets, speaker, weights))
        self._nets, self._speaker = nets, speaker
        self._ready: tuple[_Mouth, Shown] | None = None

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
        """Load the weights and a portrait, and be ready to `prepare`.

        on: torch's device, by default a GPU. read: tensors by network; by default the user's files,
        whose networks all faces of the process share.
        Raises RendererError without a GPU, ModelError without weights, PortraitError for a pack.
        """
        where = device.choose(on)
        limit_threads()
        seed = zlib.crc32(Path(portrait).name.encode())
        weights = checkpoint.known("musetalk") if read is None else ""
        return shared.with_nets(
            "musetalk",
            where,
            Nets.load,
            read,
            lambda nets, held: cls(
                nets, portrait, size=size, fps=fps, seed=seed, weights=weights, held=held
            ),
        )

    def prepare(self) -> None:
        """Let the networks look at the body: a moment for a portrait; seconds on a GPU for a loop,
        unless what they made of it is kept. Done once."""
        self._parts()

    def _parts(self) -> "tuple[_Mouth, Shown]":
        if self._ready is None:
            looks, device = self._look(), self._nets.device
            speech = _Mouth(self._speaker, self._nets, looks, self.fps)
            self._ready = speech, Shown(self._body, device, looks.shut)
        return self._ready

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Take speech that will be played."""
        self.face.hear(item)
        self._parts()[0].hear(item)

    def forget(self, segment: int) -> None:
        """Drop what is known of a segment; the mouth still eases from its last shape."""
        self.face.forget(segment)
        self._parts()[0].forget(segment)

    def draw(self, cue: Cue) -> VideoFrame:
        """The picture for this moment; its data is overwritten by the second draw after this."""
        face, (speech, shown) = self.face.at(cue), self._parts()
        said, tick = speech.say(cue)
        picture = self._body.picture(face, tick)
        shown.put(cue.time_s, said, picture, tick)
        out = self._paper()
        still.to_i420(picture, out)
        return self._frame(cue.index, out)

    def close(self) -> None:
        """Give the networks back; nothing else is held that is not freed with the object."""
        if self._held is not None:
            self._held.release()


@dataclass(slots=True)
class _Block:
    """Frames that are said together: of these tokens, and for the ticks that they had in mind."""

    tokens: Tensor
    faces: U8 | Callable[[], U8] | None = None


class _Mouth:
    """What the part of the picture that is generated says at each moment."""

    def __init__(self, speaker: Speaker, nets: Nets, looks: Looks, fps: int) -> None:
        self._speaker, self._encode, self._looks, self._fps = speaker, nets.encode, looks, fps
        self._clock = nets.saying.clock
        self._live = nets.device.gpu
        """A CPU says its blocks for files and tests: none ahead, none too late."""
        self._ears: dict[int, Ear] = {}
        self._blocks: OrderedDict[tuple[int, int], _Block] = OrderedDict()
        self._lag: tuple[int, int] | None = None

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        ear = self._ears.get(item.segment)
        if ear is None:
            ear = self._ears[item.segment] = Ear(self._encode, self._fps, self._speaker.block)
        if isinstance(item, AudioChunk):
            ear.feed(item.samples)
        else:
            ear.finish()

    def forget(self, segment: int) -> None:
        self._ears.pop(segment, None)
        for key in [key for key in self._blocks if key[0] == segment]:
            del self._blocks[key]

    def say(self, cue: Cue) -> tuple[U8 | None, int]:
        """The face of this moment, None in silence and while the sound is not known; and the tick
        that the body is at."""
        said = None
        index = cue.index
        ear = None if cue.segment is None else self._ears.get(cue.segment)
        if cue.segment is not None and ear is not None and cue.manner is not Manner.ATTENTIVE:
            frame = max(0, cue.position) * self._fps // CLOCK_RATE
            lag = self._lagging(cue.segment, cue.index - frame)
            said = self._face(cue.segment, frame, lag, ear)
            index = cue.index if said is None else frame + lag
        return said, self._tick(index)

    def _tick(self, index: int) -> int:
        return index * loop.FPS // self._fps

    def _lagging(self, segment: int, found: int) -> int:
        """The picture's index at the segment's first frame. It stays while it is off by no more
        than rounding; when speech was paused, faces that are not shown yet are made anew."""
        if self._lag is None or self._lag[0] != segment or abs(self._lag[1] - found) > 1:
            self._lag = segment, found
            for block in self._blocks.values():
                block.faces = None
        return self._lag[1]

    def _face(self, segment: int, frame: int, lag: int, ear: Ear) -> U8 | None:
        number, place = divmod(frame, self._speaker.block)
        length = self._speaker.block
        left_s = ((number + 1) * length - frame) / self._fps  # until its last frame is over
        due_s = self._clock() + left_s if self._live else math.inf
        block = self._begun(segment, number, lag, ear, due_s)
        if block is None:
            return None
        if not isinstance(block.faces, np.ndarray):
            assert block.faces is not None
            block.faces = block.faces()
            if self._live:  # the next ones are made while these are shown
                self._begun(segment, number + 1, lag, ear, due_s + length / self._fps)
        return np.asarray(block.faces[place], np.uint8)

    def _begun(self, segment: int, number: int, lag: int, ear: Ear, due_s: float) -> _Block | None:
        """A block that is said, or begun to be; None while its sound is not known, and where other
        faces kept it waiting until nothing of it would be seen."""
        block = self._blocks.get((segment, number))
        if block is None:
            tokens = ear.block(number)
            if tokens is None:
                return None
            block = self._blocks[segment, number] = _Block(tokens)
            while len(self._blocks) > _KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        if block.faces is None:
            first = number * self._speaker.block + lag
            ticks = [self._tick(first + i) for i in range(self._speaker.block)]
            try:
                block.faces = self._speaker.begin(self._looks.latents(ticks), block.tokens, due_s)
            except Late:
                return None
        return block
