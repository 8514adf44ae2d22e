"""How to speak and look, said to whatever plays: an avatar worker, or the playout of this process.

It is a state, not a sequence of commands: whoever begins to play later is told all of it at once.
"""

from avatar.frames import Manner, Mood

from . import wire
from .link import WorkerLink
from .playout import DUCK_DB, FADE_MS, Playout


class Orders:
    """The part of a RemotePlayout that turns and manners use."""

    def __init__(self) -> None:
        self._link: WorkerLink | None = None
        self._state = wire.State(seq=0)
        self.local: Playout | None = None
        """The playout in this process, while it plays here."""

    def pause(self) -> None:
        """Fall silent at once and keep what was not played. Twice is fine."""
        self._change(paused=True)
        if self.local is not None:
            self.local.pause()

    def resume(self) -> None:
        """Go on from the very sample that `pause` kept. Twice is fine."""
        self._change(paused=False)
        if self.local is not None:
            self.local.resume()

    def set_heard(self, heard: bool) -> None:
        """Whether somebody can hear: if not, speech waits."""
        self._change(heard=heard)
        if self.local is not None:
            self.local.set_heard(heard)

    def duck(self, *, gain_db: float = DUCK_DB, fade_ms: float = FADE_MS) -> None:
        """Speak softer at once. Raises ValueError for a gain above 0 dB or a negative time."""
        self._change(gain_db=gain_db, fade_ms=fade_ms)
        if self.local is not None:
            self.local.duck(gain_db=gain_db, fade_ms=fade_ms)

    def unduck(self, *, fade_ms: float = FADE_MS) -> None:
        """Speak at full volume again. Twice is fine."""
        self._change(gain_db=0.0, fade_ms=fade_ms)
        if self.local is not None:
            self.local.unduck(fade_ms=fade_ms)

    @property
    def manner(self) -> Manner:
        """What the face does besides its mouth."""
        return self._state.manner

    @manner.setter
    def manner(self, manner: Manner) -> None:
        self._change(manner=manner)
        if self.local is not None:
            self.local.manner = manner

    @property
    def mood(self) -> Mood:
        """The face's expression."""
        return self._state.mood

    @mood.setter
    def mood(self, mood: Mood) -> None:
        self._change(mood=mood)
        if self.local is not None:
            self.local.mood = mood

    @property
    def user_beat(self) -> int:
        """Clauses and pauses of the user."""
        return self._state.user_beat

    @user_beat.setter
    def user_beat(self, count: int) -> None:
        self._change(user_beat=count)
        if self.local is not None:
            self.local.user_beat = count

    def _change(self, *, tell: bool = True, **changes: object) -> None:
        now = self._state.model_dump()
        if changes and all(now[name] == value for name, value in changes.items()) and tell:
            return
        self._state = wire.State.model_validate({**now, **changes, "seq": now["seq"] + 1})
        if tell and self._link is not None:
            self._link.tell(self._state)

    def _repeat_to(self, local: Playout) -> None:
        """All of it, to a playout that knows nothing yet."""
        state = self._state
        local.manner, local.mood, local.user_beat = state.manner, state.mood, state.user_beat
        local.set_heard(state.heard)
        if state.gain_db < 0:
            local.duck(gain_db=state.gain_db, fade_ms=0)
        if state.paused:
            local.pause()
