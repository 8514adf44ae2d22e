"""The Agent: a persona's instructions, its tools, its greeting, and the moods on its face.

Mood tags leave the text here, before the voice, the captions and the history see it.
"""

import datetime
from collections.abc import AsyncGenerator, Callable

from livekit.agents import Agent, ModelSettings, RunContext, ToolError, function_tool, llm
from livekit.agents.types import FlushSentinel

from agent.moods import MoodFilter, parse
from agent.personas import Persona
from avatar.frames import Mood

Chunk = llm.ChatChunk | str | FlushSentinel


class Assistant(Agent):
    """Speaks as the persona.

    set_mood moves the face, set_rate the voice's speed (1.0: the persona's own); None where there
    is no face, or a voice that cannot.
    """

    def __init__(
        self,
        persona: Persona,
        *,
        set_mood: Callable[[Mood], None] | None = None,
        set_rate: Callable[[float], None] | None = None,
    ) -> None:
        rate_tools: list[llm.Tool | llm.Toolset] = []
        if set_rate is not None:
            rate_tools.append(speaking_rate_tool(set_rate))
        super().__init__(instructions=persona.prompt, tools=rate_tools)
        self._persona = persona
        self._set_mood = set_mood

    async def on_enter(self) -> None:
        text, moods = parse(self._persona.greeting)
        self._show(moods)
        self.session.say(text)

    async def llm_node(
        self,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> AsyncGenerator[Chunk, None]:
        """The default node, with the mood tags taken out and shown."""
        moods = MoodFilter()
        async for chunk in Agent.default.llm_node(self, chat_ctx, tools, model_settings):
            for cleaned in self._clean(chunk, moods):
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

    def _show(self, moods: list[Mood]) -> None:
        if moods and self._set_mood is not None:
            self._set_mood(moods[-1])

    @function_tool
    async def get_time(self, context: RunContext[None]) -> str:
        """What time it is, where this computer is."""
        return datetime.datetime.now().astimezone().strftime("%H:%M")

    @function_tool
    async def get_date(self, context: RunContext[None]) -> str:
        """What day it is today."""
        return datetime.datetime.now().astimezone().strftime("%A, %d %B %Y")


def speaking_rate_tool(set_rate: Callable[[float], None]) -> llm.Tool:
    """A tool that changes the voice's speed from the next sentence on."""

    @function_tool
    async def set_speaking_rate(rate: float) -> str:
        """Speak slower or faster. 1.0 is the usual speed, 0.8 slower, 1.25 faster."""
        if not 0.5 <= rate <= 2.0:
            raise ToolError("rate must be between 0.5 and 2.0")
        set_rate(rate)
        return f"speaking at {rate:g} times the usual speed"

    return set_speaking_rate
