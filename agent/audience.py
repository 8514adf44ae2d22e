"""Whether anybody hears us: nothing is synthesised for a listener who cannot or will not listen.

Three things count. The listener may close the avatar: then answers are text, and what is being
said goes on in writing. Nobody may have asked for our sound (a client that only reads): text too,
until somebody does. And everybody may have left: then speech waits, for the call ends soon after,
or goes on from the same sample when they are back. The fact you would not guess: LiveKit tells a
publisher of the first subscription only, so whoever stops listening later must say so by RPC.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice import SpeechHandle
from livekit.plugins import visavis

from agent.presence import people
from agent.sign import AVATAR, Sign
from agent.speeches import Speeches

logger = logging.getLogger(__name__)

ASKED_S = 5.0
"""So long after a listener and the tracks are there, the sound must have been asked for."""


class Audience:
    """Of one call. Make it before the avatar publishes, `start` it with the session."""

    def __init__(self, room: rtc.Room, sign: Sign, speeches: Speeches) -> None:
        self._room, self._sign, self._speeches = room, sign, speeches
        self._session: AgentSession[Any] | None = None
        self._avatar: visavis.AvatarSession | None = None
        self.on_change: Callable[[bool], None] = lambda listens: None
        """Told of `listens` whenever it may have changed."""
        self._open = True
        self._asked = False
        self._reads = False  # somebody is here, and did not ask for the sound in time
        self._patience: asyncio.TimerHandle | None = None
        self._awaited: SpeechHandle | None = None
        self._here = asyncio.Event()
        self._here.set()
        room.on("local_track_subscribed", self._on_subscribed)
        room.on("participant_connected", self._on_people)
        room.on("participant_disconnected", self._on_people)
        sign.show({AVATAR: "open"})

    def start(self, session: AgentSession[Any], avatar: visavis.AvatarSession) -> None:
        """Decide from now on whether this session speaks; the avatar is published."""
        self._session, self._avatar = session, avatar
        self._on_people()
        self._wait_asked()

    def close(self) -> None:
        """Decide no longer. Twice is fine."""
        self._room.off("local_track_subscribed", self._on_subscribed)
        self._room.off("participant_connected", self._on_people)
        self._room.off("participant_disconnected", self._on_people)
        if self._patience is not None:
            self._patience.cancel()
        self._here.set()

    @property
    def listens(self) -> bool:
        """Whether what is said now is to be spoken; else it is text."""
        return self._open and not self._reads

    def ask(self) -> None:
        """Somebody listens: in the room, or outside of it by a bridge, which subscribes nothing."""
        self._asked, self._reads = True, False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._follow()

    async def wait_here(self) -> None:
        """Wait while nobody is in the room: speech that is due is made when somebody is."""
        await self._here.wait()

    def set_open(self, open_: bool) -> None:
        """The listener opens or closes the avatar."""
        if open_ == self._open:
            return
        self._open = open_
        logger.info("avatar opened" if open_ else "avatar closed")
        self._sign.show({AVATAR: "open" if open_ else "closed"})
        if self._avatar is not None:
            self._avatar.set_shown(open_)
        self._follow()

    def _follow(self) -> None:
        """Let the session speak or write; between two speeches, because its captions follow the
        sound of the one that is on. That one is cut short by `Assistant.tts_node`."""
        self.on_change(self.listens)
        session, avatar = self._session, self._avatar
        if session is None or avatar is None or session.output.audio is None:
            return
        speech = session.current_speech
        if speech is not None and not speech.done():
            if not self.listens:
                avatar.skip()
                if session.agent_state == "speaking":
                    self._speeches.goes_on_in_writing()
            if speech is not self._awaited:
                self._awaited = speech
                speech.add_done_callback(self._on_speech_done)
            return
        self._awaited = None
        if self.listens != session.output.audio_enabled:
            logger.info("speaking again" if self.listens else "answering in text only")
            session.output.set_audio_enabled(self.listens)

    def _on_speech_done(self, _: SpeechHandle) -> None:
        asyncio.get_running_loop().call_soon(self._follow)  # once nothing else is to be done for it

    def _wait_asked(self) -> None:
        if not self._asked and self._patience is None and self._here.is_set():
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(ASKED_S, self._on_not_asked)

    def _on_not_asked(self) -> None:
        self._patience = None
        self._reads = self._here.is_set()
        self._follow()

    def _on_subscribed(self, track: rtc.Track) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self.ask()

    def _on_people(self, _: rtc.RemoteParticipant | None = None) -> None:
        here = bool(people(self._room))
        if here == self._here.is_set() or self._avatar is None:
            return
        logger.info("somebody is back" if here else "nobody hears us: speech waits")
        (self._here.set if here else self._here.clear)()
        self._avatar.set_heard(here)
        self._wait_asked()
