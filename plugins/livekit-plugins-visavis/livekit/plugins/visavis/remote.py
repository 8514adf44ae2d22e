"""Plays at an avatar worker, or in this process while there is none: the voice never stops.

It stands where a Playout stands. What is said is kept in a ledger until it was heard; when the
worker falls silent, leaves or does not answer, the rest goes on from that very sample in this
process, with the CPU face, and another worker is asked for. One that came takes over between two
utterances, never within one.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

import numpy as np
from avatar.frames import CLOCK_RATE, AudioChunk, SpeechEnd
from avatar.timeline import Finished, Samples, Started
from livekit.agents import utils

from livekit import rtc

from . import wire
from .dispatch import Summons, SummonsError
from .face import FaceState
from .ledger import Ledger, rebased
from .link import WorkerLink
from .orders import Orders
from .playout import MAX_WAITING_S, Playout
from .recent import Recent

logger = logging.getLogger(__name__)

_AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Until the next worker is asked for; from the start again when one had come."""
_TICK_S = 0.1
_OVERDUE_S = 2.0
"""A worker that does not report a segment which it dropped, or has played, counts as gone."""

_MAX_MENDED = 3

OnEvent = Callable[[Started | Finished], None]
MakeLocal = Callable[[int, OnEvent], Awaitable[Playout]]
"""Starts a playout in this process: its first frame, and who hears its events."""


