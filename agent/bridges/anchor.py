"""When something that came with a time stamp is due here. Pure: `now` is an argument.

The first stamp is due one buffer after it came. Whatever comes too late moves the line, so that the
rest is in time again; when everything has been early for a while, the line moves back by what is
too much. A jump of the stamps (a publisher that began anew) is a new line.
"""

_JUMP_S = 1.5
_WINDOW_S = 10.0
_SPARE_S = 0.06
_START_S = 0.5
"""What comes at once at the beginning waited somewhere: its newest is now, the rest is old."""


class Anchor:
    """buffer_s: how long the first one waits, and what jitter is taken without a late one."""

    def __init__(self, buffer_s: float) -> None:
        self._buffer_s = buffer_s
        self._base: float | None = None  # the moment at which stamp 0 is due
        self._least_s = float("inf")
        self._since = self._begun = 0.0
        self.moves = 0
        """How often something came too late, or stamps jumped."""

    def due(self, stamp_s: float, now: float) -> float:
        """The moment at which this is to be given on; `now` or earlier: at once."""
        if self._base is None:
            self._begin(stamp_s, now)
        assert self._base is not None
        lead = self._base + stamp_s - now
        if abs(lead - self._buffer_s) > _JUMP_S:
            self.moves += 1
            self._begin(stamp_s, now)
        elif lead < 0:
            self.moves += 1
            self._base -= lead
            self._watch_anew(now)
        elif now - self._begun < _START_S and lead > self._buffer_s + _SPARE_S:
            self._base -= lead - self._buffer_s
        else:
            self._least_s = min(self._least_s, lead)
            if now - self._since > _WINDOW_S:
                spare = self._least_s - self._buffer_s
                if spare > _SPARE_S:
                    self._base -= spare
                self._watch_anew(now)
        return self._base + stamp_s

    def _begin(self, stamp_s: float, now: float) -> None:
        self._base = now - stamp_s + self._buffer_s
        self._begun = now
        self._watch_anew(now)

    def _watch_anew(self, now: float) -> None:
        self._least_s, self._since = float("inf"), now
