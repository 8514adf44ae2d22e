"""Talking over the avatar, at a subscriber: from the user's first sound to a softer voice, to none.

The agent is ours with its real VAD, ear and decisions; its voice is a steady rush, in which 12 dB
are seen to the 10 ms block, and which is like no voice (a hum is like every voice of its pitch).
The stages: `to_first_window` from the first sound to the window that ducks, `to_hold` to the
decision to fall silent (both at the agent), and `duck_to_ear` and `hold_to_ear` from the decision
to what is heard: playout and network.
"""

import asyncio
import time
from typing import Any

import numpy as np
import sounds
from livekit.agents import tts
from livekit.plugins import pocketsphinx
from servers import livekit_server
from stages import Stage, persona, stage

from agent.config import Settings
from agent.guide import phrases
from agent.probe.recording import Recording
from agent.turns.words import expected
from benches.figures import first_lasting, spread

_RATE = 24_000
_LENGTH_S = 12.0
_DUCKED_DB = 12.0
_SILENT_DB = 40.0
_SETTLE_S = 0.5
_BLOCKS = 3
"""Of 10 ms, for which a voice must stay softer."""


class Rush(tts.TTS[Any]):
    """Says whatever it is given as steady noise between 200 and 4000 Hz."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=_RATE, num_channels=1
        )

    def synthesize(self, text: str, *, conn_options: Any = None) -> tts.ChunkedStream:
        return _Noise(tts=self, input_text=text, conn_options=conn_options)


class _Noise(tts.ChunkedStream):
    async def _run(self, output: tts.AudioEmitter) -> None:
        output.initialize(
            request_id="rush", sample_rate=_RATE, num_channels=1, mime_type="audio/pcm"
        )
        output.push((band_noise(int(_RATE * _LENGTH_S)) * 4000).astype(np.int16).tobytes())
        output.flush()


def band_noise(count: int) -> np.ndarray[Any, Any]:
    """So many samples at 24 kHz, of a mean square of 1."""
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / _RATE)
    noise = np.fft.irfft(np.where((frequency > 200) & (frequency < 4000), spectrum, 0), count)
    return np.asarray(noise / np.std(noise))


async def run(rounds: int = 20) -> dict[str, Any]:
    talk = await sounds.spoken(sounds.INTERRUPTIONS, "interruption", voices=4)
    rng = np.random.default_rng(9)
    figures: dict[str, list[float]] = {}
    counted = {"rounds": 0, "ducked": 0, "silenced": 0, "stopped_by_words": 0}
    ear = pocketsphinx.STT(phrases=[*phrases(persona()), *expected("en")])
    async with livekit_server() as server:
        settings = Settings(livekit_url=server.url)
        async with stage(settings, voice=Rush(), ear=ear) as on:
            for number in range(rounds):
                samples = talk[(number * 7) % len(talk)].samples
                row, stopped = await _round(on, samples, rng.uniform(0.8, 1.6))
                counted["rounds"] += 1
                counted["stopped_by_words"] += stopped
                counted["ducked"] += "first_sound_to_ducked" in row
                counted["silenced"] += "first_sound_to_silence" in row
                for name, seconds in row.items():
                    figures.setdefault(name, []).append(seconds)
    return {**counted, **{f"{name}_ms": spread(values) for name, values in figures.items()}}


async def _round(
    on: Stage, samples: sounds.Samples, after_s: float
) -> tuple[dict[str, float], bool]:
    """One interruption; what was measured of it, and whether words ended the speech."""
    at: dict[str, float] = {}
    on.floor.on_action = lambda action, moment: at.setdefault(action.value, moment) and None
    asked = time.monotonic()
    handle = on.session.say("rush")
    await on.me.wait_voice(asked)
    await asyncio.sleep(after_s)
    began, ended = await on.me.speak(samples)
    await asyncio.sleep(max(0.0, ended + 1.0 - time.monotonic()))
    row = _measure(on.me.recording, began, ended, at)
    stopped = "stop" in at
    await on.session.interrupt()
    await handle
    await on.me.wait_quiet(asked, _SETTLE_S)
    return row, stopped


def _measure(
    recording: Recording, began: float, ended: float, at: dict[str, float]
) -> dict[str, float]:
    times, levels = np.array(recording.audio_times), np.array(recording.audio_levels)
    before = np.median(levels[(times > began - 0.6) & (times < began)])
    quieter = 20 * np.log10((levels + 1e-6) / before)
    ducked = _first(times, quieter <= -_DUCKED_DB, began, ended)
    silent = _first(times, quieter <= -_SILENT_DB, began, ended + 0.5)
    moments = {
        "first_sound_to_ducked": (began, ducked),
        "first_sound_to_silence": (began, silent),
        "to_first_window": (began, at.get("duck")),
        "to_hold": (began, at.get("hold")),
        "duck_to_ear": (at.get("duck"), ducked),
        "hold_to_ear": (at.get("hold"), silent),
    }
    return {
        name: end - start
        for name, (start, end) in moments.items()
        if start is not None and end is not None
    }


def _first(
    times: np.ndarray[Any, Any], true: np.ndarray[Any, Any], after: float, before: float
) -> float | None:
    """The first moment in a span from which on something is true."""
    span = (times > after) & (times < before)
    return first_lasting(times[span].tolist(), true[span].tolist(), _BLOCKS)
