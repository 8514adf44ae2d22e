"""MuseTalk as a renderer: the portrait blinks and looks as ever, its mouth is a neural network's.

The CPU engine draws the portrait at rest with its eyes and brows alive; the network redraws the
lower half of the face to what is heard, eight frames at once, and it is blended in. In silence, and
where the sound is not known yet, the mouth is the portrait's own, shut. Needs the neural extra, an
NVIDIA GPU and the weights (python -m avatar models pull musetalk).
"""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd, VideoFrame
from avatar.gaze import ease
from avatar.neural import blend, device, mouth, shared, still
from avatar.neural.ear import BLOCK, Ear
from avatar.neural.lips import Nets, Speaker
from avatar.neural.shared import Read
from avatar.params import CHANNELS, FaceParams
from avatar.portrait.engine import Engine, limit_threads
from avatar.portrait.pack import load
from avatar.renderers.canvas import Canvas
from avatar.renderers.cpu import TO_REST_S, TO_SPEECH_S, Face
from avatar.residency import Hold

U8 = NDArray[np.uint8]

_KEPT_BLOCKS: Final = 3
_MOUTH: Final = np.array(
    [n.startswith(("mouth", "jaw", "tongue", "cheekPuff", "noseSneer")) for n in CHANNELS]
)


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
        held: Hold[Nets] | None = None,
    ) -> None:
        """block: frames that are said together; more of them cost less each and come later.

        held: the right to use the networks, which is given back at the end.
        """
        super().__init__(size, fps)
        self._held = held
        self.device = nets.device
        self.face = Face(seed=seed)
        self._mouth = _Mouth(Speaker(nets, block), nets, still.of(portrait, size), fps)
        self._engine = Engine(load(portrait), size=size)
        self._calm = FaceParams()
        self._planes = np.zeros(size[0] * size[1] * 3 // 2, np.uint8)

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

        on: torch's device, by default a GPU. read: tensors by network; by default the user's files,
        whose networks all faces of the process share.
        Raises RendererError without a GPU, ModelError without weights, PortraitError for a pack.
        """
        where = device.choose(on)
        limit_threads()
        seed = zlib.crc32(Path(portrait).name.encode())
        return shared.with_nets(
            "musetalk",
            where,
            Nets.load,
            read,
            lambda nets, held: cls(nets, portrait, size=size, fps=fps, seed=seed, held=held),
        )

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Take speech that will be played."""
        self.face.hear(item)
        self._mouth.hear(item)

    def forget(self, segment: int) -> None:
        """Drop what is known of a segment; the mouth still eases from its last shape."""
        self.face.forget(segment)
        self._mouth.forget(segment)

    def draw(self, cue: Cue) -> VideoFrame:
        """The picture for this moment; its data is overwritten by the second draw after this."""
        face = self.face.at(cue)
        np.copyto(self._calm.weights, face.weights)
        self._calm.weights[_MOUTH] = 0  # the head stays where its latents were made
        self._engine.draw(self._calm, self._planes)
        rows = self._planes.reshape(self.height * 3 // 2, self.width)
        picture = np.asarray(cv2.cvtColor(rows, cv2.COLOR_YUV2BGR_I420), np.uint8)
        with self.device.stage("blend"):
            self._mouth.put(cue, picture)
        out = self._paper()
        still.to_i420(picture, out)
        return self._frame(cue.index, out)

    def close(self) -> None:
        """Give the networks back; nothing else is held that is not freed with the object."""
        if self._held is not None:
            self._held.release()


class _Mouth:
    """The part of the picture that is generated: when it is seen, and what it says."""

    def __init__(self, speaker: Speaker, nets: Nets, shown: still.Still, fps: int) -> None:
        self._speaker, self._encode, self._fps = speaker, nets.encode, fps
        self._ahead = nets.device.gpu  # a CPU would make the picture wait for them
        height, width = shown.picture.shape[:2]
        points, bridge = shown.box_points
        found = mouth.with_margin(mouth.box(points, bridge, height), height)
        labels = shown.labels(blend.square_around(found), blend.MAP)
        self._seat = blend.seat(blend.face_mask(labels), found, width, height)
        self._latents = speaker.latents(mouth.cut(shown.picture, found))
        self._ears: dict[int, Ear] = {}
        self._blocks: OrderedDict[tuple[int, int], U8 | Callable[[], U8]] = OrderedDict()
        self._last: U8 | None = None
        self._share = 0.0
        self._at_s: float | None = None

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

    def put(self, cue: Cue, picture: U8) -> None:
        """Blend the mouth of this moment into the picture, if it says anything."""
        said = self._said(cue)
        elapsed = 0.0 if self._at_s is None else max(0.0, cue.time_s - self._at_s)
        self._at_s = cue.time_s
        step = elapsed / TO_SPEECH_S if said is not None else -elapsed / TO_REST_S
        self._share = min(1.0, max(0.0, self._share + step))
        if said is not None:
            self._last = said
        if self._last is None or self._share == 0:
            return
        room = picture[self._seat.room].copy()
        blend.put(self._last, picture, self._seat)
        share = ease(self._share)
        if share < 1:
            whole = picture[self._seat.room]
            np.copyto(whole, cv2.addWeighted(whole, share, room, 1 - share, 0))

    def _said(self, cue: Cue) -> U8 | None:
        """The face of this moment; None in silence and while the sound is not known."""
        if cue.segment is None or cue.manner is Manner.ATTENTIVE:
            return None
        ear = self._ears.get(cue.segment)
        if ear is None:
            return None
        frame = max(0, cue.position) * self._fps // CLOCK_RATE
        number, place = divmod(frame, self._speaker.block)
        if not self._begin(cue.segment, number, ear):
            return None
        faces = self._blocks[cue.segment, number]
        if not isinstance(faces, np.ndarray):
            faces = self._blocks[cue.segment, number] = faces()
            if self._ahead:  # the next ones are made while these are shown
                self._begin(cue.segment, number + 1, ear)
        return np.asarray(faces[place], np.uint8)

    def _begin(self, segment: int, number: int, ear: Ear) -> bool:
        """Whether a block is begun by now; not while its sound is not known."""
        if (segment, number) in self._blocks:
            return True
        tokens = ear.block(number)
        if tokens is None:
            return False
        self._blocks[segment, number] = self._speaker.begin(self._latents, tokens)
        while len(self._blocks) > _KEPT_BLOCKS:
            self._blocks.popitem(last=False)
        return True
