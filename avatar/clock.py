"""When each picture is due. Sound is the clock: a frame is due when its first sample is played.

Pure: `now` is an argument, nothing here sleeps. The one fact you would not guess: the only true
feedback from an audio source is the return of a push that had to wait, because the source then
holds exactly its queue length. Such returns come late, never early, so the smallest one counts.
"""

from avatar.frames import CLOCK_RATE

_LEAK = 0.02
_LEAK_MAX_S = 0.0002
"""How fast the base may follow observations that are later than it: 2 %, at most 0.2 ms each."""
_UNDERRUN_S = 0.002
_WAITED_S = 0.0015
"""A push that took less than this did not wait, whatever the model says."""
_MODEL_SLACK_S = 0.005


class MediaClock:
    """Maps samples handed to an audio source to the monotonic clock, and frames to both.

    fps: pictures a second. queue_s: seconds of sound the source holds before a push waits.
    delay_s: constant by which pictures follow their sound; it centres the receiver's offset.
    """

    def __init__(
        self, *, fps: int, queue_s: float, delay_s: float = 0.0, rate: int = CLOCK_RATE
    ) -> None:
        if fps <= 0 or rate <= 0 or queue_s <= 0:
            raise ValueError(f"fps, rate and queue_s must be positive: {fps}, {rate}, {queue_s}")
        self.fps = fps
        self.rate = rate
        self.pushed = 0
        """Samples handed to the source so far, silence included."""
        self._queue_s = queue_s
        self._delay_s = delay_s
        self._base: float | None = None  # the moment at which sample 0 left the source
        self._fresh = True  # take the next observation as it is

    @property
    def running(self) -> bool:
        """Whether any sample was pushed, so that times are known."""
        return self._base is not None

    def queued_s(self, now: float) -> float:
        """Seconds of sound inside the source."""
        if self._base is None:
            return 0.0
        return max(0.0, self._base + self.pushed / self.rate - now)

    def played(self, now: float) -> int:
        """Samples that have left the source, never more than were pushed."""
        if self._base is None:
            return 0
        return max(0, min(self.pushed, int((now - self._base) * self.rate)))

    def push(self, samples: int, now: float) -> float:
        """Count samples about to be handed over; returns how many seconds the source was dry."""
        if self._base is None:
            self._base = now - self.pushed / self.rate
        gap = now - (self._base + self.pushed / self.rate)
        if gap > _UNDERRUN_S:
            self._base += gap
        self.pushed += samples
        return max(0.0, gap) if gap > _UNDERRUN_S else 0.0

    def pushed_in(self, started: float, returned: float) -> None:
        """Learn from a push that began and returned at these moments, if it had to wait."""
        if self._base is None:
            return
        ahead = self._base + self.pushed / self.rate - started
        if ahead <= self._queue_s - _MODEL_SLACK_S or returned - started <= _WAITED_S:
            return
        observed = returned + self._queue_s - self.pushed / self.rate
        if self._fresh:
            self._base, self._fresh = observed, False
        elif observed < self._base:
            self._base = observed
        else:
            self._base += min(_LEAK_MAX_S, (observed - self._base) * _LEAK)

    def rewind(self, pushed: int) -> None:
        """The source's queue was dropped: only the first `pushed` samples were ever played."""
        if not 0 <= pushed <= self.pushed:
            raise ValueError(f"cannot rewind from {self.pushed} to {pushed} samples")
        self.pushed = pushed
        self._fresh = True

    def first_sample(self, frame: int) -> int:
        """The first sample of a frame's window; integer, so that no error adds up."""
        return frame * self.rate // self.fps

    def due(self, frame: int) -> float:
        """The moment at which this frame must be handed to the video source."""
        if self._base is None:
            raise ValueError("the clock has not started")
        return self._base + self.first_sample(frame) / self.rate + self._delay_s

    def frame_at(self, now: float) -> int:
        """The frame that is due at `now` (the newest one not in the future)."""
        if self._base is None:
            raise ValueError("the clock has not started")
        return int((now - self._base - self._delay_s) * self.fps)
