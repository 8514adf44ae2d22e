"""Captions go out word by word, each when its sound leaves.

LiveKit paces them by syllables, which on this voice is up to half a second beside the sound. Here a
word waits until the avatar has played as far as the voice says that it begins; where a voice does
not say it, its letters are spread over the sound (heard.py). What nobody will speak does not wait.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from typing import Protocol

from livekit.agents.types import TimedString

from agent.heard import PHRASE, HeardWords

_WORDS = re.compile(r"\S+\s*|\s+")
_LOOK_S = 0.02
"""How often the sound is looked at: pauses, skips and failures move it without a word."""
_PATIENCE_S = 12.0
"""A speech that does not begin within this is read without."""


class Sound(Protocol):
    """What is played. finished: speeches that are over. played_s: of the one that sounds; None
    in silence."""

    @property
    def finished(self) -> int: ...

    @property
    def played_s(self) -> float | None: ...


class Pace:
    """Of one call. listens: whether what is said now is spoken at all."""

    def __init__(self, sound: Sound, heard: HeardWords, *, listens: Callable[[], bool]) -> None:
        self._sound, self._heard, self._listens = sound, heard, listens

    async def paced(
        self, parts: AsyncIterable[str | TimedString]
    ) -> AsyncGenerator[str | TimedString, None]:
        """The same text, a word at a time; begin when nothing sounds that was said before."""
        speech = _Speech(self._sound, self._heard)
        async with aclosing(_read_ahead(parts)) as ahead:
            async for part in ahead:
                words: list[str] = _WORDS.findall(part)
                begins = getattr(part, "start_time", None)
                timed = isinstance(begins, int | float) and len(words) <= PHRASE
                for word in words:
                    while self._listens():
                        wait_s = speech.wait_s(begins if timed else None)
                        if wait_s <= 0:
                            break
                        await asyncio.sleep(min(wait_s, _LOOK_S))
                    speech.text += word
                    yield word


class _Speech:
    """One speech, as far as its words went out: `text`."""

    def __init__(self, sound: Sound, heard: HeardWords) -> None:
        self._sound, self._heard = sound, heard
        self._finished = sound.finished
        self._since = time.monotonic()
        self.text = ""

    def wait_s(self, begins_s: float | None) -> float:
        """Seconds until the next word is due, as things stand; begins_s None: nobody said when."""
        if self._sound.finished > self._finished:
            return 0.0
        played_s = self._sound.played_s
        if played_s is None:
            mute = self._heard.is_mute(self.text)
            return 0.0 if mute else self._since + _PATIENCE_S - time.monotonic()
        if begins_s is not None:
            return begins_s - played_s
        return 0.0 if self._heard.letters(self.text, played_s) >= len(self.text) else _LOOK_S


async def _read_ahead(
    parts: AsyncIterable[str | TimedString],
) -> AsyncGenerator[str | TimedString, None]:
    """The parts as they came; whoever makes them is not kept waiting by the pace."""
    # bounded by the text of one speech
    queue: asyncio.Queue[str | TimedString | None] = asyncio.Queue()

    async def take() -> None:
        try:
            async for part in parts:
                queue.put_nowait(part)
        finally:
            queue.put_nowait(None)

    taking = asyncio.create_task(take(), name="captions")
    try:
        while (part := await queue.get()) is not None:
            yield part
        await taking  # its error is ours
    finally:
        taking.cancel()
        await asyncio.wait([taking])
