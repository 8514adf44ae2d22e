"""Several minds as one: one that errors or hangs before its first word is followed by the next.

To LiveKit it is an LLM. What a mind has begun to say is never taken back: if it breaks off there,
that is raised, and `agent.mishaps` says so.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from livekit.agents import APIConnectOptions, APIError, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

from agent.providers.health import Stage, words_of
from agent.providers.made import Made

logger = logging.getLogger(__name__)


_NEXT = 0.4
"""Of the limit, for every word after the first."""


@dataclass(frozen=True, slots=True)
class Mind:
    """One of a chain. limit_s: for its first word; every next one must come much sooner."""

    name: str
    make: Callable[[], llm.LLM[Any]]
    limit_s: float


class Hung(APIError):
    """A mind that said nothing for too long."""

    def __init__(self, name: str, limit_s: float) -> None:
        super().__init__(f"{name}: nothing for {limit_s:g} s", retryable=False)


class MindChain(llm.LLM[str]):
    """Thinks with the best mind that is well. Raises what the first one's `make` raises."""

    def __init__(self, minds: Sequence[Mind]) -> None:
        super().__init__()
        self.stage = Stage("mind", [mind.name for mind in minds])
        self.minds = tuple(minds)
        self._made = Made[int, llm.LLM[Any]](self.emit)
        self.mind(0)

    @property
    def model(self) -> str:
        return self._serving().model

    @property
    def provider(self) -> str:
        return self._serving().provider

    def mind(self, index: int) -> llm.LLM[Any]:
        """The mind, made if it was not yet. Raises what its `make` raises."""
        return self._made.get(index, self.minds[index].make)

    def prewarm(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.mind(0).prewarm(loop=loop)

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
        return _ChainAnswer(
            self,
            chat_ctx=chat_ctx,
            tools=tools or [],
            options={
                "parallel_tool_calls": parallel_tool_calls,
                "tool_choice": tool_choice,
                "extra_kwargs": extra_kwargs,
            },
        )

    async def aclose(self) -> None:
        await self._made.aclose()

    def _serving(self) -> llm.LLM[Any]:
        return self._made.first_of(self.stage.serving, 0)


class _ChainAnswer(llm.LLMStream):
    """One answer; it ends with an error only when there is something to apologise for."""

    _llm_request_span_name = "llm_chain"
    _llm_attempt_span_name = None
    _genai_operation_name = None

    def __init__(
        self,
        chain: MindChain,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        options: dict[str, Any],
    ) -> None:
        self._chain = chain
        self._options = options
        self._sent = False
        super().__init__(
            chain, chat_ctx=chat_ctx, tools=tools, conn_options=APIConnectOptions(max_retry=0)
        )

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass

    async def _run(self) -> None:
        stage = self._chain.stage
        for index in stage.order():
            try:
                await self._ask(index)
            except Exception as error:
                rest_s = stage.failed(index, error)
                logger.warning(
                    "the mind failed",
                    extra={
                        "mind": self._chain.minds[index].name,
                        "reason": words_of(error),
                        "rests_s": round(rest_s, 1),
                    },
                )
                # after a long silence an answer from a script would surprise: an apology will not
                if self._sent or isinstance(error, Hung) or index == len(stage.health) - 1:
                    raise
            else:
                stage.served(index)
                return

    async def _ask(self, index: int) -> None:
        entry = self._chain.minds[index]
        mind = self._chain.mind(index)
        patience = APIConnectOptions(max_retry=0, timeout=entry.limit_s)
        async with mind.chat(
            chat_ctx=self._chat_ctx, tools=self._tools, conn_options=patience, **self._options
        ) as stream:
            chunks = aiter(stream)
            while True:
                limit_s = entry.limit_s if not self._sent else entry.limit_s * _NEXT
                try:
                    async with asyncio.timeout(limit_s):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    break
                except TimeoutError:
                    raise Hung(entry.name, limit_s) from None
                self._note(chunk, index)
                self._event_ch.send_nowait(chunk)
        if not self._sent:
            raise APIError(f"{entry.name} said nothing", retryable=False)

    def _note(self, chunk: llm.ChatChunk, index: int) -> None:
        if chunk.delta is not None and (chunk.delta.content or chunk.delta.tool_calls):
            if not self._sent:
                self._chain.stage.use(index)
            self._sent = True
