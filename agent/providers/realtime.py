"""Speech to speech, with the session's own ear, mind and voice behind it.

At the first error of the model's connection the agent is replaced by one without it: the call goes
on with the parts that the session has anyway. Not at the last one: then LiveKit ends the session.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from livekit.agents import Agent, AgentSession, ErrorEvent, llm

logger = logging.getLogger(__name__)


def fall_back(session: AgentSession[Any], without: Callable[[], Agent]) -> None:
    """Watch a session whose agent has a realtime model; `without` makes the agent that follows.

    Once: there is no way back to the model within a call.
    """
    done = False

    def on_error(event: ErrorEvent) -> None:
        nonlocal done
        error = event.error
        if done or not isinstance(error, llm.RealtimeModelError):
            return
        done = True
        logger.warning(
            "the realtime model failed, its parts go on",
            extra={"reason": type(error.error).__name__},
        )
        # not inside the model's own task, which the change of agents ends
        asyncio.get_running_loop().call_soon(lambda: session.update_agent(without()))

    session.on("error", on_error)
