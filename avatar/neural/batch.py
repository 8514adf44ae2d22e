"""Sessions that share networks, drawn together: who asks while another one is drawn waits for it,
and then all who waited are one batch.

There is no thread and no delay of its own: the first who waits leads, computes for all, and hands
them their parts. A session asks for one picture at a time, so that no more wait than there are
sessions. What is due before it can be begun is not computed at all: nobody would see it, and the
others would be late too. A GPU has fixed sizes, because it replays recorded graphs: a batch is
filled up with its last part.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from avatar.errors import RendererError
from avatar.neural.device import Device, Graph

MOST_WAITING: Final = 64
"""Sessions that may wait at once; one more is refused, and its CPU portrait stands in."""


class Late(RendererError):
    """What was asked for was due before it could be begun, and was left out."""


@dataclass(slots=True)
class _Job:
    given: tuple[Tensor, ...]
    asked_s: float
    due_s: float
    out: Tensor | None = None
    fault: BaseException | None = None
    done: bool = False


@dataclass(slots=True)
class Batched:
    """A function of tensors whose first axis is the batch, shared by sessions on many threads.

    sizes: of batches, rising, in calls: each call may have rows of its own, all the same number.
    counts: how many batches of each size there were, counted by calls in them. clock: seconds.
    Calls that were left out are the device's stage `late`: how many, and how long they had waited.
    """

    run: Callable[..., Tensor]
    device: Device
    sizes: tuple[int, ...] = (1, 2, 4, 8)
    counts: dict[int, int] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _waiting: list[_Job] = field(default_factory=list)
    _busy: bool = False
    _graphs: dict[int, Graph] = field(default_factory=dict)

    def prepare(self, *like: Tensor) -> None:
        """Record every size for tensors like these, once: the first picture costs no more."""
        with self._turn:
            self._turn.wait_for(lambda: not self._busy)
            for size in self.sizes:
                if size not in self._graphs:
                    shaped = tuple(one.repeat_interleave(size, dim=0) for one in like)
                    self._graphs[size] = Graph(self.run, self.device, shaped)

    def __call__(self, *given: Tensor, due_s: float = math.inf) -> Tensor:
        """The result for these, which nobody overwrites. due_s: by `clock`, when it is of no use
        unless it was begun. Raises what `run` raises, Late, and RendererError when too many wait.
        """
        job = _Job(given, self.clock(), due_s)
        with self._turn:
            if len(self._waiting) >= MOST_WAITING:
                raise RendererError(f"{MOST_WAITING} sessions wait for the same networks already")
            self._waiting.append(job)
            self._turn.notify_all()
        while not self._lead(job):
            pass
        if job.fault is not None:
            raise job.fault
        assert job.out is not None
        return job.out

    def _lead(self, mine: _Job) -> bool:
        """Wait until somebody has done mine, or do a batch; whether mine is done."""
        with self._turn:
            self._turn.wait_for(lambda: mine.done or not self._busy)
            if mine.done:
                return True
            batch, self._waiting = self._split()
            if not batch:
                self._turn.notify_all()
                return mine.done
            self._busy = True
        try:
            self._compute(batch)
        except BaseException as error:
            for job in batch:
                job.fault = error
            if not isinstance(error, Exception):
                raise
        finally:
            with self._turn:
                for job in batch:
                    job.done = True
                self._busy = False
                self._turn.notify_all()
        return mine.done

    def _split(self) -> tuple[list[_Job], list[_Job]]:
        """Those who are next, and those who wait on; who is late is told so."""
        now, in_time = self.clock(), []
        for job in self._waiting:
            if job.due_s < now:
                job.fault, job.done = Late(f"late by {(now - job.due_s) * 1000:.0f} ms"), True
                self.device.count("late", now - job.asked_s)
            else:
                in_time.append(job)
        most = self.sizes[-1]
        return in_time[:most], in_time[most:]

    def _compute(self, batch: list[_Job]) -> None:
        count = len(batch)
        size = next(size for size in self.sizes if size >= count) if self.device.gpu else count
        filled = batch + [batch[-1]] * (size - count)
        given = [torch.cat(parts) for parts in zip(*(job.given for job in filled), strict=True)]
        with torch.inference_mode():
            graph = self._graphs.get(size)
            out = self.run(*given) if graph is None else graph(*given)
            rows = out.shape[0] // size
            for i, job in enumerate(batch):
                job.out = out[i * rows : (i + 1) * rows].clone()
        self.counts[count] = self.counts.get(count, 0) + 1
