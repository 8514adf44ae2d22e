"""The text of one utterance while it is written, read from any letter on by one voice or another.

It holds the whole text, bounded; what comes beyond is not spoken.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from time import monotonic

LONGEST = 20_000
"""Letters of one utterance: twenty minutes."""
_SENTENCE = re.compile(r"[.!?…。！？]+[\"'”’)]*\s+(?=\S)")


class Manuscript:
    """Written from one side, read from the other. `complete_at`: when its end was written."""

    def __init__(self) -> None:
        self.text = ""
        self.complete_at: float | None = None
        self.sentence_at = 0.0
        """When its last whole sentence was written."""
        self._sentences = 0
        self._news = asyncio.Event()

    @property
    def complete(self) -> bool:
        return self.complete_at is not None

    @property
    def whole(self) -> int:
        """The letter at which its last whole sentence ends."""
        return len(self.text) if self.complete else self._sentences

    def write(self, part: str) -> None:
        self.text += part[: LONGEST - len(self.text)]
        for match in _SENTENCE.finditer(self.text, max(0, self._sentences - 1)):
            if match.end() > self._sentences:
                self._sentences, self.sentence_at = match.end(), monotonic()
        self._wake()

    def close(self) -> None:
        """Nothing more is written. Twice is fine."""
        if self.complete_at is None:
            self.complete_at = monotonic()
        self._wake()

    async def begun(self) -> bool:
        """Wait for the first word; False when there is none at all."""
        while not self.text.strip() and not self.complete:
            await self._news.wait()
        return bool(self.text.strip())

    async def completed(self, within_s: float) -> bool:
        """Whether it is complete after so long at most."""
        try:
            async with asyncio.timeout(within_s):
                while not self.complete:
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def read(self, at: int) -> AsyncIterator[str]:
        """The text from a letter on, as it comes."""
        while True:
            if at < len(self.text):
                part, at = self.text[at:], len(self.text)
                yield part
            elif self.complete:
                return
            else:
                await self._news.wait()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
