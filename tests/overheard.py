"""What the avatar would do about a sound over its voice: the real VAD and ear, in virtual time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from livekit import rtc
from livekit.agents import vad
from livekit.local_inference import VAD, VAD_WINDOW_SAMPLES
from livekit.plugins import pocketsphinx
from sounds import Samples, Sound

from agent.probe.recording import RATE as SOUND_RATE
from agent.probe.sound import resample
from agent.turns.barge import Action, Barge, Policy
from agent.turns.glimpse import LOOKS, STEP, Glimpse
from agent.turns.hearing import RATE, Hearing
from agent.turns.words import back_channels, meaning

LEAD_S, TAIL_S = 0.5, 2.5
WORDS_AFTER_S = 0.35
"""From the end of a voice to its final transcript: the VAD's silence, and the recogniser."""
_FLOOR = 8  # of a quiet room, in steps of int16


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds from the sound's first sample to each action that was taken; None: it was not."""

    sound: Sound
    text: str
    duck_s: float | None
    hold_s: float | None
    resume_s: float | None
    stop_s: float | None


class Bystander:
    """Hears sounds one by one, as if over the avatar's voice, without an echo of it."""

    def __init__(self, phrases: Sequence[str], *, policy: Policy | None = None) -> None:
        self._policy = policy or Policy()
        self._ear = pocketsphinx.STT(phrases=phrases)
        self._rng = np.random.default_rng(5)
        self._known = back_channels("en")

    async def aclose(self) -> None:
        await self._ear.aclose()

    async def hear(self, sound: Sound) -> Outcome:
        """What would be done about one sound, at a random phase of the VAD's windows."""
        lead_s = LEAD_S + self._rng.uniform(0, VAD_WINDOW_SAMPLES / RATE)
        samples = self._in_a_room(sound.samples, lead_s)
        windows, detector, hearing = [], VAD(), Hearing()
        glimpses, between = list[float](), Glimpse()
        for start in range(0, len(samples) - VAD_WINDOW_SAMPLES + 1, VAD_WINDOW_SAMPLES):
            part = samples[start : start + VAD_WINDOW_SAMPLES]
            at = (start + len(part)) / RATE - lead_s
            windows.append(hearing.window(inference(part, detector.predict(part)), at))
            frame = rtc.AudioFrame(part.tobytes(), RATE, 1, len(part))
            for look, (heard, probability) in enumerate(between.push(frame), start=1 - LOOKS):
                if hearing.glimpse(heard, probability):
                    glimpses.append(at + look * STEP / RATE)
        near_s, _ = hearing.take_utterance()
        voiced = [w.at for w in windows if w.probability >= 0.5]
        text, confidence = await self._words(samples) if near_s >= 0.05 else ("", 0.0)
        barge, taken = Barge(self._policy), dict[Action, float]()
        barge.on_speaking(-lead_s, True)
        asked = meaning(text, known=self._known, voice_s=near_s, confidence=confidence)
        told = not text
        for window in windows:
            if not told and window.at >= voiced[-1] + WORDS_AFTER_S:
                told = True
                _note(taken, barge.on_words(window.at, asked, final=True), window.at)
            while glimpses and glimpses[0] < window.at:
                at = glimpses.pop(0)
                _note(taken, barge.on_glimpse(at), at)
            _note(taken, barge.on_window(window), window.at)
        return Outcome(
            sound,
            text,
            taken.get(Action.DUCK),
            taken.get(Action.HOLD),
            taken.get(Action.RESUME),
            taken.get(Action.STOP),
        )

    def _in_a_room(self, sound: Samples, lead_s: float) -> Samples:
        silence = [np.zeros(round(seconds * SOUND_RATE)) for seconds in (lead_s, TAIL_S)]
        wave = np.concatenate([silence[0], sound.astype(np.float64), silence[1]])
        wave += self._rng.standard_normal(len(wave)) * _FLOOR
        return resample(np.clip(np.round(wave), -32768, 32767).astype(np.int16), SOUND_RATE, RATE)

    async def _words(self, samples: Samples) -> tuple[str, float]:
        event = await self._ear.recognize(
            [rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples))]
        )
        return event.alternatives[0].text, event.alternatives[0].confidence


def inference(samples: Samples, probability: float, rate: int = RATE) -> vad.VADEvent:
    """What a VAD tells of one window."""
    return vad.VADEvent(
        type=vad.VADEventType.INFERENCE_DONE,
        samples_index=0,
        timestamp=0.0,
        speech_duration=0.0,
        silence_duration=0.0,
        frames=[rtc.AudioFrame(samples.tobytes(), rate, 1, len(samples))],
        probability=probability,
    )


def _note(taken: dict[Action, float], action: Action | None, at: float) -> None:
    if action is not None:
        taken.setdefault(action, at)
