"""A film of a person becomes a loop: the face followed through it, its boxes smooth in time.

The calmest picture becomes the portrait (studio.py); the others are put on its canvas by the same
movement, so that the drawn and the filmed face lie on each other. Boxes and masks are MuseTalk's,
made here once; what its networks make of them is kept by avatar/neural/body.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.neural import blend
from avatar.portrait import loop
from avatar.portrait.loop import FPS, MASK, MOST_BYTES, SHRUNK
from avatar.portrait.pack import CANVAS
from avatar.portrait.paint import Box
from avatar.portrait.rig import JAW, JAW_SIDES, NOSE, OUTER_LOWER, OUTER_UPPER
from avatar.prepare import gates
from avatar.prepare.assemble import Found
from avatar.prepare.detector import follow as detect
from avatar.prepare.errors import PrepareError
from avatar.prepare.film import Film
from avatar.prepare.framing import OVAL, WIDE, Framed, shifted
from avatar.prepare.mouth import gap_of

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SMOOTH_S: Final = 0.12
"""Of landmarks over time: a Gaussian's sigma. A box that follows every syllable would tremble."""
MARGIN_PX: Final = 10
"""Below the chin, as MuseTalk 1.5 does, on the canvas."""
OPEN: Final = 0.06
"""Lips this far apart, in mouth widths, are an open mouth."""

_LOOK_PX: Final = 960
_LONGEST_GAP: Final = FPS * 2 // 5
_JUMP: Final = 0.25  # face heights in a 25th of a second: a cut
_TURNED: Final = 40.0
_TRIES: Final = 3
_APART: Final = FPS // 2
_QUALITY: Final = 90
_FEATHER_PX: Final = 24
_BRIDGE: Final = 5  # the third of the four points of a nose's bridge, in face mesh numbers
_LID_CORNERS: Final = (33, 133, 362, 263)
_BROWS: Final = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_LOWER_OVAL: Final = OVAL[7:-6]  # from ear to ear over the chin


@dataclass(frozen=True, slots=True)
class Followed:
    """landmarks: (n, 478, 3), smooth, pixels of the film's pictures. gaps: (n,), of the lips."""

    landmarks: Floats
    gaps: Floats


def follow(film: Film) -> Followed:
    """The face in every picture. Raises PrepareError where it cannot be followed."""
    raw = detect(_small(film.pictures()))
    shape = film.picture(0).shape
    raw = raw * np.float32(max(1.0, max(shape[:2]) / _LOOK_PX))
    whole = _filled(raw)
    _check_steady(whole)
    gaps = np.array([gap_of(points) for points in whole], np.float32)
    return Followed(smooth(whole), smooth(gaps))


def portrait(film: Film, followed: Followed, find: Callable[[Bytes], Found]) -> Found:
    """The face of the calmest picture that makes a good portrait. Raises PrepareError."""
    reason: PrepareError | None = None
    for index in _calm(followed)[:_TRIES]:
        try:
            return find(film.picture(index))
        except PrepareError as error:
            reason = reason or error
    assert reason is not None
    raise PrepareError(f"no picture of the video makes a portrait; of the calmest: {reason}")


def notes(film: Film, followed: Followed) -> list[str]:
    """What could be better."""
    said = []
    if film.longer:
        said.append(f"only the first {len(followed.gaps) / FPS:.0f} s of it are used")
    height, width = film.picture(0).shape[:2]
    oval = followed.landmarks[:, list(OVAL), :2]
    cut_s = float(((oval < 0) | (oval > (width, height))).any(axis=(1, 2)).sum()) / FPS
    if cut_s > 0:
        said.append(
            f"the face reaches beyond the edge of the video for {cut_s:.1f} s of it: it is cut off "
            "there, use a part that shows all of it"
        )
    talking_s = float((followed.gaps > OPEN).sum()) / FPS
    if talking_s > 0:
        said.append(
            f"the mouth is open for {talking_s:.1f} s of it: it will be closed by the network, a "
            "calm face looks better"
        )
    return said


