"""Renderers for tests: the protocol with a picture that says what it was asked to show."""

import threading
from dataclasses import dataclass, field

import numpy as np

from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame

WIDTH = HEIGHT = 64


@dataclass
class PlainFace:
    """Grey in silence, white while a segment sounds; notes what it was told."""

    width: int = WIDTH
    height: int = HEIGHT
    fps: int = 25
    cues: list[Cue] = field(default_factory=list)
    heard: list[AudioChunk | SpeechEnd] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    closed: bool = False
    threads: set[int] = field(default_factory=set)

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        self.heard.append(item)

    def forget(self, segment: int) -> None:
        self.forgotten.append(segment)

    def draw(self, cue: Cue) -> VideoFrame:
        self.threads.add(threading.get_ident())
        self.cues.append(cue)
        data = np.full(self.width * self.height * 3 // 2, 128, np.uint8)
        data[: self.width * self.height] = 90 if cue.segment is None else 235
        return VideoFrame(self.width, self.height, cue.index, data)

    def close(self) -> None:
        self.closed = True


class BrokenFace(PlainFace):
    """Dies at the nth picture."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def draw(self, cue: Cue) -> VideoFrame:
        if self._left == 0:
            raise RuntimeError("the face broke")
        self._left -= 1
        return super().draw(cue)


class StuckFace(PlainFace):
    """Hangs at the nth picture until `release` is set."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after
        self.entered = threading.Event()
        self.release = threading.Event()

    def draw(self, cue: Cue) -> VideoFrame:
        if self._left == 0:
            self.entered.set()
            self.release.wait()
        self._left -= 1
        return super().draw(cue)
