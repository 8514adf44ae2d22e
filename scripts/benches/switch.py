"""Another persona inside the call: from the press to its face, and the longest gap in pictures."""

import asyncio
from typing import Any

import cv2
import numpy as np
from browser import chromium, mark
from numpy.typing import NDArray
from page import page_time, prepare, seen, until, watch
from playwright.async_api import Page

from agent import personas
from agent.probe.recording import THUMB
from avatar.portrait import pack
from benches.demo import demo
from benches.figures import spread

_CAST = ("imani", "jun", "anselm")
_SETTLE_S = 3.0


async def run(rounds: int = 6) -> dict[str, Any]:
    faces = {name: _poster(name) for name in _CAST}
    names = {name: personas.load(name).name for name in _CAST}
    to_face, gaps, usual = [], [], []
    async with demo() as running, chromium() as browser:
        page = await (await browser.new_context()).new_page()
        await prepare(page)
        await page.goto(running.address, wait_until="networkidle")
        await page.get_by_role("button", name="Start").first.click()
        await mark(page, "visavis:first-audio")
        await watch(page)
        await asyncio.sleep(_SETTLE_S)
        for turn in range(rounds):
            chosen = _CAST[(turn + 1) % len(_CAST)]
            await page.keyboard.press("n")
            button = page.get_by_role("button", name=names[chosen])
            await button.wait_for()
            pressed = await page_time(page)
            await button.click()
            await until(lambda name=chosen: _shows(page, faces, name), f"{chosen} is seen")
            await asyncio.sleep(_SETTLE_S)
            recording = await seen(page)
            times = np.array(recording.video_times)
            nearest = [_nearest(thumb, faces) == chosen for thumb in recording.video_thumbs]
            first = next(t for t, hit in zip(times, nearest, strict=True) if t > pressed and hit)
            to_face.append(1000 * (first - pressed))
            steps = np.diff(times)
            around = (times[1:] > pressed) & (times[1:] < first + 1.0)
            gaps.append(1000 * float(steps[around].max()))
            before = (times[1:] > pressed - _SETTLE_S + 0.5) & (times[1:] < pressed)
            usual.append(1000 * float(steps[before].max()))
        joined = await page.evaluate("performance.getEntriesByName('visavis:connected').length")
        await page.get_by_role("button", name="Leave").click()
    return {
        "press_to_new_face_ms": spread(to_face, scale=1),
        "longest_gap_in_the_picture_ms": spread(gaps, scale=1),
        "longest_gap_before_the_press_ms": spread(usual, scale=1),
        "gap_over_usual": round(float(np.median(gaps) / np.median(usual)), 2),
        "connections": joined,
    }


async def _shows(page: Page, faces: dict[str, NDArray[np.float64]], name: str) -> bool:
    return _nearest((await seen(page)).video_thumbs[-1], faces) == name


def _poster(name: str) -> NDArray[np.float64]:
    data = np.frombuffer(pack.load(personas.load(name).portrait).poster, np.uint8)
    grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return cv2.resize(grey, (THUMB, THUMB), interpolation=cv2.INTER_AREA).astype(float)


def _nearest(thumb: NDArray[np.uint8], faces: dict[str, NDArray[np.float64]]) -> str:
    """Whose poster the picture is most like."""
    seen_now = thumb.ravel().astype(float)
    return max(faces, key=lambda name: float(np.corrcoef(seen_now, faces[name].ravel())[0, 1]))
