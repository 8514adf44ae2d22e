"""The worker's log is understood: when a call can start, and why none can."""

import asyncio
from pathlib import Path

import pytest

from agent.child_worker import Worker, free_port
from agent.config import Settings

INFO = "2026-11-20 14:22:49,909 - \x1b[32mINFO\x1b[0m livekit.agents - {} \x1b[90m{{}}\x1b[0m"
ERROR = "2026-11-20 14:22:50,210 - \x1b[31mERROR\x1b[0m livekit.agents - {} \x1b[90m{{}}\x1b[0m"
FAILURE = (
    ERROR.format("error initializing process"),
    "Traceback (most recent call last):",
    '    raise RuntimeError(f"process initialization failed: {init_res.error}")',
    "RuntimeError: process initialization failed: no persona 'nobody': choose one of imani",
)


@pytest.fixture
def said() -> list[str]:
    return []


def _worker(said: list[str], *, idle_processes: int = 1, entry: Path | None = None) -> Worker:
    settings = Settings(idle_processes=idle_processes)
    more = {} if entry is None else {"entry": entry}
    return Worker(settings, port=free_port(0), say=said.append, **more)


def test_ready_needs_registration_and_a_warm_process(said: list[str]) -> None:
    worker = _worker(said)
    worker._read(INFO.format("registered worker"))
    assert not worker.ready.is_set()
    worker._read(INFO.format("process initialized"))
    assert worker.ready.is_set()


def test_without_warm_processes_registration_is_enough(said: list[str]) -> None:
    worker = _worker(said, idle_processes=0)
    worker._read(INFO.format("registered worker"))
    assert worker.ready.is_set()


async def test_a_worker_that_cannot_warm_up_is_reported_once_and_given_up(
    said: list[str], tmp_path: Path
) -> None:
    entry = tmp_path / "mute.py"
    entry.write_text("import time\ntime.sleep(600)\n")
    worker = _worker(said, entry=entry)
    await worker.start()
    for _ in range(3):
        for line in FAILURE:
            worker._read(line)
    sentence = "the agent cannot start: no persona 'nobody': choose one of imani"
    assert await worker.wait() == sentence
    assert said == [sentence]
    await worker.stop()


async def test_a_worker_that_ends_says_its_last_words(said: list[str], tmp_path: Path) -> None:
    entry = tmp_path / "broken.py"
    entry.write_text("raise RuntimeError('nothing works')\n")
    worker = _worker(said, entry=entry)
    await worker.start()
    reason = await worker.wait()
    assert reason == "the agent ended with status 1: RuntimeError: nothing works"
    await worker.stop()


async def test_a_port_that_is_taken_is_replaced_by_a_free_one() -> None:
    other = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    taken = other.sockets[0].getsockname()[1]
    assert free_port(taken) not in (0, taken)
    other.close()
