import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mouths import JAW, OTHERS, PRESS, ROLL, film, lips_shut, phones, silence, spoken, voice

from avatar.coarticulation import CLOSURE_S
from avatar.frames import CLOCK_RATE, AudioChunk, Timings
from avatar.lipsync import LEAD_S, LipSync
from avatar.params import CHANNELS, INDEX


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["p", "b", "m", "f", "v", *OTHERS]),
            st.floats(min_value=0.03, max_value=0.2),
        ),
        min_size=3,
        max_size=14,
    ),
    st.sampled_from([24, 25, 30]),
    st.floats(min_value=0, max_value=1, exclude_max=True),
)
def test_every_bilabial_is_seen_closed_at_any_frame_rate_and_phase(
    spelled: list[tuple[str, float]], fps: int, phase: float
) -> None:
    track = phones(*spelled, start=0.2)
    total = track[-1].end_s + 0.2
    frames = film(spoken(voice(total), Timings(track)), total, fps, phase)
    times = (np.arange(len(frames)) + phase) / fps + LEAD_S
    for phone in track:
        if phone.symbol in ("p", "b", "m"):
            near = (times > phone.start_s - CLOSURE_S) & (times < phone.end_s + CLOSURE_S / 2)
            assert any(lips_shut(frame) for frame in frames[near])


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["f", "v"]),
    st.sampled_from([s for s in OTHERS if s not in "pbm"]),
    st.sampled_from([s for s in OTHERS if s not in "pbm"]),
    st.floats(min_value=0.03, max_value=0.2),
    st.sampled_from([24, 25, 30]),
    st.floats(min_value=0, max_value=1, exclude_max=True),
)
def test_every_labiodental_brings_the_lip_to_the_teeth(
    symbol: str, before: str, after: str, length: float, fps: int, phase: float
) -> None:
    track = phones((before, 0.1), (symbol, length), (after, 0.1), start=0.2)
    total = track[-1].end_s + 0.2
    frames = film(spoken(voice(total), Timings(track)), total, fps, phase)
    assert max(frames[:, ROLL]) >= 0.58
    assert frames[frames[:, ROLL].argmax(), JAW] <= 0.1


def test_closures_begin_and_end_with_their_phones_within_20_ms() -> None:
    rng = np.random.default_rng(7)
    spelled = []
    for _ in range(40):
        spelled.append((str(rng.choice(["ɑː", "iː", "oʊ", "ɛ"])), float(rng.uniform(0.1, 0.25))))
        spelled.append((str(rng.choice(["m", "b", "p"])), float(rng.uniform(0.06, 0.12))))
    track = phones(*spelled, ("ɑː", 0.2), start=0.3)
    total = track[-1].end_s + 0.2
    frames = film(spoken(voice(total), Timings(track)), total, 1000)
    times = (np.arange(len(frames)) + 0.5) / 1000 + LEAD_S
    shut = frames[:, PRESS] > 0.375
    onsets, ends = times[1:][~shut[:-1] & shut[1:]], times[1:][shut[:-1] & ~shut[1:]]
    bilabials = [p for p in track if p.symbol in "pbm"]
    assert len(onsets) == len(bilabials)
    errors = [abs(t - p.start_s) for t, p in zip(onsets, bilabials, strict=True)]
    errors += [abs(t - p.end_s) for t, p in zip(ends, bilabials, strict=True)]
    assert np.percentile(errors, 95) <= 0.020


def test_the_jaw_crosses_from_consonant_to_vowel_at_the_phone_border() -> None:
    track = phones(*[("k", 0.15), ("ɑː", 0.3)] * 10, start=0.3)
    total = track[-1].end_s + 0.2
    jaw = film(spoken(voice(total), Timings(track)), total, 1000)[:, JAW]
    times = (np.arange(len(jaw)) + 0.5) / 1000 + LEAD_S
    half = (jaw.max() + np.median(jaw[(times > 0.8) & (times < 0.87)])) / 2
    rising = times[1:][(jaw[:-1] < half) & (jaw[1:] >= half)]
    errors = [min(abs(rising - p.start_s)) for p in track[3::2]]
    assert np.percentile(errors, 95) <= 0.045


def test_different_sounds_look_different() -> None:
    track = phones(("ɑː", 0.3), ("iː", 0.3), ("uː", 0.3), ("s", 0.3), ("m", 0.3), start=0.1)
    lipsync = spoken(voice(2.0), Timings(track))
    faces = np.zeros((5, len(CHANNELS)), np.float32)
    for at, phone in enumerate(track):
        middle = (phone.start_s + phone.end_s) / 2 - LEAD_S
        lipsync.weights_at(1, int(middle * CLOCK_RATE), faces[at])
    assert faces[0, JAW] == faces[:, JAW].max() > 0.6
    assert faces[1, INDEX["mouthStretchLeft"]] == faces[:, INDEX["mouthStretchLeft"]].max() > 0.4
    assert faces[2, INDEX["mouthPucker"]] == faces[:, INDEX["mouthPucker"]].max() > 0.8


@pytest.mark.parametrize("fps", [24, 25, 30])
@pytest.mark.parametrize("timed", [True, False])
def test_the_mouth_is_shut_one_frame_after_the_sound_ends(fps: int, timed: bool) -> None:
    # the last vowel claims to go on long after the sound has stopped
    timings = Timings(phones(("ɑː", 3.0))) if timed else Timings()
    for tail in (0.0, 0.6):
        samples = np.concatenate([voice(1.0), silence(tail)])
        lipsync = spoken(samples, timings)
        out = np.zeros(len(CHANNELS), np.float32)
        lipsync.weights_at(1, int(0.9 * CLOCK_RATE), out)
        assert out.max() > 0.1
        lipsync.weights_at(1, int((1.0 + 1 / fps) * CLOCK_RATE), out)
        assert out.max() < 0.01


def test_nothing_moves_in_silence_whatever_the_timings_say() -> None:
    track = Timings(phones(*[("ɑː", 0.2), ("m", 0.1)] * 6))
    assert not film(spoken(silence(2.0), track), 2.0, 25).any()


def test_a_pause_inside_speech_brings_the_mouth_to_rest_and_short_gaps_do_not() -> None:
    def deepest(gap: float) -> float:
        samples = np.concatenate([voice(0.6), silence(gap), voice(0.6)])
        track = Timings(phones(("ɑː", 1.2 + gap)))
        jaw = film(spoken(samples, track), 1.2 + gap, 200)[:, JAW]
        return float(jaw[int(0.3 * 200) : int((0.9 + gap) * 200)].min() / jaw.max())

    assert deepest(0.05) > 0.7
    assert deepest(0.14) < 0.75
    assert deepest(0.40) < 0.01


def test_an_unknown_segment_and_sound_not_heard_yet_are_a_mouth_at_rest() -> None:
    lipsync = LipSync()
    lipsync.hear(AudioChunk(1, 0, voice(0.5), Timings(phones(("ɑː", 2.0)))))
    out = np.ones(len(CHANNELS), np.float32)
    lipsync.weights_at(2, 0, out)
    assert not out.any()
    lipsync.weights_at(1, int(0.4 * CLOCK_RATE), out)
    assert out.max() > 0.3
    lipsync.weights_at(1, int(0.7 * CLOCK_RATE), out)
    assert not out.any()
