"""A real headless Chromium with a fake microphone that is fed from a WAV file.

A test that uses it: `pytestmark = needs_browser`, and the fixture `address` for the page.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from page import prepare
from playwright.async_api import Browser, Page, async_playwright, expect

from agent.gateway.pages import WEB_DIR

ARTEFACTS = Path(__file__).resolve().parent.parent / "artefacts"

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
]
expect.set_options(timeout=20_000)  # how long a busy machine may take; nothing is measured by it
_ALLOW = "--use-fake-ui-for-media-stream"


def chromium_path() -> str | None:
    """Where Chromium is, if it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


needs_browser = [
    pytest.mark.server,
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install the system package"),
    pytest.mark.skipif(
        not (WEB_DIR / "index.html").is_file(), reason="the page is not built: run scripts/setup"
    ),
]


@asynccontextmanager
async def chromium(*, microphone: Path | None = None, allow: bool = True) -> AsyncIterator[Browser]:
    """Chromium; microphone: a WAV played once from the moment the page opens the microphone.

    allow: grant the microphone without asking; else every request for it is refused.
    """
    flags = [*_FLAGS, *([_ALLOW] if allow else ["--deny-permission-prompts"])]
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=chromium_path(), args=flags, headless=True
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page(*, microphone: Path | None = None, allow: bool = True) -> AsyncIterator[Page]:
    """An empty page of a Chromium of its own."""
    async with chromium(microphone=microphone, allow=allow) as browser:
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        opened = await context.new_page()
        await prepare(opened)
        try:
            yield opened
        finally:
            await hang_up(opened)


async def hang_up(opened: Page) -> None:
    """End a call that goes on: a page that only closes may be one that comes back."""
    leave = opened.locator(".dock .btn.leave")
    if not opened.is_closed() and await leave.is_visible():
        await leave.dispatch_event("click")  # whatever lies over it, when a test ended early


async def shot(opened: Page, name: str) -> None:
    """Keep a picture of the page as an artefact, to be looked at."""
    ARTEFACTS.mkdir(exist_ok=True)
    await opened.screenshot(path=ARTEFACTS / f"{name}.png")


async def start_call(page: Page, address: str) -> None:
    """Open the page, let it settle as a person would, and press Start."""
    await page.goto(address, wait_until="networkidle")
    await page.get_by_role("button", name="Start").first.click()


async def mark(page: Page, name: str, timeout_s: float = 15.0) -> float:
    """Milliseconds of page time at which `performance.mark(name)` was made; waits for it."""
    await page.wait_for_function(
        "name => performance.getEntriesByName(name).length > 0", arg=name, timeout=timeout_s * 1000
    )
    return float(
        await page.evaluate("name => performance.getEntriesByName(name)[0].startTime", name)
    )
