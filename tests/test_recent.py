"""What was played lately, as it was in the end."""

import numpy as np
import pytest
from livekit.plugins.visavis.recent import Recent


def ramp(start: int, count: int) -> np.ndarray:
    return ((start + np.arange(count)) // 3 % 30_000).astype(np.int16)


def test_the_last_sound_is_averaged_down_to_the_rate_asked_for() -> None:
    recent = Recent()
    for start in range(0, 480_000, 960):  # more than is kept
        recent.put(start, ramp(start, 960))
    assert np.array_equal(recent.last(480_000, 0.5, 16_000), ramp(456_000, 24_000)[::3])


def test_what_was_taken_back_is_replaced_by_what_was_played_instead() -> None:
    recent = Recent()
    recent.put(0, np.full(9_600, 500, np.int16))
    recent.put(4_800, np.zeros(4_800, np.int16))
    last = recent.last(9_600, 0.2, 48_000)
    assert np.all(last[:4_800] == 500)
    assert not np.any(last[4_800:])


@pytest.mark.parametrize(("seconds", "rate"), [(2.1, 16_000), (0.1, 22_050)])
def test_what_cannot_be_given_is_refused(seconds: float, rate: int) -> None:
    with pytest.raises(ValueError, match="at most"):
        Recent().last(0, seconds, rate)
