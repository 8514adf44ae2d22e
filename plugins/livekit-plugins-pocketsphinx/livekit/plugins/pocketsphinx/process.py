"""The child process that does the hearing, seen from the plugin.

Starts it, feeds it, hands its answers to whoever waits, and ends it. Never blocks an event loop:
one thread writes, one reads. The fact you would not guess: the child imports the folder ear/ by
itself, because importing it through this package would load livekit.agents, 3.5 s of processor
time, to decode.
"""

import asyncio
import contextlib
import itertools
import json
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .ear import wire
from .ear.wire import Kind, Message, Result
from .log import logger

_BOOT = "import sys; sys.path.insert(0, sys.argv.pop()); from ear.__main__ import main; main()"
_OUTBOX = 512
"""Messages that may wait for the child. Sound waits outside while the box is half full, which only
happens when it comes faster than it was spoken; the other half is for what cannot wait."""
_HANG_S = 10.0
"""A child that takes nothing for so long is ended; every utterance fails with EarLost."""
_CLOSE_S = 2.0


class EarLost(Exception):
    """The child process is gone, or hangs; the next utterance starts another."""


@dataclass(slots=True)
class _Listener:
    """Who waits for an utterance, and in which loop."""

    loop: asyncio.AbstractEventLoop
    final: asyncio.Future[Result]
    on_partial: Callable[[str], None] | None


class _Child:
    """One child process and its two threads."""

    def __init__(self, phrases: Sequence[str]) -> None:
        folder = str(Path(__file__).parent)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._outbox: queue.Queue[Message | None] = queue.Queue(_OUTBOX)
        self._listeners: dict[int, _Listener] = {}
        self._guard = (
            threading.Lock()
        )  # over _listeners and _lost: touched by the loop and the reader
        self._lost = False
        assert self._process.stdin is not None and self._process.stdout is not None
        self._threads = [
            threading.Thread(
                target=self._write, args=(self._process.stdin,), name="ear-writer", daemon=True
            ),
            threading.Thread(
                target=self._read, args=(self._process.stdout,), name="ear-reader", daemon=True
            ),
        ]
        for thread in self._threads:
            thread.start()
        self.send(Message(Kind.MODEL, 0, json.dumps(list(phrases)).encode()))

    @property
    def alive(self) -> bool:
        return not self._lost

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Message) -> None:
        """Raises EarLost when the child is gone or has stopped taking messages."""
        if self._lost:
            raise EarLost("the recogniser's process has ended")
        try:
            self._outbox.put_nowait(message)
        except queue.Full:
            self._process.kill()
            raise EarLost("the recogniser's process hangs: it has been ended") from None

    async def room(self) -> None:
        """Wait while the child is far behind. Raises EarLost when it does not catch up at all."""
        waiting, since = self._outbox.qsize(), time.monotonic()
        while self._outbox.qsize() > _OUTBOX // 2 and not self._lost:
            if self._outbox.qsize() < waiting:
                waiting, since = self._outbox.qsize(), time.monotonic()
            elif time.monotonic() - since > _HANG_S:
                self._process.kill()
                raise EarLost("the recogniser's process hangs: it has been ended")
            await asyncio.sleep(0.01)

    def listen(self, number: int, listener: _Listener) -> None:
        with self._guard:
            if self._lost:
                raise EarLost("the recogniser's process has ended")
            self._listeners[number] = listener

    def forget(self, number: int) -> None:
        with self._guard:
            self._listeners.pop(number, None)

    def close(self) -> None:
        """End the process and both threads; blocks for a few milliseconds. Twice is fine."""
        self._process.terminate()
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._lose()
        for thread in self._threads:
            thread.join(_CLOSE_S)

    def _write(self, sink: BinaryIO) -> None:
        try:
            while (message := self._outbox.get()) is not None:
                wire.write(sink, message)
        except BrokenPipeError:
            pass  # the reader sees the end too, and tells
        finally:
            with contextlib.suppress(BrokenPipeError):
                sink.close()

    def _read(self, source: BinaryIO) -> None:
        with source:
            while (message := wire.read(source)) is not None:
                if message.kind is Kind.READY:
                    logger.debug("recogniser ready", extra=json.loads(message.body))
                else:
                    self._deliver(message)
        self._lose()

    def _deliver(self, message: Message) -> None:
        with self._guard:
            listener = self._listeners.get(message.utterance)
            if message.kind is Kind.FINAL:
                self._listeners.pop(message.utterance, None)
        if listener is None:
            return  # cancelled meanwhile
        if message.kind is Kind.FINAL:
            _call(listener, _resolve, listener.final, Result.from_json(message.body))
        elif listener.on_partial is not None:
            _call(listener, listener.on_partial, json.loads(message.body))

    def _lose(self) -> None:
        with self._guard:
            self._lost = True
            listeners = list(self._listeners.values())
            self._listeners.clear()
        for listener in listeners:
            _call(listener, _fail, listener.final)
        # the writer may be waiting for a message, or the box may be full of what nobody will read
        while True:
            try:
                self._outbox.put_nowait(None)
                return
            except queue.Full:
                _drop_one(self._outbox)


