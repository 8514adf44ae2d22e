"""Closing a session at the worst moment: it ends, although something was still to be said."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from faces import PlainFace
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.io import PlaybackFinishedEvent
from livekit.plugins import visavis

from avatar.frames import CLOCK_RATE


async def beep() -> AsyncIterator[rtc.AudioFrame]:
    for _ in range(5):
        samples = np.full(CLOCK_RATE // 50, 4000, np.int16)
        yield rtc.AudioFrame(samples.tobytes(), CLOCK_RATE, 1, len(samples))


class Late(Agent):
    """Says something between the end of everything that is to be said and the end of the call."""

    async def on_exit(self) -> None:
        self.session.say("beep", audio=beep())


@pytest.mark.parametrize("agent", [Agent, Late])
async def test_a_speech_that_nobody_will_ever_hear_does_not_hold_up_the_end(
    agent: type[Agent],
) -> None:
    """The room is never entered, so nobody will subscribe to the voice that a speech waits for."""
    session = AgentSession[None](vad=None, turn_handling={"turn_detection": "manual"})
    avatar = visavis.AvatarSession(renderer=PlainFace(), listener_timeout=0.1)
    finished: list[PlaybackFinishedEvent] = []
    async with asyncio.timeout(30):
        await avatar.start(session, rtc.Room())
        output = session.output.audio
        assert output is not None
        output.on("playback_finished", finished.append)
        await session.start(agent(instructions="none"))
        if agent is Agent:
            session.say("beep", audio=beep())
        await session.aclose()
        await avatar.aclose()
    assert [event.interrupted for event in finished] == ([] if agent is Agent else [False])
