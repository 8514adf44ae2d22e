"""axe-core inside the page: what is wrong with a screen for people who use it in other ways."""

import re
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Page

_SOURCE = Path(__file__).resolve().parent.parent / "web/node_modules/axe-core/axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_STILL = """() => document.getAnimations().every(
  (one) => one.playState !== "running" || one.effect.getTiming().iterations === Infinity)"""


async def assert_accessible(page: Page, screen: str) -> None:
    """No violation in either theme; the message names rule and element. Leaves the light theme."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(re.sub(r"^/\*!.*?\*/", "", _SOURCE.read_text("utf-8"), flags=re.DOTALL))
    found: list[str] = []
    for theme in _THEMES:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await page.wait_for_function(_STILL)
        result: dict[str, Any] = await page.evaluate(
            "(tags) => axe.run(document, { resultTypes: ['violations'], runOnly: tags })", _RULES
        )
        for violation in result["violations"]:
            where = [node["target"][0] for node in violation["nodes"]]
            detail = violation["nodes"][0]["failureSummary"]
            found.append(f"{screen}, {theme}: {violation['id']} at {where}: {detail}")
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert not found, "\n".join(found)


async def assert_fits(page: Page, screen: str) -> None:
    """Nothing makes the page wider than its window."""
    wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, f"{screen} is {wider} px too wide"