def _drop_one(box: "queue.Queue[Message | None]") -> None:
    with contextlib.suppress(queue.Empty):
        box.get_nowait()


def _call(listener: _Listener, function: Callable[..., None], *args: object) -> None:
    with contextlib.suppress(RuntimeError):  # a closed loop: nobody is left to tell
        listener.loop.call_soon_threadsafe(function, *args)


def _resolve(final: asyncio.Future[Result], result: Result) -> None:
    if not final.done():
        final.set_result(result)


def _fail(final: asyncio.Future[Result]) -> None:
    if not final.done():
        final.set_exception(EarLost("the recogniser's process has ended"))
        final.exception()  # it may be that nobody asks any more: then it is not worth a warning


class Hearing:
    """One utterance on its way. Made by `Ear.hear`; ends by `finish` or `cancel`."""

    def __init__(self, child: _Child, number: int, final: asyncio.Future[Result]) -> None:
        self._child, self._number, self._final = child, number, final

    async def push(self, sound: bytes) -> None:
        """More sound: mono int16 at 16 kHz. Waits while the child is far behind. Raises EarLost."""
        await self._child.room()
        self._child.send(Message(Kind.AUDIO, self._number, sound))

    def pause(self) -> None:
        """The speaker has fallen silent, perhaps for good. Raises EarLost."""
        self._child.send(Message(Kind.PAUSE, self._number))

    async def finish(self) -> Result:
        """Wait for what was heard. Raises EarLost."""
        self._child.send(Message(Kind.END, self._number))
        return await self._final

    def cancel(self) -> None:
        """Forget the utterance; after `finish`, or twice, it does nothing."""
        if self._final.done():
            return
        self._final.cancel()
        self._child.forget(self._number)
        if self._child.alive:
            with contextlib.suppress(EarLost):  # then it is forgotten all the more
                self._child.send(Message(Kind.CANCEL, self._number))


class Ear:
    """The recogniser: a child process that is started when it is needed, and again when it dies."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._phrases = tuple(phrases)
        self._child: _Child | None = None
        self._numbers = itertools.count(1)
        self._finalizer: weakref.finalize[[], Ear] | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        return self._child.pid if self._child is not None and self._child.alive else None

    def start(self) -> None:
        """Start the child unless it runs; returns in a few milliseconds, loading goes on there."""
        self._running()

    def load(self, phrases: Sequence[str]) -> None:
        """Other phrases, for utterances that begin from now on. Raises EarLost."""
        self._phrases = tuple(phrases)
        if self._child is not None and self._child.alive:
            body = json.dumps(list(self._phrases)).encode()
            self._child.send(Message(Kind.MODEL, 0, body))

    def hear(self, *, streaming: bool, on_partial: Callable[[str], None] | None = None) -> Hearing:
        """Begin an utterance; call it in the loop that will wait for it. Raises EarLost.

        on_partial: called in that loop with each changed partial transcript, at most five a second.
        """
        child = self._running()
        number = next(self._numbers)
        loop = asyncio.get_running_loop()
        final: asyncio.Future[Result] = loop.create_future()
        child.listen(number, _Listener(loop, final, on_partial))
        child.send(Message(Kind.START, number, json.dumps(streaming).encode()))
        return Hearing(child, number, final)

    def close(self) -> None:
        """End the child; blocks for milliseconds. Twice is fine; afterwards nothing can be
        heard."""
        self._closed = True
        if self._finalizer is not None:
            self._finalizer()

    def _running(self) -> _Child:
        if self._closed:
            raise EarLost("the recogniser has been closed")
        if self._child is None or not self._child.alive:
            if self._finalizer is not None:
                self._finalizer()  # reaps the one that died
            self._child = _Child(self._phrases)
            # an Ear that is dropped, or alive when the interpreter ends, must not leave a child
            # behind
            self._finalizer = weakref.finalize(self, self._child.close)
        return self._child
