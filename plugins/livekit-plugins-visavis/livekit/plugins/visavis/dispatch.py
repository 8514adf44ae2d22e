"""Gets an avatar worker into the room by LiveKit's own dispatch, and out of it again."""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass

import aiohttp
from livekit.agents import utils
from livekit.agents.types import NotGivenOr

from livekit import api, rtc

from . import wire
from .errors import VisavisException

logger = logging.getLogger(__name__)

DEFAULT_WORKER = "visavis-avatar"
"""The agent name under which avatar workers register."""
ATTRIBUTE_PLACEMENT = "visavis.placement"
ATTRIBUTE_REASON = "visavis.reason"
"""Participant attributes of the agent, once a worker was asked for: where the face is ("local" or
"remote"), and why."""

Server = tuple[NotGivenOr[str], ...]
"""URL, key and secret of the LiveKit server, as far as they are given."""

_DISMISS_S = 5.0


class SummonsError(VisavisException):
    """No worker could be asked for; the message says why."""


@dataclass(frozen=True, slots=True)
class RemoteWorker:
    """Which avatar worker draws and speaks, with AvatarSession(placement="remote").

    name: the agent name that workers register under, to which the call is dispatched. identity:
    of a worker that somebody else brings into the room, an official AvatarRunner for instance; then
    nothing is dispatched. renderer: what the worker draws with. timeout_s: how long the call waits
    for it before it goes on with the face of its own process.
    """

    name: str = DEFAULT_WORKER
    identity: str | None = None
    renderer: str = "cpu"
    timeout_s: float = 4.0

    def __post_init__(self) -> None:
        if not self.timeout_s > 0:
            raise ValueError(f"timeout_s is a time above 0, not {self.timeout_s}")
        if not self.name and self.identity is None:
            raise ValueError("name the avatar workers, or give the identity of one")

    @property
    def ours(self) -> bool:
        """Whether it is dispatched; one that others bring is taken for an official runner."""
        return self.identity is None

    def assignment(
        self, portrait: str, shape: tuple[int, int, int], listener_timeout: float, trace: bool
    ) -> wire.Assignment:
        """What the worker is to show. shape: width, height, pictures a second."""
        width, height, fps = shape
        return wire.Assignment(
            portrait=portrait,
            renderer=self.renderer,
            width=width,
            height=height,
            fps=fps,
            listener_timeout=listener_timeout,
            trace=trace,
        )


class Summons:
    """Asks for workers for one room, one at a time.

    wanted: the face; agent and identity in it are filled in here. server: url, key and
    secret; those not given are read from the environment by LiveKit's own client.
    """

    def __init__(
        self,
        room: rtc.Room,
        worker: RemoteWorker,
        wanted: wire.Assignment,
        server: Server = (),
    ) -> None:
        self._room = room
        self._worker = worker
        self._wanted = wanted
        self._server = [given or None for given in server]
        self._asked: dict[str, str] = {}  # dispatch of each identity

    @property
    def timeout_s(self) -> float:
        """For a worker to come."""
        return self._worker.timeout_s

    @property
    def listener_timeout(self) -> float:
        """For somebody to subscribe to the voice, where it comes new into the room."""
        return self._wanted.listener_timeout

    def identity(self) -> str:
        """Of the next worker. A new one each time: a dead one stays in the room for a while."""
        return self._worker.identity or utils.shortuuid(f"{self._worker.name}-")

    def wear(self, portrait: str) -> wire.Wear:
        """Another portrait for the next workers; what to tell the present one."""
        self._wanted = self._wanted.model_copy(update={"portrait": portrait})
        return wire.Wear(portrait=portrait, renderer=self._wanted.renderer)

    async def call(self, identity: str, *, waits: bool = False) -> None:
        """Ask for a worker that joins by this identity. Raises SummonsError.

        waits: it is unseen until it is told to show its face.
        """
        if self._worker.identity is not None:
            return
        me = self._room.local_participant.identity
        told = {"identity": identity, "agent": me, "waits": waits}
        job = self._wanted.model_copy(update=told)
        request = api.CreateAgentDispatchRequest(
            agent_name=self._worker.name,
            room=self._room.name,
            metadata=job.pack(),
        )
        try:
            async with api.LiveKitAPI(*self._server) as server:
                made = await server.agent_dispatch.create_dispatch(request)
        except (api.TwirpError, aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SummonsError(f"no avatar worker could be asked for: {error}") from error
        self._asked[identity] = made.id

    async def aclose(self) -> None:
        """Dismiss all that were asked for. Twice is fine."""
        await asyncio.gather(*(self.dismiss(identity) for identity in list(self._asked)))

    async def dismiss(self, identity: str) -> None:
        """End its job and take it out of the room, dead or alive. Never raises."""
        dispatch = self._asked.get(identity)
        if dispatch is None:
            return
        room = self._room.name
        gone = api.RoomParticipantIdentity(room=room, identity=identity)
        try:
            async with asyncio.timeout(_DISMISS_S), api.LiveKitAPI(*self._server) as server:
                await _unless_missing(server.agent_dispatch.delete_dispatch(dispatch, room))
                await _unless_missing(server.room.remove_participant(gone))
        except (api.TwirpError, aiohttp.ClientError, TimeoutError, ValueError) as error:
            told = {"identity": identity, "why": str(error)}
            logger.warning("an avatar worker could not be dismissed", extra=told)
        self._asked.pop(identity, None)


async def _unless_missing(call: Awaitable[object]) -> None:
    """Somebody else may have ended it before."""
    try:
        await call
    except api.TwirpError as error:
        if error.code != "not_found":
            raise
