"""A child process that we own: its output read, its end waited for, gone when we are gone.

A child leads a process group of its own, so that Ctrl-C reaches us alone and we stop things in
order; `kill` then takes the whole group. When we are killed outright, Linux signals the child
(PR_SET_PDEATHSIG); elsewhere a child may outlive a killed parent. Never a shell, and no secret
in `command`: other users can read it.
"""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

logger = logging.getLogger(__name__)

_LINE_LIMIT = 1 << 20
_TAIL_LINES = 30
_PR_SET_PDEATHSIG = 1


class Child:
    """One running process. Make it with `start`, and `stop` it: nobody else does."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, on_line: Callable[[str], None] | None
    ) -> None:
        self.name = name
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        """The last lines it wrote, for the sentence that says why it ended."""
        self._process = process
        self._on_line = on_line
        self._pump = asyncio.create_task(self._read(), name=f"{name}-output")

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> Self:
        """Start `command`; `on_line` gets each line of its output (both streams).

        `death_signal` is what it gets when this process dies. Raises OSError when the program
        cannot be started.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=env,
            cwd=cwd,
            limit=_LINE_LIMIT,
            start_new_session=True,
            preexec_fn=_die_with_parent(death_signal),
        )
        return cls(name, process, on_line)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end, all output read; returns the exit status, negative for a signal."""
        code = await self._process.wait()
        await asyncio.wait([self._pump], timeout=1.0)  # a grandchild may hold the pipe open
        return code

    async def stop(self, *terms_s: float) -> int:
        """End it: TERM, then wait so many seconds, for each of `terms_s`; KILL the group after.

        Twice is fine, and so is a child that has already ended. Returns the exit status.
        """
        for patience_s in terms_s:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._process.wait()
                break
        self._kill_group()
        code = await self._process.wait()
        self._pump.cancel()
        await asyncio.wait([self._pump])
        return code

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _kill_group(self) -> None:
        """Also what its own children left behind: the group outlives its leader."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            try:
                raw = await stream.readline()
            except ValueError:  # longer than the limit: asyncio has dropped it
                continue
            if not raw:
                return
            line = raw.decode(errors="replace").rstrip("\r\n")
            self.tail.append(line)
            if self._on_line is not None:
                self._on_line(line)


def how_it_ended(code: int) -> str:
    """An exit status in words: "ended with status 3", "was ended by SIGKILL"."""
    if code >= 0:
        return f"ended with status {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Runs in the child between fork and exec, so the library is loaded here, before the fork."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask
