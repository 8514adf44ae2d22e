"""Fixtures shared by tests: real livekit-server, worker and page, started once a session."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from photos import astronaut, astronaut_pack
from servers import Background, Worker, free_port, livekit_server

from agent.config import Settings
from agent.gateway.app import serve
from agent.gateway.pages import WEB_DIR
from agent.leave import leave

__all__ = ["astronaut", "astronaut_pack"]
"""Fixtures that are written elsewhere."""

_STATUS = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", help="folder of the full parity vectors (test_nets_parity.py)")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_STATUS] = exitstatus


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last hook of all: native rooms were open in this process."""
    status = config.stash.get(_STATUS, None)
    if status is not None and not hasattr(config, "workerinput"):
        leave(status)


@pytest.fixture(scope="session", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty library for every process of the tests, so that nobody's own portraits matter."""
    folder = tmp_path_factory.mktemp("portraits")
    os.environ["VISAVIS_PORTRAITS"] = str(folder)
    yield folder
    del os.environ["VISAVIS_PORTRAITS"]


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    """The loop on which session-wide servers run."""
    loop = Background()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def livekit(background: Background) -> Iterator[Settings]:
    """Settings that reach a livekit-server of the tests' own."""
    server = livekit_server()
    background.run(server.start())
    yield Settings(livekit_url=server.url)
    background.run(server.aclose())


@pytest.fixture(scope="session")
def worker(background: Background, livekit: Settings) -> Iterator[Worker]:
    """An agent worker that takes every new room of `livekit`."""
    started = Worker(livekit, {})
    background.run(started.start())
    yield started
    background.run(started.aclose())


@pytest.fixture(scope="session")
def address(background: Background, livekit: Settings, worker: Worker) -> Iterator[str]:
    """The page, served by the real gateway; `worker` takes its calls."""
    settings = livekit.with_port(free_port())
    ready = asyncio.Event()
    serving = asyncio.run_coroutine_threadsafe(
        serve(settings, web_dir=WEB_DIR, ready=ready), background.loop
    )
    background.run(ready.wait())
    yield f"http://127.0.0.1:{settings.port}"
    serving.cancel()
