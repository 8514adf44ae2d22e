"""Speech that was made before: sound with its timings on disk, for greetings and canned answers.

One file for each text of each voice. Files are written beside and renamed, so that a worker never
reads half of one, and two that make the same text leave one whole file. The folder is bounded in
bytes and age; what was used longest ago leaves first. A file that cannot be read is no file.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.plugins.visavis import USERDATA_PHONEMES

logger = logging.getLogger(__name__)

SUFFIX = ".speech"
LONGEST_LETTERS = 600
_FRAME_S = 0.1
_STALE_S = 600.0
_FORMAT = 1
_MARK = b"VISAVIS-SPEECH\n"


@dataclass(frozen=True, slots=True)
class Take:
    """A text as it was spoken. words: (text, start_s, end_s); phones: (symbol, start_s, end_s)."""

    text: str
    rate: int
    pcm: bytes
    words: tuple[tuple[str, float, float | None], ...]
    phones: tuple[tuple[str, float, float], ...] = ()

    def frames(self, rate: int) -> Iterator[rtc.AudioFrame]:
        """The sound at a rate; each frame carries the hints of what begins in it."""
        resampler = rtc.AudioResampler(self.rate, rate) if rate != self.rate else None
        step = round(self.rate * _FRAME_S)
        for start in range(0, len(self.pcm) // 2, step):
            samples = self.pcm[2 * start : 2 * (start + step)]
            frame = rtc.AudioFrame(samples, self.rate, 1, len(samples) // 2)
            frames = resampler.push(frame) if resampler is not None else [frame]
            for one in frames[:1]:
                one.userdata.update(self._hints(start / self.rate, (start + step) / self.rate))
            yield from frames
        yield from resampler.flush() if resampler is not None else ()

    def _hints(self, start_s: float, end_s: float) -> dict[str, Any]:
        hints: dict[str, Any] = {}
        words = [word for word in self.words if start_s <= word[1] < end_s]
        if words:
            hints[USERDATA_TIMED_TRANSCRIPT] = [_timed(*word) for word in words]
        phones = [list(phone) for phone in self.phones if start_s <= phone[1] < end_s]
        if phones:
            hints[USERDATA_PHONEMES] = [{"alphabet": "ipa", "phones": phones}]
        return hints


class Recording:
    """A take in the making."""

    def __init__(self, key: str, text: str, rate: int) -> None:
        self.key, self.text, self.rate = key, text, rate
        self._pcm = bytearray()
        self._words: list[tuple[str, float, float | None]] = []
        self._phones: list[tuple[str, float, float]] = []

    def add(self, frame: rtc.AudioFrame) -> None:
        self._pcm += frame.data.tobytes()
        for word in frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, ()):
            if isinstance(word.start_time, int | float):
                end = word.end_time if isinstance(word.end_time, int | float) else None
                self._words.append((str(word), float(word.start_time), end))
        for entry in frame.userdata.get(USERDATA_PHONEMES, ()):
            self._phones += [(str(s), float(a), float(b)) for s, a, b in entry["phones"]]

    def take(self) -> Take:
        return Take(self.text, self.rate, bytes(self._pcm), tuple(self._words), tuple(self._phones))


class SpeechCache:
    """A folder of takes, shared by every worker of this machine. max_bytes 0: nothing is kept."""

    def __init__(self, folder: Path, *, max_bytes: int, max_age_s: float) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._writing: set[asyncio.Task[None]] = set()

    async def find(self, key: str, text: str) -> Take | None:
        """The take of a text by a voice, if there is one that is not too old."""
        return await asyncio.to_thread(self.read, key, text) if self._fits(text) else None

    def keep(self, recording: Recording) -> None:
        """Write it in the background; what cannot be written is left out with a line in the log."""
        if not self._fits(recording.text):
            return
        work = asyncio.to_thread(self.write, recording.key, recording.take())
        task = asyncio.create_task(work, name="speech-cache")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def settle(self) -> None:
        """Wait for what is being written."""
        while self._writing:
            await asyncio.wait(self._writing)

    def path(self, key: str, text: str) -> Path:
        name = hashlib.sha256(f"{_FORMAT}\0{key}\0{normal(text)}".encode()).hexdigest()
        return self.folder / name[:2] / f"{name}{SUFFIX}"

    def read(self, key: str, text: str) -> Take | None:
        path = self.path(key, text)
        try:
            age_s = time.time() - path.stat().st_mtime
            take = _parse(path.read_bytes()) if age_s <= self._max_age_s else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            logger.warning("a cached speech cannot be read", extra={"reason": str(error)})
            take = None
        if take is None or normal(take.text) != normal(text):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):  # the time of use; the time of making stays
            os.utime(path, (time.time(), path.stat().st_mtime))
        return take

    def write(self, key: str, take: Take) -> None:
        """Raises nothing: a full or read-only disk costs the cache, not the call."""
        path = self.path(key, take.text)
        data = _format(take)
        if len(data) > self._max_bytes:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
                file.write(data)
            os.replace(file.name, path)
            self.tidy()
        except OSError as error:
            logger.warning("speech cannot be cached", extra={"reason": str(error)})

    def tidy(self) -> None:
        """Remove what is too old, and what was used longest ago beyond the bound."""
        now, files, total = time.time(), [], 0
        for path in self.folder.glob(f"*/*{SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):  # another worker tidies too
                stat = path.stat()
                old = now - stat.st_mtime > self._max_age_s
                files.append((-1.0 if old else stat.st_atime, stat.st_size, path))
                total += stat.st_size
        for path in self.folder.glob("*/.*"):  # a worker was killed while it wrote
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > _STALE_S:
                    path.unlink()
        for used_at, size, path in sorted(files):
            if used_at >= 0 and total <= self._max_bytes:
                break
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            total -= size

    def _fits(self, text: str) -> bool:
        return self._max_bytes > 0 and 0 < len(text) <= LONGEST_LETTERS


def normal(text: str) -> str:
    """The text as the cache compares it."""
    return " ".join(text.split())


def _timed(text: str, start_s: float, end_s: float | None) -> TimedString:
    if end_s is None:
        return TimedString(text, start_time=start_s)
    return TimedString(text, start_time=start_s, end_time=end_s)


def _format(take: Take) -> bytes:
    head = {
        "text": take.text,
        "rate": take.rate,
        "words": take.words,
        "phones": take.phones,
        "crc": zlib.crc32(take.pcm),
    }
    return _MARK + json.dumps(head).encode() + b"\n" + take.pcm


def _parse(data: bytes) -> Take:
    """Raises ValueError for what is none of ours, or damaged."""
    if not data.startswith(_MARK):
        raise ValueError("not a speech file")
    head, _, pcm = data[len(_MARK) :].partition(b"\n")
    found = json.loads(head)
    try:
        if zlib.crc32(pcm) != found["crc"]:
            raise ValueError("damaged")
        return Take(
            str(found["text"]),
            int(found["rate"]),
            pcm,
            tuple(
                (str(t), float(a), None if b is None else float(b)) for t, a, b in found["words"]
            ),
            tuple((str(s), float(a), float(b)) for s, a, b in found["phones"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"damaged: {error}") from error
