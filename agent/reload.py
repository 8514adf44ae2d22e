"""Development: the demo, with a worker that follows your edits and keeps its calls.

An edit is first imported in a process of its own: a broken one is reported with file and line, and
the old worker goes on. A good one restarts the worker over livekit-agents' own development channel
(the one `lk agent dev` serves): before the end it hands over its jobs, the next one takes them up
in the same rooms, as who speaks there by then. The old worker is killed, not asked: a polite end
would delete the rooms.
Personas and portraits are followed by the calls themselves (agent/follow.py) and only checked here.
Code of the page's gateway runs in this process and is not reloaded.
"""

import asyncio
import contextlib
import logging
import re
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from google.protobuf.message import DecodeError
from livekit.protocol.agent_pb.agent_dev import (
    AgentDevMessage,
    GetRunningAgentJobsRequest,
    GetRunningAgentJobsResponse,
    RunningAgentJobInfo,
)
from watchfiles import Change, DefaultFilter, awatch

from agent.child_worker import Worker
from agent.config import Settings
from agent.demo import WorkerPlace, serve
from agent.processes import Child
from agent.standing import bring_up_to_date
from agent.terminal import say

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
WATCHED = (ROOT / "agent", ROOT / "avatar", ROOT / "plugins")

_DEBOUNCE_MS = 300
_CHECK_TIMEOUT_S = 60.0
_CAPTURE_TIMEOUT_S = 3.0
_SETTLE_TIMEOUT_S = 20.0
_MAX_MESSAGE_BYTES = 16 << 20
_LENGTH = struct.Struct("!I")

_WITHOUT_WORKER = ("gateway", "demo.py", "reload.py", "doctor.py", "server.py", "probe.py")
"""In agent/: what the worker never imports."""
_CHECK_CODE = """
import sys
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        compile(file.read(), path, "exec")
import agent.worker
"""
_CHECK_PERSONAS = "from agent import personas; [personas.load(n) for n in personas.names()]"
_CHECK_PORTRAITS = "from avatar.portrait import pack; [pack.load(n) for n in pack.names()]"
_PLACE = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')


async def run(settings: Settings) -> int:
    """The demo with hot reload, until Ctrl-C or TERM; returns the exit code."""

    async def keep(place: WorkerPlace) -> None:
        await Reloader(place, say=say).run()

    say("watching agent/, avatar/ and plugins/: save a file to restart the worker, calls go on")
    return await serve(settings, keep_worker=keep, open_browser=False)


