"""Sounds that are made, never downloaded: what reaches a microphone while an avatar speaks.

Noises that are no reason to stop (coughs, keys, doors, breaths, hums, music), words that only
encourage ("mm-hm"), and real interruptions, spoken by espeak-ng in many voices. All are mono int16
at RATE, seeded, and begin with their first audible sample.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from livekit.plugins import espeak
from numpy.typing import NDArray

from agent.probe.recording import RATE
from agent.probe.sound import resample

Kind = Literal["noise", "back-channel", "interruption"]
Wave = NDArray[np.float64]
Samples = NDArray[np.int16]

VOICES = (
    ("en-us", 165, 50),
    ("en-us+f3", 165, 55),
    ("en-gb+m3", 150, 40),
    ("en-gb+f2", 180, 60),
    ("en-us+m7", 190, 35),
    ("en-us+f5", 150, 70),
    ("en-gb-scotland", 170, 45),
    ("en-us+m2", 140, 60),
    ("en-gb-x-rp+f4", 200, 50),
    ("en-us+croak", 160, 40),
)
BACK_CHANNELS = ("uh-huh.", "yeah.", "okay.", "right.", "sure.", "I see.", "yes.", "aha.")
INTERRUPTIONS = (
    "Stop, please.",
    "Wait a moment, I have a question.",
    "No, that is not what I meant.",
    "Can I ask you something else?",
    "Excuse me, could you repeat that?",
    "Hold on a second.",
    "What about tomorrow morning?",
    "Sorry, who are you again?",
    "But I wanted the other one.",
    "Tell me about the weather instead.",
)


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound and what it is."""

    kind: Kind
    name: str
    samples: Samples


def noises(each: int, *, seed: int = 1) -> list[Sound]:
    """`each` of every kind of noise, at levels from quiet to close to the microphone."""
    rng = np.random.default_rng(seed)
    found = []
    for name, make in NOISES.items():
        for number in range(each):
            peak = 10 ** (rng.uniform(-26, -8) / 20)
            found.append(Sound("noise", f"{name} {number}", _finish(make(rng), peak)))
    return found


async def spoken(texts: tuple[str, ...], kind: Kind, voices: int = len(VOICES)) -> list[Sound]:
    """Every text in every voice, at -8 to -20 dBFS."""
    rng = np.random.default_rng(2)
    found = []
    for voice, rate, pitch in VOICES[:voices]:
        engine = espeak.TTS(voice=voice, rate=rate, pitch=pitch)
        try:
            for text in texts:
                async with engine.synthesize(text) as stream:
                    frame = await stream.collect()
                wave = resample(np.frombuffer(frame.data, np.int16), frame.sample_rate)
                peak = 10 ** (rng.uniform(-20, -8) / 20)
                samples = _finish(wave.astype(np.float64), peak)
                found.append(Sound(kind, f"{text} ({voice})", samples))
        finally:
            await engine.aclose()
    return found


