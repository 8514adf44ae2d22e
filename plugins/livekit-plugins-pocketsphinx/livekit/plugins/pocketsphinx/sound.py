"""Frames of any rate and channel count to what the recogniser takes: mono int16 at 16 kHz."""

import numpy as np

from livekit import rtc

from .ear.wire import SAMPLE_RATE


def mono(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    """The mean of the channels; a mono frame is returned as it is."""
    if frame.num_channels == 1:
        return frame
    samples = np.frombuffer(frame.data, dtype=np.int16).reshape(-1, frame.num_channels)
    mixed = samples.mean(axis=1).astype(np.int16)
    return rtc.AudioFrame(
        data=mixed.tobytes(),
        sample_rate=frame.sample_rate,
        num_channels=1,
        samples_per_channel=len(mixed),
    )


def to_wire(frame: rtc.AudioFrame) -> bytes:
    """A whole buffer's sound at SAMPLE_RATE, (n,) int16 as bytes."""
    frame = mono(frame)
    if frame.sample_rate == SAMPLE_RATE:
        return bytes(frame.data)
    resampler = rtc.AudioResampler(
        frame.sample_rate, SAMPLE_RATE, quality=rtc.AudioResamplerQuality.HIGH
    )
    return b"".join(bytes(part.data) for part in [*resampler.push(frame), *resampler.flush()])
