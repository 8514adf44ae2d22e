"""AvatarStream: a renderer on a thread of its own, asked for one picture at a time.

Sound goes in as soon as it is known, pictures come out when they are asked for; at most one request
waits, a newer one takes its place. A renderer that raises is dead from then on: requests are
answered with None, the caller holds the last picture, and the voice knows nothing of it.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable

from avatar.errors import RendererError
from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame
from avatar.renderers import Renderer

logger = logging.getLogger(__name__)

Done = Callable[[VideoFrame | None], None]

_MAX_HEARD = 4096
"""Items of speech waiting for the renderer; the oldest go (a stuck renderer draws nothing)."""


class AvatarStream:
    """Owns a renderer and the only thread that touches it.

    make: builds the renderer, on that thread. on_fault: called once, on that thread, with the error
    that killed the renderer.
    """

    def __init__(
        self, make: Callable[[], Renderer], *, on_fault: Callable[[Exception], None]
    ) -> None:
        self._make = make
        self._on_fault = on_fault
        self._wake = threading.Condition()
        self._heard: deque[AudioChunk | SpeechEnd | int] = deque(maxlen=_MAX_HEARD)
        self._request: tuple[Cue, Done] | None = None
        self._closing = False
        self._ready = threading.Event()
        self._dead: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="avatar-stream", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_ready(self, timeout_s: float) -> None:
        """Block until the renderer is made. Raises RendererError if it cannot be, or is late."""
        if not self._ready.wait(timeout_s):
            raise RendererError(f"the renderer was not ready within {timeout_s:.0f} s")
        if self._dead is not None:
            raise RendererError(f"the renderer could not be made: {self._dead}") from self._dead

    @property
    def alive(self) -> bool:
        return self._dead is None

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Give speech ahead of its being played. Any thread; never blocks."""
        self._tell(item)

    def forget(self, segment: int) -> None:
        """The segment is over or was interrupted. Any thread; never blocks."""
        self._tell(segment)

    def request(self, cue: Cue, done: Done) -> None:
        """Ask for a picture; `done` gets it on the stream's thread. Replaces a waiting request."""
        if self._dead is not None:
            done(None)
            return
        with self._wake:
            replaced = self._request
            self._request = (cue, done)
            self._wake.notify()
        if replaced is not None:
            replaced[1](None)

    def close(self, timeout_s: float = 2.0) -> None:
        """End the thread and the renderer; a renderer that hangs is left behind. Twice is fine."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                logger.warning("the renderer did not stop in time and is left behind")

    def _tell(self, item: AudioChunk | SpeechEnd | int) -> None:
        if self._dead is not None:
            return
        with self._wake:
            self._heard.append(item)
            self._wake.notify()

    def _run(self) -> None:
        renderer: Renderer | None = None
        try:
            renderer = self._make()
            self._ready.set()
            while (work := self._next()) is not None:
                self._serve(renderer, work)
        except Exception as error:  # the outer edge of the thread: a dead face must not end a call
            self._die(error)
        finally:
            if renderer is not None:
                renderer.close()

    def _next(self) -> tuple[list[AudioChunk | SpeechEnd | int], tuple[Cue, Done] | None] | None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._heard or self._request)
            if self._closing:
                return None
            heard = list(self._heard)
            self._heard.clear()
            request, self._request = self._request, None
            return heard, request

    def _serve(
        self,
        renderer: Renderer,
        work: tuple[list[AudioChunk | SpeechEnd | int], tuple[Cue, Done] | None],
    ) -> None:
        heard, request = work
        frame: VideoFrame | None = None
        try:
            for item in heard:
                if isinstance(item, int):
                    renderer.forget(item)
                else:
                    renderer.hear(item)
            if request is not None:
                frame = renderer.draw(request[0])
        finally:
            if request is not None:
                request[1](frame)

    def _die(self, error: Exception) -> None:
        self._dead = error
        with self._wake:
            request, self._request = self._request, None
        if request is not None:
            request[1](None)
        if self._ready.is_set():
            logger.exception("the renderer died", exc_info=error)
            self._on_fault(error)
        self._ready.set()
