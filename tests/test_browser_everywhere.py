"""The page for everybody: axe on every screen, phones, German, a reload, other sites."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe import assert_accessible, assert_fits
from browser import chromium, hang_up, needs_browser, shot, start_call
from page import prepare
from playwright.async_api import Page, Route, expect
from servers import Background, Worker, free_port
from sites import site

from agent.config import Settings
from agent.gateway.app import serve
from agent.gateway.pages import WEB_DIR

pytestmark = needs_browser

_LIVE = ".stage[data-phase=live][data-picture=on]"
_PHONE = {"width": 360, "height": 740}


@asynccontextmanager
async def opened_page(*, phone: bool = False, locale: str = "en-GB") -> AsyncIterator[Page]:
    async with chromium() as browser:
        size = _PHONE if phone else {"width": 1280, "height": 800}
        context = await browser.new_context(viewport=size, locale=locale, has_touch=phone)
        opened = await context.new_page()
        await prepare(opened)
        try:
            yield opened
        finally:
            await hang_up(opened)


async def test_every_screen_is_accessible(address: str) -> None:
    async with asyncio.timeout(150), opened_page() as opened:
        await opened.goto(address, wait_until="networkidle")
        await assert_accessible(opened, "lobby")
        await opened.get_by_role("button", name="Check connection").click()
        await expect(opened.get_by_text("All is well")).to_be_visible()
        await assert_accessible(opened, "check")
        await opened.keyboard.press("Escape")
        await opened.get_by_role("button", name="Use a photo").click()
        await assert_accessible(opened, "photo")
        await opened.get_by_role("button", name="Cancel").click()
        await opened.get_by_role("button", name="Start").first.click()
        await expect(opened.locator(_LIVE)).to_be_visible()
        await assert_accessible(opened, "call")
        for key, screen in (
            ("t", "chat"),
            ("n", "cast"),
            ("u", "hood"),
            ("?", "keys"),
            ("d", "devices"),
        ):
            await opened.keyboard.press(key)
            await expect(opened.locator(".side, dialog[open]")).to_be_visible()
            await assert_accessible(opened, screen)
            await opened.keyboard.press("Escape")
        await opened.get_by_role("button", name="go on in writing").click()
        await expect(opened.get_by_text("Text only")).to_be_visible()
        await assert_accessible(opened, "text only")
        await opened.get_by_role("button", name="Leave").click()
        await expect(opened.get_by_text("You left the call").first).to_be_visible()
        await assert_accessible(opened, "end")


async def test_a_phone_in_german_has_room_for_every_word(address: str) -> None:
    async with asyncio.timeout(120), opened_page(phone=True, locale="de-DE") as opened:
        await opened.goto(address, wait_until="networkidle")
        await expect(
            opened.get_by_role("heading", name="Mit wem möchtest du sprechen?")
        ).to_be_visible()
        assert await opened.evaluate("document.documentElement.lang") == "de"
        await assert_fits(opened, "lobby")
        await assert_accessible(opened, "lobby on a phone")
        await opened.get_by_role("button", name="Gespräch beginnen").click()
        await expect(opened.locator(_LIVE)).to_be_visible()
        await assert_fits(opened, "call")
        await assert_accessible(opened, "call on a phone")
        await opened.get_by_role("button", name="Mehr").click()
        await assert_accessible(opened, "more on a phone")
        await opened.keyboard.press("Escape")
        await opened.get_by_role("button", name="Chat").click()
        await assert_fits(opened, "chat")
        await opened.get_by_role("button", name="Auflegen").click()
        await expect(opened.get_by_role("heading", name="Du hast aufgelegt")).to_be_visible()
        await assert_fits(opened, "end")


async def test_another_persona_takes_over_on_the_same_tracks(address: str) -> None:
    async with asyncio.timeout(90), opened_page() as opened:
        await start_call(opened, address)
        await expect(opened.locator(_LIVE)).to_be_visible()
        await opened.keyboard.press("n")
        await opened.get_by_role("button", name="Jun").click()
        await expect(opened.locator(".side")).to_have_count(0)
        await expect(opened.locator(".who")).to_contain_text("Jun")
        await expect(opened.locator(_LIVE)).to_be_visible()
        connected = "performance.getEntriesByName('visavis:connected').length"
        assert await opened.evaluate(connected) == 1, "the room was joined again"
        await shot(opened, "switched")


async def test_a_reload_comes_back_to_the_same_conversation(address: str) -> None:
    async with asyncio.timeout(120), opened_page() as opened:
        await start_call(opened, address)
        await expect(opened.locator(_LIVE)).to_be_visible()
        await opened.keyboard.press("t")
        box = opened.get_by_role("textbox")
        await box.fill("what is two plus two?")
        await box.press("Enter")
        await expect(opened.get_by_text("four", exact=False).first).to_be_visible(timeout=40_000)
        await opened.reload()
        await expect(opened.locator(_LIVE)).to_be_visible(timeout=40_000)
        await opened.keyboard.press("t")
        await expect(opened.locator(".msg.me")).to_contain_text("two plus two")
        answers = opened.locator(".msg:not(.me)")
        before = await answers.count()
        await opened.get_by_role("textbox").fill("what is three plus four?")
        await opened.keyboard.press("Enter")
        await expect(answers.nth(before)).to_contain_text("seven", ignore_case=True, timeout=40_000)
        await shot(opened, "reloaded")


async def test_a_full_house_is_said_and_waited_for(address: str) -> None:
    async with asyncio.timeout(90), opened_page() as opened:
        # in a room for checks no agent ever comes; the worker's own page says why
        await opened.route("**/api/token", misled)
        full = {"name": "agent", "ok": False, "code": "agent-full", "detail": "All places taken."}
        health = {"checks": [full]}
        await opened.route("**/api/health", lambda one: one.fulfill(status=503, json=health))
        await start_call(opened, address)
        title = opened.get_by_role("heading", name="All places are taken")
        await expect(title).to_be_visible(timeout=30_000)
        await assert_accessible(opened, "full")
        await opened.get_by_role("button", name="Wait here").click()
        await expect(opened.get_by_text("Waiting for a free place")).to_be_visible()
        await opened.unroute_all()
        await expect(opened.locator(_LIVE)).to_be_visible(timeout=30_000)


async def misled(route: Route) -> None:
    address = route.request.url.replace("/api/token", "/api/check")
    await route.fulfill(response=await route.fetch(url=address))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """The origin of another site, whose files lie in tmp_path."""
    with site(tmp_path) as origin:
        yield origin


@pytest.fixture
def embedding(
    background: Background, livekit: Settings, worker: Worker, shop: str
) -> Iterator[str]:
    """A gateway that lets the shop show calls, and words the disclosure its own way."""
    changes = {"embed_origins": (shop,), "disclosure": "Jun is a computer program"}
    settings = livekit.with_port(free_port()).model_copy(update=changes)
    ready = asyncio.Event()
    serving = asyncio.run_coroutine_threadsafe(
        serve(settings, web_dir=WEB_DIR, ready=ready), background.loop
    )
    background.run(ready.wait())
    yield f"http://127.0.0.1:{settings.port}"
    serving.cancel()


async def test_another_site_opens_a_call_in_its_corner(
    embedding: str, shop: str, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text(
        "<!doctype html><html lang='en'><title>Shop</title><main><h1>Cellos</h1></main>"
        f"<script src='{embedding}/embed.js'></script><visavis-call persona='jun'></visavis-call>"
    )
    async with asyncio.timeout(90), opened_page() as opened:
        await opened.goto(shop)
        launcher = opened.get_by_role("button", name=re.compile("Talk to Jun"))
        await expect(launcher).to_be_visible()
        await assert_accessible(opened, "closed on another site")
        await launcher.click()
        frame = opened.frame_locator("visavis-call iframe")
        await expect(frame.locator(_LIVE)).to_be_visible()
        await shot(opened, "embedded")
        await frame.get_by_role("button", name="Close", exact=True).click()
        await expect(launcher).to_be_focused()


async def test_a_site_that_is_not_named_sees_nothing(
    address: str, shop: str, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text(
        f"<!doctype html><title>Shop</title><iframe src='{address}/?embed=1'></iframe>"
    )
    async with (
        asyncio.timeout(30),
        opened_page() as opened,
        opened.expect_console_message(lambda said: "frame-ancestors" in said.text),
    ):
        await opened.goto(shop)
