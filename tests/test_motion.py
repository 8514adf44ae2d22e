import math
from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.coarticulation import MOUTH
from avatar.frames import CLOCK_RATE, Cue, Manner, Mood
from avatar.gaze import Blinks, Gaze
from avatar.gestures import Accents, Listener
from avatar.moods import EASE_S, PRESETS, Expression
from avatar.motion import MAX_PITCH, MAX_ROLL, MAX_YAW, Motion
from avatar.params import CHANNELS, INDEX, FaceParams
from avatar.visemes import SHAPES, VISEMES

FPS = 25


def syllables(at: float) -> float:
    """A voice: four syllables a second of which every third is strong, a breath every four."""
    strength = 1.0 if int(at * 4) % 3 == 0 else 0.5
    return 0.0 if at % 4 > 3 else strength * max(0.0, math.sin(2 * math.pi * 4 * at)) ** 0.5


def voice(position: int) -> float:
    return syllables(position / CLOCK_RATE)


def mute(_: int) -> float:
    return 0.0


def cue(index: int, manner: Manner = Manner.IDLE, *, fps: float = FPS, beat: int = 0) -> Cue:
    """Frame `index`; a speaking face has spoken since frame 0."""
    speaks = manner in (Manner.SPEAKING, Manner.ATTENTIVE)
    position = round((index + 0.5) / fps * CLOCK_RATE) if speaks else 0
    return Cue(index, index / fps, 0, 1 if speaks else None, position, manner, user_beat=beat)


