import numpy as np
import pytest
from numpy.typing import NDArray

from avatar import renderers
from avatar.errors import PortraitMissing
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, Mood, Phone, SpeechEnd, Timings
from avatar.params import INDEX, weights
from avatar.renderers.cpu import TO_REST_S, TO_SPEECH_S, CpuRenderer, Face

FPS = 25
NO_NOD = 6
JAW = INDEX["jawOpen"]
BLINK = INDEX["eyeBlinkLeft"]

SAMPLES: NDArray[np.int16] = np.asarray(
    5000 * np.sign(np.sin(2 * np.pi * 140 * np.arange(3 * CLOCK_RATE) / CLOCK_RATE)), np.int16
)


def vowel(segment: int = 1) -> AudioChunk:
    return AudioChunk(segment, 0, SAMPLES, Timings((Phone("ˈɑː", 0.0, 3.0),)))


def cue(index: int, *, segment: int | None = 1, start: int = 0, manner: Manner = Manner.SPEAKING,
        epoch: int = 0, mood: Mood = Mood.NEUTRAL) -> Cue:  # fmt: skip
    """Frame `index` of a call in which the segment began at frame `start`."""
    position = (2 * (index - start) + 1) * CLOCK_RATE // (2 * FPS)
    return Cue(index, index / FPS, epoch, segment, position if segment else 0, manner, mood)


def open_mouth() -> tuple[Face, int, float]:
    """A face in the middle of a vowel, the next frame's index and how far its jaw is open."""
    face = Face()
    face.hear(vowel())
    for i in range(20):
        face.at(cue(i))
    return face, 20, float(face.params.weights[JAW])


