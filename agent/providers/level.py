"""How much of the call is as it should be, in one word for the page.

The worst that is true counts: `offline` (canned answers, because no mind answers), `text-only` (no
voice, or nobody who listens), `audio-only` (the face holds still), `other-voice`, `other-face` (the
CPU portrait stands in for the renderer that is wanted), `normal`.
"""

from collections.abc import Callable
from typing import Literal

from livekit.plugins.visavis.face import FaceState

from agent.providers.health import Stage

Level = Literal["normal", "other-face", "other-voice", "audio-only", "text-only", "offline"]

ATTRIBUTE_LEVEL = "visavis.level"
"""The agent's participant attribute."""


def stage_of(part: object) -> Stage | None:
    """The stage of a chain; None for a part that has no spare."""
    stage = getattr(part, "stage", None)
    return stage if isinstance(stage, Stage) else None


def level(
    *, mind: Stage | None, voice: Stage | None, face: FaceState = "live", heard: bool = True
) -> Level:
    """A part that has no spare, or whose first choice is the offline one, is as it should be."""
    if mind is not None and mind.serving >= len(mind.health) - 1 and mind.serving > 0:
        return "offline"
    if not heard or (voice is not None and voice.serving >= len(voice.health)):
        return "text-only"
    if face == "still":
        return "audio-only"
    if voice is not None and voice.serving > 0:
        return "other-voice"
    return "other-face" if face == "understudy" else "normal"


class Levels:
    """Tells the level of one call whenever it changes; `tell` gets the first one from `follow`."""

    def __init__(self, tell: Callable[[Level], None]) -> None:
        self._tell = tell
        self._mind: Stage | None = None
        self._voice: Stage | None = None
        self._face: FaceState = "live"
        self._heard = True
        self._told: Level | None = None

    def follow(self, mind: Stage | None, voice: Stage | None) -> None:
        """These are the parts that serve from now on."""
        self.stop()
        self._mind, self._voice = mind, voice
        for stage in (mind, voice):
            if stage is not None:
                stage.listeners.append(self._changed)
        self._changed()

    def stop(self) -> None:
        """Hear of no part any more. Twice is fine."""
        for stage in (self._mind, self._voice):
            if stage is not None and self._changed in stage.listeners:
                stage.listeners.remove(self._changed)

    def on_face(self, state: FaceState) -> None:
        """The avatar's `face_changed`."""
        self._face = state
        self._changed()

    def on_audience(self, listens: bool) -> None:
        """Whether somebody listens, or only reads."""
        self._heard = listens
        self._changed()

    def _changed(self, _: int = 0) -> None:
        now = level(mind=self._mind, voice=self._voice, face=self._face, heard=self._heard)
        if now != self._told:
            self._told = now
            self._tell(now)
