"""A call in a room, put together: who speaks, to whom, by whose turns, and what is shown of it."""

import asyncio

from livekit import rtc
from livekit.agents import AgentSession, CloseEvent
from livekit.plugins import visavis

from agent.assistant import Scene
from agent.audience import Audience
from agent.cast import Cast
from agent.chat import Chat
from agent.config import Settings
from agent.follow import Follower
from agent.pace import Pace
from agent.parts import Parts
from agent.personas import Persona
from agent.providers.level import ATTRIBUTE_LEVEL, Levels
from agent.remote import Remote
from agent.session import room_options
from agent.sign import SPEECH, Sign
from agent.speeches import Speeches
from agent.turns.floor import Floor
from agent.turns.wake import Wake


class Call:
    """Everything round a session that has a room and a face. Make it before the avatar publishes.

    Owns nothing it is given; `aclose` ends what it made.
    """

    def __init__(
        self,
        settings: Settings,
        session: AgentSession[None],
        floor: Floor,
        avatar: visavis.AvatarSession,
        room: rtc.Room,
    ) -> None:
        self._session, self._floor, self._avatar, self._room = session, floor, avatar, room
        self.sign = Sign(room)
        self.speeches = Speeches(lambda counts: self.sign.show({SPEECH: counts}))
        self.audience = Audience(room, self.sign, self.speeches)
        self.levels = Levels(lambda level: self.sign.show({ATTRIBUTE_LEVEL: level}))
        self.audience.on_change = self.levels.on_audience
        avatar.on("face_changed", lambda state, _: self.levels.on_face(state))
        self.chat = Chat(floor)
        self.wake = Wake()
        scene = Scene(
            floor=floor,
            audience=self.audience,
            set_mood=avatar.set_mood,
            model_timeout_s=settings.model_timeout_s,
            speeches=self.speeches,
            wake=self.wake,
        )
        scene.pace = Pace(avatar, scene.heard, listens=lambda: self.audience.listens)
        self.cast = Cast(
            settings,
            session,
            floor,
            scene,
            room=room,
            avatar=avatar,
            sign=self.sign,
            chat=self.chat,
            levels=self.levels,
        )
        self._follower = Follower(self.cast, self.sign)
        self._remote = Remote(
            session, room, switch=self.cast.switch, set_open=self.audience.set_open
        )

    async def start(self, persona: Persona, portrait: str, parts: Parts) -> None:
        """Let the first persona greet; the avatar is published and wears the portrait."""
        session = self._session
        self.sign.start()
        self._floor.start(session, self._avatar)
        assert session.output.audio is not None
        self.speeches.follow(session.output.audio)
        self.audience.start(session, self._avatar)
        self._follower.start()
        session.on("close", self._on_close)
        assistant = await self.cast.first(persona, portrait, parts)
        await session.start(assistant, room=self._room, room_options=room_options(self.chat))
        self._remote.start()

    async def aclose(self) -> None:
        """End what a call needs besides its session. Twice is fine."""
        self.audience.close()
        await asyncio.gather(self._follower.aclose(), self.sign.aclose(), self.cast.aclose())

    def _on_close(self, _: CloseEvent) -> None:
        self._remote.close()
        self.audience.close()
        self.levels.stop()
        self.speeches.log()
