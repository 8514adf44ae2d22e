"""Push-to-talk: the page says when the user speaks, by RPC `visavis.talk`, and nothing else does.

Payloads are "start", "stop" (answer what was said) and "cancel" (forget it). A caller who is not
the session's own participant is refused; one who leaves, or holds the button for ever, lets go.
"""

import asyncio
import logging
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession

from agent.remote import refuse_strangers

logger = logging.getLogger(__name__)

METHOD = "visavis.talk"
ATTRIBUTE_INTERRUPT = "visavis.interrupt"
"""Participant attribute of the agent: the persona's policy, so that a page shows the button."""
MAX_TALK_S = 60.0

_UNKNOWN = 1602
_TRANSCRIPT_S = 2.0


class TalkButton:
    """Holds the microphone shut but while the button is held. Make it before the session starts.

    Call `start` once the session is started, `close` with the call; twice is fine.
    """

    def __init__(self, session: AgentSession[Any], room: rtc.Room) -> None:
        self._session = session
        self._room = room
        self._timer: asyncio.TimerHandle | None = None

    @property
    def held(self) -> bool:
        return self._timer is not None

    def start(self) -> None:
        """Shut the microphone and listen for the button."""
        self._session.input.set_audio_enabled(False)
        self._room.local_participant.register_rpc_method(METHOD, self._on_call)
        self._room.on("participant_disconnected", self._on_left)

    def close(self) -> None:
        """Listen no longer."""
        self._let_go()
        self._room.off("participant_disconnected", self._on_left)
        if self._room.isconnected():
            self._room.local_participant.unregister_rpc_method(METHOD)

    async def _on_call(self, call: rtc.RpcInvocationData) -> str:
        refuse_strangers(self._session, call)
        if call.payload == "start":
            self._press()
        elif call.payload == "stop":
            self._release()
        elif call.payload == "cancel":
            self._cancel()
        else:
            raise rtc.RpcError(_UNKNOWN, 'the payload must be "start", "stop" or "cancel"')
        return "ok"

    def _press(self) -> None:
        if self.held:
            return
        self._timer = asyncio.get_running_loop().call_later(MAX_TALK_S, self._release)
        try:
            self._session.interrupt()
        except RuntimeError as error:  # this one speech may not be interrupted
            logger.info("the speech goes on", extra={"reason": str(error)})
        self._session.clear_user_turn()
        self._session.input.set_audio_enabled(True)

    def _release(self) -> None:
        if not self.held:
            return
        self._let_go()
        self._session.commit_user_turn(transcript_timeout=_TRANSCRIPT_S)

    def _cancel(self) -> None:
        if not self.held:
            return
        self._let_go()
        self._session.clear_user_turn()

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._session.input.set_audio_enabled(False)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        mine = self._session.room_io.linked_participant
        if mine is None or participant.identity == mine.identity:
            self._cancel()
