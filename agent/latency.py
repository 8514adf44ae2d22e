"""Where the time of a reply goes, from LiveKit's own metrics: one log line a turn.

Stages, in seconds: `transcription` and `end_of_turn` after the user's last sound, `model` to its
first token, `voice` to its first sound, `playback` to the first sample that left, `reply` in all.
"""

import logging
from collections.abc import Mapping
from typing import Any

from livekit.agents import AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage

logger = logging.getLogger(__name__)

_USER_STAGES = {"transcription_delay": "transcription", "end_of_turn_delay": "end_of_turn"}
_AGENT_STAGES = {
    "llm_node_ttft": "model",
    "tts_node_ttfb": "voice",
    "playback_latency": "playback",
    "e2e_latency": "reply",
}


def log_turns(session: AgentSession[Any]) -> None:
    """Log every turn of this session as it is added to the history."""
    user: dict[str, float] = {}

    def on_item(event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, ChatMessage):
            return
        if item.role == "user":
            user.clear()
            user.update(stages(item.metrics, _USER_STAGES))
        elif item.role == "assistant":
            reply = stages(item.metrics, _AGENT_STAGES)
            logger.info("turn", extra={**user, **reply, "interrupted": item.interrupted})
            user.clear()

    session.on("conversation_item_added", on_item)


def stages(metrics: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    """The stages that were measured, in seconds, under our names."""
    return {
        f"{ours}_s": round(float(metrics[theirs]), 3)
        for theirs, ours in names.items()
        if metrics.get(theirs) is not None
    }
