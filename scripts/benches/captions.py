"""Each word of the captions in Chromium against its sound in the same page.

The truth is the speech as the agent's face was given it: its samples, and the voice's own word
times in them (noted.py). The page's received sound is recorded beside the element that plays it,
and every word's own second of samples is looked for in it, so that a receiver that stretches or
loses sound moves no other word. A word is seen with the first animation frame after it stands in
the captions. Positive: the word is shown after its sound began. The loudspeaker's own delay is in
neither. A word that was not found, or not shown, is counted and not guessed.
"""

import asyncio
import base64
import difflib
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from browser import chromium, mark
from numpy.typing import NDArray
from playwright.async_api import Page
from servers import Worker, free_port, livekit_server, page_at

from agent.config import Settings
from avatar.frames import CLOCK_RATE
from benches import match, noted
from benches.figures import spread

PROMPTS = (
    "what can you do?",
    "how does this work",
    "what is two plus two?",
    "who are you?",
    "go on",
)
_SURE = 0.6
_SECOND = CLOCK_RATE
_BEFORE, _AFTER = round(0.25 * _SECOND), round(0.75 * _SECOND)
_NEAR = _SECOND
_SLACK = round(0.4 * _SECOND)
"""How far a receiver may have moved a word from where the ones before it were."""
_TAP = """
registerProcessor("tap", class extends AudioWorkletProcessor {
  process([[samples]]) {
    if (samples) this.port.postMessage([currentFrame, Date.now(), samples.slice()]);
    return true;
  }
});
"""
_LISTEN = """
async ([code, sampleRate]) => {
  const heard = window.__heard = { blocks: [], words: [], begun: [] };
  const context = new AudioContext({ sampleRate });
  const module = new Blob([code], { type: "text/javascript" });
  await context.audioWorklet.addModule(URL.createObjectURL(module));
  const tap = new AudioWorkletNode(context, "tap");
  tap.port.onmessage = ({ data: [frame, now, samples] }) => {
    heard.blocks.push([frame, Int16Array.from(samples, (x) => x * 32767)]);
    const begun = now - 1000 * frame / context.sampleRate;
    heard.begun.push(begun - performance.timeOrigin);
  };
  context.createMediaStreamSource(document.querySelector("audio").srcObject)
    .connect(tap).connect(context.destination);  // to which it adds nothing
  const caption = () => {
    const box = document.querySelector(".caps[data-from=them]:not([hidden])");
    return box === null ? "" : [...box.childNodes]
      .filter((node) => node.className !== "said").map((node) => node.textContent).join("");
  };
  let last = caption();
  const look = () => {
    const text = caption();
    if (text === last) return;
    last = text;
    requestAnimationFrame(() => heard.words.push([performance.now(), text]));
  };
  new MutationObserver(look).observe(document.querySelector(".stage"), {
    attributes: true, childList: true, characterData: true, subtree: true,
  });
}
"""
_HEARD = """
() => {
  const { begun, blocks, words } = window.__heard;
  const first = blocks[0][0];
  const [end, tail] = blocks.at(-1);
  const all = new Int16Array(end - first + tail.length);
  for (const [frame, samples] of blocks) all.set(samples, frame - first);
  const bytes = new Uint8Array(all.buffer);
  let text = "";
  for (let n = 0; n < bytes.length; n += 32768)
    text += String.fromCharCode(...bytes.subarray(n, n + 32768));
  const frames = blocks.map(([frame]) => frame);
  return { begun, frames, words, sound: btoa(text), missed: all.length - 128 * blocks.length };
}
"""

Sound = NDArray[np.float64]
Moments = list[tuple[float, str]]


async def run(rounds: int = len(PROMPTS)) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        heard = await _listen(Path(folder), PROMPTS[:rounds])
        speeches = noted.read(Path(folder))
    sound = np.frombuffer(base64.b64decode(heard["sound"]), np.int16).astype(np.float64)
    begins = _begins(np.array(heard["frames"]), np.array(heard["begun"]) / 1000)
    spoken: Moments = []
    words = 0
    for speech in speeches:
        words += len(speech.words)
        spoken += [(begins(round(at)), word) for at, word in _places(speech, sound)]
    shown = _appearances([(at / 1000, text) for at, text in heard["words"]])
    late = _late(shown, spoken)
    return {
        "word_after_its_sound_ms": spread(late),
        "worst_of_both_sides_ms": spread([abs(each) for each in late]),
        "words_spoken": words,
        "words_found_in_the_sound": len(spoken),
        "words_shown_and_matched": len(late),
        "samples_the_recorder_missed": heard["missed"],
    }


