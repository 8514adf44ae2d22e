"""The portrait engine: face parameters in, one I420 picture out, on one CPU core.

The face is drawn upright in two patches (eyes and brows; lips and jaw), each only when one of its
own weights moved, turned into YUV planes, and then posed over the backdrop. It knows no time, no
sound and no expressions, only weights. Same parameters, same bytes: weights are rounded to 1/1024
first, so what is kept from the last picture never shows in the next.
"""

import time
from contextlib import AbstractContextManager
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from avatar.params import CHANNELS, INDEX, FaceParams
from avatar.portrait.brows import BrowPainter
from avatar.portrait.eyes import EyePainter, Gaze
from avatar.portrait.layers import Patch, layers_for
from avatar.portrait.mouth import MouthPainter
from avatar.portrait.pack import Pack
from avatar.portrait.paint import Bytes, Floats, Planes, blend, lay
from avatar.portrait.pose import Pose, PoseWarp, Window, squares_of
from avatar.portrait.rig import SHAPE_CHANNELS, Lips, Rig
from avatar.portrait.sprites import eye_shares, mouth_shares
from avatar.portrait.warp import LipWarp

_UPPER_NAMES: Final = ("eye", "brow", "cheekSquint", "mouthSmile")
_UPPER: Final = np.array([i for i, name in enumerate(CHANNELS) if name.startswith(_UPPER_NAMES)])
_LOWER: Final = np.unique(
    np.concatenate(
        (
            SHAPE_CHANNELS,
            [INDEX[n] for n in ("tongueUp", "tongueOut", "cheekSquintLeft", "cheekSquintRight")],
        )
    )
)
_SHIFT_LIMIT: Final = 0.15  # of the eye distance, for tx and ty


def limit_threads() -> AbstractContextManager[object]:
    """Keep OpenCV and BLAS to one thread in this process: a picture is too small to share out, and
    idle BLAS threads doubled the CPU a frame costs. Returns what restores BLAS when exited."""
    cv2.setNumThreads(1)
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits


