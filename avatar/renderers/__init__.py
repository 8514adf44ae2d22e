"""The Renderer protocol, and the one place where a renderer is chosen by name.

A renderer is synchronous and knows nothing of threads or asyncio: `hear` what will be said, `draw`
what sounds now, `forget` what was taken back. One thread calls it (avatar/stream.py owns that).
"""

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Final, Protocol, runtime_checkable

from avatar.errors import ModelError, RendererError
from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame

logger = logging.getLogger(__name__)


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


@runtime_checkable
class Prepares(Protocol):
    """A renderer that has something long to do before its first picture."""

    def prepare(self) -> None:
        """Do it now, on the thread that will draw; else it is done when first needed."""


def load(
    name: str, *, portrait: str, size: tuple[int, int] = (512, 512), fps: int = 25
) -> Renderer:
    """Make the renderer `name` for a portrait (a shipped pack's name or a pack folder).

    A neural one comes with the CPU portrait as its understudy (understudy.py). Raises RendererError
    for an unknown name or one that cannot run here, ModelError when its weights are missing,
    PortraitError for a pack that cannot be used.
    """
    made = load_alone(name, portrait=portrait, size=size, fps=fps)
    return made if name == "cpu" else _understudied(name, made, portrait)


def load_alone(
    name: str, *, portrait: str, size: tuple[int, int] = (512, 512), fps: int = 25
) -> Renderer:
    """The same without an understudy, for who wants to know what its own pictures cost."""
    try:
        factory = _FACTORIES[name]
    except KeyError:
        raise RendererError(
            f"no renderer {name!r}: choose one of {', '.join(_FACTORIES)}"
        ) from None
    return factory(portrait, size, fps)


def load_or_cpu(
    name: str, *, portrait: str, size: tuple[int, int] = (512, 512), fps: int = 25
) -> Renderer:
    """The same, but the CPU portrait where a neural renderer cannot run here, with the reason on
    its pictures: a call is never without a face. Raises what the CPU portrait raises, and
    RendererError for an unknown name."""
    from avatar.renderers.understudy import Labelled

    try:
        return load(name, portrait=portrait, size=size, fps=fps)
    except (ModelError, RendererError) as error:
        if name == "cpu" or name not in NAMES:
            raise
        logger.warning("%s cannot run here", name, extra={"reason": str(error)})
        return Labelled(_cpu(portrait, size, fps), f"{name} cannot run here")


def _understudied(name: str, made: Renderer, portrait: str) -> Renderer:
    from avatar.renderers.understudy import Understudied

    size, fps = (made.width, made.height), made.fps
    ready = [made]

    def make() -> Renderer:  # the one that is here, and later others of its kind
        return ready.pop() if ready else _FACTORIES[name](portrait, size, fps)

    return Understudied(name, prepared(make), _cpu(portrait, size, fps))


def prepared(make: Callable[[], Renderer]) -> Callable[[], Renderer]:
    """Makes one that is ready for its first picture, on the thread that draws it."""

    def both() -> Renderer:
        renderer = make()
        if isinstance(renderer, Prepares):
            renderer.prepare()
        return renderer

    return both


def _cpu(portrait: str, size: tuple[int, int], fps: int) -> Renderer:
    from avatar.renderers.cpu import CpuRenderer

    return CpuRenderer.open(portrait, size=size, fps=fps)


def _neural(name: str, kind: str, **more: str) -> "Factory":
    """kind: the class in the module of this name. more: what else it is opened with."""

    def make(portrait: str, size: tuple[int, int], fps: int) -> Renderer:
        try:
            module = import_module(f"avatar.renderers.{name}")
        except ImportError as error:
            raise RendererError(
                f"the renderer {name} needs {error.name}: pip install 'visavis-avatar[neural]'"
            ) from error
        made: Renderer = getattr(module, kind).open(portrait, size=size, fps=fps, **more)
        return made

    return make


Factory = Callable[[str, tuple[int, int], int], Renderer]

_FACTORIES: dict[str, Factory] = {
    "cpu": _cpu,
    "liveportrait": _neural("liveportrait", "LivePortraitRenderer"),
    "musetalk": _neural("musetalk", "MuseTalkRenderer"),
    "liveportrait+ditto": _neural("liveportrait", "LivePortraitRenderer", motion="ditto"),
    "liveportrait+joyvasa": _neural("liveportrait", "LivePortraitRenderer", motion="joyvasa"),
    "wav2lip": _neural("wav2lip", "Wav2LipRenderer"),
}

NAMES: Final = tuple(_FACTORIES)
"""The renderers there are; not each of them runs everywhere."""
