"""A stream by RTSP in the room: a real server of it, which goes away and comes back."""

import asyncio

import pytest
from streams import Beacon, Rtsp, announced, needs_rtsp, running
from test_rtmp_in import ROOM, listening

from agent.bridges.feed import Feed
from agent.bridges.guest import Guest
from agent.bridges.rtmp_in import StreamIn
from agent.bridges.urls import IN_SCHEMES, parse
from agent.config import Settings

pytestmark = [pytest.mark.server, needs_rtsp]


async def test_a_stream_by_rtsp_is_heard_and_seen_and_comes_back(livekit: Settings) -> None:
    states: list[str] = []
    async with running(Rtsp()) as server, listening(livekit) as listener:

        def on_state(state: str, why: str) -> None:
            states.append(state)
            listener.changed.set()

        async with Guest(livekit, room=ROOM, identity="guest", name="Guest") as guest:
            into = StreamIn(parse(server.url, IN_SCHEMES), guest, on_state=on_state)
            into.start()
            try:
                with Beacon(feed := Feed(pictures=50)), announced(server.publish_url, feed):
                    async with asyncio.timeout(30):
                        await listener.until_heard(30)
                        await listener.until_pitch("guest", 1000, within=5)
                await server.stop()
                await server.start()
                with Beacon(feed := Feed(pictures=50)), announced(server.publish_url, feed):
                    async with asyncio.timeout(30):
                        while states.count("live") < 2:
                            listener.changed.clear()
                            await listener.changed.wait()
                        heard, listener.pictures = listener.loud(), 0
                        await listener.until_heard(heard + 20)
            finally:
                await into.aclose()
    assert "lost" in states
