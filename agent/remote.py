"""What the page may ask of the agent by RPC: another persona or face, and the face to be closed.

Only the participant of the call is obeyed; what is malformed or comes too often is refused with a
sentence, whose code is the error's data. `visavis.talk` is agent/turns/talk.py's.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession
from pydantic import BaseModel, ConfigDict, StrictBool, ValidationError

from agent.buckets import RateLimit
from avatar.errors import Sentence

logger = logging.getLogger(__name__)

SWITCH = "visavis.switch"
AVATAR = "visavis.avatar"

REFUSED = 1601
MALFORMED = 1602
UNUSABLE = 1603
TOO_OFTEN = 1604

ONE_AT_A_TIME = Sentence("one-at-a-time", "One change at a time, please.")

_BURST = 6
_PER_SECOND = 0.5


class CannotSwitch(Exception):
    """What was asked for cannot be had; the message says why, in a sentence for people, and the
    code names it for a page."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.code = sentence.code


class Wish(BaseModel):
    """The payload of `visavis.switch`, and its answer. persona None: the one there is; portrait
    None: the persona's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    persona: str | None = None
    portrait: str | None = None


class _Open(BaseModel):
    model_config = ConfigDict(extra="forbid")

    open: StrictBool


class Remote:
    """Hears the page's RPCs between `start` and `close`.

    switch: makes the change and says what is worn then; raises CannotSwitch. set_open: opens
    or closes the avatar.
    """

    def __init__(
        self,
        session: AgentSession[Any],
        room: rtc.Room,
        *,
        switch: Callable[[Wish], Awaitable[Wish]],
        set_open: Callable[[bool], None],
    ) -> None:
        self._session, self._room = session, room
        self._switch, self._set_open = switch, set_open
        self._limit = RateLimit(burst=_BURST, per_second=_PER_SECOND, places=64)
        self._busy = asyncio.Lock()

    def start(self) -> None:
        """Hear from now on; the room is connected and the session started."""
        self._room.local_participant.register_rpc_method(SWITCH, self._on_switch)
        self._room.local_participant.register_rpc_method(AVATAR, self._on_avatar)

    def close(self) -> None:
        """Hear no longer."""
        if self._room.isconnected():
            self._room.local_participant.unregister_rpc_method(SWITCH)
            self._room.local_participant.unregister_rpc_method(AVATAR)

    async def _on_switch(self, call: rtc.RpcInvocationData) -> str:
        refuse_strangers(self._session, call)
        self._refuse_haste(call)
        try:
            wish = Wish.model_validate_json(call.payload)
        except ValidationError:
            sentence = 'the payload must be JSON: {"persona": name, "portrait": name or null}'
            raise rtc.RpcError(MALFORMED, sentence) from None
        if self._busy.locked():
            raise rtc.RpcError(TOO_OFTEN, ONE_AT_A_TIME, ONE_AT_A_TIME.code)
        try:
            async with self._busy:
                return (await self._switch(wish)).model_dump_json()
        except CannotSwitch as error:
            raise rtc.RpcError(UNUSABLE, str(error), error.code) from error

    async def _on_avatar(self, call: rtc.RpcInvocationData) -> str:
        refuse_strangers(self._session, call)
        self._refuse_haste(call)
        try:
            wanted = _Open.model_validate_json(call.payload)
        except ValidationError:
            sentence = 'the payload must be JSON: {"open": true} or {"open": false}'
            raise rtc.RpcError(MALFORMED, sentence) from None
        self._set_open(wanted.open)
        return wanted.model_dump_json()

    def _refuse_haste(self, call: rtc.RpcInvocationData) -> None:
        wait_s = self._limit.wait_s(call.caller_identity, time.monotonic())
        if wait_s:
            sentence = f"That was often. Try again in {math.ceil(wait_s)} s."
            raise rtc.RpcError(TOO_OFTEN, sentence, "switched-too-often")


def refuse_strangers(session: AgentSession[Any], call: rtc.RpcInvocationData) -> None:
    """Raises RpcError for a caller who is not the session's own participant."""
    mine = session.room_io.linked_participant
    if mine is None or call.caller_identity != mine.identity:
        raise rtc.RpcError(REFUSED, "only the participant of this call may do that")
