"""The demo as a user runs it, for benchmarks in a browser."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from servers import free_port

from agent.config import Settings
from agent.processes import Child


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: the page's address and how to reach its server."""

    address: str
    settings: Settings
    child: Child


@asynccontextmanager
async def demo() -> AsyncIterator[Demo]:
    """`python -m agent demo` on a free port, until the block ends."""
    port, ready = free_port(), asyncio.Event()

    def on_line(line: str) -> None:
        if "is ready" in line:
            ready.set()

    environment = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    command = [sys.executable, "-m", "agent", "demo", "--no-browser", "--port", str(port)]
    child = await Child.start("demo", command, env=environment, on_line=on_line)
    try:
        async with asyncio.timeout(90):
            await ready.wait()
        yield Demo(f"http://127.0.0.1:{port}", Settings(), child)
    finally:
        await child.stop(10.0, 5.0)
