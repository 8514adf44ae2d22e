"""A conversation over a bridge, whose listener is not in the room."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest
from servers import Worker

from agent.audience import ASKED_S
from agent.bridges.call import BridgedCall
from agent.bridges.feed import RATE, Feed, Sound
from agent.config import Settings
from agent.probe.sound import say

pytestmark = pytest.mark.server
_BLOCK = RATE // 50


class Outside:
    """Who is at the other end of a bridge: talks, and knows when the avatar was last heard."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.heard: list[float] = []
        self._call: BridgedCall | None = None
        self._speech = np.zeros(0, np.int16)

    @contextlib.asynccontextmanager
    async def call(self, settings: Settings) -> AsyncIterator[None]:
        async with BridgedCall(settings, identity="far", name="Far", feeds=[self.feed]) as call:
            listening = threading.Thread(target=self._listen)
            talking = asyncio.create_task(self._talk(call))
            listening.start()
            try:
                yield
            finally:
                talking.cancel()
                await asyncio.wait([talking])
                self.feed.close()
                await asyncio.to_thread(listening.join)

    def say(self, samples: np.ndarray) -> None:
        self._speech = samples

    async def until_heard(self, after: float) -> None:
        while not self.heard or self.heard[-1] < after:  # noqa: ASYNC110  # told by a thread
            await asyncio.sleep(0.02)

    async def until_quiet(self, seconds: float) -> None:
        while time.monotonic() - self.heard[-1] < seconds:  # noqa: ASYNC110  # told by a thread
            await asyncio.sleep(0.02)

    def _listen(self) -> None:
        while not self.feed.closed:
            item = self.feed.get(0.2)
            if isinstance(item, Sound) and np.abs(item.samples).max(initial=0) > 1000:
                self.heard.append(time.monotonic())

    async def _talk(self, call: BridgedCall) -> None:
        due = time.monotonic()
        while True:
            block, self._speech = self._speech[:_BLOCK], self._speech[_BLOCK:]
            call.guest.hear(np.pad(block, (0, _BLOCK - len(block))))
            due += _BLOCK / RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def test_who_hears_by_a_bridge_is_answered_for_as_long_as_they_talk(
    livekit: Settings, worker: Worker
) -> None:
    question = await say("What can you do?")
    outside = Outside()
    async with asyncio.timeout(60), outside.call(livekit):
        began = time.monotonic()
        await outside.until_heard(began)
        await outside.until_quiet(0.7)
        # by then whoever in the room had not asked for our sound would be answered in writing
        await outside.until_quiet(began + ASKED_S + 0.5 - outside.heard[-1])
        asked = time.monotonic()
        outside.say(question)
        await outside.until_heard(asked)
