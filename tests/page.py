"""What a test sees and hears of the page: the video's pixels and the receiver's sound level."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from playwright.async_api import Page

from agent.probe.recording import THUMB, Recording

_WATCH = """
(thumb) => {
  const made = window.__seen = { video: [], audio: [], stop: false };
  const canvas = new OffscreenCanvas(thumb, thumb);
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  const clock = () => performance.now() / 1000;
  const watched = new WeakSet();
  const onFrame = (video) => {
    if (made.stop) return;
    ink.drawImage(video, 0, 0, thumb, thumb);
    const rgba = ink.getImageData(0, 0, thumb, thumb).data;
    const luma = new Uint8Array(thumb * thumb);
    for (let i = 0; i < luma.length; i++)
      luma[i] = (rgba[4 * i] * 77 + rgba[4 * i + 1] * 151 + rgba[4 * i + 2] * 28) >> 8;
    made.video.push([clock(), luma]);
    video.requestVideoFrameCallback(() => onFrame(video));
  };
  const look = async () => {
    if (made.stop) return;
    for (const video of document.querySelectorAll("video"))
      if (!watched.has(video) && video.videoWidth > 0) {
        watched.add(video);
        video.requestVideoFrameCallback(() => onFrame(video));
      }
    for (const peer of window.__peers)
      if (peer.connectionState === "connected")
        for (const entry of (await peer.getStats()).values())
          if (entry.type === "inbound-rtp" && entry.kind === "audio")
            made.audio.push([clock(), entry.audioLevel ?? 0]);
    setTimeout(look, 20);
  };
  look();
}
"""
_PEERS = """
(() => {
  window.__peers = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...given) { super(...given); window.__peers.push(this); }
  };
})()
"""


async def prepare(page: Page) -> None:
    """Before the page is opened: let the test reach its peer connections."""
    await page.add_init_script(_PEERS)


async def watch(page: Page) -> None:
    """From now on, keep every shown picture (small) and the sound level of what is played."""
    await page.evaluate(_WATCH, THUMB)


async def seen(page: Page) -> Recording:
    """What was watched so far. Moments are page time in seconds."""
    raw: dict[str, Any] = await page.evaluate(
        """() => ({
          audio: window.__seen.audio,
          times: window.__seen.video.map(([t]) => t),
          video: btoa(window.__seen.video.map(([, y]) =>
            String.fromCharCode(...y)).join("")),
        })"""
    )
    made = Recording(video_size=(THUMB, THUMB))
    for moment, level in raw["audio"]:
        made.audio_times.append(moment)
        made.audio_blocks.append(np.zeros(0, np.int16))
        made.audio_levels.append(level)
    pixels = np.frombuffer(base64.b64decode(raw["video"]), np.uint8)
    made.video_times = list(raw["times"])
    made.video_thumbs = list(pixels.reshape(-1, THUMB, THUMB))
    return made


async def page_time(page: Page) -> float:
    """Page time in seconds."""
    return float(await page.evaluate("performance.now() / 1000"))


async def level(page: Page) -> float:
    """The newest sound level, 0..1."""
    return float(await page.evaluate("window.__seen.audio.at(-1)?.[1] ?? 0"))


async def until(condition: Callable[[], Awaitable[bool]], what: str, limit_s: float = 30) -> None:
    """Wait for something that no event tells. Fails with `what` after limit_s."""
    end = time.monotonic() + limit_s
    while not await condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit_s:.0f} s: {what}")
        await asyncio.sleep(0.05)
