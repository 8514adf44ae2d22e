"""Made videos: the photo of photos.py (NASA, public domain) moved about by code."""

from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


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
