"""Whole calls in a real headless Chromium, its microphone fed from a WAV file."""

import asyncio
from pathlib import Path

import numpy as np
from browser import mark, needs_browser, page, shot, start_call
from page import level, page_time, seen, until, watch
from playwright.async_api import Page, expect
from servers import Background, Worker, free_port, server_ports

from agent import moods, personas
from agent.config import Settings
from agent.gateway.app import serve
from agent.gateway.pages import WEB_DIR
from agent.probe import measure
from agent.probe.recording import RATE
from agent.probe.sound import say, write_wav
from agent.server import LiveKitServer

pytestmark = needs_browser

QUIET = 0.01


async def spoken_greeting() -> float:
    """Seconds that the persona's greeting takes."""
    text, _ = moods.parse(personas.load(Settings().persona).greeting)
    return len(await say(text)) / RATE


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.int16)


async def type_text(opened: Page, text: str) -> None:
    """Write to the persona; opens the chat if it is closed."""
    box = opened.get_by_role("textbox")
    if not await box.is_visible():
        await opened.get_by_role("button", name="Chat").first.click()
    await box.fill(text)
    await box.press("Enter")


async def test_a_whole_call_is_seen_heard_and_read(address: str, tmp_path: Path) -> None:
    wait = await spoken_greeting() + 5
    question = await say("Can you count to ten?")
    # the offline ear catches most sentences and not all: who is not understood says it again
    again = [silence(25), question]
    write_wav(tmp_path / "mic.wav", np.concatenate([silence(wait), question, *again, silence(60)]))
    async with asyncio.timeout(150), page(microphone=tmp_path / "mic.wav") as opened:
        await start_call(opened, address)
        await watch(opened)
        await mark(opened, "visavis:first-video-frame")
        await mark(opened, "visavis:first-audio")
        disclosure = opened.get_by_text("You are talking to an AI").filter(visible=True)
        await expect(disclosure.first).to_be_visible()
        await expect(opened.locator(".stage[data-phase=live][data-picture=on]")).to_be_visible()
        await expect(opened.locator(".caps")).to_be_visible()
        await shot(opened, "call")
        await opened.get_by_role("button", name="Chat").first.click()
        mine = opened.get_by_role("listitem").filter(has_text="You").filter(has_text="count")
        await expect(mine.first).to_be_visible(timeout=60_000)
        await expect(opened.get_by_text("nine", exact=False).last).to_be_visible(timeout=60_000)
        await until(lambda: silent(opened), "the count ends")
        recording = await seen(opened)
        assert len(recording.video_times) > 20, "pictures do not advance"
        spans = measure.utterances(recording)
        assert sum(span.length for span in spans) > 3
        assert measure.mouth(recording, spans) is not None, "the mouth does not move with the sound"
        await opened.get_by_role("button", name="Leave").click()
        await expect(opened.get_by_text("You left the call").first).to_be_visible()


async def silent(opened: Page) -> bool:
    recording = await seen(opened)
    last = measure.last_voice(recording, 0, await page_time(opened))
    return last is not None and await page_time(opened) - last > 1.0


async def test_talking_over_it_stops_the_voice(address: str, tmp_path: Path) -> None:
    wait = await spoken_greeting() + 10
    interruption = await say("Stop, please. I would like to ask you something else now.")
    write_wav(tmp_path / "mic.wav", np.concatenate([silence(wait), interruption, silence(60)]))
    async with asyncio.timeout(120), page(microphone=tmp_path / "mic.wav") as opened:
        await start_call(opened, address)
        await watch(opened)
        await mark(opened, "visavis:first-audio")
        await until(lambda: silent(opened), "the greeting ends")
        await type_text(opened, "tell me a story")
        await until(lambda: speaking(opened), "the story begins")
        story = await page_time(opened)
        await until(lambda: silent(opened), "the voice stops", limit_s=30)
        recording = await seen(opened)
        stopped = measure.last_voice(recording, story, await page_time(opened))
        assert stopped is not None
        assert stopped - story < 25, "the story of 45 s was told to its end"
        await shot(opened, "interrupted")


async def speaking(opened: Page) -> bool:
    return await level(opened) > QUIET


async def test_without_a_microphone_one_can_type(address: str) -> None:
    async with asyncio.timeout(90), page(allow=False) as opened:
        await start_call(opened, address)
        await expect(opened.get_by_text("can’t hear you").first).to_be_visible()
        await shot(opened, "microphone-refused")
        await mark(opened, "visavis:first-audio")
        await type_text(opened, "what is two plus two?")
        await expect(opened.get_by_text("four", exact=False).first).to_be_visible(timeout=40_000)


async def test_a_missing_agent_and_a_killed_server_are_said_and_the_call_comes(
    background: Background,
) -> None:
    async with asyncio.timeout(180):
        ports = server_ports()
        first, second = LiveKitServer(**ports), LiveKitServer(**ports)
        background.run(first.start())
        settings = Settings(livekit_url=first.url, port=free_port())
        worker = Worker(settings, {})
        ready = asyncio.Event()
        serving = asyncio.run_coroutine_threadsafe(
            serve(settings, web_dir=WEB_DIR, ready=ready), background.loop
        )
        background.run(ready.wait())
        try:
            async with page(allow=False) as opened:
                await start_call(opened, f"http://127.0.0.1:{settings.port}")
                await mark(opened, "visavis:connected")
                starting = asyncio.run_coroutine_threadsafe(worker.start(), background.loop)
                await nobody_comes(opened)
                await asyncio.wrap_future(starting)
                await opened.get_by_role("button", name="Try again").click()
                await mark(opened, "visavis:first-audio")
                background.run(first.aclose())
                await expect(opened.get_by_text("Getting you back").first).to_be_visible(
                    timeout=40_000
                )
                await shot(opened, "reconnecting")
                background.run(second.start())
                live = opened.locator(".stage[data-phase=live][data-picture=on]")
                await expect(live).to_be_visible(timeout=60_000)
        finally:
            serving.cancel()
            background.run(worker.aclose())
            background.run(second.aclose())
            background.run(first.aclose())


async def nobody_comes(opened: Page) -> None:
    """A worker that was away when the room was made is never called into it."""
    await expect(opened.get_by_role("heading", name="Imani did not come")).to_be_visible()
    agent = opened.get_by_role("listitem").filter(has_text="Did not join the call")
    await expect(agent.get_by_text("Agent", exact=True)).to_be_visible()
    await expect(agent).to_contain_text("Not working")
    await expect(opened.get_by_text("Look at what the agent writes")).to_be_visible()
    await shot(opened, "agent-missing")
