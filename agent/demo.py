"""Everything on this machine: LiveKit server, agent worker, page; ready only when a call can start.

`serve` runs the same for the demo and for development; what differs is who keeps the worker alive.
Nothing is left behind: whatever way it ends, children are ended and waited for. The gateway runs
in this process, the worker in its own, so that a busy call never delays the page.
"""

import asyncio
import logging
import signal
import webbrowser
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from agent.child_worker import ENTRY, Worker, free_port
from agent.config import Settings
from agent.gateway.app import CannotListen
from agent.gateway.app import serve as serve_gateway
from agent.gateway.pages import WEB_DIR
from agent.lan import Lan, LanError, prepare, qr_code
from agent.providers import preflight
from agent.server import CONFIG, LiveKitServer, ServerError, accept_short_secret
from agent.terminal import say

logger = logging.getLogger(__name__)

_DELAYS_S = (0.5, 1.0, 2.0, 4.0)
_STEADY_S = 30.0
"""Who ran this long before ending starts again with the first delay."""


class ChildFailed(Exception):
    """A part that ended again and again; the message is the last reason."""


@dataclass(slots=True)
class WorkerPlace:
    """What a keeper of the worker is given."""

    settings: Settings
    port: int
    entry: Path = ENTRY
    ready: asyncio.Event = field(default_factory=asyncio.Event)


WorkerKeeper = Callable[[WorkerPlace], Awaitable[None]]
"""Keeps a worker running at that place until cancelled; sets `ready` when a call can start."""


async def run(settings: Settings, *, open_browser: bool, lan: bool = False) -> int:
    """The demo, until Ctrl-C or TERM; returns the exit code."""
    try:
        network = await asyncio.to_thread(prepare) if lan else None
    except LanError as error:
        say(f"stopped: {error}")
        return 1
    return await serve(settings, keep_worker=keep_worker, open_browser=open_browser, lan=network)


async def serve(
    settings: Settings, *, keep_worker: WorkerKeeper, open_browser: bool, lan: Lan | None = None
) -> int:
    """Run server, worker and page until Ctrl-C, TERM or a failure that lasts.

    lan: offer the page to this network, over https. Returns 0 after Ctrl-C or TERM; 1, after one
    sentence, when a part cannot run.
    """
    settings = _log_to_stderr(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(_run(settings, keep_worker, open_browser, lan), name="demo")
    stopping = asyncio.create_task(stop.wait(), name="stop-signal")
    try:
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (running, stopping):
            task.cancel()
        await asyncio.wait([running, stopping])
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    error = None if running.cancelled() else running.exception()
    return 0 if error is None else _explain(error)


async def _run(
    settings: Settings, keep_worker: WorkerKeeper, open_browser: bool, lan: Lan | None
) -> None:
    async with AsyncExitStack() as stack:
        config = lan.server_config if lan else CONFIG
        made = LiveKitServer.for_settings(settings, progress=say, config=config)
        server = await stack.enter_async_context(made)
        page = lan.settings(settings) if lan else settings
        place = WorkerPlace(settings, free_port(settings.worker_port))
        page_ready = asyncio.Event()
        async with asyncio.TaskGroup() as parts:
            if server.ours:
                parts.create_task(_keep_server(server), name="keep-server")
            parts.create_task(preflight.report(settings, say), name="preflight")
            parts.create_task(_as_task(keep_worker(place)), name="keep-worker")
            parts.create_task(
                serve_gateway(
                    page,
                    web_dir=WEB_DIR,
                    certificate=lan.certificate if lan else None,
                    worker_health_url=f"http://127.0.0.1:{place.port}/",
                    ready=page_ready,
                ),
                name="gateway",
            )
            await page_ready.wait()
            await place.ready.wait()
            await _announce(page, open_browser, secure=lan is not None)


async def _as_task(work: Awaitable[None]) -> None:
    await work


async def _announce(settings: Settings, open_browser: bool, *, secure: bool) -> None:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    address = f"{'https' if secure else 'http'}://{host}:{settings.port}"
    if secure:
        say(qr_code(address))
        say("Point the phone's camera at the code; it must be in the same network")
        say("Its browser warns of a certificate that it does not know: this machine made it")
    say(f"Visavis is ready: {address}")
    say("Press Ctrl-C to stop")
    if open_browser:
        await asyncio.to_thread(_open, address)


def _open(address: str) -> None:
    """Open the page in a graphical browser; a text browser would take over this terminal."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is not webbrowser.GenericBrowser:
        browser.open(address)


async def keep_worker(place: WorkerPlace) -> None:
    """Run the worker, and again when it ends. Raises ChildFailed when that does not help."""

    async def once() -> str:
        worker = Worker(place.settings, port=place.port, say=say, entry=place.entry)
        await worker.start()
        watching = asyncio.create_task(_tell_ready(worker, place), name="worker-ready")
        try:
            return await worker.wait()
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            await worker.stop()

    await keep(once)


async def _tell_ready(worker: Worker, place: WorkerPlace) -> None:
    await worker.ready.wait()
    if place.ready.is_set():
        say("the agent is back")
    place.ready.set()


async def _keep_server(server: LiveKitServer) -> None:
    async def once() -> str:
        if not server.ours:
            await server.start()
        reason = await server.wait()
        await server.aclose()
        return reason

    await keep(once)


async def keep(once: Callable[[], Awaitable[str]]) -> None:
    """Do `once` again whenever it returns; what it returns says why it ended.

    Waits longer each time; raises ChildFailed after the last delay, unless it had run well between.
    """
    loop = asyncio.get_running_loop()
    tries = 0
    while True:
        started = loop.time()
        reason = await once()
        if loop.time() - started > _STEADY_S:
            tries = 0
        if tries == len(_DELAYS_S):
            raise ChildFailed(reason)
        say(f"{reason}; starting it again in {_DELAYS_S[tries]:g} s")
        await asyncio.sleep(_DELAYS_S[tries])
        tries += 1


def _explain(error: BaseException) -> int:
    """Say each failure in one sentence; returns the exit code. Our own mistakes are raised on."""
    group = error if isinstance(error, BaseExceptionGroup) else BaseExceptionGroup("", [error])
    known, others = group.split((ServerError, CannotListen, ChildFailed))
    if others is not None:
        raise error
    assert known is not None
    for reason in known.exceptions:
        say(f"stopped: {reason}")
    return 1


def _log_to_stderr(settings: Settings) -> Settings:
    """Warnings and worse, unless VISAVIS_LOG_LEVEL asks for more: the terminal is for sentences."""
    if "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "WARNING"})
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    accept_short_secret(settings)
    return settings
