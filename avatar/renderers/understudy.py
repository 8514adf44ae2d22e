"""A costly renderer with the CPU portrait as its understudy: a picture is always there in time.

The costly one draws on a thread of its own; `draw` waits for it while the frame's time lasts, then
the picture before is shown once more. One that is too slow for a second, silent for half of one, or
dead is stood in for by the CPU portrait, at the full rate and with a reason on every picture. It is
tried again after a while, unseen, and comes back when it keeps up. Both hear the same speech and
show the same portrait, so one fades into the other.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from avatar.frames import AudioChunk, Cue, SpeechEnd, VideoFrame
from avatar.renderers import Renderer
from avatar.stream import Drawer

logger = logging.getLogger(__name__)

BUSY: Final = 0.95
"""The share of a frame's time that a renderer may need ..."""
BUSY_S: Final = 1.0
"""... and for how long it may need more."""
LATE_S: Final = 0.1
"""Without a picture for this long in speech it is stood in for, until it keeps up again ..."""
SILENT_S: Final = 0.5
"""... for this long at any time ..."""
HUNG_S: Final = 4.0
"""... and for this long, it is left behind and another one is made."""
LOADING_S: Final = 120.0
"""The same while it is still being made."""
AGAIN_S: Final = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Between one try to come back and the next ..."""
STEADY_S: Final = 60.0
"""... until it was seen for this long."""
WELL_S: Final = 1.0
"""So long it must keep up, unseen, to come back."""
_WELL: Final = 0.8
_FADE: Final = 6
"""Pictures in which one face becomes the other."""
_FADE_LATE: Final = 2
"""The same for lips that are late already."""
_PATIENCE: Final = 0.7
_SHORT_S: Final = 0.01
_USUALLY: Final = 1.5
_SMOOTH: Final = 0.2
_MAX_HEARD: Final = 4096

Heard = AudioChunk | SpeechEnd


class Understudied:
    """Implements avatar.renderers.Renderer. name: of the costly renderer, for the reasons.

    make: the costly renderer, on its own thread; called again for one that died. Both must have one
    size and rate. clock: seconds, for tests.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Renderer],
        stand_in: Renderer,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._make, self._stand_in, self._clock = name, make, stand_in, clock
        self._period = 1 / stand_in.fps
        self._known: deque[Heard] = deque(maxlen=_MAX_HEARD)  # the oldest go: see avatar/stream.py
        self.reason = ""
        """Why the understudy is seen; empty: it is not."""
        self._tries = 0
        self._again_at, self._back_at = math.inf, -math.inf
        self._fade = 0
        self._last: VideoFrame | None = None
        length = stand_in.width * stand_in.height * 3 // 2
        self._mixed = (np.zeros(length, np.uint8), np.zeros(length, np.uint8))
        self._turn = 0
        self._costly: _Costly | None = self._another()

    @property
    def width(self) -> int:
        return self._stand_in.width

    @property
    def height(self) -> int:
        return self._stand_in.height

    @property
    def fps(self) -> int:
        return self._stand_in.fps

    def hear(self, item: Heard) -> None:
        """Take speech that will be played."""
        self._known.append(item)
        self._stand_in.hear(item)
        if self._costly is not None:
            self._costly.drawer.tell(item)

    def forget(self, segment: int) -> None:
        """Drop what is known of a segment."""
        kept = [item for item in self._known if item.segment != segment]
        self._known = deque(kept, _MAX_HEARD)
        self._stand_in.forget(segment)
        if self._costly is not None:
            self._costly.drawer.tell(segment)

    def draw(self, cue: Cue) -> VideoFrame:
        """The picture for this moment, `instead` set when it is the understudy's.

        Takes no longer than a frame's time, whatever the costly renderer does.
        """
        now = self._clock()
        if self.reason:
            self._try_again(now, cue)
        elif self._costly is not None:
            self._costly.ask(cue, self._patience_s(now))
            self._judge(self._clock(), speaking=cue.segment is not None)
        if self.reason:
            shown = replace(self._stand_in.draw(cue), instead=self.reason)
        else:
            assert self._costly is not None
            picture = self._costly.picture
            if picture is None:  # the first one is still being drawn
                return self._stand_in.draw(cue)
            shown = replace(picture, index=cue.index)
        return self._faded(shown)

    def _patience_s(self, now: float) -> float:
        """How long a draw waits: no longer than is of use, for what was quick is asked for late.

        The first one longer: there is no picture before it.
        """
        assert self._costly is not None
        if self._last is None:
            return max(0.0, SILENT_S - self._costly.silent_s(now))
        return min(self._period * _PATIENCE, max(_SHORT_S, _USUALLY * self._costly.needs_s))

    def close(self) -> None:
        """End both; one that hangs is left behind."""
        if self._costly is not None:
            self._costly.drawer.end()
            self._costly.drawer.join(2.0)
        self._stand_in.close()

    def _another(self) -> "_Costly":
        return _Costly(self._make, list(self._known), self._clock)

    def _judge(self, now: float, *, speaking: bool) -> None:
        """Whether the costly renderer may go on being seen."""
        costly = self._costly
        assert costly is not None
        needs_s = costly.needs_s
        if costly.drawer.fault is not None:
            self._leave(costly)
            self._stand(now, f"{self._name} died")
        elif costly.silent_s(now) > SILENT_S:
            loading = not costly.drawer.ready.is_set()
            self._stand(now, f"{self._name} is {'being loaded' if loading else 'stuck'}")
        elif speaking and self._last is not None and costly.silent_s(now) > LATE_S:
            self._stand(now, f"{self._name} is late")
            self._fade = _FADE_LATE
            if self._tries == 1:
                self._again_at = now  # once may be chance
        elif needs_s <= BUSY * self._period:
            costly.busy_since = None
        elif costly.busy_since is None:
            costly.busy_since = now
        elif now - costly.busy_since > BUSY_S:
            self._stand(now, f"{self._name} needs {needs_s * 1000:.0f} ms for a picture")

    def _stand(self, now: float, reason: str) -> None:
        logger.warning("the CPU portrait stands in", extra={"reason": reason})
        self.reason = reason
        self._fade = _FADE
        if now - self._back_at > STEADY_S:
            self._tries = 0
        self._postpone(now)

    def _postpone(self, now: float) -> None:
        self._again_at = now + AGAIN_S[min(self._tries, len(AGAIN_S) - 1)]
        self._tries += 1

    def _try_again(self, now: float, cue: Cue) -> None:
        """Let the costly renderer draw unseen, and bring it back when it keeps up."""
        costly = self._costly
        if costly is not None and costly.hangs(now):
            self._leave(costly)
            self._postpone(now)
            costly = None
        if now < self._again_at:
            return
        if costly is None:
            costly = self._costly = self._another()
        if not costly.trying:
            if costly.speech_s > _WELL * self._period and cue.segment is None:
                return  # silence would not tell whether it is well
            costly.try_it()
        costly.ask(cue, 0.0)
        if costly.drawer.fault is not None:
            self._leave(costly)
            self._postpone(now)
        elif costly.well_since is not None and now - costly.well_since > WELL_S:
            costly.trying = False
            if max(costly.needs_s, costly.speech_s) > _WELL * self._period:
                self._postpone(now)
                return
            logger.info("the wanted renderer is back", extra={"renderer": self._name})
            self.reason, self._fade, self._back_at = "", _FADE, now
            costly.busy_since = None

    def _leave(self, costly: "_Costly") -> None:
        if costly.drawer.fault is not None:
            logger.warning("a renderer died", exc_info=costly.drawer.fault)
        costly.drawer.end()
        self._costly = None

    def _faded(self, shown: VideoFrame) -> VideoFrame:
        """The picture, mixed with the last one of the other face while that fades."""
        last = self._last
        if self._fade > 0 and last is not None:
            share = self._fade / (_FADE + 1)
            self._fade -= 1
            out = self._mixed[self._turn]
            self._turn = 1 - self._turn
            cv2.addWeighted(last.data, share, shown.data, 1 - share, 0, dst=out)
            return replace(shown, data=out)
        self._last = replace(shown, data=shown.data.copy()) if last is None else last
        np.copyto(self._last.data, shown.data)
        return shown


