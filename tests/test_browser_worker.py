"""The page with a face from an avatar worker that dies within a sentence, in a real Chromium."""

import asyncio
from contextlib import AsyncExitStack

from browser import needs_browser, page, shot
from page import until
from playwright.async_api import Page, expect
from remotes import job_of, make_worker
from servers import Worker, free_port, page_at

from agent.config import Settings

pytestmark = needs_browser

_NAME = "page-avatar"
_LIVE = ".stage[data-phase=live][data-picture=on]"
_MOVED = "document.querySelector('.stage video').currentTime"


async def test_a_face_from_a_worker_goes_on_here_when_the_worker_dies(livekit: Settings) -> None:
    avatars = [make_worker(livekit, _NAME), make_worker(livekit, _NAME)]
    agent = Worker(livekit, {"VISAVIS_AVATAR_WORKER": _NAME})
    async with asyncio.timeout(150), AsyncExitStack() as end:
        for worker in (*avatars, agent):
            end.push_async_callback(worker.aclose)
        await asyncio.gather(*(worker.start() for worker in (*avatars, agent)))
        address = await end.enter_async_context(page_at(livekit.with_port(free_port())))
        opened = await end.enter_async_context(page())
        await opened.goto(address, wait_until="networkidle")
        await opened.get_by_role("button", name="Start").first.click()
        await expect(opened.locator(_LIVE)).to_be_visible(timeout=40_000)
        await until(lambda: speaks(opened), "the worker's voice is heard")
        await shot(opened, "worker")
        (job,) = [job for job in map(job_of, avatars) if job is not None]
        job.kill()
        await until(lambda: placed(agent, "the avatar is local"), "the agent notices")
        await until(lambda: heard(opened), "the voice goes on")
        before = await opened.evaluate(_MOVED)
        await opened.wait_for_function(f"before => {_MOVED} > before + 0.5", arg=before)
        await expect(opened.locator(_LIVE)).to_be_visible()
        await shot(opened, "worker-dead")
        # on a busy machine one may take longer than the agent waits for it: it asks again
        again = "another worker comes"
        await until(lambda: placed(agent, "the avatar is remote", 2), again, limit_s=90)
        await expect(opened.locator(_LIVE)).to_be_visible()
        before = await opened.evaluate(_MOVED)
        await opened.wait_for_function(f"before => {_MOVED} > before + 0.5", arg=before)
        await shot(opened, "worker-again")


async def speaks(opened: Page) -> bool:
    return bool(await opened.locator("main[data-avatar=playing]").count())


async def heard(opened: Page) -> bool:
    """Whether anything is louder than silence in this moment."""
    loud: bool = await opened.evaluate(
        """async () => {
          const reports = await Promise.all(window.__peers.map((peer) => peer.getStats()));
          return reports.some((report) => [...report.values()].some((entry) =>
            entry.type === "inbound-rtp" && entry.kind === "audio" && entry.audioLevel > 0.01));
        }"""
    )
    return loud


async def placed(agent: Worker, words: str, count: int = 1) -> bool:
    return sum(words in line for line in agent.lines) >= count
