"""What takes the pictures of the page: a context of a browser, looked at in one way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from browser import ARTEFACTS
from playwright.async_api import Browser, Page, expect

from agent.config import Settings

FOLDER = ARTEFACTS / "screens"
LIVE = ".stage[data-phase=live][data-picture=on]"


@dataclass(frozen=True, slots=True)
class Variant:
    """How the page is looked at."""

    name: str
    width: int = 1280
    height: int = 800
    dark: bool = False
    language: str = "en-GB"


class Camera:
    """Takes the pictures of one variant, numbered as they come."""

    def __init__(self, page: Page, variant: Variant, first: int) -> None:
        self.page, self._folder, self._count = page, FOLDER / variant.name, first - 1
        self._folder.mkdir(parents=True, exist_ok=True)

    async def shot(self, name: str) -> None:
        self._count += 1
        await self.page.screenshot(path=self._folder / f"{self._count:02}-{name}.png")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page is, and how to speak to the server behind it."""

    address: str
    settings: Settings
    host_page: str


async def start(taken: Camera, place: Place) -> None:
    await taken.page.goto(place.address, wait_until="networkidle")
    await taken.page.locator(".ready .btn.pri, .refused .btn.pri").click()
    await expect(taken.page.locator(LIVE)).to_be_visible()


@asynccontextmanager
async def camera(browser: Browser, variant: Variant, first: int) -> AsyncIterator[Camera]:
    context = await browser.new_context(
        viewport={"width": variant.width, "height": variant.height},
        color_scheme="dark" if variant.dark else "light",
        locale=variant.language,
        device_scale_factor=1 if variant.width > 500 else 2,
        has_touch=variant.width < 500,
    )
    page = await context.new_page()
    try:
        yield Camera(page, variant, first)
    finally:
        leave = page.locator(".btn.leave").first
        if await leave.is_visible():
            await leave.click()
        await context.close()
