"""Picture against sound in Chromium: a room with `sync_streams`, as ours are, and one without.

The browser's own estimate: the difference of `estimatedPlayoutTimestamp` of picture and sound,
taken twice a second while the avatar talks.
"""

import asyncio
import time
from typing import Any

from browser import chromium, mark
from livekit import api
from page import prepare
from playwright.async_api import Page, Route

from agent.config import Settings
from agent.gateway.tokens import TokenRequest, new_room_name, sign
from agent.server import server_api
from benches.demo import demo
from benches.figures import spread

_PROMPTS = ["tell me a story", "go on", "go on", "how does this work", "go on"]
_PERSONA = "imani"
_ASK = """
() => Promise.all(window.__peers.map(async (peer) => {
  const found = {};
  for (const entry of (await peer.getStats()).values())
    if (entry.type === "inbound-rtp") found[entry.kind] = {
      playout: entry.estimatedPlayoutTimestamp ?? null,
      buffer: (entry.jitterBufferDelay ?? 0) / Math.max(1, entry.jitterBufferEmittedCount ?? 1),
    };
  return found;
}))
"""


async def run(seconds: float = 40.0) -> dict[str, Any]:
    async with demo() as running:
        return {
            "sync_streams": await _call(running.address, None, seconds),
            "no sync_streams": await _call(running.address, running.settings, seconds),
        }


async def _call(address: str, apart: Settings | None, seconds: float) -> dict[str, Any]:
    """One call; apart: the server's settings, to make a room whose tracks are not one stream."""
    offsets: list[float] = []
    buffers: dict[str, float] = {}
    async with chromium() as browser:
        page = await (await browser.new_context()).new_page()
        await prepare(page)
        if apart is not None:
            await page.route("**/api/token", lambda route: _answer(route, apart))
        await page.goto(address, wait_until="networkidle")
        await page.get_by_role("button", name="Start").first.click()
        await mark(page, "visavis:first-audio")
        talking = asyncio.create_task(_talk(page))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(0.5)
            for found in await page.evaluate(_ASK):
                if "audio" in found and "video" in found:
                    sound, picture = found["audio"]["playout"], found["video"]["playout"]
                    buffers = {kind: found[kind]["buffer"] for kind in ("audio", "video")}
                    if sound and picture:
                        offsets.append((sound - picture) / 1000)
        talking.cancel()
        await asyncio.wait([talking])
        await page.context.close()
    return {
        "picture_late_by_ms": spread(offsets) or "not reported",
        "buffers_ms": {k: round(v * 1000, 1) for k, v in buffers.items()},
    }


async def _talk(page: Page) -> None:
    box = page.get_by_role("textbox")
    if not await box.is_visible():
        await page.get_by_role("button", name="Chat").first.click()
    for prompt in _PROMPTS:
        await box.fill(prompt)
        await box.press("Enter")
        await asyncio.sleep(9.0)


async def _answer(route: Route, settings: Settings) -> None:
    """A token for a room made here, without one stream for picture and sound."""
    room = new_room_name()
    async with server_api(settings) as server:
        metadata = f'{{"persona": "{_PERSONA}"}}'
        await server.room.create_room(api.CreateRoomRequest(name=room, metadata=metadata))
    token = sign(TokenRequest(), settings, room=room, persona=_PERSONA)
    await route.fulfill(json={"server_url": settings.livekit_url, "participant_token": token})
