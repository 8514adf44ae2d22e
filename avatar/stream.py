"""AvatarStream: a renderer on a thread of its own, asked for one picture at a time.

Sound goes in as soon as it is known, pictures come out when they are asked for; at most one request
waits, a newer one takes its place. A renderer that raises is dead from then on: requests are
answered with None, and the voice knows nothing of it, until `restart` puts another one in its
place. A living one is replaced without a gap: `prepare` makes the next beside it, `swap` changes
over. A thread cannot be killed: a renderer that hangs is left behind on its own.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable

from avatar.errors import RendererError
from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame
from avatar.renderers import Renderer

logger = logging.getLogger(__name__)

Done = Callable[[VideoFrame | None], None]
Heard = AudioChunk | SpeechEnd

_MAX_HEARD = 4096
"""Items of speech kept for the renderer; the oldest go (a stuck renderer draws nothing)."""


class AvatarStream:
    """Owns a renderer and the only thread that touches it.

    make: builds the renderer, on that thread. again: builds the one that takes its place after
    `restart`; None: there is no other one.
    """

    def __init__(
        self, make: Callable[[], Renderer], *, again: Callable[[], Renderer] | None = None
    ) -> None:
        self._again = again
        self._lock = threading.Lock()
        self._known: deque[Heard] = deque(maxlen=_MAX_HEARD)  # of segments that are not over
        self._drawer = Drawer(make, ())
        self._closed = False

    def start(self) -> None:
        self._drawer.start()

    def wait_ready(self, timeout_s: float) -> None:
        """Block until the renderer is made. Raises RendererError if it cannot be, or is late."""
        self._drawer.wait_ready(timeout_s)

    @property
    def fault(self) -> Exception | None:
        """What killed the renderer; None while it lives."""
        return self._drawer.fault

    @property
    def can_restart(self) -> bool:
        """Whether there is another renderer for one that died."""
        return self._again is not None

    def restart(self) -> None:
        """Leave the renderer, dead or hanging, and make another one; it knows what was heard.

        Never blocks: the new one is made on its own thread, and requests wait for it there.
        """
        if self._again is None:
            raise RuntimeError("there is no other renderer: give `again`")
        with self._lock:
            left, self._drawer = self._drawer, Drawer(self._again, self._known)
        left.end()
        self._drawer.start()

    def prepare(self, make: Callable[[], Renderer], timeout_s: float) -> "Drawer":
        """Make another renderer beside the one that draws; block until it can.

        The caller owns it until `swap`: one that is not wanted is ended with `end`. Raises
        RendererError when it cannot be made, or is late.
        """
        drawer = Drawer(make, ())
        drawer.start()
        try:
            drawer.wait_ready(timeout_s)
        except RendererError:
            drawer.end()
            raise
        return drawer

    def swap(self, drawer: "Drawer", *, again: Callable[[], Renderer]) -> None:
        """Draw with this renderer from the next picture on; it learns what is to be said.

        again: makes another one of its kind, for `restart`. Never blocks.
        """
        with self._lock:
            if self._closed:
                drawer.end()
                return
            for item in self._known:
                drawer.tell(item)
            left, self._drawer, self._again = self._drawer, drawer, again
        left.end()

    def hear(self, item: Heard) -> None:
        """Give speech ahead of its being played. Any thread; never blocks."""
        with self._lock:
            self._known.append(item)
            self._drawer.tell(item)

    def forget(self, segment: int) -> None:
        """The segment is over or was interrupted. Any thread; never blocks."""
        with self._lock:
            kept = [item for item in self._known if item.segment != segment]
            self._known = deque(kept, _MAX_HEARD)
            self._drawer.tell(segment)

    def request(self, cue: Cue, done: Done) -> None:
        """Ask for a picture; `done` gets it on the stream's thread. Replaces a waiting request."""
        self._drawer.request(cue, done)

    def close(self, timeout_s: float = 2.0) -> None:
        """End the thread and the renderer; a renderer that hangs is left behind. Twice is fine."""
        with self._lock:
            self._closed = True
        self._drawer.end()
        self._drawer.join(timeout_s)


class Drawer:
    """One renderer on one thread, from making it to its end."""

    def __init__(self, make: Callable[[], Renderer], heard: Iterable[Heard]) -> None:
        self._make = make
        self._wake = threading.Condition()
        self._heard: deque[Heard | int] = deque(heard, _MAX_HEARD)
        self._request: tuple[Cue, Done] | None = None
        self._closing = False
        self.ready = threading.Event()
        self.fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="avatar-stream", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_ready(self, timeout_s: float) -> None:
        """Block until the renderer is made. Raises RendererError if it cannot be, or is late."""
        if not self.ready.wait(timeout_s):
            raise RendererError(f"the renderer was not ready within {timeout_s:.0f} s")
        if self.fault is not None:
            raise RendererError(f"the renderer could not be made: {self.fault}") from self.fault

    def tell(self, item: Heard | int) -> None:
        if self.fault is None:
            with self._wake:
                self._heard.append(item)
                self._wake.notify()

    def request(self, cue: Cue, done: Done) -> None:
        with self._wake:
            refused = self.fault is not None or self._closing
            replaced = (cue, done) if refused else self._request
            if not refused:
                self._request = (cue, done)
                self._wake.notify()
        if replaced is not None:
            replaced[1](None)

    def end(self) -> None:
        """Let the thread end after what it does now."""
        with self._wake:
            self._closing = True
            request, self._request = self._request, None
            self._wake.notify()
        if request is not None:
            request[1](None)

    def join(self, timeout_s: float) -> None:
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                logger.warning("the renderer did not stop in time and is left behind")

    def _run(self) -> None:
        renderer: Renderer | None = None
        try:
            renderer = self._make()
            self.ready.set()
            while (work := self._next()) is not None:
                self._serve(renderer, work)
        except Exception as error:  # the outer edge of the thread: a dead face must not end a call
            self._die(error)
        finally:
            if renderer is not None:
                renderer.close()

    def _next(self) -> tuple[list[Heard | int], tuple[Cue, Done] | None] | None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._heard or self._request)
            if self._closing:
                return None
            heard = list(self._heard)
            self._heard.clear()
            request, self._request = self._request, None
            return heard, request

    def _serve(
        self, renderer: Renderer, work: tuple[list[Heard | int], tuple[Cue, Done] | None]
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
        with self._wake:
            self.fault = error
            request, self._request = self._request, None
        if request is not None:
            request[1](None)
        if self.ready.is_set():
            logger.exception("the renderer died", exc_info=error)
        else:
            logger.warning("the renderer could not be made", extra={"reason": str(error)})
        self.ready.set()
