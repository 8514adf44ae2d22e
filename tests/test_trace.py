"""What pictures carry for whoever measures."""

import numpy as np
from livekit.plugins.visavis.trace import Trace, levels_db


def test_a_trace_comes_back_as_it_was_packed() -> None:
    trace = Trace(sample=2**40, segment=7, position=48_000, levels=(-100.0, -12.0, 0.0))
    assert Trace.unpack(trace.pack()) == trace
    assert len(trace.pack()) == 24


def test_foreign_metadata_is_none_of_ours() -> None:
    assert Trace.unpack(b"") is None
    assert Trace.unpack(b"\x02" + bytes(30)) is None
    assert Trace.unpack(bytes(3)) is None


def test_levels_are_decibels_of_ten_milliseconds() -> None:
    samples = np.zeros(1_600, np.int16)
    samples[480:960] = 32_767
    assert np.allclose(levels_db(samples), (-100, 0, -100), atol=0.01)
