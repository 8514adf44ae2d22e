"""When a call is over: nobody is left in the room, the session closed, or the room became another.

LiveKit ends a session when its participant says goodbye; a browser that crashed says nothing, and
the agent would talk to an empty room for ever. And when livekit-server dies and comes back, the
agent's reconnection may make the room anew, to which the server sends a new agent: then the old one
goes. If none comes, the old one goes on.
"""

import asyncio
import logging
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession, CloseEvent, JobContext
from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF

logger = logging.getLogger(__name__)

_AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
_NOT_PEOPLE = frozenset({_AGENT, rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS})


def people(room: rtc.Room) -> list[rtc.RemoteParticipant]:
    """Who is in the room and not a machine."""
    return [other for other in room.remote_participants.values() if other.kind not in _NOT_PEOPLE]


def _is_agent(other: rtc.RemoteParticipant) -> bool:
    """An agent of its own, not a worker that draws its face."""
    return other.kind == _AGENT and ATTRIBUTE_PUBLISH_ON_BEHALF not in other.attributes


class Presence:
    """Ends the job when its call is over. Make it once the room is connected.

    alone_s: seconds without a person after which the call is over.
    """

    def __init__(self, ctx: JobContext, session: AgentSession[Any], *, alone_s: float) -> None:
        self._ctx = ctx
        self._room = ctx.room
        self._alone_s = alone_s
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._room_sid: str | None = None
        self._anew = False
        self._room.on("participant_connected", self._on_people)
        self._room.on("participant_disconnected", self._on_people)
        self._room.on("room_updated", self._on_room)
        session.on("close", self._on_close)
        self._on_room()
        self._on_people()

    def _on_people(self, _: rtc.RemoteParticipant | None = None) -> None:
        others = list(self._room.remote_participants.values())
        if self._anew and any(_is_agent(other) for other in others):
            self._end("the room was made anew, for another agent", delete_room=False)
            return
        somebody = bool(people(self._room))
        if somebody and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif not somebody and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._alone_s, self._end, "nobody is left in the room")

    def _on_room(self) -> None:
        sid = self._room._info.sid  # Room.sid waits for the first one; this one may have changed
        if not sid:
            return
        self._anew = self._anew or self._room_sid not in (None, sid)
        self._room_sid = sid
        self._on_people()

    def _on_close(self, event: CloseEvent) -> None:
        self._end(f"the session closed: {event.reason.value}")

    def _end(self, reason: str, *, delete_room: bool = True) -> None:
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        logger.info("the call is over", extra={"reason": reason})
        if delete_room:
            self._ctx.delete_room()  # runs on as one of the job's own tasks
        self._ctx.shutdown(reason)
