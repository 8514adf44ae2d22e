"""What the face does besides talking, from what the agent and the user are doing."""

from collections.abc import Callable
from typing import Any

from avatar.frames import Manner
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)

from .beats import UserBeats

_MANNERS = {
    "initializing": Manner.IDLE,
    "idle": Manner.IDLE,
    "listening": Manner.LISTENING,
    "thinking": Manner.THINKING,
    "speaking": Manner.SPEAKING,
}


class Manners:
    """Follows a session; `show` gets the manner and the count of the user's clauses."""

    def __init__(self, show: Callable[[Manner, int], None]) -> None:
        self._show = show
        self._user_speaking = False
        self._beats = UserBeats()
        self._agent_state = "initializing"

    def follow(self, session: AgentSession[Any]) -> None:
        """From now on."""
        session.on("agent_state_changed", self._on_agent_state)
        session.on("user_state_changed", self._on_user_state)
        session.on("user_input_transcribed", self._on_user_transcribed)

    def leave(self, session: AgentSession[Any]) -> None:
        """No more. Twice is fine."""
        session.off("agent_state_changed", self._on_agent_state)
        session.off("user_state_changed", self._on_user_state)
        session.off("user_input_transcribed", self._on_user_transcribed)

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._agent_state = event.new_state
        self._update()

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        if self._user_speaking and event.new_state == "listening":
            self._beats.paused()
        self._user_speaking = event.new_state == "speaking"
        self._update()

    def _on_user_transcribed(self, event: UserInputTranscribedEvent) -> None:
        self._beats.heard(event.transcript, final=event.is_final)
        self._update()

    def _update(self) -> None:
        manner = _MANNERS.get(self._agent_state, Manner.IDLE)
        if self._user_speaking:
            manner = Manner.ATTENTIVE if manner is Manner.SPEAKING else Manner.LISTENING
        self._show(manner, self._beats.count)
