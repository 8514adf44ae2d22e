"""Made videos: the photo of photos.py (NASA, public domain) moved about by code, and grey loops."""

import shutil
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.frames import VideoFrame
from avatar.portrait import loop
from avatar.portrait.pack import load

Bytes = NDArray[np.uint8]

COUNT = 30
SIZE = (512, 512)
_RECT = (-64, 0, 960, 1024)


def moved(photo: Bytes, at: int) -> Bytes:
    """(512, 512, 3): swaying, so that the face is 6 px and 4 degrees aside at most."""
    turn = cv2.getRotationMatrix2D((225, 130), 4 * np.sin(at / 9), 1.0 + 0.02 * np.sin(at / 13))
    turn[0, 2] += 6 * np.sin(at / 11)
    picture = cv2.warpAffine(
        photo, turn, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(picture, np.uint8)


def swaying(photo: Bytes, count: int) -> list[Bytes]:
    return [moved(photo, at) for at in range(count)]


def save(path: Path, pictures: list[Bytes], *, rate: int = 25) -> Path:
    """An MP4 of these pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 8_000_000
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def filmed(folder: Path, *, gap: float = 0.0, line: bool = False) -> Path:
    """The portrait imani with a loop of grey pictures, each lighter, the face moving to the right.

    line: a white one across the mouth, which a face at an eighth of its size cannot show.
    """
    pack = Path(shutil.copytree(load("imani").path, folder / "filmed"))
    names = []
    for i in range(COUNT):
        picture = np.full((_RECT[3] - _RECT[1], _RECT[2] - _RECT[0], 3), 40 + 4 * i, np.uint8)
        picture[629 : 631 if line else 629] = 255
        names.append(loop.picture_name(i))
        cv2.imwrite(str(pack / names[-1]), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    boxes = np.array([(300 + 4 * i, 350, 660 + 4 * i, 750) for i in range(COUNT)], np.float32)
    masks = np.zeros((COUNT, loop.MASK, loop.MASK), np.uint8)
    masks[:, 70:90, 50:78] = 255
    cover = np.full((128, 128), 255, np.uint8)
    loop.write(pack, _RECT, boxes, np.full(COUNT, gap, np.float32), masks, cover, names)
    return pack


def grey(i: int) -> float:
    return 40.0 + 4 * i


def levels(frame: VideoFrame, tick: int) -> tuple[float, float]:
    """Full-range levels beside the face and in the middle of its mask."""
    rows = frame.data.reshape(SIZE[1] * 3 // 2, SIZE[0])
    picture = cv2.cvtColor(rows, cv2.COLOR_YUV2BGR_I420).astype(float)
    x = 240 + 2 * tick  # the middle of the box of that tick, in the call's pixels
    return float(picture[20:40, 20:40].mean()), float(picture[312:318, x - 4 : x + 4].mean())
