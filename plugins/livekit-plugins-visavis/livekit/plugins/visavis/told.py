"""The text of an utterance, told to the mouth with the sound that says it.

Most voices do not say when their phonemes sound. With the text the face finds that out itself, much
better than from the sound alone. Nothing waits for it: words ride on the first frame after they
became known, and a reading that is late or fails is left to the face's own letter rules.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from livekit.agents import Agent, ModelSettings, utils

from livekit import rtc

from .log import logger
from .sink import USERDATA_PHONEMES, USERDATA_TEXT

Pronounce = Callable[[str], Awaitable[Sequence[Sequence[str]]]]
"""Reads a text: for each of its words (parted by white space) the phones in IPA."""

_PRONOUNCE_S = 2.0
_MAX_WAITING = 64
"""Clauses that wait to be read; what comes beyond is left to the sound."""

_MAX_CLAUSE = 200  # characters: without any punctuation it is read in pieces of this length
_CLAUSE = re.compile(r".*[.!?;:,…。！？；：，](?=\s)", re.DOTALL)  # fmt: skip


async def tts_node(
    agent: Agent,
    text: AsyncIterable[str],
    model_settings: ModelSettings,
    *,
    pronounce: Pronounce | None = None,
) -> AsyncGenerator[rtc.AudioFrame, None]:
    """`Agent.default.tts_node` whose frames carry the text. Return it from an agent's `tts_node`.

        def tts_node(self, text, model_settings):
            return visavis.tts_node(self, text, model_settings)

    pronounce: reads words better than letter rules do (`livekit.plugins.espeak.Reader`).
    """

    def voice(words: AsyncIterable[str]) -> AsyncIterable[rtc.AudioFrame]:
        return Agent.default.tts_node(agent, words, model_settings)

    async with aclosing(tell(text, voice, pronounce=pronounce)) as frames:
        async for frame in frames:
            yield frame


async def tell(
    text: AsyncIterable[str],
    voice: Callable[[AsyncIterable[str]], AsyncIterable[rtc.AudioFrame]],
    *,
    pronounce: Pronounce | None = None,
) -> AsyncGenerator[rtc.AudioFrame, None]:
    """The frames of any voice, with the text that it was given in their userdata."""
    told = _Told(pronounce)
    told.start()
    try:
        async for frame in voice(told.passed_on(text)):
            told.ride(frame)
            yield frame
    finally:
        await told.aclose()


class _Told:
    """Words on their way from the text to the frames."""

    def __init__(self, pronounce: Pronounce | None) -> None:
        self._pronounce = pronounce
        self._open = ""  # the end of the text so far, that may still become a longer word
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_MAX_WAITING)
        self._ready: list[dict[str, Any]] = []
        self._reader: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._pronounce is not None:
            self._reader = asyncio.create_task(self._read(self._pronounce), name="avatar-reader")

    async def aclose(self) -> None:
        if self._reader is not None:
            await utils.aio.cancel_and_wait(self._reader)

    async def passed_on(self, text: AsyncIterable[str]) -> AsyncGenerator[str, None]:
        """The same text, noted as it passes."""
        async for part in text:
            self._open += part
            self._cut()
            yield part
        self._put(self._open)
        self._open = ""

    def ride(self, frame: rtc.AudioFrame) -> None:
        """Put what is ready on a frame; one that tells its phonemes needs no text."""
        if self._ready and USERDATA_PHONEMES not in frame.userdata:
            frame.userdata[USERDATA_TEXT], self._ready = self._ready, []

    def _cut(self) -> None:
        """Take whole clauses where they are read aloud, and whole words where they are not."""
        end = max(self._open.rfind(" "), self._open.rfind("\n"))
        if self._reader is not None and len(self._open) < _MAX_CLAUSE:
            clause = _CLAUSE.match(self._open)
            end = clause.end() if clause else -1
        if end > 0:
            self._put(self._open[:end])
            self._open = self._open[end:]

    def _put(self, words: str) -> None:
        if not words.strip():
            return
        if self._reader is None:
            self._ready.append({"text": words})
        elif not self._waiting.full():
            self._waiting.put_nowait(words)

    async def _read(self, pronounce: Pronounce) -> None:
        while True:
            words = await self._waiting.get()
            entry: dict[str, Any] = {"text": words}
            try:
                async with asyncio.timeout(_PRONOUNCE_S):
                    entry["pronunciation"] = [list(phones) for phones in await pronounce(words)]
            except Exception:  # whatever reads for us: the voice must not suffer
                logger.debug("a clause could not be read aloud for the mouth", exc_info=True)
            self._ready.append(entry)
