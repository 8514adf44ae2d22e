"""What to do when somebody makes a sound while the avatar speaks. Pure: time is in the events.

A voice is ducked at its first window, and our speech held (silent, nothing lost) once there is
enough of it; words then decide. Only words that ask for the floor end the reply: a hold that turns
out to be a cough or an "mm-hm" goes on at the same sample. So a wrong hold costs a moment of
silence, and never what was to be said.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

BRIEF_RESUME_S = 0.4

Interrupt = Literal["natural", "words", "never", "push-to-talk"]
"""Who may interrupt how: any voice; recognised words; nobody; whoever holds the button."""


class Action(Enum):
    """What is to be done now."""

    DUCK = "duck"
    RESTORE = "restore"
    """Full volume again: it was nothing."""
    HOLD = "hold"
    """Fall silent and keep what was not said."""
    RESUME = "resume"
    """Go on at the sample where the hold began."""
    STOP = "stop"
    """The floor is theirs: what was not said is dropped."""


class Meaning(Enum):
    """What words over our speech ask for."""

    TAKES = "takes"
    """They are meant for us: an interruption."""
    ENCOURAGES = "encourages"
    """A back-channel: go on."""
    NOTHING = "nothing"
    """Not understood, our own words, or too few."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The bounds of every decision, in seconds; `min_words` of an interruption.

    voice_s: voiced sound until we hold; sure_s: sound the VAD is sure of, voiced or not, until we
    do; both three times as long while our own voice comes back. quiet_s: silence after which a
    voice has ended. resume_s: without words, from the end of the voice until we go on;
    brief_resume_s the same when the voice was no longer than brief_s. patience_s: the longest hold
    that no words justify.
    """

    interrupt: Interrupt = "natural"
    min_words: int = 0
    voice_s: float = 0.064
    sure_s: float = 0.064
    quiet_s: float = 0.16
    resume_s: float = 0.6
    brief_s: float = 0.25
    brief_resume_s: float = BRIEF_RESUME_S
    patience_s: float = 6.0


@dataclass(frozen=True, slots=True)
class Window:
    """One VAD window: `at` is its end, `probability` that of speech, `length_s` how long it is.

    voiced: it has the pitch and brightness of a voice. murmur: a hum with the mouth shut, or a
    machine. ours: it is our own voice coming back.
    """

    at: float
    probability: float
    voiced: bool = False
    murmur: bool = False
    ours: bool = False
    length_s: float = 0.032


ON = 0.5
"""The probability of speech from which on a window holds a voice."""
_OFF = 0.35
_SURE = 0.9
_WARY_S = 10.0
"""After our own voice came back, for so long we doubt what we hear: a loudspeaker that came through
once is still there at our next sentence."""
_AGAIN_S = 0.2
"""Two windows of our own voice within this are an echo; one alone is two voices of one pitch."""


class Barge:
    """One avatar's defence of its turn. Ask it at every window, word and change of playback.

    Actions alternate: DUCK, then RESTORE or HOLD; HOLD, then RESUME or STOP. STOP may come at any
    time while we speak.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._speaking = False
        self._state: Literal["open", "ducked", "held"] = "open"
        self._active = False  # the VAD's hysteresis
        self._voiced_s = 0.0
        self._sure_s = 0.0
        self._length_s = 0.0  # of the voice, from its first window to its last
        self._voice_at = 0.0  # end of the last window with voice
        self._ours_at = -_WARY_S  # of the last window with our own
        self._echo_at = -_WARY_S  # of the last that was not the only one
        self._held_at = 0.0
        self._encouraged = False  # what was said so far only encourages
        self._worn = False  # this voice has used up our patience: it is no reason to stop again

    @property
    def state(self) -> Literal["open", "ducked", "held"]:
        """Whether our voice is at full volume, ducked, or silent and kept."""
        return self._state

    def on_speaking(self, at: float, speaking: bool) -> Action | None:
        """Our speech began, or is over, however it ended: nothing is ducked or held any more."""
        if speaking == self._speaking:
            return None
        self._speaking = speaking
        return self._leave()

    def on_window(self, window: Window) -> Action | None:
        """A window of the user's sound."""
        if window.ours:
            if window.at - self._ours_at <= _AGAIN_S:
                self._echo_at = window.at
            self._ours_at = window.at
        threshold = _OFF if self._active else ON
        self._active = window.probability >= threshold and not window.ours
        if self._active:
            self._voice_at = window.at
            self._length_s += window.length_s
            if not window.murmur:
                self._voiced_s += window.length_s if window.voiced else 0.0
                self._sure_s += window.length_s if window.probability >= _SURE else 0.0
        elif window.at - self._voice_at >= self.policy.quiet_s:
            self._voiced_s = self._sure_s = 0.0
            self._length_s = 0.0 if self._state == "open" else self._length_s
            self._worn = False
        if not self._guarded:
            return None
        return self._decide(window.at)

    def on_glimpse(self, at: float) -> Action | None:
        """Between two windows, somebody's voice was seen: nothing of it is counted."""
        if not self._guarded or self._state != "open" or self._worn:
            return None
        self._state, self._voice_at = "ducked", at
        return Action.DUCK

    def on_words(self, at: float, meaning: Meaning, *, final: bool) -> Action | None:
        """Words were recognised, perhaps not for good."""
        if not self._guarded:
            return None
        self._encouraged = meaning is Meaning.ENCOURAGES
        if meaning is Meaning.TAKES:
            return self._stop()
        if final and self._state == "held" and not self._active:
            return self._leave()
        return self._decide(at)

    def on_time(self, at: float) -> Action | None:
        """Time went by without a window: the microphone may have been closed."""
        if self._active and at - self._voice_at >= self.policy.quiet_s:
            self._active = False
            self._voiced_s = self._sure_s = 0.0
        return self._decide(at) if self._guarded else None

    @property
    def _guarded(self) -> bool:
        """Whether a sound or a word may do anything to our speech now."""
        return self._speaking and self.policy.interrupt not in ("never", "push-to-talk")

    def _decide(self, at: float) -> Action | None:
        if self._state == "held":
            self._worn = self._active and self._over(at)
            return self._leave() if self._over(at) else None
        if self._enough(at):
            self._state, self._held_at = "held", at
            return Action.HOLD
        if self._active and self._state == "open" and not self._worn:
            self._state = "ducked"
            return Action.DUCK
        if self._state == "ducked" and at - self._voice_at >= self.policy.quiet_s:
            return self._leave()
        return None

    def _enough(self, at: float) -> bool:
        """Whether this much voice is worth falling silent for, before a word is known."""
        patient = self.policy.interrupt != "natural" or self.policy.min_words > 0
        if patient or self._encouraged or self._worn:
            return False
        doubt = 3 if at - self._echo_at < _WARY_S else 1
        voiced, sure = doubt * self.policy.voice_s, doubt * self.policy.sure_s
        # half a window less: sums of floats
        return self._voiced_s > voiced - 0.016 or self._sure_s > sure - 0.016

    def _over(self, at: float) -> bool:
        """Whether a hold has lasted long enough without words."""
        if self._active:
            return at - self._held_at >= self.policy.patience_s
        brief = self._length_s <= self.policy.brief_s
        wait_s = self.policy.brief_resume_s if brief else self.policy.resume_s
        return at - self._voice_at >= (self.policy.quiet_s if self._encouraged else wait_s)

    def _stop(self) -> Action:
        self._forget()
        self._state = "open"
        self._speaking = False  # until the next speech begins
        return Action.STOP

    def _leave(self) -> Action | None:
        """Back to full volume, from wherever we are."""
        before, self._state = self._state, "open"
        self._forget()
        return {"held": Action.RESUME, "ducked": Action.RESTORE, "open": None}[before]

    def _forget(self) -> None:
        self._voiced_s = self._sure_s = self._length_s = 0.0
        self._encouraged = False