def write(
    folder: Path, film: Film, followed: Followed, framed: Framed, told: Callable[[float], None]
) -> None:
    """Write the loop beside the pack in this folder. told: how much of it is there, 0..1."""
    height, width = film.picture(0).shape[:2]
    cover = _cover(width, height, framed)
    rect = _rect(cover)
    wide_x = (cover.shape[1] - CANVAS) // 2
    part = np.pad(cover, ((0, SHRUNK), (0, SHRUNK)), mode="edge")[
        rect[1] : rect[3], rect[0] + wide_x : rect[2] + wide_x
    ]
    move = shifted(framed.move, -rect[0], -rect[1])
    size = rect[2] - rect[0], rect[3] - rect[1]
    names, bytes_ = [], 0
    for index, picture in enumerate(film.pictures()):
        names.append(loop.picture_name(index))
        bytes_ += _save(_moved(picture, move, size, framed.scale), folder / names[-1])
        if bytes_ > MOST_BYTES:
            raise PrepareError(
                f"the video takes more than {MOST_BYTES >> 20} MB: use a shorter one"
            )
        if index % FPS == 0:
            told(index / len(followed.gaps))
    on_canvas = _on_canvas(followed.landmarks, framed.move)
    boxes = np.stack([box_of(points) for points in on_canvas])
    masks = np.stack([mask_of(*one) for one in zip(on_canvas, boxes, strict=True)])
    shrunk = cv2.resize(part, None, fx=1 / SHRUNK, fy=1 / SHRUNK, interpolation=cv2.INTER_AREA)
    loop.write(folder, rect, boxes, followed.gaps, masks, np.asarray(shrunk, np.uint8), names)


