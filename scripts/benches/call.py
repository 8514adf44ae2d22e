"""Page to a Start that works, and from there to picture and sound, in Chromium, worker warm.

The floor in the same run: a bare LiveKit client that joins a room in which tracks are already
published, until its first decoded picture. The page has to wait for a token, a room, an agent and
its first word as well.
"""

import asyncio
import time
from typing import Any

import numpy as np
from browser import chromium, mark
from livekit import rtc

from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from benches.demo import demo
from benches.figures import spread

_PAUSE_S = 5.0
_READ_S = 1.0
"""A person looks at the page before pressing Start."""


async def run(rounds: int = 10) -> dict[str, Any]:
    usable, picture, sound, connected, floor = [], [], [], [], []
    async with demo() as running, chromium() as browser:
        for _ in range(rounds):
            page = await (await browser.new_context()).new_page()
            await page.goto(running.address, wait_until="networkidle")
            usable.append(await mark(page, "visavis:can-start"))
            await asyncio.sleep(_READ_S)
            await page.get_by_role("button", name="Start").first.click()
            begun = await mark(page, "visavis:start")
            picture.append(await mark(page, "visavis:first-video-frame") - begun)
            sound.append(await mark(page, "visavis:first-audio") - begun)
            connected.append(await mark(page, "visavis:connected") - begun)
            await page.get_by_role("button", name="Leave").click()
            await page.context.close()
            await asyncio.sleep(_PAUSE_S)  # the next call finds a warm process, as it would
            floor.append(await bare_join(running.settings))
    return {
        "page_to_start_button_ms": spread(usable, scale=1),
        "click_to_picture_ms": spread(picture, scale=1),
        "click_to_sound_ms": spread(sound, scale=1),
        "click_to_connected_ms": spread(connected, scale=1),
        "floor_bare_join_ms": spread(floor),
        "sound_over_floor": round(float(np.median(sound) / 1000 / np.median(floor)), 2),
    }


async def bare_join(settings: Any) -> float:
    """Seconds from connect to the first decoded picture of a room that is already on air."""
    plan = Plan(room=f"floor-{time.monotonic_ns()}")
    await create_room(settings, plan)
    room, source = rtc.Room(), rtc.VideoSource(512, 512)
    await room.connect(settings.livekit_url, participant_token(settings, plan.room, "publisher"))
    track = rtc.LocalVideoTrack.create_video_track("picture", source)
    await room.local_participant.publish_track(track, rtc.TrackPublishOptions())
    grey = rtc.VideoFrame(512, 512, rtc.VideoBufferType.I420, bytes([128]) * (512 * 768))

    async def show() -> None:
        while True:
            source.capture_frame(grey)
            await asyncio.sleep(0.04)

    showing = asyncio.create_task(show())
    try:
        begun = time.monotonic()
        token = participant_token(settings, plan.room, "watcher")
        async with Participant(settings.livekit_url, token) as me:
            async with asyncio.timeout(10):
                while not me.recording.video_times:  # noqa: ASYNC110  # polled once a millisecond
                    await asyncio.sleep(0.001)
            return me.recording.video_times[0] - begun
    finally:
        showing.cancel()
        await asyncio.wait([showing])
        await room.disconnect()
