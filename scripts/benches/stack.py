"""The product's own processes, run for a benchmark on ports of their own."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psutil
from servers import Worker, livekit_server

from agent.config import Settings
from agent.server import LiveKitServer


class Stack:
    """A livekit-server and an agent worker. `turns` grows with every turn the worker logs.

    actions: what its floors did (hold, resume, stop…), and when by this machine's monotonic clock.
    """

    def __init__(
        self,
        server: LiveKitServer,
        settings: Settings,
        *,
        idle_processes: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.server = server
        self.settings = settings
        self.turns: list[dict[str, Any]] = []
        self.actions: list[tuple[str, float]] = []
        extra = {"VISAVIS_IDLE_PROCESSES": str(idle_processes), **(environment or {})}
        self.worker = Worker(settings, extra, self._on_line)
        self._warm = asyncio.Event()

    @property
    def pids(self) -> dict[str, int]:
        assert self.worker.child is not None
        assert self.server.pid is not None
        return {"livekit-server": self.server.pid, "worker": self.worker.child.pid}

    async def warm(self) -> None:
        """Wait until a process is ready for the next call."""
        self._warm.clear()
        async with asyncio.timeout(30):
            await self._warm.wait()

    def _on_line(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        message = entry.get("message", "")
        if message == "turn":
            self.turns.append(entry)
        elif message == "floor":
            self.actions.append((entry["action"], entry["at_s"]))
        elif message == "process initialized":
            self._warm.set()


@asynccontextmanager
async def stack(
    idle_processes: int = 2, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Stack]:
    """Server and worker, running; both end with the block. environment: more for the worker."""
    server = livekit_server()
    async with server:
        running = Stack(
            server,
            Settings(livekit_url=server.url),
            idle_processes=idle_processes,
            environment=environment,
        )
        try:
            async with asyncio.timeout(90):
                await running.worker.start()
            yield running
        finally:
            await running.worker.aclose()


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU time used so far, user and system, of those that still run."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def role(process: psutil.Process) -> str:
    """What a process of the worker's tree does, from its command line."""
    try:
        line = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return "gone"
    for mark, name in (
        ("forkserver", "jobs: agent and face"),
        ("espeak", "voice (espeak-ng)"),
        ("resource_tracker", "resource tracker"),
        ("pocketsphinx", "ear (pocketsphinx)"),
    ):
        if mark in line:
            return name
    return "worker"
