"""The offline language model: a persona's script, answered without a model and streamed like one.

It never invents: outside its script it says so, and how to connect a real model. The object keeps
nothing of a call; all state is the ChatContext, so one Guide serves many sessions.
"""

import json
import random
import re
from asyncio import sleep
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from livekit.agents import llm, utils
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)

from agent.dialogue import Call, Dialogue
from agent.history import History
from agent.personas import Persona
from agent.turns.endings import WholeSentences


def phrases(persona: Persona) -> list[str]:
    """All that people are likely to say to a persona, for the offline ear's language model.

    Lower case, letters and apostrophes only, numbers spelled, no phrase twice.
    """
    return persona.script.phrases()


class Guide(llm.LLM[Literal["metrics_collected"]]):
    """Speaks for one persona.

    Uses the tools `get_time()`, `get_date()`, `set_speaking_rate(rate: float)` (1.0 being the usual
    speed), `look_up(question)` for what its script does not hold and `hand_over(to)` when the agent
    offers them, and does without when it does not. With the same
    `seed` the same call gives the same words.
    """

    def __init__(
        self,
        persona: Persona,
        *,
        seed: int | None = None,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        super().__init__()
        self.persona = persona
        self._dialogue = Dialogue(persona, chooser=random.Random(seed), now=now)

    @property
    def model(self) -> str:
        return f"guide/{self.persona.id}"

    @property
    def provider(self) -> str:
        return "visavis"

    @cached_property
    def whole_sentences(self) -> WholeSentences:
        """Tells which words are a whole sentence of the script."""
        return WholeSentences(self._dialogue.matcher, phrases(self.persona))

    @property
    def dialogue(self) -> Dialogue:
        """What decides the words, for tests and tools."""
        return self._dialogue

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        """Answer the newest question of `chat_ctx`. `tool_choice="none"` is obeyed."""
        return _GuideStream(
            self,
            chat_ctx=chat_ctx,
            tools=[] if tool_choice == "none" else tools or [],
            conn_options=conn_options,
        )


class _GuideStream(llm.LLMStream):
    _guide: Guide

    def __init__(
        self,
        guide: Guide,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        self._guide = guide  # the base class starts _run
        super().__init__(guide, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)

    async def _run(self) -> None:
        request = utils.shortuuid("guide_")
        history = History.of(self._chat_ctx)
        reply = self._guide.dialogue.next(history, set(llm.ToolContext(self._tools).function_tools))
        if isinstance(reply, Call):
            self._send(request, llm.ChoiceDelta(role="assistant", tool_calls=[_tool_call(reply)]))
            count = 1
        else:
            words = re.findall(r"\s*\S+", reply.text)
            for word in words:
                self._send(request, llm.ChoiceDelta(role="assistant", content=word))
                await sleep(0)  # between any two words the stream can be cancelled
            count = len(words)
            if reply.then is not None:
                called = [_tool_call(reply.then)]
                self._send(request, llm.ChoiceDelta(role="assistant", tool_calls=called))
        prompt = sum(len((m.text_content or "").split()) for m in self._chat_ctx.messages())
        usage = llm.CompletionUsage(
            completion_tokens=count, prompt_tokens=prompt, total_tokens=count + prompt
        )
        self._event_ch.send_nowait(llm.ChatChunk(id=request, usage=usage))

    def _send(self, request: str, delta: llm.ChoiceDelta) -> None:
        self._event_ch.send_nowait(llm.ChatChunk(id=request, delta=delta))


def _tool_call(call: Call) -> llm.FunctionToolCall:
    return llm.FunctionToolCall(
        name=call.name, arguments=json.dumps(call.arguments), call_id=utils.shortuuid("call_")
    )