def play(
    manner: Manner,
    seconds: float,
    *,
    seed: int = 0,
    fps: float = FPS,
    loudness: Callable[[int], float] = voice,
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Head poses (n, 5) and weights (n, 53) of one manner."""
    motion = Motion(seed)
    poses, weights = [], []
    for i in range(int(seconds * fps)):
        face = FaceParams()
        motion.pose(cue(i, manner, fps=fps, beat=int(i / fps / 3)), loudness, face)
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
    limit = 0.22 if manner is Manner.ATTENTIVE else 0.12
    assert np.abs(np.diff(weights[:, brows], axis=0)).max() < limit


def test_a_change_of_manner_at_any_moment_is_eased() -> None:
    motion = Motion(3)
    random = Random(1)
    last: tuple[float, float, float] | None = None
    manner = Manner.IDLE
    for i in range(FPS * 120):
        if random.random() < 0.1:
            manner = random.choice(list(Manner))
        face = FaceParams()
        noise = random.random()
        motion.pose(cue(i, manner), lambda _, noise=noise: noise, face)
        now = (face.yaw, face.pitch, face.roll)
        if last is not None:
            assert max(abs(a - b) for a, b in zip(now, last, strict=True)) < 1.7
        last = now


def test_the_same_seed_moves_the_same_and_another_differently() -> None:
    one, other = play(Manner.SPEAKING, 20, seed=4), play(Manner.SPEAKING, 20, seed=4)
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])
    assert not np.array_equal(one[0], play(Manner.SPEAKING, 20, seed=5)[0])


@pytest.mark.parametrize("manner", list(Manner))
def test_25_and_30_frames_a_second_show_the_same_movement(manner: Manner) -> None:
    slow, fast = play(manner, 60, fps=25), play(manner, 60, fps=30)
    # every fifth frame of the one and every sixth of the other are the same moment
    head = np.abs(slow[0][::5] - fast[0][::6])
    assert head[:, :3].max() < 0.4
    assert head[:, :3].mean() < 0.03
    face = np.abs(slow[1][::5] - fast[1][::6])
    assert np.median(face.max(axis=1)) < 0.02
    assert (face.max(axis=1) > 0.1).mean() < 0.02


def test_a_long_stall_does_not_pile_up_blinks_or_throw_the_head() -> None:
    motion = Motion(0)
    for i in range(50):
        motion.pose(Cue(i, i / FPS), mute, FaceParams())
    face = FaceParams()
    motion.pose(Cue(99999, 4000.0, manner=Manner.THINKING), mute, face)
    assert abs(face.yaw) < MAX_YAW / 2
    shut = 0
    for i in range(FPS * 10):
        face = FaceParams()
        motion.pose(Cue(100000 + i, 4000.04 + i / FPS), mute, face)
        shut += face.weights[INDEX["eyeBlinkLeft"]] > 0.5
    assert shut <= 30


def test_time_that_stands_still_or_runs_back_is_survived() -> None:
    motion = Motion(0)
    for now in (0.0, 1.0, 1.0, 0.5, 1.04):
        face = FaceParams()
        motion.pose(Cue(0, now, 0, 1, int(now * CLOCK_RATE)), voice, face)
        assert math.isfinite(face.yaw)


def settled(manner: Manner) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    poses, weights = play(manner, 60)
    return poses[2 * FPS :].mean(axis=0), weights[2 * FPS :].mean(axis=0)


def test_thinking_looks_up_and_away_and_comes_back_within_seconds() -> None:
    _, weights = play(Manner.THINKING, 120)
    right = weights[:, INDEX["eyeLookOutLeft"]] - weights[:, INDEX["eyeLookInLeft"]]
    away = np.abs(right) > 0.35
    assert 0.4 < away.mean() < 0.85
    assert weights[away, INDEX["eyeLookUpLeft"]].mean() > 0.2
    assert right[away].min() < 0 < right[away].max()  # to both sides, in turn
    edges = np.flatnonzero(np.diff(away.astype(int)))
    assert np.diff(edges).max() < 4 * FPS


def test_a_thinking_head_goes_with_its_eyes() -> None:
    poses, weights = play(Manner.THINKING, 120)
    right = weights[:, INDEX["eyeLookOutLeft"]] - weights[:, INDEX["eyeLookInLeft"]]
    after = np.roll(poses[:, 0], -FPS // 2)[: -FPS // 2]
    assert np.corrcoef(right[: -FPS // 2], after)[0, 1] > 0.3


def test_an_interrupted_face_raises_its_brows_within_120_ms_and_looks_at_the_user() -> None:
    motion = Motion(0)
    shown = []
    for i in range(3 * FPS):
        face = FaceParams()
        motion.pose(cue(i, Manner.SPEAKING if i < FPS else Manner.ATTENTIVE), mute, face)
        shown.append(face.weights.copy())
    weights = np.array(shown)
    brow = weights[:, INDEX["browOuterUpLeft"]]
    risen, before = brow[FPS + 2], brow[FPS - 1]  # the third frame: 80 to 120 ms after the decision
    assert risen - before > 0.75 * (brow[-1] - before) > 0.2
    assert weights[FPS + 5 :, INDEX["eyeLookOutRight"]].mean() < 0.12
    assert weights[-1, INDEX["eyeWideLeft"]] > 0.1


def test_an_interrupted_face_does_not_blink_first() -> None:
    for seed in range(30):
        motion = Motion(seed)
        for i in range(2 * FPS):
            face = FaceParams()
            motion.pose(cue(i, Manner.SPEAKING if i < 32 else Manner.ATTENTIVE), voice, face)
            if i >= 40:  # a blink that had begun before is over
                assert face.weights[INDEX["eyeBlinkLeft"]] == 0


def test_listening_leans_in_and_nods_at_the_clauses_of_the_user_only() -> None:
    """Twenty clauses in a minute, against a user who says nothing."""

    def nods(clauses: bool) -> tuple[int, NDArray[np.float64]]:
        motion, pitches, rolls = Motion(0), [], []
        for i in range(60 * FPS):
            face = FaceParams()
            beat = i // (3 * FPS) if clauses else 0
            motion.pose(cue(i, Manner.LISTENING, beat=beat), mute, face)
            pitches.append(face.pitch)
            rolls.append(face.roll)
        slow = np.convolve(pitches, np.ones(2 * FPS) / (2 * FPS), "same")
        lowered = (np.array(pitches) - slow)[FPS:-FPS] > 0.7
        return int((np.diff(lowered.astype(int)) == 1).sum()), np.array(rolls)

    count, rolls = nods(clauses=True)
    assert 9 <= count <= 30
    assert nods(clauses=False)[0] == 0
    assert rolls[2 * FPS :].mean() > 1


def test_clauses_that_follow_at_once_get_one_nod() -> None:
    listener = Listener(Random(1))
    listener.hear(0.0, Manner.LISTENING, 0)
    answers = [listener.hear(10 + i / 10, Manner.LISTENING, i + 1) for i in range(10)]
    assert [i for i, gestures in enumerate(answers) if gestures] == [0]


def test_a_clause_counted_before_listening_began_is_not_answered_late() -> None:
    listener = Listener(Random(1))
    for i, manner in enumerate((Manner.SPEAKING, Manner.ATTENTIVE, Manner.LISTENING)):
        assert listener.hear(i, manner, min(i, 1)) == []


def test_a_user_who_has_finished_gets_a_nod() -> None:
    motion = Motion(0)
    pitches = []
    for i in range(FPS * 3):
        manner = Manner.LISTENING if i < FPS else Manner.THINKING
        face = FaceParams()
        motion.pose(cue(i, manner), mute, face)
        pitches.append(face.pitch)
    assert max(pitches[FPS : FPS + 12]) > pitches[FPS - 1] + 0.8
    assert pitches[-1] < pitches[FPS - 1] - 2


def test_a_loud_voice_nods_and_raises_the_brows_and_a_mute_one_does_not() -> None:
    poses, weights = play(Manner.SPEAKING, 60)
    still, calm = play(Manner.SPEAKING, 60, loudness=mute)
    assert (poses - still)[:, 1].max() > 0.7
    brow = INDEX["browOuterUpLeft"]
    assert weights[:, brow].max() > calm[:, brow].max() + 0.1


def test_a_nod_is_under_way_when_the_stressed_syllable_sounds() -> None:
    heard = Accents(Random(0)).hear(5.0, (0, 1), 0, lambda at: float(at > 0.15 * CLOCK_RATE))
    early = Accents(Random(0)).hear(5.0, (0, 1), 0, lambda at: float(at > 0.25 * CLOCK_RATE))
    assert all(4.9 < g.start_s < 5.0 for g in heard.gestures)
    assert heard.phrase_began_s is not None
    assert early.phrase_began_s is None


def test_eyes_stay_on_the_viewer_while_the_head_turns() -> None:
    poses, weights = play(Manner.SPEAKING, 60)
    right = weights[:, INDEX["eyeLookOutLeft"]] - weights[:, INDEX["eyeLookInLeft"]]
    assert np.corrcoef(poses[:, 0], right)[0, 1] < -0.5


def test_saccades_are_quick_and_fixations_rest() -> None:
    gaze = Gaze(Random(2))
    points = np.array([gaze.look(i / 500, Manner.IDLE) for i in range(500 * 60)])
    moving = np.abs(np.diff(points, axis=0)).max(axis=1) > 1e-9
    assert moving.mean() < 0.08
    assert np.abs(points).max() < 8
    assert (np.hypot(*points.T) < 1).mean() > 0.4


def test_a_saccade_takes_21_ms_and_2_ms_a_degree() -> None:
    gaze = Gaze(Random(0))
    gaze.look(0.0, Manner.IDLE)
    gaze.look(0.1, Manner.THINKING)
    _, degrees = gaze.jumped()
    path = np.array([gaze.point(0.1 + i / 2000) for i in range(400)])
    moving = np.abs(np.diff(path, axis=0)).max(axis=1) > 0
    assert degrees > 8
    assert moving.sum() / 2000 == pytest.approx(0.021 + 0.0022 * degrees, abs=0.001)


def test_breath_goes_in_and_out_about_fifteen_times_a_minute() -> None:
    motion = Motion(0)
    breath = []
    for i in range(FPS * 60):
        face = FaceParams()
        motion.pose(Cue(i, i / FPS), mute, face)
        breath.append(face.breath)
    rising = np.diff((np.array(breath) > 0.5).astype(int)) == 1
    assert 13 <= rising.sum() <= 17
    assert np.ptp(np.diff(np.flatnonzero(rising))) > 5  # no two of the same length
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


def test_a_mood_leans_the_head_and_a_sad_face_does_not_smile_while_it_waits() -> None:
    heads = {}
    for mood in (Mood.NEUTRAL, Mood.SAD, Mood.SURPRISED):
        motion, pitches, smiles = Motion(3), [], []
        for i in range(20 * FPS):
            face = FaceParams()
            motion.pose(replace(cue(i, Manner.LISTENING), mood=mood), mute, face)
            pitches.append(face.pitch)
            smiles.append(float(face.weights[INDEX["mouthSmileLeft"]]))
        heads[mood] = np.mean(pitches[3 * FPS :]), max(smiles[3 * FPS :])
    assert heads[Mood.SAD][0] > heads[Mood.NEUTRAL][0] + 2
    assert heads[Mood.SURPRISED][0] < heads[Mood.NEUTRAL][0] - 1.5
    assert heads[Mood.SAD][1] == 0 < heads[Mood.NEUTRAL][1]
