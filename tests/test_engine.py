"""The engine draws what the weights say: measured on the pictures of the real packs."""

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.cli.bench import clip
from avatar.params import CHANNELS, FaceParams, weights
from avatar.portrait.engine import Engine, limit_threads
from avatar.portrait.layers import layers_for
from avatar.portrait.pack import load, names
from avatar.visemes import SHAPES, VISEMES

SIZE = (512, 512)
Bytes = NDArray[np.uint8]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    with limit_threads():
        yield


@pytest.fixture(scope="module", params=names())
def engine(request: pytest.FixtureRequest) -> Engine:
    return Engine(load(request.param), size=SIZE)


@pytest.fixture(scope="module")
def small() -> Engine:
    """One face, drawn small: for the many pictures of a ramp."""
    return Engine(load("imani"), size=(256, 256))


def viseme(name: str) -> FaceParams:
    return FaceParams(weights=SHAPES[VISEMES.index(name)].copy())


def face(**named: float) -> FaceParams:
    return FaceParams(weights=weights(**named))


def turned(yaw: float, pitch: float, roll: float) -> FaceParams:
    return FaceParams(yaw=yaw, pitch=pitch, roll=roll)


def picture(engine: Engine, params: FaceParams) -> Bytes:
    """Luma of the whole frame, (h, w)."""
    width, height = engine.size
    out = np.empty(width * height * 3 // 2, np.uint8)
    engine.draw(params, out)
    return out[: width * height].reshape(height, width)


def gap(engine: Engine, params: FaceParams) -> float:
    """Opening of the lips as a share of the eye distance."""
    scale = engine.size[1] / 1024
    return engine.lips(params).gap / (engine.pack.eye_distance * scale)


def width(engine: Engine, params: FaceParams) -> float:
    upper = engine.lips(params).upper
    return float(upper[0, -1] - upper[0, 0])


def box(engine: Engine, name: str) -> tuple[slice, slice]:
    x0, y0, x1, y1 = (v * engine.size[1] // 1024 for v in engine.pack.boxes[name])
    return slice(y0, y1), slice(x0, x1)


def iris(engine: Engine, side: int) -> tuple[slice, slice]:
    """A small square on the pupil; side 0 is the subject's right eye."""
    lids = engine.pack.geometry["lids"][side] * (engine.size[1] / 1024)
    x = int(lids[0, :, 0].mean())
    y = int((lids[0, 20, 1] + lids[1, 20, 1]) / 2)
    return slice(y - 3, y + 3), slice(x - 3, x + 3)


def test_lips_close_for_a_bilabial(engine: Engine) -> None:
    assert gap(engine, viseme("PP")) < 0.004
    assert gap(engine, FaceParams()) < 0.004


def test_a_press_closes_the_lips_even_with_an_open_jaw(engine: Engine) -> None:
    assert gap(engine, face(jawOpen=0.3, mouthPress=0.75)) < 0.004


def test_an_open_vowel_opens_wide_and_is_dark_inside(engine: Engine) -> None:
    assert gap(engine, viseme("aa")) > 0.15
    lips = engine.lips(viseme("aa"))
    x, y = int(lips.upper[0, 5]), int((lips.upper[1, 5] + 2 * lips.lower[1, 5]) / 3)
    inside = slice(y - 4, y - 1), slice(x - 8, x + 8)
    assert (
        picture(engine, viseme("aa"))[inside].mean()
        < 0.6 * picture(engine, FaceParams())[inside].mean()
    )


def test_visemes_open_in_their_order(engine: Engine) -> None:
    gaps = [gap(engine, viseme(name)) for name in ("PP", "FF", "SS", "ih", "E", "aa")]
    assert gaps == sorted(gaps)
    assert gaps[1] > 0.015


def test_rounded_vowels_narrow_the_mouth_and_spread_ones_widen_it(engine: Engine) -> None:
    rest = width(engine, FaceParams())
    assert width(engine, viseme("ou")) < 0.75 * rest
    assert width(engine, viseme("ih")) >= rest


def test_lips_never_cross(engine: Engine) -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        lips = engine.lips(FaceParams(rng.random(53).astype(np.float32)))
        assert (lips.lower[1] - lips.upper[1]).min() > -0.01


@pytest.mark.parametrize("side", [0, 1])
def test_a_blink_covers_the_iris(engine: Engine, side: int) -> None:
    open_eye = picture(engine, FaceParams())[iris(engine, side)]
    closed = picture(engine, face(eyeBlink=1))
    skin = closed[iris(engine, side)]
    # the pupil is near black, lid skin is not
    assert open_eye.min() < 50
    assert skin.min() > open_eye.min() + 20


@pytest.mark.parametrize(
    "channel", ["eyeBlink", "mouthSmile", "mouthFrown", "browDown", "browOuterUp", "mouthStretch"]
)
def test_left_and_right_move_opposite_halves(engine: Engine, channel: str) -> None:
    rest = picture(engine, FaceParams()).astype(int)
    moved = {}
    for side in ("Left", "Right"):
        change = np.abs(picture(engine, face(**{f"{channel}{side}": 1})).astype(int) - rest)
        columns = change.sum(0)
        moved[side] = float((columns * np.arange(SIZE[0])).sum() / columns.sum())
    # the subject's left is on the right of the picture, and both lie equally far from the middle
    assert moved["Right"] < 250 < 262 < moved["Left"]
    assert moved["Left"] + moved["Right"] == pytest.approx(SIZE[0], abs=16)


def test_the_mouth_is_symmetric_for_symmetric_weights(engine: Engine) -> None:
    for name in VISEMES:
        lips = engine.lips(viseme(name))
        middle = engine.pack.mouth["x"] * SIZE[1] / 1024
        assert lips.upper[0] - middle == pytest.approx(middle - lips.upper[0, ::-1], abs=0.6)


def test_mirrored_weights_give_the_mirrored_mouth(engine: Engine) -> None:
    left = engine.lips(face(mouthSmileLeft=0.7, mouthLowerDownLeft=0.5))
    right = engine.lips(face(mouthSmileRight=0.7, mouthLowerDownRight=0.5))
    middle = engine.pack.mouth["x"] * SIZE[1] / 1024
    assert left.upper[1] == pytest.approx(right.upper[1, ::-1], abs=0.6)
    assert left.upper[0] - middle == pytest.approx(middle - right.upper[0, ::-1], abs=0.6)


def test_gaze_moves_the_iris_to_the_side_it_looks(engine: Engine) -> None:
    rest = picture(engine, FaceParams())[box(engine, "upper")].astype(int)
    look = face(eyeLookOutLeft=1, eyeLookInRight=1)
    change = picture(engine, look)[box(engine, "upper")].astype(int) - rest
    darker = np.clip(-change, 0, None).sum(0)
    lighter = np.clip(change, 0, None).sum(0)
    columns = np.arange(len(darker))
    assert (darker * columns).sum() / darker.sum() > (lighter * columns).sum() / lighter.sum()


def test_background_corners_never_change(engine: Engine) -> None:
    still = picture(engine, FaceParams()).copy()
    for params in clip(80):
        params.yaw, params.roll = params.yaw * 2.5, params.roll * 8
        frame = picture(engine, params)
        for corner in ((slice(0, 60), slice(0, 60)), (slice(0, 60), slice(-60, None))):
            assert np.array_equal(frame[corner], still[corner])
        assert np.array_equal(frame[-20:, :16], still[-20:, :16])


@pytest.mark.parametrize("pose", [(12.0, 0, 0), (-12.0, 0, 0), (0, 10.0, 0), (0, 0, 10.0)])
def test_a_pose_beyond_the_limits_is_held_at_them(
    engine: Engine, pose: tuple[float, float, float]
) -> None:
    at_limit = picture(engine, turned(*pose))
    assert np.array_equal(picture(engine, turned(*(5 * angle for angle in pose))), at_limit)
    assert not np.array_equal(picture(engine, FaceParams()), at_limit)


@pytest.mark.parametrize("pose", [(12.0, 0, 10.0), (-12.0, 0, -10.0), (0, 10.0, 10.0)])
def test_the_figure_stays_inside_the_box_that_is_redrawn(
    engine: Engine, pose: tuple[float, float, float]
) -> None:
    shown = picture(engine, turned(*pose)).astype(int)
    plate = layers_for(engine.pack, SIZE).plate[: SIZE[0] * SIZE[1]].reshape(SIZE[::-1]).astype(int)
    _, columns = box(engine, "pose")
    # whatever stands at the left or right edge of the box is backdrop, above the shoulders
    for column in (columns.start, columns.stop - 1):
        if 0 < column < SIZE[0] - 1:
            assert np.abs(shown[:350, column] - plate[:350, column]).max() <= 6


def test_turning_right_moves_the_nose_right(engine: Engine) -> None:
    x, y = (int(engine.pack.mouth[axis]) // 2 for axis in ("x", "y"))
    nose = slice(y - 56, y - 20), slice(x - 28, x + 28)
    sample = picture(engine, FaceParams())[nose].copy()

    def found(yaw: float) -> int:
        around = picture(engine, FaceParams(yaw=yaw))[nose[0], x - 80 : x + 80]
        match = cv2.matchTemplate(np.ascontiguousarray(around), sample, cv2.TM_CCOEFF_NORMED)
        return cv2.minMaxLoc(match)[3][0] - 52

    left, middle, right = found(-10), found(0), found(10)
    assert middle == 0
    assert left < -6 and right > 6
    assert abs(left + right) <= 4


def test_same_parameters_give_the_same_bytes_whatever_came_before(engine: Engine) -> None:
    wanted = list(clip(12))
    fresh = Engine(engine.pack, size=SIZE)
    for params in reversed(wanted):
        assert np.array_equal(picture(engine, params), picture(fresh, params))
    for params in wanted:
        other = Engine(engine.pack, size=SIZE)
        assert np.array_equal(picture(engine, params), picture(other, params))


_QUIET = 0.004
"""Mean luma step below which a pop cannot be seen."""


@pytest.mark.parametrize("name", [c for c in CHANNELS if c not in ("tongueOut",)])
def test_no_weight_pops_on_its_way(small: Engine, name: str) -> None:
    # a closing of lips that are shut moves next to nothing, and that unevenly
    jaw = {"jawOpen": 0.6} if name == "mouthClose" else {}
    assert _jump(small, [face(**jaw | {name: t}) for t in np.linspace(0, 1, 31)]) <= 2.5


@pytest.mark.parametrize("name", [name for name in VISEMES if name != "sil"])
def test_no_viseme_pops_on_its_way(small: Engine, name: str) -> None:
    shape = SHAPES[VISEMES.index(name)]
    ramp = [FaceParams(shape * np.float32(t)) for t in np.linspace(0, 1, 31)]
    assert _jump(small, ramp) <= 2.5


def test_a_beard_does_not_pop_either() -> None:
    bearded = Engine(load("anselm"), size=(256, 256))
    for name in ("PP", "FF", "aa", "oh"):
        shape = SHAPES[VISEMES.index(name)]
        ramp = [FaceParams(shape * np.float32(t)) for t in np.linspace(0, 1, 31)]
        assert _jump(bearded, ramp) <= 2.5, name


def _jump(engine: Engine, ramp: list[FaceParams]) -> float:
    """Largest step of a ramp against its median step; 0 where nothing can be seen."""
    frames = [picture(engine, params).astype(np.int16) for params in ramp]
    steps = np.array([np.abs(b - a).mean() for a, b in pairwise(frames)])
    return 0.0 if steps.max() < 5 * _QUIET else float(steps.max() / max(np.median(steps), _QUIET))


@pytest.mark.parametrize("size", [(512, 512), (720, 720), (1280, 720), (640, 360), (360, 640)])
def test_the_frame_has_the_shape_and_range_of_i420(size: tuple[int, int]) -> None:
    engine = Engine(load(names()[0]), size=size)
    out = np.zeros(size[0] * size[1] * 3 // 2, np.uint8)
    engine.draw(viseme("aa"), out)
    luma, chroma = out[: size[0] * size[1]], out[size[0] * size[1] :]
    assert luma.min() >= 16 and luma.max() <= 235
    assert chroma.min() >= 16 and chroma.max() <= 240
    assert luma.std() > 20


def test_a_buffer_of_another_size_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="393216"):
        engine.draw(FaceParams(), np.empty(100, np.uint8))


@pytest.mark.parametrize("size", [(511, 512), (16, 16), (4096, 512)])
def test_a_frame_size_that_cannot_be_drawn_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even numbers"):
        Engine(load(names()[0]), size=size)


def test_weights_that_are_not_numbers_count_as_rest(engine: Engine) -> None:
    broken = FaceParams(weights=np.full(53, np.nan, np.float32), yaw=float("nan"))
    assert np.array_equal(picture(engine, broken), picture(engine, FaceParams()))


def test_two_engines_share_the_memory_of_a_pack(engine: Engine) -> None:
    first, second = layers_for(engine.pack, SIZE), layers_for(load(engine.pack.name), SIZE)
    assert first is second
    assert np.shares_memory(first.plate, second.plate)
    assert not first.plate.flags.writeable
    assert not first.lips.skin.flags.writeable


def test_drawing_does_not_change_what_engines_share(engine: Engine) -> None:
    before = layers_for(engine.pack, SIZE).luma.copy()
    picture(engine, viseme("aa"))
    assert np.array_equal(layers_for(engine.pack, SIZE).luma, before)


def test_memory_does_not_grow_while_drawing(small: Engine) -> None:
    out = np.empty(256 * 256 * 3 // 2, np.uint8)
    params = list(clip(100))
    for p in params:
        small.draw(p, out)
    tracemalloc.start()
    try:
        for p in params[:20]:
            small.draw(p, out)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for p in params * 2:
            small.draw(p, out)
        after, peak = tracemalloc.get_traced_memory()
        assert after - before < 50_000
        # passing values round the lips and the eyes; whole pictures are there from the start, and
        # one of them (BGRA) would be 262 KB
        assert peak - before < 150_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [(512, 512), (720, 720), (1280, 720)])
def test_at_rest_the_redrawn_boxes_have_no_seam(size: tuple[int, int]) -> None:
    """Enlarged maps once held the border of a box still: a lock of hair was cut by a straight
    line."""
    engine = Engine(load("imani"), size=size)
    layers = layers_for(engine.pack, size)
    shown, n = picture(engine, FaceParams()), layers.canvas
    x, y = layers.origin
    face = shown[y : y + n, x : x + n].astype(int)
    behind = layers.plate[: size[0] * size[1]].reshape(size[::-1])[y : y + n, x : x + n]
    matte = cv2.resize(np.ascontiguousarray(layers.chroma[..., 3]), (n, n)) / 255
    still = layers.luma[:n, :n] * matte + behind * (1 - matte)
    for patch in (layers.upper, layers.lips):
        x0, y0, x1, y1 = patch.box
        for column in (x0, x0 + 1, x1 - 2, x1 - 1):
            assert np.abs(face[y0:y1, column] - still[y0:y1, column]).max() <= 24
    # the last rows are the body, and nothing moves them at rest
    assert np.abs(face[-8:] - still[-8:]).max() <= 3
