"""OpenAI's client without its walk over the conversation.

Before each request the library fits every message to its own types, a quarter of a millisecond
each, although LiveKit hands over JSON that is ready: it delays the answers of a long talk by tens
of milliseconds. Here messages and tools go round that, as they are.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from openai import AsyncClient, omit
from openai.resources.chat.completions import AsyncCompletions


def send_as_it_is(client: AsyncClient) -> None:
    """Let this client's chat completions go out without being fitted."""
    vars(client.chat)["completions"] = _Completions(client)


class _Completions(AsyncCompletions):
    async def create(  # type: ignore[override]  # the overloads are for those who look at answers
        self,
        *,
        messages: Iterable[Any],
        tools: Any = omit,
        extra_body: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        body = {"messages": messages, **({"tools": tools} if tools else {}), **(extra_body or {})}
        return await super().create(messages=[], extra_body=body, **options)