class Engine:
    """Draws one portrait. Not thread-safe: one thread draws; engines share a pack's memory."""

    def __init__(self, pack: Pack, *, size: tuple[int, int] = (512, 512)) -> None:
        """size: width, height, even. Raises ValueError for a size, PortraitError for a picture
        that cannot be decoded."""
        layers = layers_for(pack, size)
        self._layers = layers
        self.pack = pack
        self.size = size
        self.stages: dict[str, float] = {}
        """Seconds of thread CPU by stage, summed since it was last cleared."""
        k = layers.canvas / 1024
        geometry, mouth = pack.geometry, pack.mouth
        scale = np.float32(k)
        self._rig = Rig(
            geometry["controls"] * scale,
            geometry["shapes"] * scale,
            width=mouth["width"] * k,
            thickness=(mouth["upper_thickness"] * k, mouth["lower_thickness"] * k),
        )
        self._warp = LipWarp(layers.lips.box, geometry["lip_upper"], geometry["lip_lower"])
        self._mouth = MouthPainter(layers.lips.box, layers.mouth)
        self._eyes = EyePainter(layers.eyes)
        self._brows = BrowPainter(
            layers.brow_box, layers.brows, geometry["brow_field"], pack.eye_distance * k
        )
        self._pose = PoseWarp(layers.pose)
        self._luma, self._squares = layers.luma.copy(), layers.squares.copy()
        self._chroma = layers.chroma.copy()
        self._upper_paper = layers.upper.skin.copy()
        self._lips_skin = layers.lips.skin.copy()
        self._lips_paper = self._lips_skin.copy()
        self._upper_planes, self._lips_planes = (
            Planes((p.skin.shape[1], p.skin.shape[0])) for p in (layers.upper, layers.lips)
        )
        self._frame = layers.plate.copy()
        self._shown = Window(self._frame, size, layers.window)
        self._upper_key = self._lips_key = self._marks_key = self._pose_key = b""

    def lips(self, params: FaceParams) -> Lips:
        """The lips' geometry for these weights, in pixels of the upright face. Draws nothing."""
        return self._rig.lips(_rounded(params.weights))

    def draw(self, params: FaceParams, out: NDArray[np.uint8]) -> None:
        """Write the picture into out, (w*h*3//2,) I420, BT.601 limited.

        Weights are clipped to 0..1 and the pose to the pack's limits. Raises ValueError when out
        has another shape or dtype.
        """
        if out.shape != self._frame.shape or out.dtype != np.uint8:
            raise ValueError(f"out is {out.dtype} {out.shape}: uint8 {self._frame.shape} is needed")
        weights = _rounded(params.weights)
        drawn = self._draw_upper(weights)
        drawn |= self._draw_lips(weights)
        if self._aim(params) or drawn:
            self._compose()
        np.copyto(out, self._frame)

    def _tick(self, stage: str, since: float) -> None:
        self.stages[stage] = self.stages.get(stage, 0.0) + time.thread_time() - since

    def _draw_upper(self, weights: Floats) -> bool:
        key = weights[_UPPER].tobytes()
        if key == self._upper_key:
            return False
        began = time.thread_time()
        self._upper_key = key
        patch, paper = self._layers.upper, self._upper_paper
        if patch.sprites is not None:
            patch.sprites.mix(eye_shares(weights), paper)
            self._renew(patch, *self._upper_planes(paper))
            self._tick("eyes", began)
            return True
        np.copyto(paper, patch.skin)
        _lay_marks(paper, patch, weights)
        x, y = patch.box[:2]
        right, left = (
            _gaze(weights, eye.side, width)
            for eye, width in zip(self._layers.eyes, self._eyes.widths, strict=True)
        )
        self._eyes.paint(paper, (x, y), (right, left))
        x0, y0, x1, y1 = self._layers.brow_box
        self._brows.paint(paper[y0 - y : y1 - y, x0 - x : x1 - x], weights)
        _lay_over(paper, patch)
        self._renew(patch, *self._upper_planes(paper))
        self._tick("eyes", began)
        return True

    def _draw_lips(self, weights: Floats) -> bool:
        key = weights[_LOWER].tobytes()
        if key == self._lips_key:
            return False
        began = time.thread_time()
        self._lips_key = key
        patch = self._layers.lips
        if patch.sprites is not None:
            patch.sprites.mix(mouth_shares(weights), self._lips_paper)
            self._renew(patch, *self._lips_planes(self._lips_paper))
            self._tick("lips", began)
            return True
        marks = weights[_MARK_CHANNELS].tobytes()
        if marks != self._marks_key:
            self._marks_key = marks
            np.copyto(self._lips_skin, patch.skin)
            _lay_marks(self._lips_skin, patch, weights)
        lips = self._rig.lips(weights)
        self._warp.apply(self._lips_skin, lips, self._lips_paper)
        self._tick("lips", began)
        began = time.thread_time()
        up, out = (float(weights[INDEX[name]]) for name in ("tongueUp", "tongueOut"))
        self._mouth.paint(self._lips_paper, lips, up, out)
        self._tick("mouth", began)
        began = time.thread_time()
        _lay_over(self._lips_paper, patch)
        self._renew(patch, *self._lips_planes(self._lips_paper))
        self._tick("planes", began)
        return True

    def _renew(self, patch: Patch, luma: Bytes, chroma: Bytes) -> None:
        """Put the planes of a patch into those of the face."""
        x0, y0, x1, y1 = patch.box
        n = self._layers.canvas
        whole = self._luma
        np.copyto(whole[y0:y1, x0:x1], luma)
        if y1 == n:
            whole[n] = whole[n - 1]
        if x1 == n:
            whole[:, n] = whole[:, n - 1]
        # the squares to the left and above reach into the patch as well
        x, y = max(0, x0 - 1), max(0, y0 - 1)
        squares_of(whole[y : y1 + 1, x : x1 + 1], self._squares[y:y1, x:x1])
        view = self._chroma[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
        cv2.mixChannels([chroma], [view], (1, 1, 2, 2))

    def _aim(self, params: FaceParams) -> bool:
        pack = self.pack
        unit = pack.eye_distance * self._layers.canvas / 1024
        angles = (params.yaw, params.pitch, params.roll)
        yaw, pitch, roll = map(_within, angles, pack.limits)
        x, y = _within(params.tx, _SHIFT_LIMIT) * unit, _within(params.ty, _SHIFT_LIMIT) * unit
        pose = Pose(yaw, pitch, roll, x, y, min(1.0, max(0.0, float(params.breath))))
        key = repr(pose).encode()
        if key == self._pose_key:
            return False
        began = time.thread_time()
        self._pose_key = key
        self._pose.aim(pose)
        self._tick("aim", began)
        return True

    def _compose(self) -> None:
        began = time.thread_time()
        self._pose.compose((self._squares, self._chroma), self._layers.backdrop, self._shown)
        self._tick("pose", began)


_MARK_CHANNELS: Final = np.array(
    [
        INDEX[name]
        for name in ("mouthSmileRight", "cheekSquintRight", "mouthSmileLeft", "cheekSquintLeft")
    ]
)


def _rounded(weights: Floats) -> Floats:
    """Clipped to 0..1 in steps of 1/1024, 0.03 px of the jaw; what is not a number counts as 0."""
    # fmax: of a number and what is none, the number
    steps: Floats = np.rint(np.fmin(np.fmax(weights, 0), 1) * 1024).astype(np.float32)
    steps *= 1 / 1024
    return steps


def _within(value: float, limit: float) -> float:
    """value, kept between -limit and limit; 0 for what is not a number."""
    return max(-limit, min(limit, float(value))) if value == value else 0.0


def _mark_strength(name: str, weights: Floats) -> float:
    def value(channel: str) -> float:
        return float(weights[INDEX[channel]])

    if name in ("smile_right", "smile_left"):
        side = name.removeprefix("smile_").capitalize()
        return 0.9 * value(f"mouthSmile{side}") + 0.25 * value(f"cheekSquint{side}")
    if name == "frown":
        return 0.5 * (value("browDownLeft") + value("browDownRight"))
    outer = 0.5 * (value("browOuterUpLeft") + value("browOuterUpRight"))
    return float(max(value("browInnerUp"), outer) ** 1.5)


def _lay_marks(paper: Bytes, patch: Patch, weights: Floats) -> None:
    for mark in patch.marks:
        strength = min(1.0, _mark_strength(mark.name, weights))
        if strength > 0:
            h, w = mark.layer.shape[:2]
            blend(paper[mark.y : mark.y + h, mark.x : mark.x + w], mark.layer, strength)


def _lay_over(paper: Bytes, patch: Patch) -> None:
    if patch.over is None or patch.over_keep is None:
        return
    lay(paper, patch.over, patch.over_keep)


def _gaze(weights: Floats, side: str, width: float) -> Gaze:
    def value(name: str) -> float:
        return float(weights[INDEX[f"{name}{side}"]])

    inward = value("eyeLookIn") - value("eyeLookOut")
    down, up = value("eyeLookDown"), value("eyeLookUp")
    return Gaze(
        blink=max(value("eyeBlink"), 0.22 * down),
        squint=value("eyeSquint") + value("cheekSquint"),
        wide=value("eyeWide") + 0.35 * up,
        x=inward * (1 if side == "Right" else -1) * 0.17 * width,
        y=(down - up) * 0.09 * width,
    )
