"""Pictures of what can be in the way of a call, each brought about on the way to the server."""

import asyncio

from camera import LIVE, Camera, Place, start
from playwright.async_api import Page, Route, expect

NO_WAY = """
  const Native = RTCPeerConnection;
  const blocked = { iceServers: [], iceTransportPolicy: "relay" };
  window.RTCPeerConnection = class extends Native {
    constructor(configuration, ...rest) { super({ ...configuration, ...blocked }, ...rest); }
    setConfiguration(configuration) { super.setConfiguration({ ...configuration, ...blocked }); }
  };
"""
"""Allows relays only, and there is none: as in a network that lets nothing else through."""
NO_SOUND = """
  const { play } = HTMLMediaElement.prototype;
  let pressed = false;
  addEventListener("pointerdown", () => { pressed = true; }, { capture: true });
  HTMLMediaElement.prototype.play = function () {
    if (pressed || this.muted) return play.call(this);
    return Promise.reject(new DOMException("a press is needed", "NotAllowedError"));
  };
"""
"""Plays no sound before a press. This browser counts one that was made before a reload."""
PATIENCE_MS = 40_000
"""How long a call may take to give up: LiveKit tries for 15 s."""


async def broken(taken: Camera, place: Place) -> None:
    page = taken.page
    away = asyncio.Event()
    sockets = []

    async def pass_or_refuse(socket) -> None:  # type: ignore[no-untyped-def]
        server = socket.connect_to_server()
        sockets.extend((socket, server))
        if away.is_set():
            await server.close()
            await socket.close()

    await page.route_web_socket("**/rtc**", pass_or_refuse)
    await start(taken, place)
    await page.keyboard.press("t")
    away.set()
    for socket in list(sockets):
        await socket.close()
    await expect(page.locator(".back")).to_be_visible()
    await page.get_by_role("textbox").fill("Are you there?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".msg.wait")).to_be_visible()
    await taken.shot("reconnecting-chat")
    await page.keyboard.press("Escape")
    await taken.shot("reconnecting")
    await page.locator(".dock .leave").click()
    away.clear()
    await page.goto(place.address, wait_until="networkidle")
    await page.route("**/api/**", lambda route: route.abort())
    await page.locator(".ready .btn.pri").click()
    await expect(page.locator(".checks .verdict").last).to_be_visible()
    await page.wait_for_timeout(1500)
    await taken.shot("failed")
    await page.unroute("**/api/**")


async def unanswered(taken: Camera, place: Place) -> None:
    """Nobody takes the call: in a room for checks an agent never comes."""
    page = taken.page

    async def misled(route: Route) -> None:
        await route.fulfill(response=await route.fetch(url=f"{place.address}/api/check"))

    await page.route("**/api/token", misled)
    await failing(page, place)
    await taken.shot("agent-missing")
    full = {"name": "agent", "ok": False, "code": "agent-full", "detail": "All places are taken."}
    await page.route(
        "**/api/health", lambda route: route.fulfill(status=503, json={"checks": [full]})
    )
    await failing(page, place)
    await taken.shot("full")
    await page.locator(".stack .btn.pri").click()
    await expect(page.locator(".stack [role=status]")).to_be_visible()
    await taken.shot("full-waiting")
    await page.unroute_all()
    await expect(page.locator(LIVE)).to_be_visible()
    await page.locator(".dock .leave").click()


async def no_way(taken: Camera, place: Place) -> None:
    """No candidate pair is ever found."""
    await taken.page.add_init_script(NO_WAY)
    await failing(taken.page, place)
    await taken.shot("network-blocked")


async def failing(page: Page, place: Place) -> None:
    await page.goto(place.address, wait_until="networkidle")
    await page.locator(".ready .btn.pri, .refused .btn.pri").click()
    await expect(page.locator(".page .intro[role=alert]")).to_be_visible(timeout=PATIENCE_MS)
    waiting = page.locator("[data-verdict=waiting]")
    await expect(waiting).to_have_count(0, timeout=PATIENCE_MS)


async def silenced(taken: Camera, place: Place) -> None:
    """A page that was loaded again, and not pressed since, may not play sound."""
    page = taken.page
    await expect(page.locator("main[data-avatar=playing], main[data-avatar=ready]")).to_be_visible()
    await page.add_init_script(NO_SOUND)
    await page.reload()
    await expect(page.locator(".back.small-b .btn.pri")).to_be_visible()
    await taken.shot("sound-off")
    await page.locator(".back.small-b .btn.pri").click()
    await expect(page.locator(".back.small-b")).to_have_count(0)
