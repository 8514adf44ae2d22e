"""A real headless Chromium with a fake microphone that is fed from a WAV file."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

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
_ALLOW = "--use-fake-ui-for-media-stream"


def chromium_path() -> str | None:
    """Where Chromium is, if it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


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
