"""Who speaks in a call, and the change from one to another with the call going on.

A change is prepared beside the one who speaks (files, parts, face), so that nothing is lost when it
cannot be made; then the new one enters: face, voice, policy and signs at once, tracks untouched. An
edit of the one who speaks is no change of agent: it is recast where it stands, for LiveKit drops
what people say while an agent gives way to another.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from livekit import rtc
from livekit.agents import Agent, AgentSession, ToolError, llm
from livekit.plugins import visavis

from agent import personas
from agent.assistant import Assistant, Scene
from agent.chat import Chat
from agent.config import Settings
from agent.parts import Parts, make_parts
from agent.personas import TOOLS, Persona, PersonaError
from agent.providers.choose import make_realtime
from agent.providers.level import Levels, stage_of
from agent.providers.realtime import fall_back
from agent.remote import CannotSwitch, Wish
from agent.session import rate_setter
from agent.sign import DISCLOSURE, EDITS, PERSONA, PORTRAIT, PROBLEM, Sign
from agent.tools import Tools, notes_of, own_tools, servers_of
from agent.turns.floor import Floor
from agent.turns.talk import ATTRIBUTE_INTERRUPT, TalkButton
from avatar.errors import Sentence
from avatar.portrait import pack

logger = logging.getLogger(__name__)

ENTER_S = 8.0
_CLOSE_S = 5.0


@dataclass(slots=True)
class Role:
    """A persona that is ready to enter. `face`: to be put on then; None: it is worn already."""

    persona: Persona
    portrait: str
    parts: Parts
    tools: Tools
    face: visavis.Face | None
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    assistant: Assistant | None = None


class Cast:
    """The speakers of one call. Its methods are called on the session's loop.

    on_change is told of every persona and portrait that enters, the first one included.
    """

    def __init__(
        self,
        settings: Settings,
        session: AgentSession[None],
        floor: Floor,
        scene: Scene,
        *,
        room: rtc.Room,
        avatar: visavis.AvatarSession | None,
        sign: Sign,
        chat: Chat,
        levels: Levels,
    ) -> None:
        self._settings, self._session, self._floor = settings, session, floor
        self._scene, self._room, self._avatar = scene, room, avatar
        self._sign, self._chat, self._levels = sign, chat, levels
        self._now: Role | None = None
        self._next: Role | None = None
        self._button: TalkButton | None = None
        self._changing = asyncio.Lock()
        self._edits = 0
        self._closing: set[asyncio.Task[None]] = set()
        self.on_change: Callable[[Persona, str], None] = lambda persona, portrait: None
        if settings.realtime_model is not None:
            fall_back(session, self._without_realtime)

    @property
    def persona(self) -> Persona:
        """Who speaks now."""
        return self._current.persona

    @property
    def portrait(self) -> str:
        """The face that is worn now."""
        return self._current.portrait

    @property
    def _current(self) -> Role:
        assert self._now is not None, "nobody has entered yet"
        return self._now

    async def first(self, persona: Persona, portrait: str, parts: Parts) -> Assistant:
        """The one to start the session with; the avatar wears the portrait already."""
        try:
            tools = await self._all_tools(persona, parts)
            return self._assistant(Role(persona, portrait, parts, tools, None))
        except PersonaError as error:  # a call that was started must be answered
            logger.error("persona without its tools", extra={"reason": str(error)})
            self._sign.show({PROBLEM: str(error)})
            bare = persona.model_copy(update={"tools": TOOLS, "mcp": (), "knowledge": None})
            tools = await self._all_tools(bare, parts)
            return self._assistant(Role(bare, portrait, parts, tools, None))

    async def switch(self, wish: Wish) -> Wish:
        """Let another persona take over and greet, or put on another face.

        Returns what there is afterwards. Raises CannotSwitch with a sentence; then nothing changed.
        """
        async with self._changing:
            now = self._current
            persona = await self._load(wish.persona) if wish.persona else now.persona
            portrait = wish.portrait or persona.portrait
            if persona.id == now.persona.id:
                await self._wear(portrait)
            else:
                role = await self._prepare(persona, portrait)
                self._session.interrupt(force=True)
                self._session.update_agent(self._assistant(role))
                await self._wait_entered(role)
        return Wish(persona=self.persona.id, portrait=self.portrait)

    async def hand_over(self, name: str) -> Agent:
        """The agent to whom the one who speaks gives the call; a tool returns it to LiveKit."""
        if self._changing.locked():  # a switch waits for what is being said, this tool included
            raise ToolError("somebody else is just taking over")
        try:
            async with self._changing:
                persona = await self._load(name)
                return self._assistant(await self._prepare(persona, persona.portrait))
        except CannotSwitch as error:
            raise ToolError(f"it cannot be done: {error}") from error

    async def refresh(self) -> None:
        """Take up an edit of the persona's files. Raises PersonaError; the last good one stays."""
        async with self._changing:
            now = self._current
            persona = await asyncio.to_thread(personas.load, now.persona.path)
            if "push-to-talk" in {persona.turns.interrupt, now.persona.turns.interrupt}:
                persona = persona.model_copy(update={"turns": now.persona.turns})
            before = now.parts
            parts = await self._parts(persona, (now.persona, before))
            try:
                tools = await self._own_tools(persona, parts)
                if now.portrait == now.persona.portrait:
                    await self._wear(persona.portrait, persona=persona)
            except (PersonaError, CannotSwitch):
                await parts.close(but=before)
                raise
            assert now.assistant is not None
            servers = [tool for tool in now.tools if isinstance(tool, llm.Toolset)]
            now.tools = [*tools, *servers]
            await now.assistant.recast(persona, parts, before, now.tools)
            if persona.turns != now.persona.turns:
                self._floor.follow(persona.turns.policy(), language=persona.language)
            now.persona, now.parts = persona, parts
            self._levels.follow(stage_of(parts.mind), stage_of(parts.voice))
            self._retire(before, parts)
            self._edits += 1
            self._show(now)
            logger.info("edit taken up", extra={"persona": persona.id})

    async def rewear(self) -> None:
        """Put on the same portrait anew: its files changed. Raises CannotSwitch; the old stays."""
        async with self._changing:
            await self._wear(self.portrait, anew=True)
            self._edits += 1
            self._sign.show({EDITS: str(self._edits)})

    async def aclose(self) -> None:
        """End what the speakers need. Twice is fine."""
        if self._button is not None:
            self._button.close()
            self._button = None
        self._drop_next()
        if self._closing:
            await asyncio.wait(self._closing, timeout=_CLOSE_S)
        if self._now is not None:
            await self._now.parts.close()

    # Preparing

    async def _load(self, name: str) -> Persona:
        try:
            return await asyncio.to_thread(personas.load, name)
        except PersonaError as error:
            logger.warning("persona not taken", extra={"reason": str(error)})
            if isinstance(error, personas.PersonaNotFound):
                sentence = f"There is nobody called {name[:40]} here."
                raise CannotSwitch(Sentence("nobody-called-so", sentence)) from error
            sentence = f"{name} cannot come now: its files have a mistake."
            raise CannotSwitch(Sentence("persona-broken", sentence)) from error

    async def _prepare(self, persona: Persona, portrait: str) -> Role:
        """Everything that takes time, beside the one who speaks."""
        self._drop_next()
        worn = self.portrait
        same = portrait == worn and self._drawn_by(persona) == self._drawn_by(self._current.persona)
        face = None if same else await self._face(portrait, persona)
        try:
            parts = await self._parts(persona, None)
            tools = await self._all_tools(persona, parts)
        except Exception as error:
            if face is not None:
                face.discard()
            logger.warning("persona not ready", exc_info=error)
            sentence = f"{persona.name} cannot come now."
            raise CannotSwitch(Sentence("cannot-come", sentence)) from error
        self._next = Role(persona, portrait, parts, tools, face)
        return self._next

    async def _parts(self, persona: Persona, like: tuple[Persona, Parts] | None) -> Parts:
        vad = self._session.vad
        assert vad is not None
        parts = await make_parts(self._settings, persona, vad, like=like)
        if like is None or parts.ear is not like[1].ear:
            parts.ear.prewarm()
        if like is None or parts.voice is not like[1].voice:
            parts.voice.prewarm()
        return parts

    def _drawn_by(self, persona: Persona) -> str:
        return self._settings.own_renderer(persona.renderer)

    async def _face(self, portrait: str, persona: Persona) -> visavis.Face | None:
        if self._avatar is None:
            return None
        # the faces of people are worn where their page is theirs alone, see docs/running.md
        names = pack.names if self._settings.own_faces else pack.shipped_names
        if portrait not in (*await asyncio.to_thread(names), self._current.persona.portrait):
            sentence = f"There is no portrait called {portrait[:40]}."
            raise CannotSwitch(Sentence("no-such-face", sentence))
        try:
            return await self._avatar.prepare(portrait, renderer=self._drawn_by(persona))
        except visavis.VisavisException as error:
            logger.warning("portrait not worn", extra={"reason": str(error)})
            sentence = f"The portrait {portrait} cannot be shown."
            raise CannotSwitch(Sentence("face-broken", sentence)) from error

    def _assistant(self, role: Role) -> Assistant:
        return self._made(role, make_realtime(self._settings, role.persona))

    def _without_realtime(self) -> Assistant:
        """The same speaker by ear, mind and voice, in the middle of the call."""
        self._settings = self._settings.model_copy(update={"realtime_model": None})
        return self._made(self._current, None, greeting="")

    def _made(
        self, role: Role, realtime: llm.RealtimeModel | None, *, greeting: str | None = None
    ) -> Assistant:
        history = self._session.history.copy(
            exclude_instructions=True,
            exclude_function_call=True,
            exclude_handoff=True,
            exclude_config_update=True,
        )
        role.assistant = Assistant(
            role.persona,
            self._scene,
            parts=role.parts,
            tools=role.tools,
            history=history if history.items else None,
            greeting=greeting,
            on_entered=(lambda: self._enter(role)) if greeting is None else None,
            realtime=realtime,
        )
        return role.assistant

    async def _all_tools(self, persona: Persona, parts: Parts) -> Tools:
        """Its own tools and those of its servers. Raises PersonaError."""
        return [*await self._own_tools(persona, parts), *servers_of(persona)]

    async def _own_tools(self, persona: Persona, parts: Parts) -> Tools:
        return own_tools(
            persona,
            set_rate=rate_setter(parts.voice),
            knowledge=await asyncio.to_thread(notes_of, persona),
            hand_over=self.hand_over,
        )

    # Entering

    async def _enter(self, role: Role) -> None:
        """The role's agent has the session: let everything else be its own too."""
        if self._now is not None and self._next is not role:
            return  # it was dropped on its way, for one who enters next
        left, self._now = self._now, role
        if self._next is role:
            self._next = None
        if role.face is not None and self._avatar is not None:
            self._avatar.wear(role.face)
        self._floor.follow(role.persona.turns.policy(), language=role.persona.language)
        self._chat.language = role.persona.language
        self._levels.follow(stage_of(role.parts.mind), stage_of(role.parts.voice))
        self._take_button(role.persona)
        self._show(role)
        role.entered.set()
        if left is not None:
            self._retire(left.parts, role.parts)

    def _take_button(self, persona: Persona) -> None:
        wanted = persona.turns.interrupt == "push-to-talk"
        if wanted and self._button is None:
            self._button = TalkButton(self._session, self._room)
            self._button.start()
        elif not wanted and self._button is not None:
            self._button.close()
            self._button = None
            self._session.input.set_audio_enabled(True)

    def _show(self, role: Role) -> None:
        self._sign.show(
            {
                PERSONA: role.persona.id,
                PORTRAIT: role.portrait,
                DISCLOSURE: self._settings.disclosure or role.persona.disclosure,
                ATTRIBUTE_INTERRUPT: role.persona.turns.interrupt,
                EDITS: str(self._edits),
            }
        )
        self.on_change(role.persona, role.portrait)

    async def _wear(
        self, portrait: str, *, persona: Persona | None = None, anew: bool = False
    ) -> None:
        """Only the face changes. persona: the present one as it is to be."""
        now = self._current
        persona = persona or now.persona
        anew = anew or self._drawn_by(persona) != self._drawn_by(now.persona)
        if portrait == now.portrait and not anew:
            return
        face = await self._face(portrait, persona)
        if face is not None and self._avatar is not None:
            self._avatar.wear(face)
        now.portrait = portrait
        self._show(now)

    async def _wait_entered(self, role: Role) -> None:
        try:
            async with asyncio.timeout(ENTER_S):
                await role.entered.wait()
        except TimeoutError:
            logger.error("the new persona did not enter", extra={"persona": role.persona.id})
            sentence = f"{role.persona.name} did not come in time."
            raise CannotSwitch(Sentence("not-in-time", sentence)) from None

    def _drop_next(self) -> None:
        """A role that was prepared and never entered: its hand-over was interrupted."""
        role, self._next = self._next, None
        if role is None:
            return
        if role.face is not None:
            role.face.discard()
        self._retire(role.parts, None)

    def _retire(self, parts: Parts, successor: Parts | None) -> None:
        """Close parts that nobody needs once what is being said with them has been said."""

        async def close() -> None:
            speech = self._session.current_speech
            if speech is not None:
                await speech.wait_for_playout()
            await parts.close(but=successor)

        task = asyncio.create_task(close(), name="cast-retire")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
