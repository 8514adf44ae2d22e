"""A ChatContext seen as a dialogue: what was asked last, what was answered and heard before.

It reads and never writes. An interrupted assistant message holds only the words that were heard;
that is LiveKit's doing, and what lets the guide go on at the right place.
"""

import json
from dataclasses import dataclass

from livekit.agents.llm import ChatContext, ChatMessage, FunctionCall, FunctionCallOutput

from agent import moods


@dataclass(frozen=True, slots=True)
class Answer:
    """Something the persona said, without mood tags; `asked` is what it answers, or ""."""

    text: str
    asked: str
    interrupted: bool


@dataclass(frozen=True, slots=True)
class History:
    """Oldest first. `asked` is None when the last word was ours (a greeting or a nudge is due)."""

    asked: str | None = None
    answers: tuple[Answer, ...] = ()
    questions: tuple[str, ...] = ()
    output: FunctionCallOutput | None = None
    """The newest tool result since `asked`, which is still to be answered."""
    called: str = ""
    """The name of the tool that gave `output`."""
    rate: float = 1.0
    """The speaking rate last set through a tool; 1.0 is the persona's own."""

    @classmethod
    def of(cls, chat_ctx: ChatContext) -> "History":
        """Read the whole context."""
        asked: str | None = None
        answers: list[Answer] = []
        questions: list[str] = []
        calls: dict[str, FunctionCall] = {}
        output: FunctionCallOutput | None = None
        rate = 1.0
        for item in chat_ctx.items:
            if isinstance(item, FunctionCall):
                calls[item.call_id] = item
                rate = _rate(item, rate)
            elif isinstance(item, FunctionCallOutput):
                output = item
            elif isinstance(item, ChatMessage) and item.role == "user":
                asked, output = item.text_content or "", None
                questions.append(asked)
            elif isinstance(item, ChatMessage) and item.role == "assistant":
                text = moods.parse(item.text_content or "")[0]
                answers.append(Answer(text, asked or "", item.interrupted))
                asked = output = None
        call = calls.get(output.call_id) if output else None
        named = (output.name or (call.name if call else "")) if output else ""
        return cls(asked, tuple(answers), tuple(questions), output, named, rate)


def _rate(call: FunctionCall, before: float) -> float:
    if call.name != "set_speaking_rate":
        return before
    try:
        return float(json.loads(call.arguments)["rate"])
    except (ValueError, KeyError, TypeError):
        return before  # another agent's tool of the same name
