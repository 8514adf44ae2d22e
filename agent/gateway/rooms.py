"""Makes the room of a call on livekit-server before anyone holds a token for it.

The room is created first because its settings cannot be given later: `sync_streams` puts the
avatar's sound and picture into one stream, without which browsers never lip-sync them.
"""

import json
import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
from livekit import api

from agent.config import Settings
from agent.gateway.problems import Problem
from agent.server import server_api
from avatar.errors import Sentence

logger = logging.getLogger(__name__)

EMPTY_TIMEOUT_S = 60
"""A room nobody joined goes away; a token used later than that makes no call."""
DEPARTURE_TIMEOUT_S = 30
MAX_PARTICIPANTS = 6
"""The person on up to two devices, the agent, an avatar worker, and somebody who measures."""
_TIMEOUT_S = 5.0

SERVER_AWAY = Sentence(
    "server-away", "The server does not answer. Check that it runs, then try again."
)
SERVER_REFUSES = Sentence(
    "key-refused",
    "The LiveKit server refuses this gateway's key. "
    "Check LIVEKIT_API_KEY and LIVEKIT_API_SECRET, then start again.",
)


class Rooms:
    """livekit-server's room service. An async context manager; it owns the HTTP session."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._api: api.LiveKitAPI | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        self._api = server_api(self._settings, timeout=timeout, failover=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._api is not None:
            await self._api.aclose()
            self._api = None

    async def create(
        self,
        name: str,
        *,
        persona: str,
        portrait: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Make the room, or keep it if it is there. With an agent name set, call that agent.

        portrait: worn by the persona instead of its own. extra: further metadata, which everyone in
        the room can read. Raises Problem(503) when the server is away or refuses our key.
        """
        worn = {"portrait": portrait} if portrait else {}
        metadata = json.dumps({"persona": persona, **worn, **(extra or {})})
        agent_name = self._settings.agent_name
        dispatch = [api.RoomAgentDispatch(agent_name=agent_name, metadata=metadata)]
        request = api.CreateRoomRequest(
            name=name,
            empty_timeout=EMPTY_TIMEOUT_S,
            departure_timeout=DEPARTURE_TIMEOUT_S,
            max_participants=MAX_PARTICIPANTS,
            metadata=metadata,
            sync_streams=True,
            agents=dispatch if agent_name else [],
        )
        await self._make(request)
        logger.info("room created", extra={"room": name, "persona": persona})

    async def create_for_check(self, name: str) -> None:
        """Make a room that one page tries the network in. Raises Problem(503) like `create`."""
        await self._make(
            api.CreateRoomRequest(
                name=name, empty_timeout=15, departure_timeout=5, max_participants=1
            )
        )

    async def _make(self, request: api.CreateRoomRequest) -> None:
        try:
            await self._service.create_room(request)
        except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
            logger.warning("room not created", extra={"room": request.name, "reason": str(error)})
            raise Problem(503, sentence(error)) from error

    async def goes_on(self, name: str) -> bool:
        """Whether the room is there and is one we made. Raises Problem(503) like `create`.

        A restarted server has lost its rooms, and an agent that reconnects makes its old one anew,
        without metadata; a second agent is then called into it. Nobody should join that room.
        """
        try:
            found = await self._service.list_rooms(api.ListRoomsRequest(names=[name]))
        except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
            raise Problem(503, sentence(error)) from error
        return any(room.metadata for room in found.rooms)

    async def problem(self) -> str | None:
        """None when the server answers and accepts our key, else what is wrong."""
        try:
            await self._service.list_rooms(api.ListRoomsRequest(names=["visavis-health"]))
        except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
            return sentence(error)
        return None

    @property
    def _service(self) -> api.room_service.RoomService:
        assert self._api is not None, "Rooms is used outside its context: run the app's lifespan"
        return self._api.room


def sentence(error: Exception) -> str:
    """What went wrong with livekit-server, for a person."""
    if isinstance(error, api.ServerError) and error.status in (401, 403):
        return SERVER_REFUSES
    return SERVER_AWAY
