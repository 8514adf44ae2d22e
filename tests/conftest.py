"""Fixtures shared by tests: a real livekit-server and a real worker, started once a session."""

from collections.abc import Iterator

import pytest
from servers import Background, Worker, livekit_server

from agent.config import Settings


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
