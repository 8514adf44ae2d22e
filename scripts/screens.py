"""Pictures of every screen of the page, made with the real parts, to be looked at.

scripts/screens [VARIANT ...]: light, dark, phone, phone-dark, german, german-phone; else all.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trouble
from browser import ARTEFACTS, chromium
from camera import FOLDER, LIVE, Camera, Place, Variant, camera
from livekit import api
from playwright.async_api import Browser, expect
from servers import Worker, free_port, livekit_server, page_at
from sites import site

from agent.config import Settings
from avatar.portrait import pack

LEVELS = ("other-voice", "audio-only", "text-only", "offline")
HOST_PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Linden Street Music</title>
<body style="margin:0;font:17px/1.5 system-ui;color-scheme:light dark;min-height:100vh">
<main style="max-width:34rem;padding:3rem"><h1 style="font-size:2.6rem;line-height:1.1">Rent a cello
from 19 € a month</h1><p>Choose a size, try it for two weeks, keep it as long as you like. Strings
and repairs are included.</p></main>
<script src="{server}/embed.js"></script><visavis-call persona="jun"></visavis-call></body>"""


VARIANTS = (
    Variant("light"),
    Variant("dark", dark=True),
    Variant("phone", 375, 812),
    Variant("phone-dark", 360, 740, dark=True),
    Variant("german", language="de-DE"),
    Variant("german-phone", 375, 812, language="de-DE"),
)


async def main(names: list[str]) -> int:
    known = {variant.name: variant for variant in VARIANTS}
    if unknown := [name for name in names if name not in known]:
        print(f"screens: no {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    async with (
        stack() as place,
        chromium() as browser,
        chromium(allow=False) as refusing,
    ):
        for name in names or known:
            await everything(browser, refusing, place, known[name])
            print(f"{FOLDER / name}")
    return 0


async def everything(browser: Browser, refusing: Browser, place: Place, variant: Variant) -> None:
    async with camera(browser, variant, 1) as taken:
        await before(taken, place)
        await photo(taken, place)
    async with camera(browser, variant, 20) as taken:
        await call(taken, place)
    async with camera(browser, variant, 50) as taken:
        await trouble.broken(taken, place)
        await trouble.unanswered(taken, place)
        await embedded(taken, place, variant)
    async with camera(refusing, variant, 65) as taken:
        await refused(taken, place)
        await trouble.silenced(taken, place)
    async with camera(browser, variant, 70) as taken:
        await trouble.no_way(taken, place)


async def before(taken: Camera, place: Place) -> None:
    page = taken.page
    await page.goto(place.address, wait_until="networkidle")
    await expect(page.locator(".persona img").first).to_be_visible()
    await taken.shot("lobby")
    await page.locator(".persona").nth(1).scroll_into_view_if_needed()
    await page.locator(".persona").nth(1).hover()
    await page.wait_for_function(
        "() => [...document.querySelectorAll('.preview-clip')].some(v => v.currentTime > 1.2)"
    )
    await taken.shot("lobby-preview")
    await page.locator(".preview button").last.click()
    await page.locator(".preview button").first.click()
    await expect(page.locator(".levelbar i.on").first).to_be_visible()
    await taken.shot("lobby-camera")
    await page.locator(".preview button").last.click()
    await page.locator(".serverrow .mini").click()
    await expect(page.locator("dialog .verdict.ok")).to_have_count(6)
    await taken.shot("check")
    await page.keyboard.press("Escape")


async def photo(taken: Camera, place: Place) -> None:
    page = taken.page
    if not await page.locator(".addface").is_visible():
        return
    picture = ARTEFACTS / "screens" / "face.webp"
    picture.write_bytes(pack.load("jun").poster)
    await page.locator(".addface").click()
    await taken.shot("photo")
    async with page.expect_file_chooser() as asked:
        await page.locator(".drop .btn").first.click()
    await (await asked.value).set_files(picture)
    await taken.shot("photo-consent")


async def call(taken: Camera, place: Place) -> None:
    page = taken.page
    await page.goto(place.address, wait_until="networkidle")
    await page.locator(".ready .btn.pri").click()
    await taken.shot("coming")
    await expect(page.locator(LIVE)).to_be_visible()
    await expect(page.locator(".caps mark")).to_be_visible()
    await taken.shot("call-speaking")
    await panels(taken)
    await page.keyboard.press("v")
    await expect(page.locator(".pip video")).to_be_visible()
    await taken.shot("call-camera")
    await page.keyboard.press("v")
    await page.keyboard.press("m")
    await expect(page.locator(".mic.off")).to_be_visible()
    await taken.shot("call-muted")
    await page.keyboard.down("Space")
    await taken.shot("call-held")
    await page.keyboard.up("Space")
    await degraded(taken, place)
    await text_only(taken)
    await page.locator(".dock .leave").click()
    await expect(page.locator(".page.end")).to_be_visible()
    await taken.shot("end")


