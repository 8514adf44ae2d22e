"""The call's controls in a real Chromium: devices, keys, panels, text only, writing while away."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from browser import mark, needs_browser, page, shot
from livekit.api import ListRoomsRequest
from network import Network
from page import until
from playwright.async_api import Page, expect
from servers import Worker, free_port, page_at

from agent.config import Settings
from agent.server import server_api

pytestmark = needs_browser

_LIVE = ".stage[data-phase=live][data-picture=on]"


async def sent_devices(opened: Page) -> dict[str, str]:
    """What leaves the page now: kind of track → device it comes from."""
    found: dict[str, str] = await opened.evaluate(
        """() => Object.fromEntries(window.__peers.flatMap((peer) => peer.getSenders())
          .filter(({ track }) => track?.readyState === "live")
          .map(({ track }) => [track.kind, track.getSettings().deviceId]))"""
    )
    return found


async def test_devices_are_tried_before_and_changed_in_the_call(address: str) -> None:
    async with asyncio.timeout(90), page() as opened:
        await opened.goto(address, wait_until="networkidle")
        await expect(opened.get_by_text("Your camera is off")).to_be_visible()
        assert await opened.locator(".levelbar i.on").count() == 0, "a device was opened unasked"
        await opened.get_by_role("button", name="Try the microphone").click()
        await expect(opened.locator(".levelbar i.on").first).to_be_visible()
        await opened.get_by_role("button", name="Camera").click()
        await expect(opened.get_by_label("Your camera")).to_be_visible()
        await shot(opened, "lobby-devices")
        await opened.get_by_role("button", name="Start").first.click()
        await expect(opened.locator(_LIVE)).to_be_visible(timeout=20_000)
        await expect(opened.locator(".pip video")).to_be_visible()
        await opened.keyboard.press("d")
        other = opened.get_by_label("Microphone", exact=True)
        await until(lambda: changed(opened, ""), "the microphone is heard")
        before = (await sent_devices(opened))["audio"]
        names = await other.locator("option").all_inner_texts()
        await shot(opened, "devices")
        await other.select_option(label=names[-1])
        await until(lambda: changed(opened, before), "the microphone is swapped")
        connected = "performance.getEntriesByName('visavis:connected').length"
        assert await opened.evaluate(connected) == 1, "the room was joined again"
        assert await opened.evaluate("window.__peers.length") <= 2, "a new connection was made"
        await opened.get_by_role("slider").fill("30")
        loudness = "document.querySelector('audio').volume"
        assert await opened.evaluate(loudness) == 0.3
        await opened.keyboard.press("Escape")
        await opened.keyboard.press("v")
        await expect(opened.locator(".pip")).to_have_count(0)
        assert "video" not in await sent_devices(opened), "the camera is still open"


async def changed(opened: Page, before: str) -> bool:
    return (await sent_devices(opened)).get("audio") not in (None, before)


async def test_keys_alone_do_everything_from_start_to_end(address: str) -> None:
    async with asyncio.timeout(120), page() as opened:
        await opened.goto(address, wait_until="networkidle")
        await press(opened, "Start the call")
        await expect(opened.locator(_LIVE)).to_be_visible(timeout=20_000)
        await mark(opened, "visavis:first-audio")
        await held_space_talks(opened)
        await opened.keyboard.press("?")
        await expect(opened.get_by_role("dialog", name="Keys")).to_be_visible()
        await shot(opened, "keys")
        await opened.keyboard.press("Escape")
        await captions_go_and_come(opened)
        await the_hood_shows_the_call(opened)
        await a_small_window_floats(opened)
        await text_only_hides_and_hushes(opened)
        await opened.keyboard.press("Shift+L")
        await expect(opened.get_by_role("heading", name="You left the call")).to_be_focused()
        await press(opened, "Back to the start")
        await expect(opened.get_by_role("button", name="Start the call")).to_be_visible()


async def press(opened: Page, name: str) -> None:
    """Walk to a button as whoever has no mouse does, and press it."""
    button = opened.get_by_role("button", name=name).first
    await expect(button).to_be_enabled()
    for _ in range(60):
        await opened.keyboard.press("Tab")
        if await button.evaluate("button => button === document.activeElement"):
            await opened.keyboard.press("Enter")
            return
    raise AssertionError(f"no way by Tab to {name}")


async def captions_go_and_come(opened: Page) -> None:
    pressed = opened.get_by_role("button", name="Captions", pressed=True)
    await expect(pressed).to_be_visible()
    await opened.keyboard.press("c")
    await expect(pressed).to_have_count(0)
    await expect(opened.locator(".caps")).to_have_count(0)
    await opened.keyboard.press("c")
    await expect(pressed).to_be_visible()


async def a_small_window_floats(opened: Page) -> None:
    floats = "() => document.pictureInPictureElement !== null"
    await press(opened, "Small window")
    await opened.wait_for_function(floats)
    await press(opened, "Small window")
    await opened.wait_for_function("() => document.pictureInPictureElement === null")


async def held_space_talks(opened: Page) -> None:
    await opened.keyboard.press("m")
    await expect(opened.get_by_label("Turn microphone on")).to_be_visible()
    await opened.keyboard.down("Space")
    await expect(opened.get_by_label("Talking.")).to_be_visible()
    await shot(opened, "held")
    await opened.keyboard.up("Space")
    await expect(opened.get_by_label("Turn microphone on")).to_be_visible()
    await opened.keyboard.press("t")
    box = opened.get_by_role("textbox")
    await box.press_sequentially("a mute cat")
    await expect(box).to_have_value("a mute cat")
    await box.fill("**Two** things:\n\n1. one\n2. `two`")
    await box.press("Enter")
    await opened.keyboard.press("Escape")


async def the_hood_shows_the_call(opened: Page) -> None:
    await opened.keyboard.press("u")
    played = opened.get_by_role("img", name=re.compile(r"Buffer ring, .* [1-9]\d+ played"))
    await expect(played).to_be_visible(timeout=15_000)
    network = re.compile(r"\d [kM]bit/s in · .* round trip · UDP")
    await expect(opened.get_by_text(network)).to_be_visible()
    rate = opened.locator(
        ".two > div", has=opened.get_by_role("heading", name="Pictures per second")
    )
    await expect(rate.locator(".big")).to_have_text(re.compile(r"^[1-9][\d.]*$"))
    async with opened.expect_download() as downloading:
        await press(opened, "JSON")
    report: dict[str, Any] = read(await (await downloading.value).path())
    assert any((figures["fps"] or 0) > 0 for figures in report["history"])
    assert report["call"]["avatar"] in ("ready", "playing", "paused")
    assert {"initialising → ready", "initialising → playing"} & {
        event["what"] for event in report["trace"]["events"]
    }
    await shot(opened, "hood")
    await press(opened, "connection")
    await expect(opened.get_by_text("Round trip", exact=True)).to_be_visible()
    await shot(opened, "quality")
    await opened.keyboard.press("Escape")
    await opened.keyboard.press("u")


def read(path: Path) -> Any:
    return json.loads(path.read_text())


async def text_only_hides_and_hushes(opened: Page) -> None:
    sound = "document.querySelector('audio').volume"
    await press(opened, "go on in writing")
    await expect(opened.get_by_text("Text only")).to_be_visible()
    await expect(opened.locator("main[data-avatar=destroyed]")).to_be_visible()
    assert await opened.evaluate(sound) == 0
    await shot(opened, "text-only")
    await press(opened, "Show")
    await expect(opened.locator(_LIVE)).to_be_visible()
    assert await opened.evaluate(sound) == 1
    moved = "document.querySelector('.stage video').currentTime"
    before = await opened.evaluate(moved)
    await opened.wait_for_function(f"before => {moved} > before", arg=before)


def through(livekit: Settings, network: Network) -> Settings:
    """The page's calls travel through the network."""
    away = {"livekit_public_url": network.url}
    return livekit.with_port(free_port()).model_copy(update=away)


