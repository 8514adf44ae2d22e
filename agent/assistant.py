"""The Agent: a persona's instructions, its tools, its greeting, and the moods on its face.

Mood tags leave the text here, before the voice, the captions and the history see it. What is heard,
thought and said also passes here by the guard of the turns, by what steps in when a part fails, by
the marks round foreign text, and by whether anybody listens.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from livekit import rtc
from livekit.agents import (
    Agent,
    ModelSettings,
    StopResponse,
    TurnHandlingOptions,
    llm,
    stt,
    utils,
)
from livekit.agents.types import NOT_GIVEN, USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.plugins import visavis

from agent import mishaps
from agent.audience import Audience
from agent.guard import Guard
from agent.guide import Guide
from agent.heard import HeardWords
from agent.mishaps import Chunk
from agent.moods import MoodFilter, Openings, opening, parse
from agent.pace import Pace
from agent.parts import Parts
from agent.personas import Persona
from agent.providers.voices import MOOD
from agent.speeches import Speeches
from agent.tools import TRUSTED, Tools, own_tools
from agent.turns.floor import Floor
from agent.turns.wake import Wake
from avatar.frames import Mood


@dataclass(slots=True)
class Scene:
    """What a call gives to everybody who speaks in it; None: there is no such thing.

    floor guards the turns; audience says whether anybody listens; set_mood moves the face; pace
    keeps the captions with the sound; wake says which turns are for us. model_timeout_s: for a
    model's first and every next word.
    """

    floor: Floor | None = None
    audience: Audience | None = None
    set_mood: Callable[[Mood], None] | None = None
    pace: Pace | None = None
    model_timeout_s: float = 8.0
    heard: HeardWords = field(default_factory=HeardWords)
    speeches: Speeches = field(default_factory=Speeches)
    wake: Wake = field(default_factory=Wake)
    guard: Guard = field(default_factory=lambda: Guard(TRUSTED))


class Assistant(Agent):
    """Speaks as the persona, in a scene.

    parts: its own ear, mind and voice; None: the session's. tools: None for those that every
    persona has. history: what was said before it came. on_entered: awaited when it takes over,
    before it greets; greeting "" says nothing. pronounce reads words for the mouth; None leaves
    them to letter rules. realtime answers speech with speech, in the place of mind and voice.
    """

    def __init__(
        self,
        persona: Persona,
        scene: Scene | None = None,
        *,
        parts: Parts | None = None,
        pronounce: visavis.Pronounce | None = None,
        tools: Tools | None = None,
        history: llm.ChatContext | None = None,
        greeting: str | None = None,
        on_entered: Callable[[], Awaitable[None]] | None = None,
        realtime: llm.RealtimeModel | None = None,
    ) -> None:
        self.scene = scene or Scene()
        if tools is None:
            tools = own_tools(persona, set_rate=None, knowledge=None, hand_over=None)
        manual = persona.turns.interrupt == "push-to-talk"
        super().__init__(
            instructions=instructions(persona, self.scene.guard),
            id=persona.id,
            chat_ctx=history if history is not None else NOT_GIVEN,
            tools=tools,
            stt=parts.ear if parts else NOT_GIVEN,
            llm=realtime or (parts.mind if parts else NOT_GIVEN),
            tts=parts.voice if parts else NOT_GIVEN,
            turn_handling=TurnHandlingOptions(turn_detection="manual") if manual else NOT_GIVEN,
        )
        self.persona = persona
        self._pronounce = parts.reader if parts else pronounce
        self._greeting = persona.greeting if greeting is None else greeting
        self._on_entered = on_entered
        self._realtime = realtime
        self._openings = Openings()

    async def recast(self, persona: Persona, parts: Parts, before: Parts, tools: Tools) -> None:
        """Be another version of the same persona from the next turn on, in the same session."""
        self.persona = persona
        self._pronounce = parts.reader
        await self.update_instructions(instructions(persona, self.scene.guard))
        await self.update_tools(tools)
        self.update_options(
            stt=parts.ear if parts.ear is not before.ear else NOT_GIVEN,
            llm=NOT_GIVEN if self._realtime or parts.mind is before.mind else parts.mind,
            tts=parts.voice if parts.voice is not before.voice else NOT_GIVEN,
        )

    async def on_enter(self) -> None:
        self.scene.heard.start(self.session)
        if self._on_entered is not None:
            await self._on_entered()
        text, moods = parse(self._greeting)
        self._show(moods)
        self._opens(text, opening(self._greeting)[1])
        if text:
            self.session.say(text)

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """Nothing is said, and nothing kept, of what was not for us (turns.wake)."""
        asked = self.scene.wake.on_turn(new_message.text_content or "", time.monotonic())
        if asked == "ignore":
            raise StopResponse
        if asked == "begin":
            turn_ctx.items.clear()
            await self.update_chat_ctx(llm.ChatContext.empty())

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncGenerator[stt.SpeechEvent, None]:
        """The default node, without what is no turn: our own echo, and encouragement."""
        floor = self.scene.floor
        events = Agent.default.stt_node(self, audio, model_settings)
        async for event in events if floor is None else floor.transcripts(events):
            yield event

    async def transcription_node(
        self, text: AsyncIterable[str | TimedString], model_settings: ModelSettings
    ) -> AsyncGenerator[str | TimedString, None]:
        """The default node; the floor learns what is going to be said, and a word waits for its
        sound."""
        floor = self.scene.floor
        if not self.session.output.audio_enabled:
            self.scene.speeches.note("written")

        async def told() -> AsyncGenerator[str | TimedString, None]:
            async for part in Agent.default.transcription_node(self, text, model_settings):
                if floor is not None:
                    floor.on_text(part)
                yield part

        pace = self.scene.pace if self.session.output.audio_enabled else None
        async with aclosing(pace.paced(told()) if pace is not None else told()) as parts:
            async for part in parts:
                yield part

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncGenerator[rtc.AudioFrame, None]:
        """The default node, its text told to the face; nothing for whoever does not listen."""
        scene, script = self.scene, self.scene.heard.script()
        if scene.audience is not None:
            await scene.audience.wait_here()

        async def noted() -> AsyncGenerator[str, None]:
            async for part in text:
                script.add_text(part)
                yield part

        told, seconds = "", 0.0
        try:
            async with aclosing(self._spoken(noted(), model_settings)) as frames:
                async for frame in frames if self._listened_to else _nothing():
                    if not self._listened_to:
                        break
                    if not seconds:
                        scene.speeches.note("made")
                    seconds += frame.duration
                    told += "".join(map(str, frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, ())))
                    script.add_frame(frame)
                    yield frame
        except Exception:
            scene.speeches.note("failed")
            raise
        finally:
            script.mute = not seconds
        if not self._listened_to:
            scene.speeches.goes_on_in_writing()
            async for part in text:
                script.add_text(part)
            yield _untold(script.text, told, seconds)
            return
        script.complete = True
        if not seconds and any(map(str.isalnum, script.text)):
            scene.speeches.note("failed")

    @property
    def _listened_to(self) -> bool:
        audience = self.scene.audience
        return audience is None or audience.listens

    async def _spoken(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncGenerator[rtc.AudioFrame, None]:
        """The voice's sound of a text, which is told to the face, in the mood it begins with."""
        first, whole = await _peeked(text)
        MOOD.set(self._openings.of(first))

        def chosen(words: AsyncIterable[str]) -> AsyncIterable[rtc.AudioFrame]:
            return Agent.default.tts_node(self, words, model_settings)

        async for frame in visavis.tell(whole, chosen, pronounce=self._pronounce):
            yield frame

    async def llm_node(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> AsyncGenerator[Chunk, None]:
        """The default node, with the mood tags taken out and shown, and an apology if it fails."""
        moods, opened = MoodFilter(), False
        mind = self.llm if utils.is_given(self.llm) else self.session.llm
        if not isinstance(mind, Guide):
            chat_ctx = self.scene.guard.guarded(chat_ctx)
        chunks = Agent.default.llm_node(self, chat_ctx, tools, model_settings)
        language, limit_s = self.persona.language, self.scene.model_timeout_s
        async for chunk in mishaps.mind(chunks, language=language, limit_s=limit_s):
            for cleaned in self._clean(chunk, moods):
                if moods.first and not opened:
                    opened = True
                    self._opens(moods.first, moods.opening)
                yield cleaned
        for text in self._texts(moods.flush()):
            yield text

    def _clean(self, chunk: Chunk, moods: MoodFilter) -> list[Chunk]:
        if isinstance(chunk, str):
            return list(self._texts(moods.feed(chunk)))
        if not isinstance(chunk, llm.ChatChunk) or chunk.delta is None or not chunk.delta.content:
            return [chunk]
        text = "".join(self._texts(moods.feed(chunk.delta.content)))
        delta = chunk.delta.model_copy(update={"content": text})
        return [chunk.model_copy(update={"delta": delta})]

    def _texts(self, items: list[str | Mood]) -> list[str]:
        self._show([item for item in items if isinstance(item, Mood)])
        return [item for item in items if isinstance(item, str)]

    def _opens(self, text: str, mood: Mood | None) -> None:
        """A reply begins with these words, in this mood."""
        self._openings.note(text, mood if mood in self.persona.moods else None)

    def _show(self, moods: list[Mood]) -> None:
        shown = [mood for mood in moods if mood in self.persona.moods]
        if shown and self.scene.set_mood is not None:
            self.scene.set_mood(shown[-1])


async def _peeked(text: AsyncIterable[str]) -> tuple[str, AsyncGenerator[str, None]]:
    """The first words of a text as soon as they come, and the text."""
    parts, first = aiter(text), ""
    async for part in parts:
        first += part
        if first.strip():
            break

    async def whole() -> AsyncGenerator[str, None]:
        if first:
            yield first
        async for part in parts:
            yield part

    return first, whole()


async def _nothing() -> AsyncGenerator[rtc.AudioFrame, None]:
    return
    yield  # makes it a generator


def _untold(text: str, told: str, seconds: float) -> rtc.AudioFrame:
    """A little silence, for captions come with a sound or not at all, with what of the text the
    voice's own captions had not told by then."""
    frame = rtc.AudioFrame(bytes(2 * 480), 24_000, 1, 480)
    rest = " ".join(text.split()[len(told.split()) :])
    if rest:
        parted = rest if not told or told[-1].isspace() else f" {rest}"
        frame.userdata[USERDATA_TIMED_TRANSCRIPT] = [TimedString(parted, start_time=seconds)]
    return frame


def instructions(persona: Persona, guard: Guard) -> str:
    """What a language model is told: the prompt, and how to take text that is not from people."""
    prompt = persona.prompt or persona.tagline
    foreign = persona.knowledge or persona.mcp or any(t.endswith(".py") for t in persona.tools)
    return f"{prompt}\n\n{guard.rule}" if foreign else prompt
