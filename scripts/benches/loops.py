"""Endless loops beside what is measured: a busy machine, made on purpose."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.processes import Child


@asynccontextmanager
async def endless_loops(count: int, *, core: int | None = None) -> AsyncIterator[None]:
    """So many loops until the block ends; core: all of them on this one."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    command = [*pinned, sys.executable, "-c", "while True: pass"]
    loops = [await Child.start("loop", command) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            await loop.stop(1.0)
