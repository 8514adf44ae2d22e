from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avatar.coarticulation import CLOSURE_S
from avatar.frames import CLOCK_RATE, AudioChunk, Phone, SpeechEnd, Timings, Word
from avatar.lipsync import LEAD_S, MAX_AHEAD_S, MAX_SEGMENTS, LipSync
from avatar.params import CHANNELS, INDEX

JAW = INDEX["jawOpen"]
PRESS = INDEX["mouthPressLeft"]
ROLL = INDEX["mouthRollLower"]
PARTED = [INDEX[n] for n in ("mouthUpperUpLeft", "mouthLowerDownLeft")]

Frames = NDArray[np.float32]


_PERIOD = np.arange(CLOCK_RATE // 150) / CLOCK_RATE
_BUZZ = sum(6000 * np.sin(2 * np.pi * 150 * k * _PERIOD) / k for k in range(1, 12))


def voice(seconds: float) -> NDArray[np.int16]:
    """A buzz that sounds all the time: harmonics of a glottal pitch of 150 Hz, loud and steady."""
    count = round(seconds * CLOCK_RATE)
    return np.resize(np.asarray(_BUZZ, np.int16), count)


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(round(seconds * CLOCK_RATE), np.int16)


def phones(*spelled: tuple[str, float], start: float = 0.0) -> tuple[Phone, ...]:
    found = []
    for symbol, length in spelled:
        found.append(Phone(symbol, start, start + length))
        start += length
    return tuple(found)


def spoken(
    samples: NDArray[np.int16], timings: Timings, *, chunk: int = 960, segment: int = 1
) -> LipSync:
    """A LipSync that has heard everything, in chunks, the timings with the first."""
    lipsync = LipSync()
    for start in range(0, len(samples), chunk):
        piece = samples[start : start + chunk]
        lipsync.hear(AudioChunk(segment, start, piece, timings if start == 0 else Timings()))
    lipsync.hear(SpeechEnd(segment))
    return lipsync


def film(lipsync: LipSync, seconds: float, fps: float, phase: float = 0.5) -> Frames:
    """Every frame of a segment: (n, 53)."""
    count = int(seconds * fps)
    out = np.zeros((count, len(CHANNELS)), np.float32)
    for i in range(count):
        lipsync.weights_at(1, int((i + phase) / fps * CLOCK_RATE), out[i])
    return out


def lips_shut(frame: Frames) -> bool:
    return bool(frame[PRESS] >= 0.7 and frame[JAW] <= 0.1 and max(frame[PARTED]) < 0.05)


OTHERS = [*"tdszʃknlɹhwəɛɪæ", "aɪ", "oʊ", "ˈɑː", "iː", "uː"]


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


@settings(max_examples=15, deadline=None)
@given(st.integers(min_value=100, max_value=9000), st.booleans())
def test_any_chunking_gives_the_same_film_as_all_at_once(chunk: int, timed: bool) -> None:
    rng = np.random.default_rng(3)
    envelope = np.repeat(rng.uniform(0, 1, 40) > 0.3, 2400)
    samples = (voice(2.0) * envelope).astype(np.int16)
    timings = Timings(phones(*[("m", 0.1), ("ɑː", 0.2), ("s", 0.1)] * 5)) if timed else Timings()
    whole = film(spoken(samples, timings, chunk=len(samples)), 2.1, 25)
    parts = film(spoken(samples, timings, chunk=chunk), 2.1, 25)
    # float sums over other block sizes differ in the last bits
    np.testing.assert_allclose(parts, whole, atol=1e-4)
    assert np.array_equal(parts, film(spoken(samples, timings, chunk=chunk), 2.1, 25))


@pytest.mark.parametrize("timed", [True, False])
def test_speech_heard_300_ms_ahead_gives_the_same_film_as_all_at_once(timed: bool) -> None:
    samples = np.concatenate([voice(0.6), silence(0.4), voice(0.5), silence(0.15), voice(0.6)])
    track = phones(*[("m", 0.1), ("ɑː", 0.2), ("s", 0.1), ("b", 0.05)] * 5)
    timings = Timings(track) if timed else Timings()
    whole = film(spoken(samples, timings), 2.2, 25)
    lipsync = LipSync()
    frames = np.zeros_like(whole)
    given = 0
    for i in range(len(whole)):
        position = int((i + 0.5) / 25 * CLOCK_RATE)
        while given < min(len(samples), position + 0.3 * CLOCK_RATE):
            piece = samples[given : given + 960]
            # each phone is told with the sound in which it begins, as the espeak plugin does
            begun = tuple(p for p in timings.phones if 0 <= p.start_s * CLOCK_RATE - given < 960)
            lipsync.hear(AudioChunk(1, given, piece, Timings(begun)))
            given += len(piece)
            if given >= len(samples):
                lipsync.hear(SpeechEnd(1))
        lipsync.weights_at(1, position, frames[i])
    np.testing.assert_allclose(frames, whole, atol=0.01)


def test_timings_by_clause_give_the_same_film_as_timings_in_one_piece() -> None:
    track = phones(*[("m", 0.1), ("ɑː", 0.2), ("s", 0.1), ("uː", 0.2)] * 4)
    samples = voice(2.6)
    whole = film(spoken(samples, Timings(track)), 2.5, 25)
    lipsync = LipSync()
    for at in range(0, 16, 4):
        start = int(track[at].start_s * CLOCK_RATE)
        end = int(track[at + 3].end_s * CLOCK_RATE)
        lipsync.hear(AudioChunk(1, start, samples[start:end], Timings(track[at : at + 4])))
    lipsync.hear(AudioChunk(1, end, samples[end:]))
    lipsync.hear(SpeechEnd(1))
    np.testing.assert_allclose(film(lipsync, 2.5, 25), whole, atol=1e-4)


def test_timings_later_than_their_sound_are_eased_in_without_a_jump() -> None:
    def run(late: bool) -> Frames:
        lipsync = LipSync()
        lipsync.hear(AudioChunk(1, 0, voice(2.0)))
        frames = np.zeros((400, len(CHANNELS)), np.float32)
        for i in range(400):
            if late and i == 200:
                told = Timings(phones(("ˈɑː", 2.0)))
                lipsync.hear(AudioChunk(1, 2 * CLOCK_RATE, silence(0.0), told))
            lipsync.weights_at(1, int(i / 250 * CLOCK_RATE), frames[i])
        return frames

    untold, told = run(late=False), run(late=True)
    np.testing.assert_array_equal(untold[:200], told[:200])
    assert told[230, JAW] > untold[230, JAW] + 0.25
    assert np.abs(np.diff(told[195:230], axis=0)).max() < 0.15


def test_newer_timings_replace_what_was_told_before() -> None:
    lipsync = LipSync()
    lipsync.hear(AudioChunk(1, 0, voice(1.0), Timings(phones(("ɑː", 1.0)))))
    lipsync.hear(AudioChunk(1, CLOCK_RATE, voice(0.2), Timings(phones(("uː", 0.8), start=0.2))))
    out = np.zeros(len(CHANNELS), np.float32)
    lipsync.weights_at(1, int(0.6 * CLOCK_RATE), out)
    assert out[INDEX["mouthPucker"]] > 0.8


def test_words_move_the_mouth_when_no_phones_are_told() -> None:
    words = (Word("mama", 0.2), Word("boom", 0.8, 1.2))
    frames = film(spoken(voice(1.4), Timings(words=words)), 1.4, 25)
    shut = np.array([lips_shut(frame) for frame in frames])
    times = (np.arange(len(frames)) + 0.5) / 25
    for around in (0.2, 0.8, 1.15):
        assert shut[abs(times - around) < 0.12].any()
    assert frames[(times > 0.9) & (times < 1.1), INDEX["mouthPucker"]].max() > 0.7


def test_phones_win_over_words() -> None:
    timings = Timings(phones(("uː", 1.0)), (Word("mama", 0.0, 1.0),))
    with_words = film(spoken(voice(1.0), timings), 0.9, 25)
    without = film(spoken(voice(1.0), Timings(phones(("uː", 1.0)))), 0.9, 25)
    np.testing.assert_array_equal(with_words, without)


def test_forget_drops_a_segment_and_does_not_mind_an_unknown_one() -> None:
    lipsync = spoken(voice(1.0), Timings(phones(("ɑː", 1.0))))
    out = np.zeros(len(CHANNELS), np.float32)
    lipsync.weights_at(1, CLOCK_RATE // 2, out)
    assert out.any()
    lipsync.forget(1)
    lipsync.forget(99)
    lipsync.weights_at(1, CLOCK_RATE // 2, out)
    assert not out.any()


def test_segments_and_what_is_kept_of_one_are_bounded() -> None:
    lipsync = LipSync()
    for segment in range(MAX_SEGMENTS + 1):
        lipsync.hear(AudioChunk(segment, 0, voice(0.3), Timings(phones(("ɑː", 0.3)))))
    out = np.zeros(len(CHANNELS), np.float32)
    lipsync.weights_at(0, CLOCK_RATE // 10, out)
    assert not out.any()

    # a long segment: the features behind the position must not pile up
    second, track = voice(1.0), phones(*[("ɑː", 0.1)] * 10)
    lipsync = LipSync()
    for at in range(60):
        moved = tuple(Phone(p.symbol, p.start_s + at, p.end_s + at) for p in track)
        lipsync.hear(AudioChunk(1, at * CLOCK_RATE, second, Timings(moved)))
        lipsync.weights_at(1, at * CLOCK_RATE, out)
    kept = lipsync._tracks[1]
    assert kept.sound.count <= 600
    assert len(kept._phones.score._notes) <= 60


def test_sound_heard_twice_counts_once_and_a_hole_keeps_the_mouth_in_step() -> None:
    samples = np.concatenate([voice(0.5), silence(0.5), voice(0.5)])
    half = CLOCK_RATE // 2
    straight = film(spoken(samples, Timings()), 1.5, 25)

    twice = LipSync()
    for start, end in ((0, 2 * half), (half // 2, 2 * half), (half, 3 * half)):
        twice.hear(AudioChunk(1, start, samples[start:end]))
    twice.hear(SpeechEnd(1))
    np.testing.assert_allclose(film(twice, 1.5, 25), straight, atol=1e-4)

    holed = LipSync()
    holed.hear(AudioChunk(1, 0, samples[:half]))
    holed.hear(AudioChunk(1, 2 * half, samples[2 * half :]))
    holed.hear(SpeechEnd(1))
    np.testing.assert_allclose(film(holed, 1.5, 25)[28:], straight[28:], atol=1e-4)


def test_speech_too_far_ahead_is_not_followed() -> None:
    lipsync = LipSync()
    lipsync.hear(AudioChunk(1, 0, voice(0.5)))
    far = int(MAX_AHEAD_S * CLOCK_RATE)
    lipsync.hear(AudioChunk(1, far, voice(0.5)))
    out = np.zeros(len(CHANNELS), np.float32)
    lipsync.weights_at(1, far + CLOCK_RATE // 4, out)
    assert not out.any()


def test_timings_that_make_no_sense_are_skipped() -> None:
    bad = (
        Phone("ɑː", float("nan"), 1.0),
        Phone("ɑː", -1.0, 0.5),
        Phone("ɑː", 0.9, 0.4),
        Phone("ɑː", 0.1, float("inf")),
        Phone("ɑː", MAX_AHEAD_S + 1, MAX_AHEAD_S + 2),
        Phone("uː", 0.0, 0.8),
        Phone("", 0.5, 0.5),
    )
    frames = film(spoken(voice(1.0), Timings(bad)), 0.7, 25)
    assert np.isfinite(frames).all()
    assert frames[10, INDEX["mouthPucker"]] > 0.8


def test_the_mouth_never_pops() -> None:
    rng = np.random.default_rng(11)
    spelled = [
        (str(rng.choice(["m", "b", "f", *OTHERS])), float(rng.uniform(0.05, 0.16)))
        for _ in range(120)
    ]
    track = phones(*spelled, start=0.1)
    total = track[-1].end_s
    frames = film(spoken(voice(total), Timings(track)), total, 250)
    # 4 ms apart: from open to shut takes the lips eight steps, the jaw fifteen, the end is quicker
    assert np.abs(np.diff(frames[5:], axis=0)).max() < 0.16
    assert np.abs(np.diff(frames[5:-30, JAW])).max() < 0.05
    assert frames.min() >= 0
    assert frames.max() <= 1


def test_phones_are_taken_in_any_order_and_cut_where_they_overlap() -> None:
    track = phones(("ɑː", 0.3), ("m", 0.1), ("iː", 0.3))
    overlapping = tuple(Phone(p.symbol, p.start_s, p.end_s + 0.05) for p in track)
    expected = film(spoken(voice(1.0), Timings((*track[:2], overlapping[2]))), 0.7, 25)
    got = film(spoken(voice(1.0), Timings(tuple(reversed(overlapping)))), 0.7, 25)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert all(a.start_s < b.start_s for a, b in pairwise(track))
