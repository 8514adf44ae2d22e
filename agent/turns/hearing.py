"""From a VAD's window to what the decision needs: is it a voice, and whose.

It keeps the microphone's last quarter second for the comparison with our own voice, and the sum of
what it heard since the last transcript. Before the first second in which our voice sounded has been
compared, an echo cannot be excluded, and nothing is taken for somebody's voice.
"""

from collections import deque
from typing import Protocol

import numpy as np
from livekit import rtc
from livekit.agents import vad
from numpy.typing import NDArray

from agent.turns.barge import ON, Window
from agent.turns.cues import QUIET_DB, Cues, level_db
from agent.turns.echo import OURS, EchoGuard

Samples = NDArray[np.int16]

RATE = 16_000
"""Microphones are asked for at this rate, the VAD's own: nothing is resampled twice."""

_WINDOW_S = 0.032
_COMPARE_FROM = 0.35
"""Probability of speech below which a window needs no comparison."""
_UNDECIDED_WINDOWS = 10
_ECHO_S = 0.3
_LATE_S = 0.5
"""Windows that come later than this were not late: the microphone was closed."""
_CATCH_UP = 0.02
_NEAR_S = 0.3
"""An utterance in which no second holds so much of somebody's voice is ours, if we were heard."""


class Loudspeaker(Protocol):
    """What can tell what was played."""

    def recent_sound(self, seconds: float, sample_rate: int) -> Samples:
        """The last of what was played, silence included, up to now."""
        ...


class Hearing:
    """One call's microphone. `loudspeaker` None: no echo is looked for."""

    def __init__(self, loudspeaker: Loudspeaker | None = None) -> None:
        self.loudspeaker = loudspeaker
        self.guard = EchoGuard(RATE)
        self._cues = Cues(RATE)
        self._heard = np.zeros(self.guard.heard_samples, np.int16)
        self._resampler: rtc.AudioResampler | None = None
        self._compared = 0
        self._near_s = 0.0
        self._ours_s = 0.0
        self._lately: deque[float] = deque(maxlen=round(1.0 / _WINDOW_S))  # somebody's voice
        self._densest_s = 0.0
        self._end: float | None = None  # of the last window's sound

    def window(self, event: vad.VADEvent, now: float) -> Window:
        """The judgement of one INFERENCE_DONE event that came now."""
        samples = self._samples(event.frames)
        self._heard = np.concatenate([self._heard, samples])[-len(self._heard) :]
        cue, length_s = self._cues.hear(samples), len(samples) / RATE
        at = self._moment(now, length_s)
        probability = event.probability if cue.audible else 0.0
        ours = self._is_ours(probability, max(0.0, now - at))
        speech = probability >= ON
        near_s = length_s if speech and not ours and not cue.murmur else 0.0
        self._ours_s += length_s if speech and ours else 0.0
        self._near_s += near_s
        self._lately.append(near_s)
        self._densest_s = max(self._densest_s, sum(self._lately))
        return Window(
            at=at,
            probability=probability,
            voiced=cue.voiced,
            murmur=cue.murmur,
            ours=ours,
            length_s=length_s,
        )

    def glimpse(self, heard: Samples, probability: float) -> bool:
        """Whether sound between the VAD's windows, heard up to now, ends with somebody's voice."""
        window = heard[-round(_WINDOW_S * RATE) :]
        if probability < ON or level_db(window) <= QUIET_DB:
            return False
        if self.loudspeaker is None:
            return True
        if self._undecided:
            return False
        return self.guard.share(heard, self._played(0.0), learn=False) < OURS

    @property
    def near_s(self) -> float:
        """How long somebody's voice was heard since `take_utterance`."""
        return self._near_s

    @property
    def echoes(self) -> bool:
        """Whether our own voice was heard since `take_utterance`."""
        return self._ours_s >= _ECHO_S

    def take_utterance(self) -> tuple[float, bool]:
        """Seconds of somebody's voice since the last call, and whether it was only our echo."""
        near_s, only_ours = self._near_s, self.echoes and self._densest_s < _NEAR_S
        self._near_s = self._ours_s = self._densest_s = 0.0
        self._lately.clear()
        return near_s, only_ours

    def _moment(self, now: float, length_s: float) -> float:
        """When a window that comes now ended, by its sound.

        A busy machine hands windows on late and in heaps, which says nothing about the pauses
        between them.
        """
        expected = now if self._end is None else self._end + length_s
        late = now - expected
        self._end = expected + _CATCH_UP * late if 0 <= late <= _LATE_S else now
        return self._end

    def _samples(self, frames: list[rtc.AudioFrame]) -> Samples:
        """At RATE: a console's microphone has another."""
        rate = frames[0].sample_rate if frames else RATE
        if rate != RATE:
            if self._resampler is None:
                self._resampler = rtc.AudioResampler(rate, RATE)
            frames = [out for frame in frames for out in self._resampler.push(frame)]
        parts = [np.frombuffer(frame.data, np.int16) for frame in frames]
        return np.concatenate([np.zeros(0, np.int16), *parts])

    @property
    def _undecided(self) -> bool:
        """Whether our voice may come back, and nothing is known of it yet."""
        return self._compared < _UNDECIDED_WINDOWS and self.guard.delay_s is None

    def _played(self, late_s: float) -> Samples:
        """What may be in sound that came so late, as the guard wants it."""
        assert self.loudspeaker is not None
        count = self.guard.heard_samples + self.guard.reach_samples
        return self.loudspeaker.recent_sound(count / RATE + late_s, RATE)[:count]

    def _is_ours(self, probability: float, late_s: float) -> bool:
        """Whether the last windows, which came so late, are our own voice, or may be."""
        if self.loudspeaker is None:
            return False
        undecided = self._undecided
        if probability < _COMPARE_FROM and not undecided:
            return False
        played = self._played(late_s)
        if not np.any(played):
            return False
        if np.any(played[: self.guard.heard_samples]):
            self._compared += 1  # it has sounded for longer than any echo takes
        share = self.guard.share(self._heard, played)
        return share >= OURS or (undecided and self.guard.delay_s is None)
