"""Owns the child process that holds espeak-ng: starts it, asks it, starts it again, ends it.

No shell, an empty environment and nothing of the user's on its command line. One child serves all
streams: each has at most one clause in it, so that they take turns. A child that dies is replaced
once per request without anybody hearing it, because a clause is only played when it is whole.
"""

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from livekit.agents import APIConnectionError, APIError, APITimeoutError

from .child import MAX_PENDING, PREFIX, Json, Speech, lengths, pack
from .log import logger
from .voices import Installation, Voice

_PROGRAM = str(Path(__file__).with_name("child.py"))
_CLOSE_S = 1.0
_START_S = 10.0


@dataclass(frozen=True, slots=True)
class Voicing:
    """How to speak: espeak-ng's own scales (see TTS)."""

    voice: str
    rate: int
    pitch: int
    volume: int


class ChildDied(Exception):
    """The child ended, or said something that is not a frame."""


class _Child:
    """One running child and the task that reads it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process = process
        self.sample_rate = 0
        self._writer = process.stdin
        self._reader = process.stdout
        self._waiting: dict[int, asyncio.Future[tuple[Json, bytes]]] = {}
        self._last_id = 0
        self._pump: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        return self.process.returncode is None and self._pump is not None and not self._pump.done()

    async def greet(self) -> None:
        """Wait until it is ready. Raises ChildDied with its own words when it cannot be."""
        try:
            async with asyncio.timeout(_START_S):
                header, _ = await self._read_frame()
        except (asyncio.IncompleteReadError, ValueError, TimeoutError) as error:
            raise ChildDied("espeak-ng's process ended before it was ready") from error
        if "error" in header:
            raise ChildDied(str(header["error"]))
        rate = header["sample_rate"]
        assert isinstance(rate, int)
        self.sample_rate = rate
        self._pump = asyncio.create_task(self._run(), name="espeak-replies")

    async def ask(self, request: Json, body: bytes = b"") -> tuple[Json, bytes]:
        """One request and its reply. Cancelled: the child drops the request. Raises ChildDied."""
        if not self.alive:
            raise ChildDied("espeak-ng's process has ended")
        self._last_id += 1
        number = self._last_id
        answer: asyncio.Future[tuple[Json, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(pack({"id": number, **request}, body))
            return await answer
        finally:
            if self._waiting.pop(number, None) is not None and self.alive:
                self._writer.write(pack({"id": number, "op": "cancel"}))

    async def _run(self) -> None:
        reason = "espeak-ng's process ended while it was speaking"
        try:
            while True:
                header, body = await self._read_frame()
                number = header.get("id")
                waiting = self._waiting.pop(number, None) if isinstance(number, int) else None
                if waiting is not None and not waiting.done():
                    waiting.set_result((header, body))
        except asyncio.IncompleteReadError:
            pass
        except ValueError as error:
            reason = str(error)
        finally:
            waiting_now, self._waiting = list(self._waiting.values()), {}
            for future in waiting_now:
                if not future.done():
                    future.set_exception(ChildDied(reason))

    async def _read_frame(self) -> tuple[Json, bytes]:
        header_size, body_size = lengths(await self._reader.readexactly(PREFIX.size))
        header = json.loads(await self._reader.readexactly(header_size))
        if not isinstance(header, dict):
            raise ValueError("a frame's header is not an object: the two ends have lost each other")
        return header, await self._reader.readexactly(body_size)

    async def aclose(self) -> None:
        """End the child (it leaves when its stdin closes) and reap it."""
        self._writer.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._writer.wait_closed()


class Engine:
    """espeak-ng, whichever child holds it now."""

    def __init__(self, installation: Installation, sample_rate: int) -> None:
        self._installation = installation
        self._sample_rate = sample_rate
        self._child: _Child | None = None
        self._starting = asyncio.Lock()
        self._slots = asyncio.Semaphore(MAX_PENDING)
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Process id of the child, or None while there is none."""
        return self._child.process.pid if self._child is not None else None

    async def start(self) -> None:
        """Make sure that a child is ready. Raises APIConnectionError."""
        try:
            await self._running()
        except ChildDied as error:
            raise APIConnectionError(f"espeak-ng did not start: {error}") from error

    async def speak(self, text: str, voicing: Voicing, *, timeout_s: float) -> Speech:
        """Say `text`, whole. Raises APIConnectionError, APITimeoutError, or APIError for a voice
        that espeak-ng does not have."""
        request: Json = {
            "op": "speak",
            "voice": voicing.voice,
            "rate": voicing.rate,
            "pitch": voicing.pitch,
            "volume": voicing.volume,
        }
        header, body = await self._ask(request, text.encode("utf-8", "replace"), timeout_s)
        if header.get("cut"):
            logger.warning("clause cut: it reads out longer than a request may")
        return Speech(bytearray(body), _pairs(header, "words"), _names(header, "phones"))

    async def list_voices(self, *, timeout_s: float) -> list[Voice]:
        """Every voice of the library. Raises APIConnectionError, APITimeoutError."""
        header, _ = await self._ask({"op": "voices"}, b"", timeout_s)
        listed = header["voices"]
        assert isinstance(listed, list)
        return [Voice(name, tuple(tag for _, tag in tags), file) for name, tags, file in listed]

    async def _ask(self, request: Json, body: bytes, timeout_s: float) -> tuple[Json, bytes]:
        try:
            async with asyncio.timeout(timeout_s), self._slots:
                try:
                    header, sound = await (await self._running()).ask(request, body)
                except ChildDied as error:
                    logger.warning(
                        "espeak-ng died, starting it again", extra={"reason": str(error)}
                    )
                    header, sound = await (await self._running()).ask(request, body)
        except ChildDied as error:
            raise APIConnectionError(f"espeak-ng failed twice on one clause: {error}") from error
        except TimeoutError as error:
            async with self._starting:
                await self._drop(kill=True)  # it may hang for good
            raise APITimeoutError("espeak-ng did not answer in time") from error
        if "error" in header:
            raise APIError(f"espeak-ng refused: {header['error']}", retryable=False)
        return header, sound

    async def _running(self) -> _Child:
        async with self._starting:
            if self._closed:
                raise RuntimeError("this TTS is closed: make a new one")
            if self._child is not None and self._child.alive:
                return self._child
            await self._drop()
            self._child = child = _Child(await self._spawn())
            try:
                await child.greet()
            except BaseException:
                await self._drop()
                raise
            if child.sample_rate != self._sample_rate:
                await self._drop()
                raise ChildDied(f"espeak-ng speaks at {child.sample_rate} Hz, not at 22050 Hz")
            logger.debug("espeak-ng ready", extra={"pid": child.process.pid})
            return child

    async def _spawn(self) -> asyncio.subprocess.Process:
        arguments = ["--library", self._installation.library]
        if self._installation.data is not None:
            arguments += ["--data", str(self._installation.data)]
        # -I -S: the standard library only, nothing of the environment; 20 ms instead of 60
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            _PROGRAM,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            limit=1 << 20,
        )

    async def _drop(self, *, kill: bool = False) -> None:
        child, self._child = self._child, None
        if child is not None:
            if kill or not child.alive:
                with contextlib.suppress(ProcessLookupError):
                    child.process.kill()
            await child.aclose()

    async def aclose(self) -> None:
        """End the child and reap it; twice is fine."""
        self._closed = True
        async with self._starting:
            await self._drop()


def _pairs(header: Json, key: str) -> list[tuple[int, int]]:
    listed = header[key]
    assert isinstance(listed, list)
    return [(int(position), int(sample)) for position, sample in listed]


def _names(header: Json, key: str) -> list[tuple[str, int]]:
    listed = header[key]
    assert isinstance(listed, list)
    return [(str(name), int(sample)) for name, sample in listed]
