"""What a window holds: a voice, a hum, or our own sound."""

import numpy as np
import pytest
import sounds
from livekit import rtc
from numpy.typing import NDArray
from overheard import inference

from agent.probe.recording import RATE as SOUND_RATE
from agent.probe.sound import resample, say
from agent.turns.cues import Cues
from agent.turns.echo import HEARD_S, OURS, REACH_S, EchoGuard
from agent.turns.glimpse import Glimpse
from agent.turns.hearing import RATE, Hearing

WINDOW = 512
FRAME = 160
STORY = "Once upon a time there was a small robot who wanted to sing, every day, in the garden."


def low(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return resample(samples, SOUND_RATE, RATE)


async def test_vowels_are_voiced_and_a_hum_is_not() -> None:
    cues, speech = Cues(RATE), low(await say("Oh my, are you all right?"))
    voiced = [cues.hear(speech[i : i + WINDOW]).voiced for i in range(0, len(speech), WINDOW)]
    assert sum(voiced) > 10
    for seed in range(5):
        machine = (sounds.hum(np.random.default_rng(seed)) * 4000).astype(np.int16)
        cues, hummed = Cues(RATE), low(machine)
        heard = [cues.hear(hummed[i : i + WINDOW]) for i in range(0, len(hummed), WINDOW)]
        assert not any(cue.voiced for cue in heard[2:-2])


def test_silence_is_not_audible() -> None:
    cue = Cues(RATE).hear(np.zeros(WINDOW, np.int16))
    assert not cue.audible and not cue.voiced


@pytest.mark.parametrize("delay_s", [0.08, 0.4, 0.9])
@pytest.mark.parametrize("gain_db", [-6.0, -20.0])
async def test_the_echo_of_our_voice_is_ours_and_a_voice_over_it_is_not(
    delay_s: float, gain_db: float
) -> None:
    ours = await say(STORY, voice="en-us+f3")
    talk = await say("Stop, please, I have a question.", voice="en-gb+m3", pause_s=0.0)
    echo = sounds.echo(ours, delay_s=delay_s, gain_db=gain_db)
    at = 3 * SOUND_RATE
    level = 10 ** (gain_db / 20)  # as loud as the echo
    over = np.concatenate([np.zeros(at, np.int16), (talk * level * 1.5).astype(np.int16)])
    alone, both = shares(ours, echo), shares(ours, sounds.mixed(echo, over)[: len(echo)])
    assert np.mean(alone >= OURS) > 0.8
    begun = round((3.1 - HEARD_S - REACH_S) * RATE / WINDOW) + 8
    talked = both[begun : begun + 30]
    assert np.mean(talked < OURS) > 0.5


def shares(ours: NDArray[np.int16], mic: NDArray[np.int16]) -> NDArray[np.float64]:
    """The share of our voice at every window with sound, from when enough was played."""
    played, heard, guard = low(ours), low(mic), EchoGuard(RATE)
    span = guard.heard_samples + guard.reach_samples
    found = []
    for end in range(span, min(len(played), len(heard)), WINDOW):
        part = heard[end - guard.heard_samples : end]
        if np.abs(part.astype(np.int32)).max() > 100:
            found.append(guard.share(part, played[end - span : end]))
    return np.array(found)


async def test_a_strange_voice_is_nobodys_echo() -> None:
    ours = await say(STORY, voice="en-us+f3")
    theirs = await say("The weather will be fine in the north, with some clouds in the south.")
    size = min(len(ours), len(theirs))
    assert np.mean(shares(ours[:size], theirs[:size]) < OURS) > 0.98


def test_comparing_the_wrong_amount_of_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="samples"):
        EchoGuard(RATE).share(np.zeros(10, np.int16), np.zeros(10, np.int16))


class Played:
    """A loudspeaker that plays what the microphone hears at the same moment."""

    def __init__(self, sound: NDArray[np.int16]) -> None:
        self._sound = sound
        self.now = 0

    def recent_sound(self, seconds: float, sample_rate: int) -> NDArray[np.int16]:
        count = round(seconds * sample_rate)
        past = self._sound[max(0, self.now - count) : self.now]
        return np.concatenate([np.zeros(count - len(past), np.int16), past])


def glimpses(
    hearing: Hearing, sound: NDArray[np.int16], played: Played | None = None
) -> list[bool]:
    """What is seen between the windows of a sound."""
    between, seen = Glimpse(), list[bool]()
    for end in range(FRAME, len(sound) + 1, FRAME):
        if played is not None:
            played.now = end
        frame = rtc.AudioFrame(sound[end - FRAME : end].tobytes(), RATE, 1, FRAME)
        seen += [hearing.glimpse(*one) for one in between.push(frame)]
        if end // WINDOW > (end - FRAME) // WINDOW:
            whole = end // WINDOW * WINDOW
            hearing.window(inference(sound[whole - WINDOW : whole], 0.9), whole / RATE)
    return seen


async def test_between_two_windows_a_voice_is_seen_but_not_silence_and_not_our_own() -> None:
    speech = low(await say(STORY, pause_s=0.0))
    seen = glimpses(Hearing(), speech)
    assert len(seen) == pytest.approx(3 * len(speech) / WINDOW, abs=3)
    assert np.mean(seen) > 0.5
    assert not any(glimpses(Hearing(), np.zeros(RATE, np.int16)))
    played = Played(speech)
    assert np.mean(glimpses(Hearing(played), speech, played)) < 0.05


async def test_any_microphone_rate_is_heard() -> None:
    hearing, speech = Hearing(), await say("Are you there?", pause_s=0.0)
    at_24k = resample(speech, SOUND_RATE, 24_000)
    windows = [
        hearing.window(inference(at_24k[i : i + 768], 0.9, 24_000), 0.0)
        for i in range(0, len(at_24k) - 768, 768)
    ]
    assert any(window.voiced for window in windows)
    near_s, only_ours = hearing.take_utterance()
    assert near_s > 0.3 and not only_ours


def test_windows_that_come_late_and_in_a_heap_keep_their_moments() -> None:
    hearing, silence, step = Hearing(), np.zeros(WINDOW, np.int16), WINDOW / RATE

    def come(now: float) -> float:
        return hearing.window(inference(silence, 0.0), now).at

    moments = [come(10.0), come(10.0 + step), come(10.4), come(10.401), come(10.402)]
    assert np.diff(moments) == pytest.approx(step, abs=0.01)
    assert max(moments) < 10.2
    assert come(10.0 + 5 * step) == pytest.approx(10.0 + 5 * step, abs=0.01)
    assert come(14.0) == 14.0  # the microphone was closed
