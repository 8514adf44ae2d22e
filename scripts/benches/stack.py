"""The product's own processes, run for a benchmark on ports of their own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
from servers import livekit_server

from agent.config import Settings
from agent.processes import Child
from agent.server import LiveKitServer


class Stack:
    """A livekit-server and an agent worker. `turns` grows with every turn the worker logs."""

    def __init__(self, server: LiveKitServer, settings: Settings) -> None:
        self.server = server
        self.settings = settings
        self.turns: list[dict[str, Any]] = []
        self.child: Child | None = None
        self._ready = asyncio.Event()
        self._warm = asyncio.Event()

    @property
    def pids(self) -> dict[str, int]:
        assert self.child is not None
        assert self.server.pid is not None
        return {"livekit-server": self.server.pid, "worker": self.child.pid}

    async def start_worker(self, idle_processes: int) -> None:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")},
            **self.settings.worker_environment(),
            "VISAVIS_WORKER_PORT": "0",
            "VISAVIS_IDLE_PROCESSES": str(idle_processes),
        }
        command = [sys.executable, "-W", "ignore", "-m", "agent", "start"]
        self.child = await Child.start("worker", command, env=environment, on_line=self._on_line)
        async with asyncio.timeout(90):
            await self._ready.wait()

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
        elif message == "registered worker":
            self._ready.set()
        elif message == "process initialized":
            self._warm.set()


@asynccontextmanager
async def stack(idle_processes: int = 2) -> AsyncIterator[Stack]:
    """Server and worker, running; both end with the block."""
    server = livekit_server()
    async with server:
        running = Stack(server, Settings(livekit_url=server.url))
        try:
            await running.start_worker(idle_processes)
            yield running
        finally:
            if running.child is not None:
                await running.child.stop(5.0, 5.0)


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
