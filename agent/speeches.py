"""What became of what was to be said: made, played, dropped, failed, written.

A speech is one utterance given to the voice. It was `made` when its first sound was there, then
`played` to its end or `dropped` (interrupted); `failed` when the voice gave no sound for words.
`written` went out, or went on, in text only: nothing more was synthesised for them.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from livekit.agents.voice.io import AudioOutput, PlaybackFinishedEvent
from prometheus_client import Counter

logger = logging.getLogger(__name__)

Outcome = Literal["made", "played", "dropped", "failed", "written"]

_TOTAL = Counter(
    "visavis_speeches_total", "Utterances by what became of them", labelnames=["outcome"]
)


@dataclass
class Counts:
    """Of one call."""

    made: int = 0
    played: int = 0
    dropped: int = 0
    failed: int = 0
    written: int = 0


class Speeches:
    """Counts for one call; `tell` gets them as JSON at every change."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self.counts = Counts()
        self._tell = tell
        self._in_writing = False

    def follow(self, output: AudioOutput) -> None:
        """Count what this output played; it ends with the output."""
        output.on("playback_finished", self._on_finished)

    def note(self, outcome: Outcome) -> None:
        setattr(self.counts, outcome, getattr(self.counts, outcome) + 1)
        _TOTAL.labels(outcome).inc()
        if self._tell is not None:
            self._tell(json.dumps(asdict(self.counts), separators=(",", ":")))

    def log(self) -> None:
        """One line, at the end of the call."""
        logger.info("speeches", extra=asdict(self.counts))

    def goes_on_in_writing(self) -> None:
        """The speech that finishes next is not heard to its end, but read."""
        self._in_writing = True

    def _on_finished(self, event: PlaybackFinishedEvent) -> None:
        written, self._in_writing = self._in_writing, False
        self.note("dropped" if event.interrupted else "written" if written else "played")
