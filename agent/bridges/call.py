"""One bridged call: START HERE. The room, who is outside as its participant, and the avatar's tap.

`async with BridgedCall(...)` makes the room with the tap's name in its metadata, joins it, and
waits until a worker on this machine has connected its playout: from then on `feeds` fill.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Literal, Self

from agent.bridges.errors import BridgeError, NoAvatar
from agent.bridges.feed import Feed
from agent.bridges.guest import Guest
from agent.bridges.tap import METADATA, TapReceiver
from agent.config import Settings
from agent.gateway.problems import Problem
from agent.gateway.rooms import Rooms
from agent.gateway.tokens import new_room_name

logger = logging.getLogger(__name__)

_ANSWER_S = 30.0


async def first_of(*events: asyncio.Event, timeout_s: float | None = None) -> None:
    """Wait until one of them is set, or so long."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


class BridgedCall:
    """feeds: get the avatar's sound and pictures. kind, attributes: of the outside participant."""

    def __init__(
        self,
        settings: Settings,
        *,
        identity: str,
        name: str,
        feeds: Sequence[Feed],
        persona: str | None = None,
        portrait: str | None = None,
        room: str | None = None,
        kind: Literal["standard", "sip"] = "standard",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._persona = persona or settings.persona
        self._portrait = portrait
        self.room_name = room or new_room_name()
        self._loop = asyncio.get_running_loop()
        self._stack = contextlib.AsyncExitStack()
        self._connected = asyncio.Event()
        self.ended = asyncio.Event()
        """Set when the avatar is gone: the agent left, or its worker died."""
        self._feeds = feeds
        self.guest = Guest(
            settings,
            room=self.room_name,
            identity=identity,
            name=name,
            kind=kind,
            attributes=attributes,
        )

    async def __aenter__(self) -> Self:
        async with self._stack:
            tap = TapReceiver(self._feeds, self._on_tap)
            self._stack.push_async_callback(asyncio.to_thread, tap.close)
            await self._make_room(tap.name)
            await self._stack.enter_async_context(self.guest)
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await self._connected.wait()
            except TimeoutError:
                raise NoAvatar(_ANSWER_S) from None
            self._stack = self._stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def wait(self) -> str:
        """Wait for the call's end; returns why, in words."""
        await first_of(self.ended, self.guest.left)
        return "the room was closed" if self.guest.left.is_set() else "the avatar has left"

    async def _make_room(self, tap: str) -> None:
        async with Rooms(self._settings) as rooms:
            try:
                await rooms.create(
                    self.room_name,
                    persona=self._persona,
                    portrait=self._portrait,
                    extra={METADATA: tap},
                )
            except Problem as problem:
                raise BridgeError(problem.sentence) from None

    def _on_tap(self, connected: bool) -> None:
        if not self._loop.is_closed():
            event = self._connected if connected else self.ended
            self._loop.call_soon_threadsafe(event.set)