def murmurs(count: int, *, seed: int = 4) -> list[Sound]:
    """ "mm-hm" and "hmm": espeak-ng would spell them."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        peak = 10 ** (rng.uniform(-22, -10) / 20)
        found.append(Sound("back-channel", f"mm-hm {number}", _finish(murmur(rng), peak)))
    return found


def murmur(rng: np.random.Generator) -> Wave:
    """A nasal hum in one part or two, the second higher, with a puff of air between."""
    pitch = rng.uniform(95, 240)
    parts = []
    for step in (1.0, rng.uniform(1.05, 1.3))[: rng.integers(1, 3)]:
        tone = _glottal(rng, rng.uniform(0.14, 0.3), pitch * step, jitter=0.01)
        puff = 0.02 * _noise(rng, rng.uniform(0.03, 0.08), decay_s=1.0)
        parts += [_fade(_resonate(tone, [(rng.uniform(220, 300), 80)]), 0.04), puff]
    return np.concatenate(parts)


def laugh(rng: np.random.Generator) -> Wave:
    """Three to six puffs with a voice in them."""
    pitch = rng.uniform(150, 380)
    parts = []
    for number in range(rng.integers(3, 7)):
        air = 0.5 * _noise(rng, rng.uniform(0.06, 0.1), decay_s=0.2)
        voice = _glottal(rng, rng.uniform(0.05, 0.09), pitch * 0.96**number, jitter=0.03)
        sound = _resonate(
            np.concatenate([air, _fade(voice)]), [(700, 150), (1300, 200), (2600, 400)]
        )
        parts.append(sound * 0.9**number)
    return np.concatenate(parts)


def cough(rng: np.random.Generator) -> Wave:
    """One to three coughs: an explosion of air, a hoarse middle, sometimes a voiced end."""
    parts = []
    for _ in range(rng.integers(1, 4)):
        burst = _noise(rng, rng.uniform(0.05, 0.11), decay_s=0.03)
        middle = 0.35 * _noise(rng, rng.uniform(0.08, 0.2), decay_s=0.09)
        sound = np.concatenate([burst, middle])
        if rng.random() < 0.6:
            end = rng.uniform(0.5, 2.0) * _glottal(
                rng, rng.uniform(0.05, 0.14), rng.uniform(180, 350), jitter=0.04
            )
            sound = np.concatenate([sound, _fade(end)])
        formants = [(rng.uniform(450, 700), 200), (rng.uniform(1300, 1800), 300), (2900, 500)]
        parts += [_resonate(sound, formants), _silence(rng, 0.08, 0.3)]
    return np.concatenate(parts)


def throat(rng: np.random.Generator) -> Wave:
    """Clearing a throat: two or three rough, creaky grunts."""
    parts = []
    for _ in range(rng.integers(2, 4)):
        length = rng.uniform(0.1, 0.25)
        creak = _glottal(rng, length, rng.uniform(55, 95), jitter=0.25)
        rough = 0.6 * _noise(rng, length, decay_s=1.0)
        formants = [(rng.uniform(350, 550), 150), (rng.uniform(1000, 1400), 250)]
        parts += [_fade(_resonate(creak + rough[: len(creak)], formants)), _silence(rng, 0.04, 0.1)]
    return np.concatenate(parts)


def sneeze(rng: np.random.Generator) -> Wave:
    """A breath in, and a loud hiss out."""
    rise = _noise(rng, rng.uniform(0.2, 0.4), decay_s=9.0)
    rise = 0.08 * rise * np.linspace(0, 1, len(rise)) ** 2
    out = _resonate(_noise(rng, rng.uniform(0.15, 0.3), decay_s=0.1), [(2600, 1200), (4500, 1500)])
    return np.concatenate([rise / (np.abs(rise).max() or 1) * 0.1, out / np.abs(out).max()])


def keyboard(rng: np.random.Generator) -> Wave:
    """Some seconds of typing."""
    out = np.zeros(int(RATE * rng.uniform(1.0, 2.5)))
    at = 0
    while True:
        press = _resonate(_noise(rng, 0.012, decay_s=0.003), [(rng.uniform(1800, 4200), 900)])
        release = 0.4 * _resonate(_noise(rng, 0.01, decay_s=0.002), [(3500, 1000)])
        gap = int(RATE * rng.uniform(0.05, 0.09))
        if at + gap + len(release) > len(out):
            return out
        out[at : at + len(press)] += press * rng.uniform(0.4, 1.0)
        out[at + gap : at + gap + len(release)] += release
        at += gap + int(RATE * rng.uniform(0.04, 0.25))


def door(rng: np.random.Generator) -> Wave:
    """A door: a thump, the latch, and the room."""
    length = 0.5
    t = np.arange(int(RATE * length)) / RATE
    thump = np.sin(2 * np.pi * rng.uniform(60, 130) * t) * np.exp(-t / rng.uniform(0.05, 0.12))
    latch = np.zeros_like(t)
    click = _resonate(_noise(rng, 0.03, decay_s=0.006), [(rng.uniform(1500, 2500), 400)])
    at = int(RATE * rng.uniform(0.0, 0.04))
    latch[at : at + len(click)] = click / np.abs(click).max()
    room = _noise(rng, length, decay_s=0.08)[: len(t)]
    return thump + 0.5 * latch + 0.2 * room


def knock(rng: np.random.Generator) -> Wave:
    """Three knocks on wood."""
    parts = []
    for _ in range(3):
        tone = _resonate(
            _noise(rng, 0.08, decay_s=0.01), [(rng.uniform(250, 500), 80), (1100, 200)]
        )
        parts += [tone, _silence(rng, 0.1, 0.2)]
    return np.concatenate(parts)


def hum(rng: np.random.Generator) -> Wave:
    """A machine: mains hum with harmonics, and air."""
    t = np.arange(int(RATE * rng.uniform(1.0, 2.0))) / RATE
    base = rng.choice([50.0, 60.0, 100.0, 120.0])
    tones = sum(np.sin(2 * np.pi * base * k * t + k) / k for k in (1, 2, 3, 5))
    air = _resonate(rng.standard_normal(len(t)), [(400, 600)])
    return _fade(np.asarray(tones) + 0.5 * air / np.abs(air).max(), 0.1)


def breath(rng: np.random.Generator) -> Wave:
    """A breath or a sigh on the microphone."""
    length = rng.uniform(0.4, 1.0)
    air = rng.standard_normal(int(RATE * length))
    shape = np.sin(np.linspace(0, np.pi, len(air))) ** rng.uniform(1, 2)
    return _resonate(air * shape, [(rng.uniform(600, 1200), 500), (rng.uniform(1800, 2800), 900)])


def music(rng: np.random.Generator) -> Wave:
    """A few chords, plucked, with a beat."""
    t = np.arange(int(RATE * 0.5)) / RATE
    parts = []
    for _ in range(rng.integers(2, 5)):
        root = rng.choice([110.0, 130.8, 146.8, 164.8, 196.0])
        chord = sum(
            np.sin(2 * np.pi * root * step * k * t) / k**1.3 * np.exp(-t * 3)
            for step in (1, 1.26, 1.5, 2)
            for k in range(1, 7)
        )
        beat = np.zeros_like(t)
        beat[: RATE // 20] = _noise(rng, 0.05, decay_s=0.01)
        parts.append(np.asarray(chord) / 4 + 0.4 * beat)
    return np.concatenate(parts)


def dishes(rng: np.random.Generator) -> Wave:
    """Something of glass or metal, ringing."""
    t = np.arange(int(RATE * 0.6)) / RATE
    tones = [rng.uniform(1500, 7000) for _ in range(5)]
    return np.asarray(
        sum(np.sin(2 * np.pi * f * t) * np.exp(-t / rng.uniform(0.05, 0.2)) for f in tones)
    )


NOISES: dict[str, Callable[[np.random.Generator], Wave]] = {
    "cough": cough,
    "throat": throat,
    "laugh": laugh,
    "sneeze": sneeze,
    "keyboard": keyboard,
    "door": door,
    "knock": knock,
    "hum": hum,
    "breath": breath,
    "music": music,
    "dishes": dishes,
}


def room(seed: int = 3, length_s: float = 0.06) -> Wave:
    """From a loudspeaker without deep bass to a microphone, by the walls: an impulse response."""
    rng = np.random.default_rng(seed)
    response = np.zeros(int(RATE * length_s))
    response[0] = 1.0
    taps = rng.integers(RATE // 500, len(response), 60)
    response[taps] += rng.standard_normal(60) * 0.25 * np.exp(-taps / (RATE * 0.03))
    spectrum = np.fft.rfft(response, 2 * len(response))
    frequency = np.fft.rfftfreq(2 * len(response), 1 / RATE)
    spectrum *= (frequency / 250) ** 2 / (1 + (frequency / 250) ** 2)
    return np.fft.irfft(spectrum / (1 + (frequency / 7000) ** 4))[: len(response)]


def echo(samples: Samples, *, delay_s: float, gain_db: float, seed: int = 3) -> Samples:
    """What a microphone hears of a loudspeaker: later, quieter, and by way of a room."""
    wave = _convolve(samples.astype(np.float64), room(seed)) * 10 ** (gain_db / 20)
    return _int16(np.concatenate([np.zeros(int(RATE * delay_s)), wave])[: len(samples)])


def mixed(*parts: Samples) -> Samples:
    """All together, as long as the longest."""
    total = np.zeros(max(len(part) for part in parts))
    for part in parts:
        total[: len(part)] += part
    return _int16(total)


def _int16(wave: Wave) -> Samples:
    return np.clip(np.round(wave), -32768, 32767).astype(np.int16)


def _finish(wave: Wave, peak: float) -> Samples:
    """Scaled, and cut to its audible part."""
    scaled = wave / np.abs(wave).max() * peak * 32767
    audible = np.flatnonzero(np.abs(scaled) > max(100.0, peak * 32767 * 0.02))
    return _int16(scaled[audible[0] : audible[-1] + 1])


def _noise(rng: np.random.Generator, length_s: float, *, decay_s: float) -> Wave:
    count = int(RATE * length_s)
    return rng.standard_normal(count) * np.exp(-np.arange(count) / RATE / decay_s)


def _silence(rng: np.random.Generator, low_s: float, high_s: float) -> Wave:
    return np.zeros(int(RATE * rng.uniform(low_s, high_s)))


def _glottal(rng: np.random.Generator, length_s: float, f0: float, *, jitter: float) -> Wave:
    """Pulses of a voice, each period off by `jitter` of itself."""
    out = np.zeros(int(RATE * length_s))
    at = 0.0
    while at < len(out) - 1:
        out[int(at)] = rng.uniform(0.7, 1.3) * 20
        at += RATE / f0 * (1 + jitter * float(np.clip(rng.standard_normal(), -1.5, 1.5)))
    return out


def _fade(wave: Wave, edge_s: float = 0.02) -> Wave:
    edge = min(len(wave) // 2, int(RATE * edge_s))
    shape = np.ones(len(wave))
    shape[:edge] = np.linspace(0, 1, edge)
    shape[len(wave) - edge :] = np.linspace(1, 0, edge)
    return wave * shape


def _resonate(wave: Wave, formants: list[tuple[float, float]]) -> Wave:
    """Through parallel resonances (centre, bandwidth in Hz)."""
    spectrum = np.fft.rfft(wave, len(wave) + RATE // 20)
    frequency = np.fft.rfftfreq(len(wave) + RATE // 20, 1 / RATE)
    response = 0.02 + sum(1 / (1 + ((frequency - c) / (b / 2)) ** 2) for c, b in formants)
    return np.fft.irfft(spectrum * response)[: len(wave)]


def _convolve(wave: Wave, response: Wave) -> Wave:
    size = len(wave) + len(response)
    return np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(response, size), size)