class DevChannel:
    """The address a worker connects back to; keeps the jobs of the worker before it.

    One worker at a time. The protocol has no password and its answers hold tokens, so the channel
    listens on loopback, takes a connection only while one is expected, and gives jobs out once.
    """

    def __init__(self) -> None:
        self._saved = GetRunningAgentJobsResponse()
        self._expecting = False
        self._listener: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._handler: asyncio.Task[None] | None = None
        self._captured: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.close()
        if self._handler is not None:
            self._handler.cancel()
            await asyncio.wait([self._handler])

    @property
    def jobs(self) -> Sequence[RunningAgentJobInfo]:
        """Those that are kept for the next worker."""
        return self._saved.jobs

    def expect(self) -> str:
        """Take the next connection; returns the host:port that the worker is to be given."""
        assert self._listener is not None, "enter the channel first"
        self._expecting = True
        host, port = self._listener.sockets[0].getsockname()
        return f"{host}:{port}"

    async def capture(self) -> int:
        """Ask the connected worker for its jobs and keep them for the next one.

        Returns how many are kept. Jobs that the last worker never came to fetch stay kept; one
        that does not answer within seconds hands over none.
        """
        if self._writer is None:
            return len(self._saved.jobs)
        self._captured = asyncio.get_running_loop().create_future()
        request = AgentDevMessage(get_running_jobs_request=GetRunningAgentJobsRequest())
        try:
            async with asyncio.timeout(_CAPTURE_TIMEOUT_S):
                await _send(self._writer, request)
                await self._captured
        except (TimeoutError, ConnectionError):
            logger.warning("the worker did not hand over its jobs")
        finally:
            self._captured = None
        return len(self._saved.jobs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._expecting:
            writer.close()
            return
        self._expecting = False
        self._writer, self._handler = writer, asyncio.current_task()
        try:
            while True:
                await self._answer(await _receive(reader), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the worker has ended
        except ValueError as error:
            logger.warning("the worker spoke another protocol", extra={"reason": str(error)})
        finally:
            if self._writer is writer:
                self._writer = None
            writer.close()

    async def _answer(self, message: AgentDevMessage, writer: asyncio.StreamWriter) -> None:
        match message.WhichOneof("message"):
            case "get_running_jobs_request":
                saved, self._saved = self._saved, GetRunningAgentJobsResponse()
                await _send(writer, AgentDevMessage(get_running_jobs_response=saved))
            case "get_running_jobs_response":
                self._saved = message.get_running_jobs_response
                if self._captured is not None and not self._captured.done():
                    self._captured.set_result(None)
            case other:  # server_info: who the worker is, which we know
                logger.debug("the worker told us %s", other)


class Reloader:
    """Keeps a worker at `place` running the code as it is on disk."""

    def __init__(
        self,
        place: WorkerPlace,
        *,
        say: Callable[[str], None],
        watched: Sequence[Path] = WATCHED,
    ) -> None:
        self._place = place
        self._say = say
        self._watched = watched
        self._channel = DevChannel()
        self._worker: Worker | None = None
        self._watches: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Until cancelled; the worker ends with it."""
        async with self._channel:
            try:
                await self._start()
                async for changes in awatch(
                    *self._watched, watch_filter=Sources(), debounce=_DEBOUNCE_MS
                ):
                    await self.apply({Path(path) for _, path in changes})
            finally:
                await self._end(polite=True)

    async def apply(self, paths: Iterable[Path]) -> None:
        """Act on files that have changed: check, report, and restart the worker for good code."""
        code, personas, portraits = _sort(paths)
        if personas and await self._passes(_CHECK_PERSONAS):
            self._say("personas read: calls under way use them in the next turn")
        if portraits and await self._passes(_CHECK_PORTRAITS):
            self._say("portraits read: calls under way put them on")
        ours = [path for path in code if _within(path, *_WITHOUT_WORKER)]
        if ours:
            self._say(f"{_names(ours)} is not part of the worker: stop and start again to see it")
        code = [path for path in code if path not in ours]
        if code and await self._passes(_CHECK_CODE, *(p for p in code if p.is_file())):
            await self._restart(code)

    async def _restart(self, code: list[Path]) -> None:
        await self._settled()
        jobs = await self._channel.capture()
        if jobs:
            await bring_up_to_date(self._place.settings, self._channel.jobs)
        calls = {0: "no call under way", 1: "one call goes on"}.get(jobs, f"{jobs} calls go on")
        self._say(f"{_names(code)} changed: restarting the worker, {calls}")
        await self._end(polite=False)
        await self._start()

    async def _settled(self) -> None:
        """Let a worker that is just starting take up its jobs, or they would count as ended."""
        if self._worker is None or not self._watches:
            return
        starting = [task for task in self._watches if not task.done()]
        if len(starting) == len(self._watches):
            await asyncio.wait(
                starting, timeout=_SETTLE_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )

    async def _passes(self, check: str, *arguments: Path) -> bool:
        problem = await check_in_child(check, *arguments)
        if problem is not None:
            self._say(f"not used, the worker goes on as it was: {problem}")
        return problem is None

    async def _start(self) -> None:
        place = self._place
        self._worker = Worker(place.settings, port=place.port, say=self._say, entry=place.entry)
        await self._worker.start(dev_channel=self._channel.expect())
        self._watches = [
            asyncio.create_task(self._tell_ready(self._worker), name="worker-ready"),
            asyncio.create_task(self._tell_end(self._worker), name="worker-end"),
        ]

    async def _end(self, *, polite: bool) -> None:
        for task in self._watches:
            task.cancel()
        if self._watches:
            await asyncio.wait(self._watches)
        if self._worker is not None:
            await (self._worker.stop() if polite else self._worker.kill())

    async def _tell_ready(self, worker: Worker) -> None:
        await worker.ready.wait()
        if self._place.ready.is_set():
            self._say("the worker is back")
        self._place.ready.set()

    async def _tell_end(self, worker: Worker) -> None:
        self._say(f"{await worker.wait()}; the next edit starts it again")


class Sources(DefaultFilter):
    """Code, personas and portraits; nothing hidden, made by tools or half-written by editors."""

    def __call__(self, change: Change, path: str) -> bool:
        return Path(path).suffix in (".py", ".toml", ".json", ".npz", ".png", ".jpg", ".webp") and (
            super().__call__(change, path)
        )


async def check_in_child(check: str, *arguments: Path) -> str | None:
    """Run Python source in a child; None when it passes, else where it failed and why."""
    command = [sys.executable, "-c", check, *map(str, arguments)]
    output: list[str] = []
    child = await Child.start("check", command, cwd=ROOT, on_line=output.append)
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            code = await child.wait()
    except TimeoutError:
        return f"the import did not end within {_CHECK_TIMEOUT_S:.0f} s"
    finally:
        await child.stop()
    return None if code == 0 else explain(output)


def explain(output: list[str]) -> str:
    """The last line of a traceback, with the innermost place in our own files."""
    last = next((line for line in reversed(output) if line.strip()), "it said nothing").strip()
    for line in reversed(output):
        match = _PLACE.match(line)
        if match is None:
            continue
        path = Path(match["file"])
        if path.is_relative_to(ROOT) and ".venv" not in path.parts:
            return f"{path.relative_to(ROOT)}:{match['line']}: {last}"
    return last


def _sort(paths: Iterable[Path]) -> tuple[list[Path], bool, bool]:
    """(Python files, whether a persona changed, whether a portrait changed)."""
    paths = sorted(paths)
    theirs = {path for path in paths if path.is_relative_to(ROOT / "agent" / "personas")}
    code = [path for path in paths if path.suffix == ".py" and path not in theirs]
    packs = ROOT / "avatar" / "portrait" / "packs"
    return code, bool(theirs), any(path.is_relative_to(packs) for path in paths)


def _within(path: Path, *names: str) -> bool:
    with contextlib.suppress(ValueError):
        return path.relative_to(ROOT / "agent").parts[0] in names
    return False


def _names(paths: list[Path]) -> str:
    first = paths[0].relative_to(ROOT) if paths[0].is_relative_to(ROOT) else paths[0]
    return str(first) if len(paths) == 1 else f"{first} and {len(paths) - 1} more"


async def _send(writer: asyncio.StreamWriter, message: AgentDevMessage) -> None:
    data = message.SerializeToString()
    writer.write(_LENGTH.pack(len(data)) + data)
    await writer.drain()


async def _receive(reader: asyncio.StreamReader) -> AgentDevMessage:
    """Raises ValueError for what is no message, IncompleteReadError at the end."""
    (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if size > _MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {size} bytes")
    message = AgentDevMessage()
    try:
        message.ParseFromString(await reader.readexactly(size))
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return message
