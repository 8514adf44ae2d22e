"""Sound and pictures on their way from one thread to another; when it is full, pictures go first.

The giver never waits. What a slow taker has not fetched is bounded: of pictures the newest few are
kept, of sound some seconds, and the oldest is dropped. Sound that was dropped is found again by its
sample numbers: the taker sees a gap and fills it.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 48_000


@dataclass(frozen=True, slots=True)
class Sound:
    """int16 mono at RATE; `start` is the clock sample of samples[0]."""

    start: int
    samples: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Picture:
    """I420, flat (width * height * 3 // 2,) uint8; it belongs to clock sample `start`."""

    start: int
    width: int
    height: int
    data: NDArray[np.uint8]


class Feed:
    """Thread-safe. pictures: how many wait at most; sound_s: seconds of sound that wait at most."""

    def __init__(self, *, pictures: int = 6, sound_s: float = 4.0) -> None:
        self._most_pictures = pictures
        self._most_samples = round(sound_s * RATE)
        self._items: deque[Sound | Picture] = deque()
        self._pictures = 0
        self._samples = 0
        self._ready = threading.Condition()
        self._closed = False
        self.dropped_pictures = 0
        self.dropped_samples = 0

    def put(self, item: Sound | Picture) -> None:
        """Give something; after `close` it is thrown away."""
        with self._ready:
            if self._closed:
                return
            self._items.append(item)
            self._count(item, 1)
            while self._pictures > self._most_pictures:
                self._drop(Picture)
            while self._samples > self._most_samples:
                self._drop(Sound)
            self._ready.notify()

    def get(self, timeout_s: float) -> Sound | Picture | None:
        """The oldest, waiting for it at most so long; None when there is none, or it is closed."""
        until = time.monotonic() + timeout_s
        with self._ready:
            while not self._items:
                left = until - time.monotonic()
                if self._closed or left <= 0:
                    return None
                self._ready.wait(left)
            item = self._items.popleft()
            self._count(item, -1)
            return item

    def clear(self) -> None:
        """Forget what waits: it is too old to be of use."""
        with self._ready:
            self._items.clear()
            self._pictures = self._samples = 0

    def close(self) -> None:
        """Nothing comes any more. Twice is fine."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed

    def _count(self, item: Sound | Picture, sign: int) -> None:
        if isinstance(item, Picture):
            self._pictures += sign
        else:
            self._samples += sign * len(item.samples)

    def _drop(self, kind: type[Sound] | type[Picture]) -> None:
        at = next(i for i, item in enumerate(self._items) if isinstance(item, kind))
        item = self._items[at]
        del self._items[at]
        self._count(item, -1)
        if isinstance(item, Picture):
            self.dropped_pictures += 1
        else:
            self.dropped_samples += len(item.samples)
