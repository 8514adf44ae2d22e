"""How the face is: live, stood in for, slow or still, and what to do about it. Pure: `now` is an
argument.

The ladder: a renderer that needs more than its time draws every second, then every third picture;
one that died or hangs leaves its last picture standing while the voice goes on, and another one is
made after 1, 2 and 4 s. After the third it stays still: whatever killed it kills it again. The
tries count anew when the face has been well for a minute. A renderer that looks after itself
(avatar.renderers.understudy) never comes so far: its pictures say that another one drew them.
"""

from typing import Literal

FaceState = Literal["live", "understudy", "slow", "still"]

STALL_S = 1.0
"""Without a picture for this long, the face is still."""
HUNG_S = 4.0
"""A renderer that has not answered for this long is left behind."""
BACK_OFF_S = (1.0, 2.0, 4.0)
WELL_S = 60.0
MAX_STRIDE = 3
_BUSY = 0.8
"""The share of its time above which a renderer is too slow ..."""
_BUSY_S = 2.0
"""... when it lasts this long."""
_IDLE = 0.5
"""It draws more again when that would leave it below this share for _IDLE_S."""
_IDLE_S = 5.0
_SMOOTH_S = 1.0


class FaceWatch:
    """Told of every picture that came or did not; `state`, `reason` and `stride` follow from it.

    period_s: from one frame to the next. can_restart: whether there is another renderer.
    """

    def __init__(self, period_s: float, *, can_restart: bool) -> None:
        self._period_s = period_s
        self._can_restart = can_restart
        self.state: FaceState = "live"
        self.reason = ""
        self.stride = 1
        """Every how many frames one is drawn."""
        self._took_s = 0.0
        self._drawn_at: float | None = None
        self._well_since: float | None = None
        self._step_at: float | None = None  # when the stride changes if nothing else does
        self._tries = 0
        self._restart_at: float | None = None

    def drawn(self, now: float, took_s: float, instead: str = "") -> None:
        """A picture came; it took this long. instead: why another renderer drew it, if one did."""
        since = 0.0 if self._drawn_at is None else now - self._drawn_at
        self._took_s += (took_s - self._took_s) * min(1.0, since / _SMOOTH_S)
        self._drawn_at, self._restart_at = now, None
        if self.state == "still":
            self.reason = "the renderer draws again"
        elif self.state == "understudy" and not instead:
            self.reason = "the wanted renderer is back"
        if self._well_since is None:
            self._well_since = now
        elif now - self._well_since > WELL_S:
            self._tries = 0
        self._pace(now)
        self.state = "live" if self.stride == 1 else "slow"
        if instead and self.stride == 1:
            self.state, self.reason = "understudy", instead

    def missing(self, now: float, fault: Exception | None) -> None:
        """No picture came; `fault` is what killed the renderer, None when it only hangs."""
        if self._drawn_at is None:
            self._drawn_at = now
        self._well_since = None
        silent_s = now - self._drawn_at
        if fault is not None:
            self._still(f"the renderer died: {fault}")
        elif silent_s >= STALL_S:
            self._still("the renderer stalled")
        if self._restart_at is None and (fault is not None or silent_s >= HUNG_S):
            if self._can_restart and self._tries < len(BACK_OFF_S):
                self._restart_at = now + BACK_OFF_S[self._tries]
            elif self._can_restart and self._tries == len(BACK_OFF_S):
                self.reason = f"the renderer died {self._tries + 1} times: it stays still"

    def restart_due(self, now: float) -> bool:
        """Whether another renderer is to be made now; true once for each try."""
        if self._restart_at is None or now < self._restart_at:
            return False
        self._tries += 1
        self._restart_at, self._drawn_at = None, now
        return True

    def _still(self, reason: str) -> None:
        if self.state != "still":
            self.state, self.reason = "still", reason

    def _pace(self, now: float) -> None:
        """Draw less when there is no time for it, more when there would be."""
        time_s = self._period_s * self.stride
        slower = self._took_s > _BUSY * time_s and self.stride < MAX_STRIDE
        faster = self.stride > 1 and self._took_s < _IDLE * (time_s - self._period_s)
        if not slower and not faster:
            self._step_at = None
        elif self._step_at is None:
            self._step_at = now + (_BUSY_S if slower else _IDLE_S)
        elif now >= self._step_at:
            self._step_at = None
            self.stride += 1 if slower else -1
            needs = f"the renderer needs {self._took_s * 1000:.0f} ms for a picture"
            self.reason = needs if self.stride > 1 else "the renderer has time again"
