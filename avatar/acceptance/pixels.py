"""Checks on the pixels that came out, without a detector: mouth, backdrop, likeness, movement.

How far a mouth is open is read by following two patches of skin, one above the upper lip and one
below the lower: what they move apart, the lips opened. That knows nothing of the geometry that was
drawn, nor of the detector that made a photo pack, so a mistake the two share shows here. It does
not look between the lips; a detector does.
"""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.acceptance.film import SIZE, Film, mouth_of, picture, ramp, stills
from avatar.acceptance.gates import Reached, correlation
from avatar.acceptance.rig import CLOSED, closures
from avatar.params import FaceParams, weights
from avatar.portrait.engine import Engine
from avatar.portrait.pack import Pack
from avatar.portrait.pictures import decode
from avatar.visemes import SHAPES, VISEMES

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

_UPPER_PATCH: Final = (-0.35, -0.06)
_LOWER_PATCH: Final = (0.12, 0.45)
_PATCH_HALF: Final = 0.12
"""Where the patches lie: from the line of the lips, in widths of the mouth."""
_UP_DOWN: Final = ((0.2, 0.15), (0.15, 0.8))
"""How far the upper and the lower patch may go up and down, in widths of the mouth."""
_STEPS: Final = 40
_LEAST_STEP: Final = 0.003  # of a grey level a pixel; below, a ratio says nothing


def of_film(engine: Engine, shown: Film) -> list[Reached]:
    """Mouth and backdrop through the sentence."""
    gaps = openings(engine, shown.mouths)
    share = float((closures(gaps, shown.speech) < CLOSED).mean())
    corners = _corners(shown.frames)
    return [
        Reached("bilabials closed", "pixels", share, low=0.98),
        Reached("opening follows the rig", "pixels", correlation(gaps, shown.gaps), low=0.95),
        Reached("backdrop: largest change", "pixels", float(np.ptp(corners, axis=0).max()), high=0),
    ]


def openings(engine: Engine, mouths: Bytes) -> Floats:
    """(n,) openings of upright mouths (n, h, w, 3), in eye distances."""
    pack, scale = engine.pack, SIZE / 1024
    rest = mouth_of(engine, FaceParams())
    x = (pack.mouth["x"] - pack.boxes["lips"][0]) * scale
    y = (pack.mouth["y"] - pack.boxes["lips"][1]) * scale
    width = pack.mouth["width"] * scale
    columns = slice(int(x - _PATCH_HALF * width), int(x + _PATCH_HALF * width) + 1)
    moved = []
    for (top, low), (up, down) in zip((_UPPER_PATCH, _LOWER_PATCH), _UP_DOWN, strict=True):
        rows = slice(max(0, int(y + top * width)), int(y + low * width))
        reach = slice(max(0, int(rows.start - up * width)), int(rows.stop + down * width))
        patch = rest[rows, columns]
        home = rows.start - reach.start
        moved.append([_found(frame[reach, columns], patch) - home for frame in mouths])
    upper, lower = np.array(moved)
    apart: Floats = np.maximum(lower - upper, 0) / (pack.eye_distance * scale)
    return apart


def _found(strip: Bytes, patch: Bytes) -> float:
    """The row of a strip where a patch of its width fits best, to a part of a pixel."""
    misfit = cv2.matchTemplate(strip, patch, cv2.TM_SQDIFF)[:, 0]
    k = int(misfit.argmin())
    if not 0 < k < len(misfit) - 1:
        return float(k)
    bend = float(misfit[k - 1] - 2 * misfit[k] + misfit[k + 1])
    slope = float(misfit[k - 1] - misfit[k + 1])
    return k + 0.5 * slope / bend if bend > 0 else float(k)


def _corners(frames: Bytes) -> NDArray[np.int16]:
    """(n, ...) luma of the upper corners, a twelfth of the picture each."""
    side = SIZE // 12
    luma = frames[:, : SIZE * SIZE].reshape(-1, SIZE, SIZE)[:, :side]
    return np.concatenate((luma[:, :, :side], luma[:, :, -side:]), axis=2).astype(np.int16)


def of_stills(engine: Engine) -> list[Reached]:
    """Likeness, lids and sides of held faces."""
    pack = engine.pack
    shown = {name: picture(engine, params) for name, params in stills().items()}
    upper = _upper_face(pack)
    poster = decode(pack.poster, "poster.webp", channels=3)
    found = [
        Reached("likeness of the upper face in aa", "pixels",
                similarity(shown["rest"][upper], shown["aa"][upper]), low=0.98),
        Reached("sides that move on the wrong side", "pixels", float(_wrong_sides(engine)), high=0),
    ]  # fmt: skip
    if poster.shape == shown["rest"].shape:
        same = similarity(shown["rest"][upper], poster[upper])
        found.insert(0, Reached("likeness to the poster", "pixels", same, low=0.97))
    gap = dict(zip(_OPENED, _held_openings(engine), strict=True))
    found += [
        Reached("opening of aa", "pixels", gap["aa"], low=0.12),
        Reached("opening of PP", "pixels", gap["PP"], high=CLOSED),
    ]
    left, right = (_turned(pack, shown["rest"], shown[name]) for name in ("yaw -12", "yaw +12"))
    found.append(Reached("turn of the head, both ways", "pixels", min(-left, right), low=0.05))
    found.append(Reached("turn: right against left", "pixels", right / -left, low=0.9, high=1.1))
    lighter = [
        float(shown["blink"][pupil].mean(axis=2).min() - shown["rest"][pupil].mean(axis=2).min())
        for pupil in _pupils(pack)
    ]
    found.append(Reached("lid over the pupil, lighter by", "pixels", min(lighter), low=20))
    return found