def smooth(values: Floats, sigma_s: float = SMOOTH_S) -> Floats:
    """Over time, the first axis; the ends are mirrored, for there a loop turns round."""
    sigma = sigma_s * FPS
    reach = min(round(3 * sigma), len(values) - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.concatenate([values[:reach][::-1], values, values[-reach:][::-1]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=0)
    return np.asarray(windows @ (weights / weights.sum()), np.float32)


def box_of(points: Floats) -> Floats:
    """The part of a face that MuseTalk generates, with its margin: (4,) left, top, right, bottom.

    The bridge of the nose is its vertical middle.
    """
    whole = points[[*_LOWER_OVAL, *_BROWS], :2]
    left, right = whole[:, 0].min(), whole[:, 0].max()
    low, middle = whole[:, 1].max(), points[_BRIDGE, 1]
    return np.array([left, 2 * middle - low, right, low + MARGIN_PX], np.float32)


def mask_of(points: Floats, box: Floats) -> Bytes:
    """How much of the square around a box is generated: (MASK, MASK)."""
    left, top, right, low = (round(float(v)) for v in box)
    found = left, top, right, low
    square = blend.square_around(found)
    labels = blend.drawn_labels(
        points[[*JAW, *JAW_SIDES, *_LID_CORNERS], :2],
        points[list(NOSE), :2],
        points[[*OUTER_UPPER, *OUTER_LOWER[::-1]], :2],
        square,
    )
    alpha = blend.alpha(blend.face_mask(labels), found)
    return np.asarray(cv2.resize(alpha, (MASK, MASK), interpolation=cv2.INTER_AREA), np.uint8)


def _small(pictures: Iterator[Bytes]) -> Iterator[Bytes]:
    for picture in pictures:
        k = _LOOK_PX / max(picture.shape[:2])
        yield (
            cv2.resize(picture, None, fx=k, fy=k, interpolation=cv2.INTER_AREA).astype(np.uint8)
            if k < 1
            else picture
        )


def _filled(landmarks: Floats) -> Floats:
    """Where the face is lost for a moment, it goes on evenly. Raises PrepareError."""
    seen = np.flatnonzero(np.isfinite(landmarks[:, 0, 0]))
    if len(seen) < 2:
        raise PrepareError("no face was found in the video: use one of a person facing the camera")
    edges = np.concatenate([[-1], seen, [len(landmarks)]])
    lost = np.diff(edges) - 1
    if lost.max() > _LONGEST_GAP:
        from_s = (edges[lost.argmax()] + 1) / FPS
        raise PrepareError(
            f"the face is lost from {from_s:.1f} s to {from_s + lost.max() / FPS:.1f} s: use a "
            "part of the video that shows it all the time"
        )
    after = np.searchsorted(seen, np.arange(len(landmarks))).clip(1, len(seen) - 1)
    a, b = seen[after - 1], seen[after]
    share = ((np.arange(len(landmarks)) - a) / (b - a)).clip(0, 1)[:, None, None]
    return np.asarray(landmarks[a] * (1 - share) + landmarks[b] * share, np.float32)


def _check_steady(landmarks: Floats) -> None:
    """One person without a cut, not turned away."""
    heights = np.ptp(landmarks[:, [10, 152], 1], axis=1)
    jumps = np.linalg.norm(np.diff(landmarks[..., :2].mean(axis=1), axis=0), axis=1) / heights[1:]
    if jumps.max(initial=0) > _JUMP:
        raise PrepareError(
            f"the video has a cut at {(jumps.argmax() + 1) / FPS:.1f} s, or the face jumps there: "
            "use a part without one"
        )
    turned = np.array([abs(gates.yaw_of(points)) for points in landmarks])
    if turned.max() > _TURNED:
        raise PrepareError(
            f"the head is turned aside by {turned.max():.0f} degrees at "
            f"{turned.argmax() / FPS:.1f} s: use a part where it faces the camera"
        )


def _calm(followed: Followed) -> list[int]:
    """Pictures from the calmest on, none close to one before: straight, lips shut, eyes open."""
    cost = np.array(
        [
            abs(gates.yaw_of(points)) / 10
            + 10 * gap
            + 4 * max(0, 0.2 - min(gates.openness(points)))
            for points, gap in zip(followed.landmarks, followed.gaps, strict=True)
        ]
    )
    chosen: list[int] = []
    for index in np.argsort(cost, kind="stable"):
        if all(abs(int(index) - other) >= _APART for other in chosen):
            chosen.append(int(index))
    return chosen


def _cover(width: int, height: int, framed: Framed) -> Bytes:
    """How much of the wide canvas the film shows, 0..255, soft where it ends before the canvas."""
    size = round(CANVAS * WIDE / 2) * 2, CANVAS
    move = shifted(framed.move, (size[0] - CANVAS) // 2, 0)
    ones = np.full((height, width), 255, np.uint8)
    whole = (cv2.warpAffine(ones, move, size, flags=cv2.INTER_LINEAR) > 250).astype(np.uint8)
    if whole.all():
        return whole * np.uint8(255)
    inside = cv2.distanceTransform(whole, cv2.DIST_L2, 3)
    return np.asarray((inside / _FEATHER_PX).clip(0, 1) * 255, np.uint8)


def _rect(cover: Bytes) -> Box:
    """What there is of the film on the canvas, in its pixels, multiples of SHRUNK a side: up to
    SHRUNK - 1 more at the right and below."""
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    width, height = (-(-(at[-1] + 1 - at[0]) // SHRUNK) * SHRUNK for at in (columns, rows))
    x0 = int(columns[0]) - (cover.shape[1] - CANVAS) // 2
    return x0, int(rows[0]), x0 + int(width), int(rows[0] + height)


def _moved(picture: Bytes, move: NDArray[np.float64], size: tuple[int, int], scale: float) -> Bytes:
    if scale < 0.5:  # as framing.py does with a photo
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale).astype(np.uint8, copy=False)
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    out = cv2.warpAffine(picture, move, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return out.astype(np.uint8, copy=False)


def _save(picture: Bytes, path: Path) -> int:
    encoded, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert encoded, "OpenCV was built without JPEG"
    path.write_bytes(bytes(data))
    return len(data)


def _on_canvas(landmarks: Floats, move: NDArray[np.float64]) -> Floats:
    """(n, 478, 2)."""
    return np.asarray(landmarks[..., :2] @ move[:, :2].T + move[:, 2], np.float32)