class _Costly:
    """A renderer on its own thread, the last picture that it drew, and how long it needs."""

    def __init__(
        self, make: Callable[[], Renderer], heard: list[Heard], clock: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._asked_at: float | None = None  # the first time since the last picture
        self.picture: VideoFrame | None = None
        self.needs_s = 0.0
        self.speech_s = 0.0
        """What pictures of speech needed; kept, because in silence it may need next to none."""
        self._spoke = False
        self.busy_since: float | None = None
        self.trying = False
        self.well_since: float | None = None
        """Of a try: when its first picture came."""
        self.drawer = Drawer(lambda: _Timed(make(), self._took, clock), heard)
        self.drawer.start()

    def try_it(self) -> None:
        """Watch from now on whether it keeps up."""
        self.trying, self.well_since, self.needs_s, self._spoke = True, None, 0.0, False

    def hangs(self, now: float) -> bool:
        """Whether it was asked so long ago that no answer will come."""
        patience = HUNG_S if self.drawer.ready.is_set() else LOADING_S
        return self.silent_s(now) > patience

    def silent_s(self, now: float) -> float:
        """How long it has owed a picture."""
        return 0.0 if self._asked_at is None else now - self._asked_at

    def ask(self, cue: Cue, patience_s: float) -> None:
        """Ask for a picture and wait for it, for so long at most."""
        answered = threading.Event()

        def done(frame: VideoFrame | None) -> None:
            if frame is not None:
                # on its own thread, before it draws the next one over this one
                self.picture = replace(frame, data=frame.data.copy())
                self._asked_at = None
                if self.well_since is None:
                    self.well_since = self._clock()
            answered.set()

        if self._asked_at is None:
            self._asked_at = self._clock()
        self.drawer.request(cue, done)
        if patience_s > 0:
            answered.wait(patience_s)

    def _took(self, cue: Cue, seconds: float) -> None:
        share = _SMOOTH if self.needs_s else 1.0
        self.needs_s += (seconds - self.needs_s) * share
        if cue.segment is not None:
            share = _SMOOTH if self._spoke else 1.0  # a try counts what it saw itself
            self.speech_s += (seconds - self.speech_s) * share
            self._spoke = True


class _Timed:
    """A renderer that tells how long each picture took."""

    def __init__(
        self, inner: Renderer, told: Callable[[Cue, float], None], clock: Callable[[], float]
    ) -> None:
        self._inner, self._told, self._clock = inner, told, clock
        self.width, self.height, self.fps = inner.width, inner.height, inner.fps
        self.hear, self.forget, self.close = inner.hear, inner.forget, inner.close

    def draw(self, cue: Cue) -> VideoFrame:
        began = self._clock()
        frame = self._inner.draw(cue)
        self._told(cue, self._clock() - began)
        return frame


class Labelled:
    """A renderer that draws instead of the wanted one, which cannot run here, and says so."""

    def __init__(self, inner: Renderer, reason: str) -> None:
        self._inner, self.reason = inner, reason
        self.width, self.height, self.fps = inner.width, inner.height, inner.fps
        self.hear, self.forget, self.close = inner.hear, inner.forget, inner.close

    def draw(self, cue: Cue) -> VideoFrame:
        """The picture for this moment."""
        return replace(self._inner.draw(cue), instead=self.reason)
