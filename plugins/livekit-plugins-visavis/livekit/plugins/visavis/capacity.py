"""How many faces this machine can draw: measured, not guessed.

A call costs what its pictures cost to draw, and about as much as a small picture for encoding and
playing. Drawing is measured when the worker first tells its load, with the renderer and portrait it
was started for. The CPU renderer may use every core; any other one device, which it shares.
"""

import logging
import os
import statistics
import threading
import time
from collections.abc import Callable

import numpy as np
from avatar import renderers
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd
from avatar.renderers import Renderer
from livekit.agents import AgentServer

logger = logging.getLogger(__name__)

_WARM_UP = 5
_DRAWN = 25
_BESIDE_S = 0.006
"""Of a core for each picture: encoder, playout and event loop of one call at 512 x 512."""
_SHARE = 0.8
"""Of the machine that calls may use; the rest is for everything else."""


class Capacity:
    """sessions: given by the operator; None: to be measured once."""

    def __init__(self, renderer: str, portrait: str, sessions: int | None) -> None:
        if sessions is not None and sessions < 1:
            raise ValueError(f"sessions is at least 1, not {sessions}")
        self._renderer, self._portrait = renderer, portrait
        self._sessions = sessions
        self._lock = threading.Lock()

    @property
    def sessions(self) -> int:
        """Calls at once, at least one. Measures at the first call (a few tenths of a second)."""
        with self._lock:
            if self._sessions is None:
                # an understudy would be measured instead of one that is too slow
                renderer = renderers.load_alone(self._renderer, portrait=self._portrait)
                try:
                    took_s = drawing_s(renderer)
                finally:
                    renderer.close()
                self._sessions = sessions(took_s, renderer.fps, shared=self._renderer != "cpu")
                told = {"draw_ms": round(took_s * 1000, 2), "sessions": self._sessions}
                logger.info("capacity measured", extra=told)
            return self._sessions

    def load(self, server: AgentServer) -> float:
        """1.0 and above: full. For AgentServer's load_fnc."""
        return len(server.active_jobs) / self.sessions


def sessions(took_s: float, fps: int, *, shared: bool) -> int:
    """Calls that a machine holds which draws one picture in `took_s`.

    shared: one device draws for all; otherwise every core draws, and encodes too.
    """
    cores = os.cpu_count() or 1
    encoding = cores * _SHARE / (fps * _BESIDE_S)
    drawing = _SHARE / (fps * took_s) if shared else cores * _SHARE / (fps * (took_s + _BESIDE_S))
    return max(1, int(min(encoding, drawing)))


def drawing_s(renderer: Renderer, now: Callable[[], float] = time.perf_counter) -> float:
    """The usual time of one picture of speech, in seconds: the third quartile of a second's.

    Speech, because some renderers have next to nothing to do in silence.
    """
    count = _WARM_UP + _DRAWN
    hiss = np.random.default_rng(0).integers(-3000, 3000, 2 * count * CLOCK_RATE // renderer.fps)
    renderer.hear(AudioChunk(0, 0, hiss.astype(np.int16)))
    renderer.hear(SpeechEnd(0))
    took = []
    for index in range(count):
        at = index * CLOCK_RATE // renderer.fps
        cue = Cue(index, index / renderer.fps, segment=0, position=at, manner=Manner.SPEAKING)
        before = now()
        renderer.draw(cue)
        took.append(now() - before)
    return statistics.quantiles(took[_WARM_UP:], n=4)[2]
