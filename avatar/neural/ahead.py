"""The rows of what is said, segment by segment: said when they are asked for, or ahead of that.

In a call a window must not take the time of the picture that is first in it. So `Ahead` says
windows on a thread of its own as soon as their sound is there, which is before it is played, and
whoever asks too early gets nothing.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatar.errors import RendererError
from avatar.frames import AudioChunk, SpeechEnd
from avatar.neural.rows import Moved, Rows

logger = logging.getLogger(__name__)

MOST_WAITING: Final = 4096
"""Pieces of speech that may wait to be heard; a segment with one more is not heard at all."""
_CLOSING_S: Final = 5.0

Heard = AudioChunk | SpeechEnd
Order = tuple[Rows, NDArray[np.int16] | None]
"""More sound of a segment, or its end."""


class Known:
    """The segments that are known. One thread calls it. make: the rows of a segment."""

    def __init__(self, make: Callable[[int], Rows]) -> None:
        self._make = make
        self._rows: dict[int, Rows] = {}

    def hear(self, item: Heard) -> None:
        """Take speech that will be played."""
        rows = self._rows.get(item.segment)
        if rows is None:
            rows = self._rows[item.segment] = self._make(item.segment)
        self._take(rows, item.samples if isinstance(item, AudioChunk) else None)

    def forget(self, segment: int) -> None:
        """Drop what is known of a segment. Unknown is fine."""
        self._rows.pop(segment, None)

    def at(self, segment: int, frame: int) -> Moved | None:
        """What a frame says, if that is known."""
        rows = self._rows.get(segment)
        return None if rows is None else rows.at(frame)

    def close(self) -> None:
        """Nothing is called afterwards."""

    def _take(self, rows: Rows, samples: NDArray[np.int16] | None) -> None:
        if samples is None:
            rows.finish()
        else:
            rows.feed(samples)


class Ahead(Known):
    """The same with a thread that says windows; `at` never waits for it, and raises RendererError
    when it died."""

    def __init__(self, make: Callable[[int], Rows]) -> None:
        super().__init__(make)
        self._orders: Queue[Order | None] = Queue(MOST_WAITING)
        self._fault: BaseException | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
        self._thread.start()

    def at(self, segment: int, frame: int) -> Moved | None:
        if self._fault is not None:
            raise RendererError(f"the voice died: {self._fault}") from self._fault
        rows = self._rows.get(segment)
        return None if rows is None else rows.known(frame)

    def settle(self) -> None:
        """Wait until everything that was heard is said."""
        self._orders.join()

    def close(self) -> None:
        """End the thread, after the window that it is saying."""
        self._closed.set()
        self._rows.clear()
        with suppress(Full):  # then it looks after the next of them whether it is closed
            self._orders.put_nowait(None)
        self._thread.join(_CLOSING_S)

    def _take(self, rows: Rows, samples: NDArray[np.int16] | None) -> None:
        try:
            self._orders.put_nowait((rows, samples))
        except Full:
            logger.warning("a segment is not heard: too much speech waits")
            self._rows = {key: known for key, known in self._rows.items() if known is not rows}

    def _run(self) -> None:
        try:
            while (order := self._orders.get()) is not None and not self._closed.is_set():
                super()._take(*order)
                while self._orders.empty() and self._more():
                    pass
                self._orders.task_done()
        except BaseException as error:  # whoever asks next is told
            self._fault = error

    def _more(self) -> bool:
        """Say one more window of a segment that is still wanted; whether there was one."""
        return any(rows.more() for rows in list(self._rows.values()))
