"""The avatar's pictures and sound, from the worker's playout to a bridge on the same machine.

The bridge listens on a socket in a private folder and puts its name into the room's metadata; the
worker's job connects. Raw pictures are 10 MB/s: nothing on a local socket. The job gives to a
bounded feed and never waits: a bridge that hangs costs the call nothing.
"""

import contextlib
import json
import logging
import os
import re
import secrets
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.bridges.errors import BridgeError
from agent.bridges.feed import Feed, Picture, Sound
from avatar.frames import VideoFrame

logger = logging.getLogger(__name__)

METADATA = "tap"
"""The key in a room's metadata under which a bridge names its socket."""
SESSION_TOPIC = "visavis.session"
"""Topic of the server's data messages to an avatar (control.py)."""
_HEAD = struct.Struct("<cxHHxxqI")  # kind, width, height, clock sample, bytes that follow
_SOUND, _PICTURE = b"s", b"p"
_LARGEST = 64 << 20
_NAME = re.compile(r"[0-9a-f]{24}")
_POLL_S = 0.5


def folder() -> Path:
    """Where the sockets are: ours alone. Raises BridgeError when somebody else has made it."""
    made = Path(tempfile.gettempdir()) / f"visavis-{os.getuid()}"
    made.mkdir(mode=0o700, exist_ok=True)
    status = made.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or made.is_symlink():
        raise BridgeError(f"{made} can be reached by others: remove it, then start again")
    return made


class TapSender:
    """The worker's end: a tap for AvatarSession.tap. Connects, sends and ends by itself."""

    def __init__(self, name: str) -> None:
        self._path = folder() / f"{name}.sock"
        self._feed = Feed()
        self._thread = threading.Thread(target=self._run, name="avatar-tap", daemon=True)

    @classmethod
    def asked(cls, metadata: Sequence[str]) -> Self | None:
        """The sender to the bridge that a room's or dispatch's metadata names; None: no bridge."""
        for text in metadata:
            with contextlib.suppress(ValueError, AttributeError, TypeError):
                name = json.loads(text).get(METADATA)
                if isinstance(name, str) and _NAME.fullmatch(name):
                    return cls(name)
        return None

    def start(self) -> None:
        self._thread.start()

    def sound(self, start: int, samples: NDArray[np.int16]) -> None:
        self._feed.put(Sound(start, samples))

    def picture(self, start: int, picture: VideoFrame) -> None:
        data = picture.data.copy()  # the renderer's own array is overwritten soon
        self._feed.put(Picture(start, picture.width, picture.height, data))

    async def aclose(self) -> None:
        """Stop sending. Twice is fine."""
        self._feed.close()

    def _run(self) -> None:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(self._path))
                logger.info("the bridge is connected")
                while not self._feed.closed:
                    item = self._feed.get(_POLL_S)
                    if item is not None:
                        _send(line, item)
        except OSError as error:
            logger.warning("the bridge is gone", extra={"reason": error.strerror})
        finally:
            self._feed.close()


class TapReceiver:
    """The bridge's end: hands what comes to every feed, on a thread of its own.

    on_state: told on that thread whether an avatar is connected. `close` it.
    """

    def __init__(self, feeds: Sequence[Feed], on_state: Callable[[bool], None]) -> None:
        self.name = secrets.token_hex(12)
        self._path = folder() / f"{self.name}.sock"
        self._feeds = feeds
        self._on_state = on_state
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(1)
        self._closing = False
        self._line: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="tap-receiver", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it and wait for its thread. Twice is fine."""
        self._closing = True
        for line in (self._listener, self._line):
            if line is not None:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)  # wakes the thread, which closes it
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        with self._listener:
            while not self._closing:
                try:
                    line, _ = self._listener.accept()
                except OSError:
                    break
                self._line = line
                with line:
                    self._on_state(True)
                    self._read(line)
                    self._on_state(False)
        for feed in self._feeds:
            feed.close()

    def _read(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, ValueError):
            while not self._closing:
                item = _receive(line)
                for feed in self._feeds:
                    feed.put(item)


def _send(line: socket.socket, item: Sound | Picture) -> None:
    if isinstance(item, Sound):
        data, head = item.samples.tobytes(), (_SOUND, 0, 0)
    else:
        data, head = item.data.tobytes(), (_PICTURE, item.width, item.height)
    line.sendall(_HEAD.pack(*head, item.start, len(data)))
    line.sendall(data)


def _receive(line: socket.socket) -> Sound | Picture:
    kind, width, height, start, size = _HEAD.unpack(_exactly(line, _HEAD.size))
    if size > _LARGEST:
        raise ValueError(f"a message of {size} bytes")
    data = _exactly(line, size)
    if kind == _SOUND:
        return Sound(start, np.frombuffer(data, np.int16))
    if kind == _PICTURE and size == width * height * 3 // 2:
        return Picture(start, width, height, np.frombuffer(data, np.uint8))
    raise ValueError(f"an unknown message: {kind!r}")


def _exactly(line: socket.socket, count: int) -> bytearray:
    data = bytearray(count)
    view, got = memoryview(data), 0
    while got < count:
        part = line.recv_into(view[got:])
        if not part:
            raise EOFError
        got += part
    return data
