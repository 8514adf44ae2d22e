"""What a session's owner may ask of an avatar in its room, by the server's own data messages.

A message of a participant carries its sender; only the server sends one without. So nobody in the
room can make the avatar forget, or deaf to what is said.
"""

import asyncio
import logging
import time

from livekit import rtc
from livekit.agents import AgentSession, AgentStateChangedEvent, UserStateChangedEvent, llm
from pydantic import ValidationError

from agent.bridges import orders
from agent.bridges.tap import SESSION_TOPIC
from agent.turns.wake import Wake

logger = logging.getLogger(__name__)


class SessionControl:
    """Obeys in this room from now on, for as long as the room lasts; wake learns who speaks."""

    def __init__(self, room: rtc.Room, session: AgentSession[None], wake: Wake) -> None:
        self._session, self._wake = session, wake
        self._tasks: set[asyncio.Task[None]] = set()
        room.on("data_received", self._on_data)
        session.on("agent_state_changed", self._on_agent)
        session.on("user_state_changed", self._on_user)

    def _on_agent(self, event: AgentStateChangedEvent) -> None:
        self._wake.on_speaking(time.monotonic(), event.new_state == "speaking")

    def _on_user(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._wake.on_voice(time.monotonic())

    def _on_data(self, packet: rtc.DataPacket) -> None:
        if packet.participant is not None or packet.topic != SESSION_TOPIC:
            return
        try:
            order = orders.read(packet.data)
        except ValidationError:
            return
        if isinstance(order, orders.Configure):
            self._wake.set(order.wake_phrases, order.strictness)
            logger.info("wake phrases set", extra={"phrases": len(order.wake_phrases)})
            return
        task = asyncio.create_task(self._reset(), name="reset-context")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reset(self) -> None:
        await self._session.current_agent.update_chat_ctx(llm.ChatContext.empty())
        logger.info("the conversation was forgotten")
