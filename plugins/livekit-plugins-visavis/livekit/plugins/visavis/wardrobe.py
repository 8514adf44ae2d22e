"""Another face for an avatar that is on: made beside the one that draws, then put on at once.

The renderer that goes on drawing meanwhile is not touched, so a portrait that cannot be used costs
nothing but its error.
"""

import asyncio
import logging
from collections.abc import Callable

from avatar.frames import Cue
from avatar.renderers import Renderer
from avatar.stream import AvatarStream, Drawer

logger = logging.getLogger(__name__)


class Face:
    """A portrait that is ready to be worn. One that is not wanted after all: `discard` it."""

    def __init__(self, portrait: str, drawer: Drawer, again: Callable[[], Renderer]) -> None:
        self.portrait = portrait
        self._drawer: Drawer | None = drawer
        self._again = again

    def put_on(self, stream: AvatarStream) -> None:
        """Draw with it from now on. Raises ValueError when it was worn or discarded before."""
        drawer, self._drawer = self._drawer, None
        if drawer is None:
            raise ValueError(f"the face {self.portrait!r} was worn or discarded before")
        stream.swap(drawer, again=self._again)
        logger.info("face worn", extra={"portrait": self.portrait})

    def discard(self) -> None:
        """Free it. Twice is fine; nothing happens to one that is worn."""
        drawer, self._drawer = self._drawer, None
        if drawer is not None:
            drawer.end()


async def prepare(
    stream: AvatarStream, portrait: str, load: Callable[[], Renderer], *, timeout_s: float
) -> Face:
    """The face that `load` makes, on a thread of its own. Raises what AvatarStream.prepare does."""

    def warmed() -> Renderer:
        renderer = load()
        renderer.draw(Cue(index=0, time_s=0.0))  # the first picture costs more than the next
        return renderer

    loop = asyncio.get_running_loop()
    making = loop.run_in_executor(None, stream.prepare, warmed, timeout_s)
    try:
        return Face(portrait, await asyncio.shield(making), load)
    except asyncio.CancelledError:
        making.add_done_callback(_end)
        raise


def _end(making: "asyncio.Future[Drawer]") -> None:
    if not making.cancelled() and making.exception() is None:
        making.result().end()