def test_the_renderer_is_loaded_by_name_and_draws_i420_into_two_buffers_in_turn() -> None:
    renderer = renderers.load("cpu", portrait="imani", size=(256, 256), fps=FPS)
    assert (renderer.width, renderer.height, renderer.fps) == (256, 256, FPS)
    renderer.hear(vowel())
    frames = [renderer.draw(cue(i)) for i in range(4)]
    renderer.close()
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert all(frame.data.shape == (256 * 256 * 3 // 2,) for frame in frames)
    assert all(frame.data.dtype == np.uint8 for frame in frames)
    assert frames[0].data is frames[2].data
    assert frames[1].data is frames[3].data
    assert frames[0].data is not frames[1].data


def test_speech_changes_the_picture_where_the_mouth_is() -> None:
    # a seed whose first syllable brings no nod: a nod would change every row
    talking = CpuRenderer.open("imani", size=(256, 256), fps=FPS, seed=NO_NOD)
    silent = CpuRenderer.open("imani", size=(256, 256), fps=FPS, seed=NO_NOD)
    talking.hear(vowel())
    for i in range(5):
        said = talking.draw(cue(i)).data[: 256 * 256].reshape(256, 256)
        kept = silent.draw(cue(i, segment=None)).data[: 256 * 256].reshape(256, 256)
    rows = np.abs(said.astype(int) - kept).sum(axis=1)
    assert rows.max() > 300
    assert rows[140:190].sum() > 0.5 * rows.sum()


def test_the_same_speech_and_cues_draw_the_same_bytes() -> None:
    def run() -> list[bytes]:
        renderer = CpuRenderer.open("imani", size=(128, 128), fps=FPS, seed=3)
        renderer.hear(vowel())
        return [renderer.draw(cue(i, mood=Mood.HAPPY)).data.tobytes() for i in range(30)]

    assert run() == run()


def test_an_unknown_portrait_and_an_impossible_size_are_refused_in_words() -> None:
    with pytest.raises(PortraitMissing, match="imani"):
        CpuRenderer.open("nobody")
    for size in ((0, 512), (511, 512), (512, -2)):
        with pytest.raises(ValueError, match="size must be"):
            CpuRenderer.open("imani", size=size)
    with pytest.raises(ValueError, match="fps"):
        CpuRenderer.open("imani", fps=0)


@pytest.mark.parametrize("forgotten", [True, False])
def test_an_interrupted_mouth_eases_to_rest_and_does_not_cut(forgotten: bool) -> None:
    face, index, opened = open_mouth()
    assert opened > 0.5
    if forgotten:
        face.forget(1)
    jaws = [float(face.at(cue(index + k, segment=None, epoch=1)).weights[JAW]) for k in range(4)]
    assert 0.5 * opened < jaws[0] < opened
    assert 0 < jaws[1] < jaws[0]
    assert jaws[int(TO_REST_S * FPS)] == 0
    assert jaws == sorted(jaws, reverse=True)


def test_a_resumed_mouth_is_back_within_80_ms() -> None:
    face, index, opened = open_mouth()
    for k in range(10):
        face.at(cue(index + k, segment=None))
    assert face.params.weights[JAW] == 0
    back = index + 10
    first = float(face.at(cue(back, start=10)).weights[JAW])
    second = float(face.at(cue(back + 1, start=10)).weights[JAW])
    assert 0.2 * opened < first < 0.8 * opened
    assert TO_SPEECH_S <= 2 / FPS
    assert second > 0.9 * opened


def test_a_segment_that_follows_at_once_takes_over_without_a_cut() -> None:
    face, index, opened = open_mouth()
    silence = np.zeros(CLOCK_RATE, np.int16)
    face.hear(AudioChunk(2, 0, silence, Timings()))
    face.hear(SpeechEnd(2))
    jaws = [float(face.at(cue(index + k, segment=2, start=index)).weights[JAW]) for k in range(3)]
    assert 0.2 * opened < jaws[0] < opened
    assert jaws[1:] == [0, 0]


def test_attention_to_the_user_shuts_the_mouth_though_the_sound_still_fades() -> None:
    face, index, _ = open_mouth()
    for k in range(4):
        face.at(cue(index + k, manner=Manner.ATTENTIVE))
    assert face.params.weights[JAW] == 0
    for k in range(4, 8):
        face.at(cue(index + k))
    assert face.params.weights[JAW] > 0.5


def test_frames_left_out_lead_to_the_same_mouth() -> None:
    every, some = Face(), Face()
    for face in (every, some):
        face.hear(vowel())
    for i in range(41):
        every.at(cue(i))
    for i in (0, 1, 7, 20, 40):
        some.at(cue(i))
    assert every.params.weights[JAW] == some.params.weights[JAW]


def test_all_of_a_face_stays_in_range_and_steps_are_bounded_through_a_whole_call() -> None:
    rng = np.random.default_rng(5)
    face = Face(seed=2)
    segment, start = 0, 0
    last = weights()
    lids = [i for name, i in INDEX.items() if name.startswith(("eyeBlink", "eyeLook"))]
    for i in range(1500):
        if i % 60 == 0:
            segment, start = segment + 1, i
            face.hear(vowel(segment))
        voice = segment if rng.random() > 0.05 else None
        manner = Manner.SPEAKING if voice else Manner(rng.choice([m.value for m in Manner]))
        mood = Mood.SURPRISED if i % 200 < 100 else Mood.ANGRY
        params = face.at(cue(i, segment=voice, start=start, manner=manner, mood=mood))
        assert params.weights.min() >= 0
        assert params.weights.max() <= 1
        assert max(abs(params.yaw), abs(params.pitch), abs(params.roll)) <= 12
        step = np.abs(params.weights - last)
        step[lids] = 0
        assert i == 0 or step.max() < 0.6
        np.copyto(last, params.weights)


def test_a_mood_never_parts_the_lips_of_a_bilabial_in_a_whole_face() -> None:
    for mood in Mood:
        face = Face()
        spelled = (Phone("ˈɑː", 0.0, 1.0), Phone("m", 1.0, 1.2), Phone("ˈɑː", 1.2, 2.0))
        face.hear(AudioChunk(1, 0, SAMPLES, Timings(spelled)))
        for i in range(27):
            face.at(cue(i, mood=mood))
        shut = face.params.weights
        assert shut[INDEX["mouthPressLeft"]] >= 0.7
        assert shut[JAW] <= 0.07
        assert max(shut[INDEX["mouthUpperUpLeft"]], shut[INDEX["mouthLowerDownLeft"]]) < 0.02
