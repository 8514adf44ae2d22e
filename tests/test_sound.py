import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.frames import CLOCK_RATE
from avatar.sound import SILENCE_S, Sound
from avatar.visemes import VISEMES

T = np.arange(CLOCK_RATE // 2) / CLOCK_RATE


def vowel(first: float, second: float, height: float = 0.5) -> NDArray[np.int16]:
    """Half a second of a voice at 120 Hz with two formants, the second of this height."""
    harmonics = 120 * np.arange(1, 30)
    heights = np.exp(-(((harmonics - first) / 150) ** 2))
    heights += height * np.exp(-(((harmonics - second) / 200) ** 2))
    wave = (heights[:, None] * np.sin(2 * np.pi * harmonics[:, None] * T)).sum(axis=0)
    return np.asarray(5000 * wave, np.int16)


def hiss() -> NDArray[np.int16]:
    noise = np.random.default_rng(1).normal(0, 1, len(T))
    return np.asarray(2000 * (noise - np.roll(noise, 1)), np.int16)


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(round(seconds * CLOCK_RATE), np.int16)


def heard(*parts: NDArray[np.int16]) -> Sound:
    sound = Sound()
    sound.feed(np.concatenate(parts))
    sound.finish()
    return sound


@pytest.mark.parametrize(
    ("samples", "visemes"),
    [
        (vowel(750, 1300), ("aa",)),
        (vowel(280, 2300), ("ih", "E")),  # two sharp formants are not quite a voice
        (vowel(300, 750, 0.2), ("ou",)),  # the second formant of u is faint
        (hiss(), ("SS",)),
    ],
)
def test_vowels_and_hiss_are_told_apart_by_where_their_energy_lies(
    samples: NDArray[np.int16], visemes: tuple[str, ...]
) -> None:
    mix = heard(samples).mix(0.25)
    assert VISEMES[int(mix.argmax())] in visemes
    assert mix.max() > 0.4
    assert mix.sum() <= 1.01


def test_a_short_dip_between_loud_sounds_is_a_closure_and_the_loud_sound_is_not() -> None:
    sound = heard(vowel(750, 1300), silence(0.06), vowel(750, 1300))
    closure = VISEMES.index("PP")
    assert max(sound.mix(0.5 + k / 100)[closure] for k in range(7)) > 0.8
    assert all(sound.mix(k / 100)[closure] < 0.05 for k in range(10, 40))


def test_a_dip_with_hiss_around_it_is_the_tongue_and_not_the_lips() -> None:
    burst = (hiss()[: CLOCK_RATE // 40] // 2).astype(np.int16)
    sound = heard(vowel(750, 1300), silence(0.05), burst, vowel(750, 1300))
    closure = VISEMES.index("PP")
    assert all(sound.mix(0.45 + k / 100)[closure] < 0.2 for k in range(15))


def test_silence_is_noticed_from_120_ms_and_ends_with_the_next_sound() -> None:
    loud = vowel(750, 1300)
    assert heard(loud, silence(SILENCE_S - 0.03), loud).runs == []
    ((start, end),) = heard(loud, silence(0.3), loud).runs
    assert start == pytest.approx(0.5, abs=0.011)
    assert end == pytest.approx(0.8, abs=0.011)
    ((start, end),) = heard(loud, silence(0.3)).runs
    assert end is None


def test_loudness_is_relative_to_the_recent_peak_and_zero_in_silence_and_outside() -> None:
    loud = vowel(750, 1300)
    sound = heard(loud, (loud // 8).astype(np.int16), silence(0.3))
    assert sound.loudness(0.25) > 0.8
    assert 0.1 < sound.loudness(0.75) < 0.5
    assert sound.loudness(1.2) == 0
    assert sound.loudness(-1) == 0
    assert sound.loudness(99) == 0


def test_what_is_behind_can_be_dropped_without_changing_what_is_ahead() -> None:
    sound = heard(vowel(750, 1300), silence(0.3), vowel(300, 750))
    before = sound.mix(1.0), sound.openness(0.65), sound.loudness(1.0)
    rows = sound.count
    sound.drop_before(0.6)
    assert sound.count < rows
    np.testing.assert_array_equal(sound.mix(1.0), before[0])
    assert (sound.openness(0.65), sound.loudness(1.0)) == before[1:]
    assert not sound.mix(0.2).any()