class RemotePlayout(Orders):
    """Made, used and closed on one event loop; callbacks come there.

    on_event: Started and Finished, exactly once each; on_face: the face's state, wherever it is;
    on_placement: where the face is now, and why.
    """

    def __init__(
        self,
        summons: Summons,
        make_local: MakeLocal,
        *,
        on_event: OnEvent,
        on_face: Callable[[FaceState, str], None],
        on_placement: Callable[[wire.Placement, str], None],
    ) -> None:
        super().__init__()
        self._summons, self._make_local = summons, make_local
        self._on_event, self._on_face = on_event, on_face
        self._on_placement = on_placement
        self._room: rtc.Room | None = None
        self._frames = self._mended = 0
        self._ledger = Ledger()
        self._overdue: dict[int, float] = {}  # segments: since when a report is waited for
        self._began: tuple[int, float] | None = None
        self._face: tuple[FaceState, str] = ("live", "")
        self._recent, self._recent_end = Recent(), self._now()
        self._changed = asyncio.Event()
        self._placed = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def identity(self) -> str:
        """Of the worker that plays; empty while it is this process."""
        return self._link.identity if self._link is not None else ""

    # Life

    async def enter(self, room: rtc.Room) -> None:
        """Be in the room: at a worker, or here when none came in time.

        Raises what LiveKit raises when the room refuses the tracks of this process.
        """
        self._room = room
        self._keeping = asyncio.create_task(self._keep(room), name="avatar-placement")
        self._note(self._tick(), "avatar-tick")
        placed = asyncio.create_task(self._placed.wait(), name="avatar-placed")
        try:
            await asyncio.wait({placed, self._keeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await utils.aio.cancel_and_wait(placed)
        if self._keeping.done():
            self._keeping.result()

    async def aclose(self) -> None:
        """Leave the worker and end what plays here. Twice is fine."""
        if self._keeping is not None:
            await utils.aio.cancel_and_wait(self._keeping)
        self._link = None
        await utils.aio.cancel_and_wait(*self._tasks)
        await self._summons.aclose()
        local, self.local = self.local, None
        if local is not None:
            self._end(local)
        if self._ending:
            await asyncio.wait(self._ending)
        for entry in self._ledger:
            self._emit(self._ledger.abandon(entry.id))

    async def _keep(self, room: rtc.Room) -> None:
        tries = 0
        while room.isconnected():
            link, reason = await self._find(room)
            if link is not None:
                tries, reason = 0, await self._stay(link)
            if not room.isconnected():
                return
            try:
                await self._come_home(room, reason)
            except Exception:
                if not self._placed.is_set():
                    raise
                logger.exception("the avatar could not be drawn in this process")
            await asyncio.sleep(_AGAIN_S[min(tries, len(_AGAIN_S) - 1)])
            tries += 1

    async def _stay(self, link: WorkerLink) -> str:
        """Speak there until it is lost; returns why it was."""
        try:
            if await self._move_to(link):
                await asyncio.wait({link.lost})
            return link.lost.result()
        finally:
            await link.aclose()
            self._note(self._summons.dismiss(link.identity), "avatar-dismiss")

    async def _find(self, room: rtc.Room) -> tuple[WorkerLink | None, str]:
        """A worker that is ready, or why there is none."""
        link = WorkerLink(
            room,
            self._summons.identity(),
            on_event=self._on_remote,
            on_beat=self._on_beat,
            oldest=self._oldest,
            on_lost=self._on_lost,
        )
        try:
            async with asyncio.timeout(self._summons.timeout_s):
                await self._summons.call(link.identity, waits=self.local is not None)
                await link.ready()
            return link, ""
        except TimeoutError:
            reason = f"no avatar worker came within {self._summons.timeout_s:g} s"
        except (SummonsError, RuntimeError) as error:  # RuntimeError: the room went away
            reason = str(error)
        except BaseException:
            await link.aclose()
            raise
        await link.aclose()
        self._note(self._summons.dismiss(link.identity), "avatar-dismiss")
        return None, reason

    async def _move_to(self, link: WorkerLink) -> bool:
        """Speak there once nothing is being said; False when it was lost before."""
        await self._silence(link)
        if not link.lost.done():
            await link.show()
            await self._silence(link)  # something may have been said meanwhile
        if link.lost.done():
            return False
        local, self.local = self.local, None
        self._link = link
        self._change()
        for item in (i for e in self._ledger if not e.cleared for i in self._ledger.moved(e)):
            link.hear(item)
        self._arrive("remote", f"drawn by {link.identity}")
        if local is not None:
            self._frames = local.frames
            self._end(local)
        return True

    async def _silence(self, link: WorkerLink) -> None:
        """Wait while this process speaks and that worker is there."""
        while self._ledger and self.local is not None and not link.lost.done():
            self._changed.clear()
            await self._changed.wait()

    async def _come_home(self, room: rtc.Room, reason: str) -> None:
        """Speak and draw in this process."""
        if self.local is None:
            local = await self._make_local(self._frames, self._on_local)
            self._bring_here(local)
            try:
                await local.publish(room)
            except BaseException:
                self.local = None
                self._end(local)
                raise
            local.set_watched(bool(room.remote_participants))
            self._note(self._open(local), "avatar-gate")
        self._arrive("local", reason)

    def mend(self) -> None:
        """The playout of this process died: what it had is over, the rest goes to a new one."""
        old, self.local = self.local, None
        if old is None or self._room is None or self._mended == _MAX_MENDED:
            logger.error("the voice cannot be mended")
            return
        self._mended += 1
        self._frames = old.frames
        self._end(old)
        self._note(self._come_home(self._room, "the playout died"), "avatar-playout-again")

    def _end(self, local: Playout) -> None:
        """Let it take its tracks out, which nobody may cancel (tracks.py)."""
        task = asyncio.create_task(local.aclose(), name="avatar-playout-end")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _bring_here(self, local: Playout) -> None:
        self.local = local
        self._repeat_to(local)
        for entry in self._ledger:
            if entry.cleared:
                self._emit(self._ledger.abandon(entry.id))
                continue
            for item in self._ledger.moved(entry):
                local.hear(item)
            entry.rest.clear()
        self._face_is("live", "drawn in this process")

    async def _open(self, local: Playout) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._summons.listener_timeout):
                await local.wait_for_listener()
        local.open()

    def _arrive(self, placement: wire.Placement, reason: str) -> None:
        logger.info("the avatar is %s: %s", placement, reason)
        self._placed.set()
        self._changed.set()
        self._on_placement(placement, reason)

    # Commands, as of a Playout

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Queue speech."""
        wanted, done = self._ledger.note(item)
        if self._link is not None and wanted:
            self._link.hear(item)
        elif self.local is not None and wanted:
            self.local.hear(self._here(item))
        if done is not None:
            # never inside the call: the session counts the segment after flush returns
            asyncio.get_running_loop().call_soon(self._emit, done)

    async def wait_for_space(self) -> None:
        """Wait while more than MAX_WAITING_S are not heard; always gives way once."""
        await asyncio.sleep(0)
        while self.local is None and self._ledger.ahead > MAX_WAITING_S * CLOCK_RATE:
            self._changed.clear()
            await self._changed.wait()
        if self.local is not None:
            await self.local.wait_for_space()

    def clear(self) -> None:
        """Stop at once, wherever it is played."""
        self._change(paused=False, gain_db=0.0, tell=False)
        if self.local is not None:
            self.local.clear()
            return
        opened = 0
        if self._link is not None:
            self._link.clear(wire.Clear(seq=self._state.seq, segment=self._ledger.last))
            opened = self._link.opened
        self._ledger.clear()
        for entry in self._ledger:
            if entry.id > opened:
                asyncio.get_running_loop().call_soon(self._abandon, entry.id)
            else:
                self._overdue.setdefault(entry.id, time.monotonic())
        self._changed.set()

    def set_watched(self, watched: bool) -> None:
        """Whether anybody may be watching; a worker sees that for itself."""
        if self.local is not None:
            self.local.set_watched(watched)

    def wear(self, portrait: str) -> None:
        """Another portrait, at the worker too."""
        order = self._summons.wear(portrait)
        if self._link is not None:
            self._link.wear(order)

    def recent_sound(self, seconds: float, sample_rate: int) -> Samples:
        """The last of what was played; at a worker as its beats tell it, to a tenth of a second."""
        if self.local is not None:
            return self.local.recent_sound(seconds, sample_rate)
        return self._recent.last(self._recent_end, seconds, sample_rate)

    def _here(self, item: AudioChunk | SpeechEnd) -> AudioChunk | SpeechEnd:
        """Given while it is played here: from where the segment came here, and not kept."""
        entry = self._ledger.find(item.segment)
        if isinstance(item, SpeechEnd) or entry is None:
            return item
        entry.rest.clear()
        entry.hints.clear()
        return self._ledger.shifted(entry, item)

    # What is reported

    def _on_lost(self, reason: str) -> None:
        if self._link is not None and self._link.lost.done():
            logger.warning("gone on without the avatar worker: %s", reason)
            self._link = None
            self._overdue.clear()
        self._changed.set()

    def _on_remote(self, event: Started | Finished) -> None:
        if self._link is None:
            return
        if isinstance(event, Started):
            self._began = (event.segment, time.monotonic())
            started = self._ledger.begin(event.segment)
            if started is not None:
                self._on_event(started)
            return
        self._overdue.pop(event.segment, None)
        self._hear(event.segment, event.position)
        self._emit(self._ledger.finish(event))

    def _on_local(self, event: Started | Finished) -> None:
        entry = self._ledger.find(event.segment)
        if entry is None:
            return
        if isinstance(event, Started):
            if self._ledger.begin(event.segment) is not None:
                self._on_event(event)
            return
        moved = rebased(event, entry.base)
        assert isinstance(moved, Finished)
        self._emit(self._ledger.finish(moved))

    def _on_beat(self, beat: wire.Beat) -> None:
        if self._link is None:
            return
        if beat.segment is not None:
            self._hear(beat.segment, beat.position)
        else:
            self._hear(0, 0)
        self._face_is(beat.face, beat.reason)

    def _hear(self, segment: int, position: int) -> None:
        """Up to there it was heard; the rest of the time was silence."""
        samples = self._ledger.hear(segment, position)
        now = self._now()
        passed = min(now - self._recent_end, CLOCK_RATE)
        silence = np.zeros(max(0, passed - len(samples)), np.int16)
        sounded = np.concatenate([silence, samples])
        self._recent.put(now - len(sounded), sounded)
        self._recent_end = now
        self._changed.set()

    def _oldest(self) -> int | None:
        entry = self._ledger.oldest()
        return entry.id if entry is not None else None

    def _abandon(self, segment: int) -> None:
        if self._ledger.find(segment) is not None:
            self._emit(self._ledger.abandon(segment))

    def _emit(self, event: Finished | None) -> None:
        if event is None:
            return
        self._overdue.pop(event.segment, None)
        self._changed.set()
        self._on_event(event)

    def _face_is(self, state: FaceState, reason: str) -> None:
        if (state, reason) != self._face:
            self._face = (state, reason)
            self._on_face(state, reason)

    async def _tick(self) -> None:
        """Watch a worker that owes a report; reckon how far one without beats is."""
        while True:
            await asyncio.sleep(_TICK_S)
            link, now = self._link, time.monotonic()
            if link is None:
                continue
            if not link.ours and self._began is not None:
                segment, since = self._began
                self._hear(segment, round((now - since) * CLOCK_RATE))
            entry = self._ledger.oldest()
            if entry is not None and entry.ended and entry.heard == entry.given:
                self._overdue.setdefault(entry.id, now)
            late = [s for s, since in self._overdue.items() if now - since > _OVERDUE_S]
            if late and link.ours:
                link.lose("the avatar worker does not report what it played")
            elif late:  # the official runner forgets a segment that is cleared before it is read
                for segment in late:
                    self._abandon(segment)

    def _now(self) -> int:
        return round(time.monotonic() * CLOCK_RATE)

    def _note(self, coroutine: "asyncio._CoroutineLike[None]", name: str) -> None:
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