async def rooms_of(livekit: Settings) -> set[str]:
    async with server_api(livekit) as server:
        return {room.sid for room in (await server.room.list_rooms(ListRoomsRequest())).rooms}


async def test_a_blocked_and_a_slow_network_are_said_and_a_lost_one_comes_back(
    livekit: Settings, worker: Worker
) -> None:
    async with (
        asyncio.timeout(150),
        Network(livekit.livekit_url) as network,
        page_at(through(livekit, network)) as address,
        page(allow=False) as opened,
    ):
        await network.prepare(opened)
        await a_blocked_network(opened, address, network)
        await expect(opened.locator(_LIVE)).to_be_visible(timeout=20_000)
        await opened.keyboard.press("t")
        await say_in_writing(opened, "what is two plus two?")
        await expect(opened.locator(".msg:not(.me)").last).to_contain_text(
            "four", ignore_case=True, timeout=40_000
        )
        network.slow(delay_s=0.15, loss=0.05, kbit_per_s=250)
        await expect(opened.locator(".chip.quality")).to_contain_text("Weak")
        await shot(opened, "weak")
        network.mend()
        await expect(opened.locator(".chip.quality")).to_contain_text("Good")
        rooms = await rooms_of(livekit)
        await a_lost_network(opened, network)
        assert await rooms_of(livekit) <= rooms, "it came back to another room"


async def a_blocked_network(opened: Page, address: str, network: Network) -> None:
    """Signalling gets through, sound and picture do not: said before the call and instead of it."""
    network.slow(delay_s=0, loss=1, kbit_per_s=100_000)
    await opened.goto(address, wait_until="networkidle")
    await opened.get_by_role("button", name="Check connection").click()
    way = opened.get_by_role("listitem").filter(has_text="Direct way (UDP)")
    await expect(way).to_contain_text("Not working")
    await expect(way).to_contain_text("Try another network")
    await expect(opened.get_by_text("Something is in the way")).to_be_visible()
    await opened.keyboard.press("Escape")
    await opened.get_by_role("button", name="Start").first.click()
    await expect(opened.get_by_role("heading", name="The call can’t get through")).to_be_visible()
    await expect(opened.get_by_text("port to be opened").first).to_be_visible()
    await shot(opened, "network-blocked")
    network.mend()
    await opened.get_by_role("button", name="Try again").click()


async def a_lost_network(opened: Page, network: Network) -> None:
    network.cut()
    await opened.context.set_offline(True)
    lost = opened.get_by_text("Getting you back").first
    await expect(lost).to_be_visible()
    await say_in_writing(opened, "what is three plus four?")
    await expect(opened.locator(".msg.wait")).to_have_count(1)
    await expect(opened.get_by_text("dropped 8 seconds ago")).to_be_visible(timeout=30_000)
    await shot(opened, "network-lost")
    network.mend()
    await opened.context.set_offline(False)
    await expect(lost).to_have_count(0, timeout=40_000)
    await expect(opened.locator(_LIVE)).to_be_visible(timeout=30_000)
    await expect(opened.locator(".msg.wait")).to_have_count(0)
    await expect(opened.locator(".msg:not(.me)").last).to_contain_text(
        "seven", ignore_case=True, timeout=40_000
    )
    mine = opened.locator(".msg.me")
    await expect(mine).to_have_count(2)
    await expect(mine.first).to_contain_text("two plus two")


async def say_in_writing(opened: Page, text: str) -> None:
    await opened.get_by_role("textbox").fill(text)
    await opened.get_by_role("textbox").press("Enter")
