"""How long a silence between beats is too long: learned from the beats themselves. Pure.

As TCP learns how long to wait for an answer (RFC 6298): the usual gap, and four times what gaps
usually differ from it. On a busy machine beats come in bunches, with pauses in between and the
usual gap on average; so it is the differences that tell a busy worker from a dead one.
"""

from . import wire

_BEYOND_S = 0.25
"""Five beats may be lost in a row: one in twenty lost alone, that is less than once a month."""
_ROUGH_AT_FIRST_S = 0.1
"""A call begins on busy machines; forgotten within two seconds."""
_MOST_S = 2.0
_USUAL_GAIN = 0.125
_ROUGH_GAIN, _CALM_GAIN = 0.25, 0.05
"""One long gap is believed at once, and forgotten slowly."""


class Pulse:
    """One worker's. Times are seconds."""

    def __init__(self) -> None:
        self._usual_s, self._rough_s = wire.BEAT_S, _ROUGH_AT_FIRST_S
        self._at: float | None = None
        self._silent_s = 0.0

    def beat(self, now: float) -> None:
        """A beat came at this moment."""
        if self._at is not None:
            off = abs(now - self._at - self._usual_s)
            self._usual_s += (now - self._at - self._usual_s) * _USUAL_GAIN
            gain = _ROUGH_GAIN if off > self._rough_s else _CALM_GAIN
            self._rough_s += (off - self._rough_s) * gain
        self._at, self._silent_s = now, 0.0

    def waited(self, seconds: float) -> bool:
        """No beat came for so long once more: whether that is too long by now."""
        self._silent_s += seconds
        return self._silent_s > self.patience_s

    @property
    def patience_s(self) -> float:
        """The longest silence of a worker that lives."""
        return min(_MOST_S, _BEYOND_S + self._usual_s + 4 * self._rough_s)
