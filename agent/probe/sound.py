"""Sound files for the probe: read a WAV, or have one spoken by the offline voice."""

import wave
from pathlib import Path

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

from agent.probe.recording import RATE

MAX_WAV_S = 600


class SoundError(Exception):
    """A sound file that cannot be used; the message says what to do."""


def read_wav(path: Path) -> NDArray[np.int16]:
    """Samples of a 16-bit PCM WAV file, mixed to mono and resampled to RATE.

    Raises SoundError for anything else.
    """
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            count = file.getnframes()
            if width != 2:
                raise SoundError(f"{path}: {8 * width}-bit samples; convert it to 16-bit PCM")
            if count > MAX_WAV_S * rate:
                raise SoundError(f"{path}: longer than {MAX_WAV_S // 60} minutes; cut it")
            data = np.frombuffer(file.readframes(count), np.int16)
    except (OSError, EOFError, wave.Error) as error:
        raise SoundError(f"{path}: not a readable WAV file ({error})") from error
    mono = data.reshape(-1, channels).mean(axis=1).astype(np.int16)
    return resample(mono, rate)


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """Write mono samples at RATE."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def resample(samples: NDArray[np.int16], rate: int, to: int = RATE) -> NDArray[np.int16]:
    """Mono samples at another rate."""
    if rate == to:
        return samples
    resampler = rtc.AudioResampler(rate, to, quality=rtc.AudioResamplerQuality.HIGH)
    frames = resampler.push(rtc.AudioFrame(samples.tobytes(), rate, 1, len(samples)))
    frames += resampler.flush()
    return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])


async def say(text: str, *, voice: str = "en-us", pause_s: float = 0.2) -> NDArray[np.int16]:
    """Speech of `text` by the offline voice, with silence around it.

    Raises SoundError when the espeak plugin is not installed.
    """
    try:
        from livekit.plugins import espeak
    except ImportError as error:
        raise SoundError("--say needs the espeak plugin: install livekit-plugins-espeak") from error
    engine = espeak.TTS(voice=voice, rate=150)
    try:
        async with engine.synthesize(text) as stream:
            frame = await stream.collect()
    finally:
        await engine.aclose()
    speech = resample(np.frombuffer(frame.data, np.int16), frame.sample_rate)
    silence = np.zeros(int(pause_s * RATE), np.int16)
    return np.concatenate([silence, speech, silence])
