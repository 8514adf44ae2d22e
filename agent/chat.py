"""What people type: bounded in size and in rate before the mind sees it.

What is too long or comes too fast is answered by one sentence, once in a while, and goes no
further; control characters are taken out. Where nobody may interrupt, a few messages wait.
"""

import logging
import math
import time
import unicodedata
from typing import Any

from livekit.agents import AgentSession
from livekit.agents.voice.room_io import TextInputEvent

from agent.buckets import RateLimit
from agent.turns.floor import Floor

logger = logging.getLogger(__name__)

MAX_LETTERS = 4000
BURST = 6
PER_MINUTE = 20
MAX_WAITING = 4
"""Messages that wait for the end of a speech that nobody may interrupt; the next is refused."""
_ANSWER_EVERY_S = 10.0
_KEPT = "\n\t\u200c\u200d"
"""Line ends, and the joiners without which some scripts and emoji fall apart."""

_TOO_LONG = {
    "en": "That is more than I can read at once. Please send it in shorter parts.",
    "de": "Das ist mehr, als ich auf einmal lesen kann. Bitte schicken Sie kürzere Stücke.",
    "fr": "C'est plus que je ne peux lire d'un coup. Envoyez des messages plus courts.",
    "es": "Es más de lo que puedo leer de una vez. Envía mensajes más cortos, por favor.",
}
_TOO_FAST = {
    "en": "You are faster than I am. Give me a moment, please.",
    "de": "Sie sind schneller als ich. Einen Moment, bitte.",
    "fr": "Vous allez plus vite que moi. Un instant, s'il vous plaît.",
    "es": "Vas más rápido que yo. Un momento, por favor.",
}


class Chat:
    """Takes the typed messages of one call. language: of what it says itself."""

    def __init__(self, floor: Floor, *, language: str = "en") -> None:
        self.language = language
        self._floor = floor
        self._limit = RateLimit(burst=BURST, per_second=PER_MINUTE / 60, places=64)
        self._answered_at = -math.inf
        self._waiting = 0

    async def on_text(self, session: AgentSession[Any], event: TextInputEvent) -> None:
        """Answer a message; LiveKit calls this for each."""
        text = plain(event.text)
        if not text:
            return
        sender = event.participant.identity if event.participant is not None else ""
        refusal = self._refusal(event.text, sender, time.monotonic())
        if refusal is not None:
            self._refuse(session, refusal)
            return
        if self._floor.must_wait:
            self._waiting += 1
            handle = session.generate_reply(user_input=text)
            handle.add_done_callback(lambda _: self._done())
            return
        await session.interrupt()
        session.generate_reply(user_input=text)

    def _refusal(self, text: str, sender: str, now: float) -> dict[str, str] | None:
        """Why a message goes no further, if it does not. Counts it."""
        if self._limit.wait_s(sender, now) or self._waiting >= MAX_WAITING:
            return _TOO_FAST
        return _TOO_LONG if len(text) > MAX_LETTERS else None

    def _refuse(self, session: AgentSession[Any], sentences: dict[str, str]) -> None:
        logger.info("message refused", extra={"reason": sentences["en"]})
        now = time.monotonic()
        if now - self._answered_at < _ANSWER_EVERY_S or self._floor.must_wait:
            return
        self._answered_at = now
        session.interrupt()
        sentence = sentences.get(self.language.split("-")[0], sentences["en"])
        session.say(sentence, add_to_chat_ctx=False)

    def _done(self) -> None:
        self._waiting -= 1


def plain(text: str) -> str:
    """The text without control characters (line ends stay) and without spaces around it."""
    kept = (c for c in text if c in _KEPT or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return "".join(kept).strip()
