"""Lets a network that hears drive a face's lips and head, over what the rules make of the rest.

A layer over driver.Driver's result: lips and the turn of the head come from rows of motion while
something is said, eyes, brows, moods and where the head is stay ours. It eases in and out as the
CPU portrait's mouth does, so an interruption ends in the same way.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd
from avatar.gaze import ease
from avatar.neural.driver import Drive
from avatar.neural.hearing import Hearing
from avatar.neural.keypoints import LIP_POINTS
from avatar.neural.rows import FPS, Model, Moved, Rows
from avatar.renderers.cpu import TO_REST_S, TO_SPEECH_S

_LIPS: Final = list(LIP_POINTS)


class Voice:
    """What is said now, as motion. One thread calls it.

    seed: of the noise; the same one moves in the same way.
    """

    def __init__(self, model: Model, hearing: Hearing, *, seed: int = 0) -> None:
        self._make: Callable[[int], Rows] = lambda segment: Rows(
            model, hearing, seed=seed, segment=segment
        )
        self._rows: dict[int, Rows] = {}
        self._last: Moved | None = None
        self._share = 0.0
        self._at_s: float | None = None

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Take speech that will be played."""
        rows = self._rows.get(item.segment)
        if rows is None:
            rows = self._rows[item.segment] = self._make(item.segment)
        if isinstance(item, AudioChunk):
            rows.feed(item.samples)
        else:
            rows.finish()

    def forget(self, segment: int) -> None:
        """Drop what is known of a segment; the lips still ease from their last shape."""
        self._rows.pop(segment, None)

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
        rows = self._rows.get(cue.segment)
        return None if rows is None else rows.at(max(0, cue.position) * FPS // CLOCK_RATE)
