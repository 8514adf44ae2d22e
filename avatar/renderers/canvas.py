"""What every renderer of a portrait has: a size, a rate, and two buffers taken in turn."""

import numpy as np
from numpy.typing import NDArray

from avatar.frames import VideoFrame


def check(size: tuple[int, int], fps: int) -> None:
    """Raises ValueError for what no picture can have."""
    width, height = size
    if width <= 0 or height <= 0 or width % 2 or height % 2:
        raise ValueError(f"size must be two positive even numbers, not {width}x{height}")
    if fps <= 0:
        raise ValueError(f"fps must be positive, not {fps}")


class Canvas:
    """size: width and height. Raises ValueError for what no picture can have."""

    def __init__(self, size: tuple[int, int], fps: int) -> None:
        check(size, fps)
        width, height = size
        self.width, self.height, self.fps = width, height, fps
        length = width * height * 3 // 2
        self._buffers = (np.zeros(length, np.uint8), np.zeros(length, np.uint8))
        self._turn = 0

    def _paper(self) -> NDArray[np.uint8]:
        """The buffer for the next picture."""
        self._turn = 1 - self._turn
        return self._buffers[self._turn]

    def _again(self, index: int) -> VideoFrame:
        """The last picture once more."""
        return self._frame(index, self._buffers[self._turn])

    def _frame(self, index: int, data: NDArray[np.uint8]) -> VideoFrame:
        return VideoFrame(self.width, self.height, index, data)
