"""The Renderer protocol, and the one place where a renderer is chosen by name.

A renderer is synchronous and knows nothing of threads or asyncio: `hear` what will be said, `draw`
what sounds now, `forget` what was taken back. One thread calls it (avatar/stream.py owns that).
"""

from collections.abc import Callable
from typing import Protocol

from avatar.errors import RendererError
from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame


class Renderer(Protocol):
    """A face that can be drawn, frame by frame."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def fps(self) -> int: ...

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Take speech that will be played. Quick: the drawing is done in `draw`."""

    def forget(self, segment: int) -> None:
        """The segment is over or was interrupted: drop what is known of it. Unknown is fine."""

    def draw(self, cue: Cue) -> VideoFrame:
        """The picture for this moment. Cues come in rising `index`, frames may be left out."""

    def close(self) -> None:
        """Free everything; nothing is called afterwards."""


def load(
    name: str, *, portrait: str, size: tuple[int, int] = (512, 512), fps: int = 25
) -> Renderer:
    """Make the renderer `name` for a portrait (a shipped pack's name or a pack folder).

    Raises RendererError for an unknown name, PortraitError for a pack that cannot be used.
    """
    try:
        factory = _FACTORIES[name]
    except KeyError:
        raise RendererError(
            f"no renderer {name!r}: choose one of {', '.join(_FACTORIES)}"
        ) from None
    return factory(portrait, size, fps)


def _cpu(portrait: str, size: tuple[int, int], fps: int) -> Renderer:
    from avatar.renderers.cpu import CpuRenderer

    return CpuRenderer.open(portrait, size=size, fps=fps)


_FACTORIES: dict[str, Callable[[str, tuple[int, int], int], Renderer]] = {"cpu": _cpu}
