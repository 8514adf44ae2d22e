"""The agent worker as a child process: started, its log understood, its state known.

It runs in livekit-agents' development mode, because there a TERM ends calls at once; in production
mode it would wait up to an hour for them. Its health page says "OK" before it has registered, so
what it knows is read from its log. It does not restart anything: `demo` and `reload` decide that.
"""

import asyncio
import logging
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from agent.config import Settings, child_environment
from agent.processes import Child, how_it_ended

logger = logging.getLogger(__name__)

ENTRY = Path(__file__).with_name("worker.py")
STOP_S = 4.0
_MAX_FAILURES = 3
"""Warm processes that may fail to start before we say so: one may be a loaded machine."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"^\S+ \S+ - (?P<level>[A-Z]+) +(?P<logger>\S+) - (?P<message>.*)$")
_INIT_FAILED = "RuntimeError: process initialization failed: "


class Worker:
    """One run of the worker process.

    port: of its health page. say: gets one sentence for each new problem that a person can do
    something about. entry: a file with a module-level AgentServer.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        port: int,
        say: Callable[[str], None],
        entry: Path = ENTRY,
    ) -> None:
        self.ready = asyncio.Event()
        """Set when a call can start: registered, and a warm process waits (if any is kept)."""
        self._settings = settings
        self._port = port
        self._entry = entry
        self._say = say
        self._child: Child | None = None
        self._registered = False
        self._warm = settings.idle_processes == 0
        self._failures = 0
        self._problem = ""
        self._broken = asyncio.Event()
        self._level = logging.INFO

    async def start(self, *, dev_channel: str | None = None) -> None:
        """Start it; `dev_channel` is the host:port of a reload.DevChannel."""
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "livekit.agents",
            "start",
            self._entry,
            "--dev",
        ]
        if dev_channel is not None:
            command += ["--cli-addr", dev_channel]
        environment = {
            **self._settings.worker_environment(),
            "VISAVIS_WORKER_PORT": str(self._port),
        }
        self._child = await Child.start(
            "worker", command, env=child_environment(environment), on_line=self._read
        )

    async def wait(self) -> str:
        """Wait until it has ended, or can start no call; returns why, one sentence."""
        assert self._child is not None, "start it first"
        ended = asyncio.create_task(self._child.wait(), name="worker-ended")
        broken = asyncio.create_task(self._broken.wait(), name="worker-broken")
        try:
            await asyncio.wait([ended, broken], return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                return f"the agent cannot start: {self._problem}"
            code = ended.result()
            last = next((line for line in reversed(self._child.tail) if line.strip()), "no word")
            said = f": {_COLOUR.sub('', last).strip()}" if code > 0 else ""
            return f"the agent {how_it_ended(code)}{said}"
        finally:
            for task in (ended, broken):
                task.cancel()
            await asyncio.wait([ended, broken])

    async def stop(self) -> None:
        """End it politely: calls are closed, their rooms too. One that takes no call is killed."""
        if self._child is not None:
            await (self._child.stop() if self._broken.is_set() else self._child.stop(STOP_S))

    async def kill(self) -> None:
        """End it at once, with its calls' processes; the rooms stay for the next worker."""
        if self._child is not None:
            await self._child.stop()

    def _read(self, line: str) -> None:
        plain = _COLOUR.sub("", line)
        match = _LINE.match(plain)
        if match is None:  # the lines of a traceback
            if _INIT_FAILED in plain:
                self._count_failure(plain.split(_INIT_FAILED, 1)[1].strip())
            logger.log(self._level, "%s", plain)
            return
        message = match["message"]
        if message.startswith("registered worker"):
            self._registered = True
        elif message.startswith("process initialized"):
            self._warm, self._failures = True, 0
        # the sentence that _count_failure says is worth more than one traceback per try
        expected = message.startswith("error initializing process")
        level = logging.getLevelNamesMapping().get(match["level"], logging.INFO)
        self._level = logging.DEBUG if expected else level
        logger.log(self._level, "%s: %s", match["logger"], message)
        if self._registered and self._warm:
            self.ready.set()

    def _count_failure(self, problem: str) -> None:
        self._failures += 1
        if problem != self._problem:
            self._problem = problem
            self._say(f"the agent cannot start: {problem}")
        if self._failures >= _MAX_FAILURES:
            self._broken.set()


def free_port(preferred: int) -> int:
    """`preferred` if nobody listens there on loopback, else any free port (0: any)."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise OSError("no free port on 127.0.0.1")