async def panels(taken: Camera) -> None:
    page = taken.page
    await page.keyboard.press("t")
    box = page.get_by_role("textbox")
    await box.fill("what can you do?")
    await box.press("Enter")
    await expect(page.locator(".msg").nth(2)).to_be_visible()
    await box.fill("Here is a line that is a good deal longer than the others, to see it break.")
    await taken.shot("chat")
    await box.fill("")
    await page.keyboard.press("Escape")
    for key, name, waits in (("n", "cast", ".castone"), ("u", "hood", ".ringbox")):
        await page.keyboard.press(key)
        await expect(page.locator(waits).first).to_be_visible()
        if name == "hood":
            await page.wait_for_function("() => document.querySelectorAll('.events li').length > 5")
            await page.wait_for_timeout(3000)  # a picture of figures wants figures
        await taken.shot(name)
        await page.keyboard.press("Escape")
    for key, name in (("?", "keys"), ("d", "devices")):
        await page.keyboard.press(key)
        await expect(page.locator("dialog[open]")).to_be_visible()
        await taken.shot(name)
        await page.keyboard.press("Escape")
    if await page.locator(".smo").is_visible():
        await page.locator(".smo").click()
        await taken.shot("more")
        await page.keyboard.press("Escape")
    await page.locator(".chip.quality").click()
    await taken.shot("quality")
    await page.keyboard.press("Escape")
    await page.locator(".stage").focus()


async def degraded(taken: Camera, place: Place) -> None:
    """What the agent would say of itself, said by the server in its place."""
    secret = place.settings.livekit_api_secret.get_secret_value()
    async with api.LiveKitAPI(
        place.settings.http_url, place.settings.livekit_api_key, secret
    ) as server:
        room, agent = await the_agent(server)
        for level in (*LEVELS, "normal"):
            request = api.UpdateParticipantRequest(room=room, identity=agent)
            request.attributes["visavis.level"] = level
            await server.room.update_participant(request)
            if level == "normal":
                await expect(taken.page.locator(".badge.hush")).to_have_count(0)
            else:
                await expect(taken.page.locator(".badge.hush")).to_be_visible()
                await taken.page.wait_for_timeout(400)
                await taken.shot(f"level-{level}")
        await edit_refused(taken, server, room, agent)


async def edit_refused(taken: Camera, server: api.LiveKitAPI, room: str, agent: str) -> None:
    for problem in (
        "personas/imani/persona.toml:14: mood 'happpy' is not one of neutral, warm",
        "",
    ):
        request = api.UpdateParticipantRequest(room=room, identity=agent)
        request.attributes["visavis.problem"] = problem
        await server.room.update_participant(request)
        notice = taken.page.locator(".back.small-b")
        await (expect(notice).to_be_visible() if problem else expect(notice).to_have_count(0))
        if problem:
            await taken.shot("edit-refused")


async def the_agent(server: api.LiveKitAPI) -> tuple[str, str]:
    for room in (await server.room.list_rooms(api.ListRoomsRequest())).rooms:
        request = api.ListParticipantsRequest(room=room.name)
        people = (await server.room.list_participants(request)).participants
        if any(one.identity.startswith("guest-") for one in people):
            for one in people:
                if one.identity.startswith("agent-"):
                    return room.name, one.identity
    raise RuntimeError("no call with an agent in it")


async def text_only(taken: Camera) -> None:
    page = taken.page
    closing = page.locator(".tr .glassb").nth(1)
    if await closing.is_visible():
        await closing.click()
    else:
        await page.locator(".smo").click()
        await page.locator("dialog .btn:has(rect)").first.wait_for()
        await page.evaluate("document.querySelector('dialog').close()")
        return
    await expect(page.locator(".textonly")).to_be_visible()
    await taken.shot("text-only")
    await page.locator(".textonly .btn.pri").click()
    await expect(page.locator(LIVE)).to_be_visible()


async def embedded(taken: Camera, place: Place, variant: Variant) -> None:
    page = taken.page
    html = HOST_PAGE.format(server=place.address, lang=variant.language[:2])
    (FOLDER / "site" / "index.html").write_text(html)
    await page.goto(place.host_page)
    await page.locator("visavis-call button").click(trial=True)
    await taken.shot("embed-closed")
    await page.locator("visavis-call button").click()
    frame = page.frame_locator("visavis-call iframe")
    await expect(frame.locator(LIVE)).to_be_visible()
    await expect(frame.locator(".caps mark")).to_be_visible()
    await taken.shot("embed-open")
    # a phone's pixel density does not reach a frame of another site, so a mouse would miss
    await frame.locator(".btn.leave").press("Enter")
    await expect(frame.locator(".page.end")).to_be_visible()
    await taken.shot("embed-end")
    await frame.locator(".top .ib").click()


async def refused(taken: Camera, place: Place) -> None:
    page = taken.page
    await page.goto(place.address, wait_until="networkidle")
    await taken.shot("lobby-refused")
    await page.locator(".ready .btn.pri, .refused .btn:not(.pri)").first.click()
    await expect(page.locator(".back")).to_be_visible()
    await expect(page.locator(LIVE)).to_be_visible()
    await taken.shot("call-refused")


@asynccontextmanager
async def stack() -> AsyncIterator[Place]:
    """livekit-server, worker and page on free ports; the page may be embedded by one other site."""
    port, folder = free_port(), FOLDER / "site"
    folder.mkdir(parents=True, exist_ok=True)
    with site(folder) as host_page:
        async with livekit_server() as server:
            settings = Settings(livekit_url=server.url, port=port, embed_origins=(host_page,))
            worker = Worker(settings, {})
            await worker.start()
            try:
                async with page_at(settings) as address:
                    yield Place(address, settings, host_page)
            finally:
                await worker.aclose()


if __name__ == "__main__":
    Path(FOLDER).mkdir(parents=True, exist_ok=True)
    sys.exit(asyncio.run(main(sys.argv[1:])))
