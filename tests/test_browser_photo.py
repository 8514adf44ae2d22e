"""A photo becomes a face in a real Chromium, and the next call wears it."""

import asyncio
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import mark, needs_browser, page, shot
from page import seen, until, watch
from playwright.async_api import Page, expect

from agent.probe.recording import THUMB
from avatar.portrait import pack
from avatar.portrait.library import own_names
from avatar.prepare import detector

pytestmark = [
    *needs_browser,
    pytest.mark.skipif(not detector.available(), reason="no face detector: run scripts/setup"),
]


def small(picture: bytes) -> np.ndarray:
    """A picture as a call's are kept: THUMB x THUMB luma."""
    grey = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    return cv2.resize(grey, (THUMB, THUMB), interpolation=cv2.INTER_AREA)


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two pictures, -1..1."""
    return float(np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1])


async def choose(opened: Page, button: str, file: Path) -> None:
    async with opened.expect_file_chooser() as asked:
        await opened.get_by_role("button", name=button).click()
    await (await asked.value).set_files(file)


async def test_a_photo_is_consented_to_looked_at_and_worn_in_a_call(
    address: str, tmp_path: Path, library: Path
) -> None:
    noise = np.random.default_rng(1).integers(90, 160, (600, 800, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "nobody.jpg"), noise)
    photo = tmp_path / "jun.webp"
    photo.write_bytes(pack.load("jun").poster)
    async with asyncio.timeout(150), page() as opened:
        await opened.goto(address, wait_until="networkidle")
        await opened.get_by_role("button", name="Use a photo").click()
        await choose(opened, "Choose a file", tmp_path / "nobody.jpg")
        make = opened.get_by_role("button", name="Make the face")
        await expect(make).to_be_disabled()
        await opened.get_by_role("checkbox", name="This is me, or I may use it").check()
        await make.click()
        refused = opened.get_by_role("alert")
        await expect(refused).to_contain_text("No face was found", timeout=30_000)

        await choose(opened, "Choose another photo", photo)
        await opened.get_by_label("Name of the face").fill("Río")
        await opened.get_by_role("checkbox").check()
        await make.click()
        await expect(opened.get_by_role("progressbar")).to_be_visible()
        sheet = opened.get_by_role("img", name="every mouth, expression and turn")
        await expect(sheet).to_be_visible(timeout=60_000)
        video = opened.locator("video")
        await expect(video).to_have_js_property("readyState", 4, timeout=15_000)
        await shot(opened, "photo-result")

        await opened.get_by_role("button", name="Talk to this face").click()
        await watch(opened)
        await mark(opened, "visavis:first-video-frame")
        await expect(opened.locator(".stage[data-phase=live][data-picture=on]")).to_be_visible()
        await until(lambda: pictures(opened, 10), "pictures of the call")
        await shot(opened, "photo-call")
        worn = (await seen(opened)).video_thumbs[-1]
        made, usual = pack.load(library / "rio").poster, pack.load("imani").poster
        assert alike(worn, small(made)) > 0.9
        assert alike(worn, small(made)) > alike(worn, small(usual)) + 0.1

        await opened.get_by_role("button", name="Leave").click()
        await opened.get_by_role("button", name="Back to the start").click()
        await expect(opened.get_by_role("radio", name="Rio")).to_be_checked()
        await shot(opened, "photo-lobby")
        await opened.get_by_role("button", name="Look at Rio").click()
        await opened.get_by_role("button", name="Delete").click()
        await (
            opened.get_by_role("group", name="Delete Rio?")
            .get_by_text("Delete", exact=True)
            .click()
        )
        await expect(opened.get_by_role("button", name="Use a photo")).to_be_visible()
        await expect(opened.get_by_role("radio", name="Rio")).to_have_count(0)
    assert own_names(library) == ()


async def pictures(opened: Page, count: int) -> bool:
    return len((await seen(opened)).video_thumbs) >= count
