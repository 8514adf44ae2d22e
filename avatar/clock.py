"""When each picture is due. Sound is the clock: a frame is due when its first sample is played.

Pure: `now` is an argument, nothing here sleeps. The facts you would not guess: an audio source
sends whole blocks on a tick that never moves, so the clock is a straight line for a whole call; and
the only true feedback is the return of a push that had to wait, because the source then holds
exactly its queue length. Such returns come late, never early, so the smallest of many counts.
How long a push took tells nothing: a busy interpreter makes every one of them slow.
"""

from collections import deque

from avatar.frames import CLOCK_RATE

BLOCK_S = 0.01
"""What the source sends at each tick, and drops as a whole."""
_REMEMBERED = 64
_AGREEING = 4
"""Observations after which the base may also move to later; to earlier one is enough."""
_SURPLUS_S = 0.001
"""A push must fill the source by at least this much more than it holds to be one that waits."""
_CALM = (0.0025, 0.0075)
"""The part of a tick in which the last one is surely over and the next one leaves time to push."""


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
        self._block = round(rate * BLOCK_S)
        self._queue_s = queue_s
        self._delay_s = delay_s
        self._base: float | None = None  # the moment at which sample 0 left the source
        self._observed: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def running(self) -> bool:
        """Whether any sample was pushed, so that times are known."""
        return self._base is not None

    @property
    def sure(self) -> bool:
        """Whether enough pushes were observed since the start, or since sound was taken back."""
        return len(self._observed) >= 2 * _AGREEING

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

    def sent(self, now: float) -> int:
        """Samples that the source cannot give back: the blocks whose tick is over."""
        return min(self.pushed, self.played(now) // self._block * self._block)

    def calm_in(self, now: float) -> float:
        """Seconds until taking back is exact: no tick is near; 0 now."""
        if self._base is None:
            return 0.0
        phase = (now - self._base) % BLOCK_S
        if phase < _CALM[0]:
            return _CALM[0] - phase
        return 0.0 if phase < _CALM[1] else BLOCK_S - phase + _CALM[0]

    def push(self, samples: int, now: float) -> float:
        """Count samples about to be handed over; returns how many seconds the source was dry."""
        if self._base is None:
            self._base = now - self.pushed / self.rate
        late = now - (self._base + self.pushed / self.rate)
        dry = int(late / BLOCK_S) * BLOCK_S if late > 0 else 0.0
        if dry:
            self._base += dry
            self._observed.clear()
        self.pushed += samples
        return dry

    def pushed_in(self, started: float, returned: float) -> bool:
        """Learn from a push that began and returned at these moments; False: it need not wait."""
        if self._base is None or self.queued_s(started) <= self._queue_s + _SURPLUS_S:
            return False
        self._observed.append(returned + self._queue_s - self.pushed / self.rate)
        first = min(self._observed)
        if first < self._base or len(self._observed) >= _AGREEING:
            self._base = first
        return True

    def rewind(self, pushed: int) -> None:
        """The source's queue was dropped: only the first `pushed` samples were ever played."""
        if not 0 <= pushed <= self.pushed:
            raise ValueError(f"cannot rewind from {self.pushed} to {pushed} samples")
        self.pushed = pushed
        self._observed.clear()

    def overdue(self, now: float) -> int:
        """Samples, in whole blocks, that were to be sent by now and were not pushed."""
        if self._base is None:
            return 0
        late = int((now - self._base) * self.rate) - self.pushed
        return max(0, late // self._block * self._block)

    def keep(self, samples: int) -> None:
        """After a rewind: this much more was sent, before the queue was dropped."""
        self.pushed += samples

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
