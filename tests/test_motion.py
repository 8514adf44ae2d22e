import math
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.coarticulation import MOUTH
from avatar.frames import Cue, Manner, Mood
from avatar.gaze import Blinks, Gaze
from avatar.moods import EASE_S, PRESETS, Expression
from avatar.motion import MAX_PITCH, MAX_ROLL, MAX_YAW, Motion
from avatar.params import CHANNELS, INDEX, FaceParams
from avatar.visemes import SHAPES, VISEMES

FPS = 25


def syllables(at: float) -> float:
    """A voice: four syllables a second, a breath after three seconds."""
    return 0.0 if at % 4 > 3 else max(0.0, math.sin(2 * math.pi * 4 * at)) ** 0.5


def play(
    manner: Manner, seconds: float, *, seed: int = 0, fps: float = FPS, mute: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Head poses (n, 5) and weights (n, 53) of one manner."""
    motion = Motion(seed)
    poses, weights = [], []
    for i in range(int(seconds * fps)):
        face = FaceParams()
        loudness = syllables(i / fps) if manner is Manner.SPEAKING and not mute else 0.0
        motion.pose(Cue(i, i / fps, manner=manner), loudness, face)
        poses.append((face.yaw, face.pitch, face.roll, face.tx, face.ty))
        weights.append(face.weights.copy())
    return np.array(poses), np.array(weights)


@pytest.mark.parametrize("manner", list(Manner))
def test_a_face_blinks_twelve_to_twenty_times_a_minute(manner: Manner) -> None:
    _, weights = play(manner, 600)
    lid = weights[:, INDEX["eyeBlinkLeft"]]
    shut = (lid > 0.5).astype(int)
    starts = np.flatnonzero(np.diff(shut) == 1)
    assert 120 <= len(starts) <= 200
    assert all(lid[s : s + 5].max() > 0.95 for s in starts)


def test_some_blinks_come_in_pairs_and_none_lasts() -> None:
    blinks = Blinks(Random(5))
    lid = np.array([blinks.lid(i / 200) for i in range(600 * 200)])
    starts = np.flatnonzero((lid[:-1] < 0.5) & (lid[1:] >= 0.5)) / 200
    ends = np.flatnonzero((lid[:-1] >= 0.5) & (lid[1:] < 0.5)) / 200
    pairs = (np.diff(starts) < 0.5).mean()
    assert 0.04 < pairs < 0.2
    assert (ends - starts).max() < 0.3


@pytest.mark.parametrize("manner", list(Manner))
def test_the_head_stays_within_its_limits_and_never_stops(manner: Manner) -> None:
    poses, weights = play(manner, 120, seed=1)
    assert (np.abs(poses[:, :3]).max(axis=0) <= (MAX_YAW, MAX_PITCH, MAX_ROLL)).all()
    assert np.abs(poses[:, 3:]).max() < 0.05
    assert weights.min() >= 0
    assert weights.max() <= 1
    seconds = poses.reshape(120, FPS, 5)
    assert (np.ptp(seconds[:, :, 0], axis=1) > 0.02).mean() > 0.9


@pytest.mark.parametrize("manner", list(Manner))
def test_the_head_and_brows_never_pop(manner: Manner) -> None:
    poses, weights = play(manner, 120)
    assert np.abs(np.diff(poses[:, :3], axis=0)).max() < 1.0
    brows = [i for i, name in enumerate(CHANNELS) if name.startswith(("brow", "mouth", "cheek"))]
    assert np.abs(np.diff(weights[:, brows], axis=0)).max() < 0.12


def test_a_change_of_manner_at_any_moment_is_eased() -> None:
    motion = Motion(3)
    random = Random(1)
    last: tuple[float, float, float] | None = None
    manner = Manner.IDLE
    for i in range(FPS * 120):
        if random.random() < 0.1:
            manner = random.choice(list(Manner))
        face = FaceParams()
        motion.pose(Cue(i, i / FPS, manner=manner), random.random(), face)
        now = (face.yaw, face.pitch, face.roll)
        if last is not None:
            assert max(abs(a - b) for a, b in zip(now, last, strict=True)) < 1.7
        last = now


def test_the_same_seed_moves_the_same_and_another_differently() -> None:
    one, other = play(Manner.SPEAKING, 20, seed=4), play(Manner.SPEAKING, 20, seed=4)
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])
    assert not np.array_equal(one[0], play(Manner.SPEAKING, 20, seed=5)[0])


def test_the_frame_rate_does_not_change_the_movement() -> None:
    slow, fast = play(Manner.IDLE, 30, fps=25), play(Manner.IDLE, 30, fps=50)
    # a saccade or a blink begins at the next frame, half a frame later on average
    np.testing.assert_allclose(slow[0], fast[0][::2], atol=0.02)
    assert np.abs(slow[1] - fast[1][::2]).mean() < 0.01


def test_a_long_stall_does_not_pile_up_blinks_or_throw_the_head() -> None:
    motion = Motion(0)
    for i in range(50):
        motion.pose(Cue(i, i / FPS), 0.0, FaceParams())
    face = FaceParams()
    motion.pose(Cue(99999, 4000.0, manner=Manner.THINKING), 0.0, face)
    assert abs(face.yaw) < MAX_YAW / 2
    shut = 0
    for i in range(FPS * 10):
        face = FaceParams()
        motion.pose(Cue(100000 + i, 4000.04 + i / FPS), 0.0, face)
        shut += face.weights[INDEX["eyeBlinkLeft"]] > 0.5
    assert shut <= 30


def test_time_that_stands_still_or_runs_back_is_survived() -> None:
    motion = Motion(0)
    for now in (0.0, 1.0, 1.0, 0.5, 1.04):
        face = FaceParams()
        motion.pose(Cue(0, now), 0.5, face)
        assert math.isfinite(face.yaw)


def settled(manner: Manner) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    poses, weights = play(manner, 60)
    return poses[2 * FPS :].mean(axis=0), weights[2 * FPS :].mean(axis=0)


def test_thinking_looks_up_and_away_and_attention_raises_the_brows() -> None:
    idle, thinking = settled(Manner.IDLE), settled(Manner.THINKING)
    attentive = settled(Manner.ATTENTIVE)
    up, aside = INDEX["eyeLookUpLeft"], INDEX["eyeLookOutRight"]
    assert thinking[1][up] > idle[1][up] + 0.1
    assert thinking[1][aside] > idle[1][aside] + 0.2
    assert thinking[0][0] < idle[0][0] - 2
    for brow in ("browInnerUp", "browOuterUpLeft", "eyeWideLeft"):
        assert attentive[1][INDEX[brow]] > idle[1][INDEX[brow]] + 0.1
    assert attentive[1][aside] < 0.12


def test_listening_leans_in_and_nods() -> None:
    poses, _ = play(Manner.LISTENING, 60)
    still, _ = play(Manner.IDLE, 60)
    assert poses[50:, 2].mean() > still[50:, 2].mean() + 1
    lowered = poses[:, 1] - poses[:, 1].mean() > 1.2
    assert (np.diff(lowered.astype(int)) == 1).sum() >= 6


def test_a_user_who_has_finished_gets_a_nod() -> None:
    motion = Motion(0)
    pitches = []
    for i in range(FPS * 3):
        manner = Manner.LISTENING if i < FPS else Manner.THINKING
        face = FaceParams()
        motion.pose(Cue(i, i / FPS, manner=manner), 0.0, face)
        pitches.append(face.pitch)
    assert max(pitches[FPS : FPS + 12]) > pitches[FPS - 1] + 0.8
    assert pitches[-1] < pitches[FPS - 1] - 2


def test_a_loud_voice_nods_and_raises_the_brows_and_a_mute_one_does_not() -> None:
    poses, weights = play(Manner.SPEAKING, 60)
    still, calm = play(Manner.SPEAKING, 60, mute=True)
    assert (poses - still)[:, 1].max() > 0.7
    brow = INDEX["browOuterUpLeft"]
    assert weights[:, brow].max() > calm[:, brow].max() + 0.1


def test_eyes_stay_on_the_viewer_while_the_head_turns() -> None:
    poses, weights = play(Manner.SPEAKING, 60)
    right = weights[:, INDEX["eyeLookOutLeft"]] - weights[:, INDEX["eyeLookInLeft"]]
    assert np.corrcoef(poses[:, 0], right)[0, 1] < -0.5


def test_saccades_are_quick_and_fixations_rest() -> None:
    gaze = Gaze(Random(2))
    points = np.array([gaze.look(i / 500, Manner.IDLE)[0] for i in range(500 * 60)])
    moving = np.abs(np.diff(points, axis=0)).max(axis=1) > 1e-9
    assert moving.mean() < 0.08
    assert np.abs(points).max() < 8
    assert (np.hypot(*points.T) < 1).mean() > 0.4


def test_breath_goes_in_and_out_fifteen_times_a_minute() -> None:
    motion = Motion(0)
    breath = []
    for i in range(FPS * 60):
        face = FaceParams()
        motion.pose(Cue(i, i / FPS), 0.0, face)
        breath.append(face.breath)
    rising = np.diff((np.array(breath) > 0.5).astype(int)) == 1
    assert rising.sum() == 15
    assert min(breath) >= 0
    assert max(breath) <= 1


def faces_with(mood: Mood, *, speaking: bool) -> NDArray[np.float32]:
    """(15, 53): every viseme with a settled mood over it."""
    expression = Expression()
    for _ in range(50):
        expression.advance(mood, 0.04, speaking=speaking)
    faces = SHAPES.copy()
    for face in faces:
        expression.add(face)
    return faces


@pytest.mark.parametrize("mood", list(Mood))
@pytest.mark.parametrize("speaking", [True, False])
def test_no_mood_parts_closed_lips(mood: Mood, speaking: bool) -> None:
    faces = faces_with(mood, speaking=speaking)
    closed = faces[VISEMES.index("PP")]
    assert closed[INDEX["mouthPressLeft"]] >= 0.7
    for channel in ("jawOpen", "mouthUpperUpLeft", "mouthLowerDownLeft", "mouthFunnel"):
        assert closed[INDEX[channel]] <= SHAPES[VISEMES.index("PP"), INDEX[channel]] + 0.01
    teeth = faces[VISEMES.index("FF")]
    assert teeth[INDEX["jawOpen"]] <= 0.07


@pytest.mark.parametrize("mood", [m for m in Mood if m is not Mood.NEUTRAL])
def test_the_mouth_part_of_a_mood_is_less_than_half_while_speaking(mood: Mood) -> None:
    speaking = faces_with(mood, speaking=True)[0]
    silent = faces_with(mood, speaking=False)[0]
    np.testing.assert_allclose(silent, PRESETS[mood], atol=1e-6)
    mouth = [i for i, name in enumerate(CHANNELS) if name.startswith(("mouth", "jaw"))]
    upper = [i for i, name in enumerate(CHANNELS) if name.startswith(("eye", "brow", "cheek"))]
    assert (speaking[mouth] <= 0.5 * silent[mouth] + 1e-6).all()
    np.testing.assert_allclose(speaking[upper], silent[upper], atol=1e-6)


def test_moods_change_in_300_to_500_ms_without_a_jump_even_when_interrupted() -> None:
    assert 0.3 <= EASE_S <= 0.5
    expression = Expression()
    last = np.zeros(len(CHANNELS), np.float32)
    for i in range(200):
        mood = Mood.HAPPY if i < 60 else Mood.ANGRY if i < 65 else Mood.SURPRISED
        expression.advance(mood, 0.01, speaking=False)
        face = np.zeros(len(CHANNELS), np.float32)
        expression.add(face)
        assert np.abs(face - last).max() < 0.04
        last = face
        if i == 50:
            np.testing.assert_allclose(face, PRESETS[Mood.HAPPY], atol=1e-6)
    np.testing.assert_allclose(last, PRESETS[Mood.SURPRISED], atol=1e-6)


def test_motion_leaves_the_mouth_to_the_voice_but_for_a_trace_of_a_smile() -> None:
    _, weights = play(Manner.SPEAKING, 30)
    assert not weights[:, MOUTH].any()
    assert weights[:, INDEX["mouthSmileLeft"]].max() < 0.1
