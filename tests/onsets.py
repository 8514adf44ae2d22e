"""When the lips close in the film of a voice, against the moments at which its phones begin."""

from itertools import pairwise

import numpy as np
from fake_speech import Speech
from livekit import rtc
from livekit.plugins.visavis.sink import timings
from wires import Heard

from avatar.frames import CLOCK_RATE, AudioChunk, SpeechEnd
from avatar.lipsync import LEAD_S, LipSync
from avatar.params import CHANNELS, INDEX
from avatar.visemes import from_phone

TEXTS = (
    "My mother baked five big apple pies, but Bob brought them back.",
    "Maybe the baby bumped above the table before the meeting began.",
    "We move the blue vase above the pump, then we wave to the people.",
    "Please remember the vivid purple map from the family office.",
)
LIPS = (("PP", INDEX["mouthPressLeft"], 0.375), ("FF", INDEX["mouthRollLower"], 0.3))


def mouth(heard: Heard) -> tuple[np.ndarray, np.ndarray]:
    """The mouth at every ms, and the moments of the sound that it belongs to."""
    lipsync, at = LipSync(), 0
    resampler = rtc.AudioResampler(heard.rate, CLOCK_RATE)
    for frame in heard.frames:
        pieces = [np.frombuffer(part.data, np.int16) for part in resampler.push(frame)]
        samples = np.concatenate([np.zeros(0, np.int16), *pieces])
        lipsync.hear(AudioChunk(1, at, samples, timings(frame.userdata)))
        at += len(samples)
    lipsync.hear(SpeechEnd(1))
    film = np.zeros((at * 1000 // CLOCK_RATE, len(CHANNELS)), np.float32)
    for n in range(len(film)):
        lipsync.weights_at(1, int((n + 0.5) / 1000 * CLOCK_RATE), film[n])
    return film, np.arange(len(film)) / 1000 + LEAD_S + 0.0005


def onset_errors(film: np.ndarray, times: np.ndarray, truth: Speech) -> list[float]:
    errors = []
    for viseme, channel, half in LIPS:
        held = film[:, channel] > half
        onsets = times[1:][~held[:-1] & held[1:]]
        for before, phone in pairwise(truth.phones):
            apart = from_phone(before[0])[-1][0] not in ("PP", "FF", "sil")
            if apart and from_phone(phone[0])[0][0] == viseme:
                errors.append(float(np.abs(onsets - phone[1]).min()) if len(onsets) else 1.0)
    return errors
