"""The agent's end of one avatar worker: speech and orders go there, reports come back.

The partner is a worker of ours, known by its attribute `visavis.worker`, or an official
AvatarRunner, which understands the `lk.*` half alone: it has no pause, no softer voice and no
beats, so that it counts as gone only when it leaves, or does not answer. A worker that is killed
leaves the room only after some 20 s (the server hopes for its return): beats tell within a
second.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from avatar.frames import CLOCK_RATE, AudioChunk, SpeechEnd
from avatar.timeline import Finished, Started
from livekit.agents import utils

from livekit import rtc

from . import wire
from .outlet import Outlet, Packets, Stream
from .pulse import Pulse

logger = logging.getLogger(__name__)

T = TypeVar("T")
_RPC_S = 2.0
"""For an answer; a worker that takes longer could not stop in time either."""
_GONE = {
    rtc.RpcError.ErrorCode.CONNECTION_TIMEOUT,
    rtc.RpcError.ErrorCode.RESPONSE_TIMEOUT,
    rtc.RpcError.ErrorCode.RECIPIENT_DISCONNECTED,
    rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND,
    rtc.RpcError.ErrorCode.SEND_FAILED,
}
_BROKEN = (rtc.StreamError, rtc.participant.PublishDataError, RuntimeError, AssertionError)
"""What sending into a room that is left raises; LiveKit asserts that its handles are there."""


class WorkerLink:
    """Made when the worker is to join; `ready`, then `hear` until `lost`.

    on_event gets Started and Finished as the worker reports them, possibly more than once; on_beat
    every beat. All callbacks come on the loop.
    """

    def __init__(
        self,
        room: rtc.Room,
        identity: str,
        *,
        on_event: Callable[[Started | Finished], None],
        on_beat: Callable[[wire.Beat], None],
        oldest: Callable[[], int | None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._room = room
        self.identity = identity
        self._on_event, self._on_beat = on_event, on_beat
        self._oldest = oldest
        self._on_lost = on_lost
        self.ours = False
        """Whether it is a worker of ours; known once it is ready."""
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why it is gone."""
        self._outgoing: deque[AudioChunk | SpeechEnd] = deque()  # bounded by wait_for_space
        self._wake = asyncio.Event()
        self._outlet: Outlet | None = None
        self._clearing: asyncio.Task[bool] | None = None
        self._pulse = Pulse()
        self._beating = asyncio.Event()
        self._shown = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._answers = {
            wire.RPC_STARTED: self._on_started,
            wire.RPC_FINISHED: self._on_finished,
            wire.RPC_BEGUN: self._on_begun,
            wire.RPC_ENDED: self._on_ended,
        }

    # Life

    async def ready(self) -> None:
        """Wait until the worker is in the room and can show and speak."""
        self._listen()
        participant = await utils.wait_for_participant(self._room, identity=self.identity)
        self.ours = participant.attributes.get(wire.ATTRIBUTE_WORKER) == wire.VERSION
        self._look_for_tracks()
        for publication in participant.track_publications.values():
            if publication.subscribed:
                publication.set_subscribed(False)
        await (self._beating if self.ours else self._shown).wait()
        kind = Packets if self.ours else Stream
        self._outlet = kind(self._room, self.identity)
        self._begin(self._send(self._outlet), "avatar-send")
        self._begin(self._watch(), "avatar-watch")

    def _listen(self) -> None:
        room = self._room
        for method, handler in self._answers.items():
            room.local_participant.register_rpc_method(method, handler)
        room.on("data_received", self._on_data)
        room.on("participant_disconnected", self._on_gone)
        room.on("track_published", self._look_for_tracks)
        room.on("track_subscribed", self._turn_away)

    async def aclose(self) -> None:
        """Say nothing more to it and hear nothing more of it. Twice is fine."""
        room = self._room
        room.off("data_received", self._on_data)
        room.off("participant_disconnected", self._on_gone)
        room.off("track_published", self._look_for_tracks)
        room.off("track_subscribed", self._turn_away)
        if room.isconnected():
            for method in self._answers:
                room.local_participant.unregister_rpc_method(method)
        await utils.aio.cancel_and_wait(*self._tasks)
        if not self.lost.done():
            self.lost.set_result("closed")

    def lose(self, reason: str) -> None:
        """It counts as gone from now on."""
        if not self.lost.done():
            self.lost.set_result(reason)
            self._on_lost(reason)

    # Speech and orders

    @property
    def opened(self) -> int:
        """The last segment whose sound was sent. Those after it are unknown to the worker."""
        return self._outlet.opened if self._outlet is not None else 0

    def hear(self, item: AudioChunk | SpeechEnd) -> None:
        """Send speech, in order."""
        self._outgoing.append(item)
        self._wake.set()

    def clear(self, order: wire.Clear) -> None:
        """Let it stop at once; what was not sent is dropped, and the next speech waits for that."""
        if self._outlet is not None:
            self._outlet.cleared = order.segment
        self._wake.set()
        self._clearing = self._begin(
            self._ask(wire.RPC_CLEAR, order.pack() if self.ours else ""), "avatar-clear"
        )

    def tell(self, state: wire.State) -> None:
        """Let it speak and look like this from now on; an official one cannot."""
        if self.ours:
            self._begin(self._ask(wire.RPC_STATE, state.pack()), "avatar-state")

    async def show(self) -> None:
        """Let it publish its face and voice, if it waits with that; one that cannot is lost."""
        if self.ours and not await self._ask(wire.RPC_SHOW, ""):
            self.lose("the avatar worker cannot show its face")

    def wear(self, order: wire.Wear) -> None:
        """Let it show another portrait; an official one cannot."""
        if self.ours:
            self._begin(self._ask(wire.RPC_WEAR, order.pack()), "avatar-wear")

    async def _send(self, outlet: Outlet) -> None:
        try:
            while True:
                await outlet.settle()
                if not self._outgoing:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                item = self._outgoing.popleft()
                if not self.ours and self._clearing is not None:
                    await asyncio.wait({self._clearing})  # it would drop what comes before it
                if item.segment > outlet.cleared:
                    await outlet.say(item)
        except _BROKEN as error:
            self.lose(f"nothing can be sent to the avatar worker: {error}")

    async def _ask(self, method: str, payload: str) -> bool:
        """Whether it did so; one that does not answer is lost."""
        try:
            await self._room.local_participant.perform_rpc(
                destination_identity=self.identity,
                method=method,
                payload=payload,
                response_timeout=_RPC_S,
                max_round_trip_latency=_RPC_S,
            )
            return True
        except rtc.RpcError as error:
            if error.code in _GONE:
                self.lose(f"the avatar worker did not answer: {error.message}")
            else:
                told = {"rpc": method, "why": error.message}
                logger.warning("the avatar worker refused", extra=told)
            return False

    def _begin(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What comes back

    def _on_started(self, call: rtc.RpcInvocationData) -> str:
        segment = self._oldest()
        if call.caller_identity != self.identity or segment is None:
            return "reject"
        self._on_event(Started(segment))
        return "ok"

    def _on_finished(self, call: rtc.RpcInvocationData) -> str:
        segment = self._oldest()
        if call.caller_identity != self.identity or segment is None:
            return "reject"
        told = _read(wire.PlaybackFinished, call)
        position = round(told.playback_position * CLOCK_RATE)
        self._on_event(Finished(segment, position, told.interrupted))
        return "ok"

    def _on_begun(self, call: rtc.RpcInvocationData) -> str:
        if call.caller_identity != self.identity:
            return "reject"
        self._on_event(Started(_read(wire.Begun, call).segment))
        return "ok"

    def _on_ended(self, call: rtc.RpcInvocationData) -> str:
        if call.caller_identity != self.identity:
            return "reject"
        told = _read(wire.Ended, call)
        self._on_event(Finished(told.segment, told.position, told.interrupted))
        return "ok"

    def _on_data(self, packet: rtc.DataPacket) -> None:
        sender = packet.participant.identity if packet.participant else ""
        if packet.topic != wire.BEAT_TOPIC or sender != self.identity:
            return
        with contextlib.suppress(wire.WireError):  # of another version: it is alive all the same
            self._on_beat(wire.read(wire.Beat, packet.data))
        self._pulse.beat(time.monotonic())
        self._beating.set()

    def _on_gone(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self.identity:
            self.lose("the avatar worker left the room")

    def _look_for_tracks(self, *_: object) -> None:
        participant = self._room.remote_participants.get(self.identity)
        for publication in participant.track_publications.values() if participant else ():
            if publication.kind == rtc.TrackKind.KIND_VIDEO:
                self._shown.set()

    def _turn_away(
        self, _: rtc.Track, publication: rtc.RemoteTrackPublication, of: rtc.RemoteParticipant
    ) -> None:
        """Its tracks are for the callers: the agent neither hears nor sees itself.

        Only once it is subscribed: a subscription that is refused while it is being made leaves
        LiveKit's native library spinning on a whole core for as long as the room lasts.
        """
        if of.identity == self.identity:
            publication.set_subscribed(False)

    async def _watch(self) -> None:
        """Count time without beats, in steps: a loop that was busy counts one, not all of it."""
        while self.ours:
            await asyncio.sleep(wire.BEAT_S)
            if self._pulse.waited(wire.BEAT_S):
                self.lose("the avatar worker fell silent")
                return


def _read(kind: type[wire.M], call: rtc.RpcInvocationData) -> wire.M:
    try:
        return wire.read(kind, call.payload)
    except wire.WireError as error:
        raise rtc.RpcError(rtc.RpcError.ErrorCode.APPLICATION_ERROR, str(error)) from None
