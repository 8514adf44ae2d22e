"""Speech that comes in pieces, late, twice, too early or never ends."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mouths import JAW, OTHERS, Frames, film, lips_shut, phones, silence, spoken, voice
from visemes.corpus import Espeak

from avatar.frames import CLOCK_RATE, AudioChunk, Phone, SpeechEnd, Timings, Word
from avatar.lipsync import LEAD_S, MAX_AHEAD_S, MAX_SEGMENTS, LipSync
from avatar.params import CHANNELS, INDEX


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
    said = Espeak().say("Mama saw a blue moon", "en-us+f3")
    seconds = len(said.samples) / CLOCK_RATE
    spans = zip(said.text.split(), pairwise([*said.word_starts_s, seconds]), strict=True)
    words = tuple(Word(text, start, end) for text, (start, end) in spans)
    samples = np.asarray(said.samples * 32767, np.int16)
    frames = film(spoken(samples, Timings(words=words)), seconds, 25)
    shut = np.array([lips_shut(frame) for frame in frames])
    times = (np.arange(len(frames)) + 0.5) / 25 + LEAD_S
    for phone in said.phones:
        if phone.symbol in ("m", "b") and phone.start_s > LEAD_S:
            assert shut[abs(times - (phone.start_s + phone.end_s) / 2) < 0.12].any()
    assert frames[times > words[-1].start_s, INDEX["mouthPucker"]].max() > 0.6


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
    # what it knows of the voice is younger, so the shapes differ a little
    np.testing.assert_allclose(film(holed, 1.5, 25)[28:], straight[28:], atol=0.1)


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