_OPENED: Final = ("aa", "PP")


def _held_openings(engine: Engine) -> list[float]:
    held = stills()
    mouths = np.stack([mouth_of(engine, held[name]) for name in _OPENED])
    return [float(gap) for gap in openings(engine, mouths)]


def _turned(pack: Pack, rest: Bytes, shown: Bytes) -> float:
    """How far the bridge of the nose went to the right, in eye distances."""
    lids = pack.geometry["lids"] * (SIZE / 1024)
    unit = pack.eye_distance * SIZE / 1024
    x, y = pack.mouth["x"] * SIZE / 1024, float(lids[..., 1].mean()) + 0.12 * unit
    box = [round(v) for v in (y - 0.12 * unit, y + 0.18 * unit, x - 0.15 * unit, x + 0.15 * unit)]
    reach = round(0.3 * unit)
    patch = rest[box[0] : box[1], box[2] : box[3]]
    strip = shown[box[0] : box[1], box[2] - reach : box[3] + reach]
    misfit = cv2.matchTemplate(strip, patch, cv2.TM_CCOEFF_NORMED)[0]
    return (int(misfit.argmax()) - reach) / unit


def _upper_face(pack: Pack) -> tuple[slice, slice]:
    lids = pack.geometry["lids"] * (SIZE / 1024)
    unit = pack.eye_distance * SIZE / 1024
    middle = float(lids[..., 1].mean())
    left, right = float(lids[0, 0, 0, 0]), float(lids[1, 0, -1, 0])
    rows = slice(int(middle - 0.75 * unit), int(middle + 0.28 * unit))
    return rows, slice(int(left - 0.1 * unit), int(right + 0.1 * unit))


def _pupils(pack: Pack) -> Iterator[tuple[slice, slice]]:
    """A small square on each pupil."""
    for lids in pack.geometry["lids"] * (SIZE / 1024):
        x, y = int(lids[0, :, 0].mean()), int((lids[0, 20, 1] + lids[1, 20, 1]) / 2)
        yield slice(y - 3, y + 3), slice(x - 3, x + 3)


def _wrong_sides(engine: Engine) -> int:
    """How many one-sided movements change the other half of the picture more than their own."""
    rest = picture(engine, FaceParams()).astype(int)
    wrong = 0
    for name in ("eyeBlink", "mouthSmile", "mouthFrown", "browDown", "browOuterUp", "mouthStretch"):
        for side in ("Left", "Right"):
            moved = picture(engine, FaceParams(weights(**{name + side: 1.0})))
            change = np.abs(moved.astype(int) - rest).sum(axis=(0, 2))
            middle = round(engine.pack.mouth["x"] * SIZE / 1024)
            halves = change[middle:].sum(), change[:middle].sum()
            own, other = halves if side == "Left" else halves[::-1]
            wrong += int(own <= 1.5 * other)
    return wrong


def similarity(one: Bytes, other: Bytes) -> float:
    """SSIM of two BGR pictures in grey, Gaussian window of sigma 1.5 (Wang et al. 2004)."""
    a, b = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY).astype(np.float64) for p in (one, other))

    def mean(p: Floats) -> Floats:
        return cv2.GaussianBlur(p, (11, 11), 1.5).astype(np.float64, copy=False)

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    map_ = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return float(map_.mean())


def of_ramps(engine: Engine) -> list[Reached]:
    """Nothing jumps on its way: the largest step of a movement against its usual one."""
    found = []
    for name in ("aa", "ou", "PP", "FF", "ih"):
        shape = SHAPES[VISEMES.index(name)]
        found.append(_ramp(engine, name, shape))
    for name, named in (
        ("blink", {"eyeBlink": 1.0}),
        ("smile", {"mouthSmile": 1.0}),
        ("brows", {"browInnerUp": 1.0}),
        ("gaze", {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}),
    ):
        found.append(_ramp(engine, name, weights(**named)))
    turn = ramp(engine, lambda x: FaceParams(yaw=12 * x), _STEPS)
    found.append(Reached("no pops: yaw", "pixels", float(turn.max() / np.median(turn)), high=2.0))
    return found


def _ramp(engine: Engine, name: str, shape: NDArray[np.float32]) -> Reached:
    steps = ramp(engine, lambda x: FaceParams((shape * np.float32(x)).astype(np.float32)), _STEPS)
    usual = max(_LEAST_STEP, float(np.median(steps)))
    return Reached(f"no pops: {name}", "pixels", float(steps.max()) / usual, high=2.0)


def of_replay(shown: Film, again: Engine) -> list[Reached]:
    """The same parameters, drawn in another order by another engine, are the same bytes."""
    chosen = range(len(shown.frames) - 1, -1, -9)
    frame = np.empty_like(shown.frames[0])
    different = 0
    for i in chosen:
        again.draw(shown.params[i], frame)
        different += int(not np.array_equal(frame, shown.frames[i]))
    return [Reached("frames that a replay draws otherwise", "pixels", float(different), high=0)]