async def _listen(folder: Path, prompts: Sequence[str]) -> dict[str, Any]:
    async with _site(folder) as address, chromium() as browser:
        page = await (await browser.new_context(bypass_csp=True)).new_page()
        await page.goto(address, wait_until="networkidle")
        await page.get_by_role("button", name="Start").first.click()
        await page.keyboard.press("m")  # the fake microphone beeps, and would interrupt
        await mark(page, "visavis:first-audio")
        await page.evaluate(_LISTEN, [_TAP, CLOCK_RATE])
        await _over(page)
        for prompt in prompts:
            await _ask(page, prompt)
        heard: dict[str, Any] = await page.evaluate(_HEARD)
        await page.get_by_role("button", name="Leave").click()
        return heard


@asynccontextmanager
async def _site(folder: Path) -> AsyncIterator[str]:
    """livekit-server, a worker that notes what it says, and the page's address."""
    async with livekit_server() as server:
        settings = Settings(livekit_url=server.url, port=free_port())
        worker = Worker(settings, {noted.VARIABLE: str(folder)}, program="benches.noted")
        await worker.start()
        try:
            async with page_at(settings) as address:
                yield address
        finally:
            await worker.aclose()


async def _ask(page: Page, prompt: str) -> None:
    """Write it and wait until the answer has been said."""
    if not await page.get_by_role("textbox").is_visible():
        await page.get_by_role("button", name="Chat").first.click()
    await page.get_by_role("textbox").fill(prompt)
    await page.get_by_role("textbox").press("Enter")
    await page.locator("main[data-avatar=playing]").wait_for(timeout=20_000)
    await _over(page)


async def _over(page: Page) -> None:
    over = page.locator("main[data-avatar=ready], main[data-avatar=paused]")
    await over.wait_for(timeout=120_000)
    await asyncio.sleep(1.0)


def _begins(frames: NDArray[np.int64], begun: Sound) -> Callable[[int], float]:
    """Page time at which a sample of the recording was heard.

    begun: when frame 0 would have been, told by each block. The block that was held up least is
    right, of those around the sample: a context that runs dry falls behind for good.
    """

    def heard_at(sample: int) -> float:
        frame = frames[0] + sample
        near = np.abs(frames - frame) < _NEAR
        return float((begun[near] if near.any() else begun).min() + frame / CLOCK_RATE)

    return heard_at


def _places(speech: noted.Speech, sound: Sound) -> Moments:
    """(sample of `sound` at which it begins, word) of each word that is found there."""
    samples = speech.samples.astype(np.float64)
    whole = match.best(samples, sound, sure=0.2)
    if whole is None:
        return []
    shift = whole[0]
    found: Moments = []
    for word, start_s in speech.words:
        at = round(start_s * CLOCK_RATE)
        piece = samples[max(0, at - _BEFORE) : at + _AFTER]
        first = max(0, max(0, at - _BEFORE) + shift - _SLACK)
        place = match.best(piece, sound[first : first + len(piece) + 2 * _SLACK], sure=_SURE)
        if place is not None:
            shift = first + place[0] - max(0, at - _BEFORE)
            found.append((at + shift, word))
    return found


def _appearances(pages: Moments) -> Moments:
    """(moment, word) of each word of the captions, from the texts that stood there one by one."""
    before: list[str] = []
    made: Moments = []
    for at, text in pages:
        now = text.split()
        same = 0
        while same < min(len(now), len(before)) and now[same] == before[same]:
            same += 1
        grown = same == len(before) - 1 and len(now) > same and now[same].startswith(before[same])
        new = now[same + 1 :] if grown else now[same:]
        made += [(at, word) for word in new]
        before = now
    return made


def _late(shown: Moments, spoken: Moments) -> list[float]:
    """Seconds from each spoken word to the same word of the captions, in the order of both."""
    heard = [(at, _plain(word)) for at, text in spoken for word in text.split()[:1]]
    seen = [(at, _plain(word)) for at, word in shown]
    matcher = difflib.SequenceMatcher(
        a=[word for _, word in heard], b=[word for _, word in seen], autojunk=False
    )
    return [
        seen[b + n][0] - heard[a + n][0]
        for a, b, size in matcher.get_matching_blocks()
        for n in range(size)
    ]


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())
