"""What the agent shows of itself to everybody in the room: its participant attributes.

Told from anywhere, sent one after the other and the newest only; what was told while the connection
was away is sent when it is back. That somebody talks to an AI is shown always and cannot be unset.
"""

import asyncio
import logging

from livekit import rtc

logger = logging.getLogger(__name__)

AI = "ai"
DISCLOSURE = "visavis.disclosure"
PERSONA = "visavis.persona"
PORTRAIT = "visavis.portrait"
AVATAR = "visavis.avatar"
"""open, or closed: the listener reads, and nothing is spoken."""
PROBLEM = "visavis.problem"
"""A sentence about an edit that cannot be used; empty when there is none."""
EDITS = "visavis.edits"
"""How many edits of persona and portrait this call took up."""
SPEECH = "visavis.speech"
"""Counters of what was spoken, as JSON (agent/speeches.py)."""

_LONGEST = 500
_RETRY_S = 1.0


class Sign:
    """The attributes of one call. Bounded by the number of their names."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._told: dict[str, str] = {}
        self._waiting: dict[str, str] = {AI: "true"}
        self._wake = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    @property
    def shown(self) -> dict[str, str]:
        """What is shown, or will be in a moment."""
        return {**self._told, **self._waiting}

    def start(self) -> None:
        """Begin to send, once the room is connected."""
        self._wake.set()
        self._sending = asyncio.create_task(self._send(), name="sign")

    async def aclose(self) -> None:
        """Send no more. Twice is fine."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    def show(self, changes: dict[str, str]) -> None:
        """Show these from now on, beside what is shown already; long ones are cut."""
        cut = {name: text[:_LONGEST] for name, text in changes.items() if name != AI}
        news = {name: text for name, text in cut.items() if self.shown.get(name) != text}
        self._waiting.update(news)
        if news:
            self._wake.set()

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            news, self._waiting = self._waiting, {}
            self._told.update(news)
            try:
                await self._room.local_participant.set_attributes(news)
            except Exception as error:  # whatever the connection is going through: once more
                logger.info("attributes not sent yet", extra={"reason": str(error)})
                self._waiting = {**news, **self._waiting}
                await asyncio.sleep(_RETRY_S)
                self._wake.set()
