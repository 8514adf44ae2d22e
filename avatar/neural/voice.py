"""Lets a network that hears drive a face's lips and head, over what the rules make of the rest.

A layer over driver.Driver's result: lips and the turn of the head come from rows of motion while
something is said, eyes, brows, moods and where the head is stay ours. It eases in and out as the
CPU portrait's mouth does, so an interruption ends in the same way.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from avatar.frames import CLOCK_RATE, Cue, Manner
from avatar.gaze import ease
from avatar.neural.ahead import Ahead, Known
from avatar.neural.driver import Drive
from avatar.neural.hearing import Hearing
from avatar.neural.keypoints import LIP_POINTS
from avatar.neural.rows import FPS, Model, Moved, Rows
from avatar.renderers.cpu import TO_REST_S, TO_SPEECH_S

_LIPS: Final = list(LIP_POINTS)


class Voice:
    """What is said now, as motion. One thread calls it.

    live: windows are said ahead on a thread of its own, and until one is said the rules go on; else
    `over` says it. seed: of the noise; the same one moves in the same way.
    """

    def __init__(
        self, model: Model, hearing: Hearing, *, live: bool = False, seed: int = 0
    ) -> None:
        def make(segment: int) -> Rows:
            return Rows(model, hearing, seed=seed, segment=segment)

        self.known = Ahead(make) if live else Known(make)
        self.hear, self.forget, self.close = self.known.hear, self.known.forget, self.known.close
        self._last: Moved | None = None
        self._share = 0.0
        self._at_s: float | None = None

    def over(self, cue: Cue, drive: Drive) -> Drive:
        """The rules' moment with what is said instead of theirs."""
        said = self._said(cue)
        elapsed = 0.0 if self._at_s is None else max(0.0, cue.time_s - self._at_s)
        self._at_s = cue.time_s
        step = elapsed / TO_SPEECH_S if said is not None else -elapsed / TO_REST_S
        self._share = min(1.0, max(0.0, self._share + step))
        self._last = self._last if said is None else said
        share = ease(self._share)
        if self._last is None or share == 0:
            return drive
        row = self._last
        exp = drive.exp.copy()
        exp[_LIPS] += np.float32(share) * (row.exp - exp)[_LIPS]
        return replace(
            drive,
            exp=exp,
            pitch=drive.pitch + share * row.pitch,
            yaw=drive.yaw + share * row.yaw,
            roll=drive.roll + share * row.roll,
            lips=drive.lips * (1 - share),
        )

    def _said(self, cue: Cue) -> Moved | None:
        if cue.segment is None or cue.manner is Manner.ATTENTIVE:
            return None
        return self.known.at(cue.segment, max(0, cue.position) * FPS // CLOCK_RATE)
