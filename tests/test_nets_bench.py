"""What a GPU host is told of itself: how many faces it carries."""

import threading
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the neural extra: scripts/setup --test")

from avatar.cli import bench_neural  # noqa: E402  (needs torch)
from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame  # noqa: E402
from avatar.neural import device  # noqa: E402

CPU = device.choose("cpu")
SOUND = np.zeros(24_000, np.int16)


class Face:
    """Draws one at a time on its one GPU, so many milliseconds each."""

    width, height, fps = 64, 64, 25
    gpu = threading.Lock()

    def __init__(self, takes_s: float) -> None:
        self.takes_s, self.drawn = takes_s, 0
        self.heard: list[object] = []

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        self.heard.append(item)

    def forget(self, segment: int) -> None:
        self.heard.append(segment)

    def draw(self, cue: Cue) -> VideoFrame:
        self.drawn += 1
        with self.gpu:
            time.sleep(self.takes_s)
        return VideoFrame(64, 64, cue.index, np.zeros(64 * 96, np.uint8))

    def close(self) -> None: ...


def test_faces_that_need_more_than_there_is_do_not_keep_up() -> None:
    assert bench_neural.keeps_up([Face(0.05)], CPU, SOUND) == 0.0
    crowd = [Face(0.03) for _ in range(4)]
    assert bench_neural.keeps_up(crowd, CPU, SOUND) < bench_neural._ENOUGH
    assert {face.drawn for face in crowd} == {12}
    assert all(face.heard[0] and face.heard[-1] == 0 for face in crowd)


def test_pictures_that_were_left_out_do_not_count() -> None:
    where = device.choose("cpu")
    where.stages["late"] = (0.1, 1_000)
    assert bench_neural.keeps_up([Face(0.0)], where, SOUND) == 0.0


def test_a_product_of_matrices_is_the_roof() -> None:
    assert bench_neural.matmul_tflops(CPU) > 0
