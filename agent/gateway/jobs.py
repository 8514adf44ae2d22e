"""Photos that are becoming portraits: one at a time, a few waiting, each with an end.

Every job has a folder with its photo; the folder goes when the job ends, however it ends. The work
is done by photo_child.py, which is killed when it takes too long, when the job is given up, or when
the gateway stops. What is left of a killed gateway is swept at the next start.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import secrets
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from agent.config import keyless_environment
from agent.gateway.problems import Problem
from agent.processes import Child, how_it_ended
from avatar.errors import Sentence
from avatar.portrait.library import library

logger = logging.getLogger(__name__)

CONSENT: Final = "This is me, or I may use it."
"""What the person ticks; the pack keeps it with the date."""
MAX_OPEN: Final = 3
"""Jobs that are not over: one at work, the others waiting or still arriving. More are turned away,
so that at most so many photos lie on the disk."""
MAX_KEPT: Final = 32
"""Jobs that are over and may still be asked about; the oldest is forgotten first."""
MAX_STEPS: Final = 24
LIMIT_S: Final = 120.0
_STOP_S: Final = 2.0
_STALE_S: Final = 1800.0
_PREFIX: Final = "visavis-photo-"

FORGOTTEN = Sentence("photo-forgotten", "This photo is not known any more. Choose it again.")
BUSY = Sentence(
    "photos-busy", "Other photos are being made into faces. Wait a minute, then try again."
)
TOOK_TOO_LONG = Sentence(
    "face-took-too-long", "Making the face took too long. Save the photo smaller, then try again."
)
GIVEN_UP = Sentence("photo-given-up", "This photo was given up.")
BROKE = Sentence(
    "face-failed",
    "The face could not be made. The log of the server says why; another photo may work.",
)

State = Literal["receiving", "waiting", "working", "done", "refused"]


@dataclass(slots=True, eq=False)
class Job:
    """One photo on its way.

    steps: what was begun so far, the last is under way. share: what is behind it, 0..1. detail: why
    it was refused.
    """

    id: str
    name: str
    folder: Path
    state: State = "receiving"
    steps: tuple[str, ...] = ()
    share: float = 0.0
    detail: str | None = None
    warnings: tuple[str, ...] = ()
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def open(self) -> bool:
        return self.state in ("receiving", "waiting", "working")


class Jobs:
    """An async context manager that owns every job; leaving it ends them and their processes."""

    def __init__(self) -> None:
        self._open: dict[str, Job] = {}
        self._over: deque[Job] = deque(maxlen=MAX_KEPT)
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(sweep)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for job in tuple(self._open.values()):
            await self.give_up(job)

    def names(self) -> set[str]:
        """What the portraits under way will be called."""
        return {job.name for job in self._open.values()}

    def find(self, job_id: str) -> Job:
        """Raises Problem(404) for a job that never was or is forgotten."""
        for job in (*self._open.values(), *self._over):
            if secrets.compare_digest(job.id.encode(), job_id.encode()):
                return job
        raise Problem(404, FORGOTTEN)

    @contextlib.contextmanager
    def arrival(self, name: str) -> Iterator[Job]:
        """A place and a folder for a photo that begins to arrive; gone again if it fails to.

        Raises Problem(503) when all places are taken.
        """
        if len(self._open) >= MAX_OPEN:
            raise Problem(503, BUSY, retry_after_s=20)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        job = Job(secrets.token_hex(16), name, folder)
        self._open[job.id] = job
        try:
            yield job
        except BaseException:
            self._close(job)
            raise

    def start(self, job: Job, photo: Path) -> None:
        """The photo is here: make the portrait as soon as it is its turn."""
        job.state = "waiting"
        job.task = asyncio.create_task(self._run(job, photo), name=f"photo-{job.id[:8]}")
        job.task.add_done_callback(lambda _: self._close(job))  # also if it never got to run

    async def give_up(self, job: Job) -> None:
        """End a job, its process too. One that is over stays as it is."""
        if job.task is not None:
            job.task.cancel()
            await asyncio.wait([job.task])

    async def _run(self, job: Job, photo: Path) -> None:
        try:
            async with self._turn:
                job.state = "working"
                await self._work(job, photo)
        except TimeoutError:
            _refuse(job, TOOK_TOO_LONG)
        except OSError:
            logger.exception("photo not looked at")
            _refuse(job, BROKE)

    async def _work(self, job: Job, photo: Path) -> None:
        """Run the child to its end. Raises TimeoutError, and OSError when it cannot be started."""
        command = [sys.executable, "-m", "agent.gateway.photo_child", photo.name, job.name, CONSENT]
        child = await Child.start(
            "photo",
            command,
            env=keyless_environment() | {"TMPDIR": str(job.folder)},
            cwd=job.folder,
            on_line=lambda line: _read(job, line),
        )
        try:
            async with asyncio.timeout(LIMIT_S):
                code = await child.wait()
        finally:
            await child.stop(_STOP_S)
        if job.open:
            reason = "\n".join(child.tail)
            logger.error("photo child %s", how_it_ended(code), extra={"reason": reason})
            _refuse(job, BROKE)

    def _close(self, job: Job) -> None:
        _refuse(job, GIVEN_UP)
        shutil.rmtree(job.folder, ignore_errors=True)
        logger.info("photo over", extra={"portrait": job.name, "state": job.state})
        if self._open.pop(job.id, None) is not None and job.task is not None:
            self._over.append(job)


def _read(job: Job, line: str) -> None:
    """Follow what the child says; other lines are some library's and mean nothing."""
    try:
        said = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return
    match said:
        case {"step": str(step), "share": int() | float() as share}:
            if step not in job.steps:
                job.steps = (*job.steps, step)[-MAX_STEPS:]
            job.share = max(job.share, min(1.0, float(share)))
        case {"refused": str(sentence), "code": str(code)}:
            _refuse(job, Sentence(code, sentence))
        case {"done": {"warnings": [*warnings]}}:
            job.state, job.share = "done", 1.0
            job.warnings = tuple(Sentence(str(code), str(text)) for code, text in warnings)


def _refuse(job: Job, sentence: str) -> None:
    if job.open:
        job.state, job.detail = "refused", sentence


def sweep() -> None:
    """Remove what a gateway left behind when it was killed: photos, half-made packs; blocks."""
    places = (Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"), library().glob(".*"))
    for folder in itertools.chain(*places):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE_S:
                shutil.rmtree(folder, ignore_errors=True)
