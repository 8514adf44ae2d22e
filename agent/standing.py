"""A job that is handed to the next worker asks for who speaks in its call by now.

A dispatch names who was wanted at first; who took over since is what the agent shows of itself. A
persona or a portrait that is not listed is then passed over (agent/choice.py).
"""

import json
import logging
from collections.abc import Iterable, Mapping

import aiohttp
from livekit import api
from livekit.protocol.agent import Job
from livekit.protocol.agent_pb.agent_dev import RunningAgentJobInfo

from agent.config import Settings
from agent.server import server_api
from agent.sign import PERSONA, PORTRAIT

logger = logging.getLogger(__name__)

_LIMIT_S = 2.0


async def bring_up_to_date(settings: Settings, jobs: Iterable[RunningAgentJobInfo]) -> None:
    """Change the jobs' metadata, while their agents are still in their rooms. A room that cannot
    be asked leaves its job as it was."""
    timeout = aiohttp.ClientTimeout(total=_LIMIT_S)
    async with server_api(settings, timeout=timeout, failover=False) as server:
        for one in jobs:
            job = Job.FromString(one.job)
            asked = api.ListParticipantsRequest(room=job.room.name)
            try:
                found = await server.room.list_participants(asked)
            except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
                logger.warning("a call's persona is not known", extra={"reason": str(error)})
                continue
            for participant in found.participants:
                job.metadata = now(job.metadata, participant.attributes)
            one.job = job.SerializeToString()


def now(metadata: str, shown: Mapping[str, str]) -> str:
    """A dispatch's metadata with the persona and the portrait that an agent shows, if it is one."""
    if PERSONA not in shown:
        return metadata
    try:
        asked = json.loads(metadata or "{}")
    except ValueError:
        asked = {}
    kept = asked if isinstance(asked, dict) else {}
    worn = {"persona": shown[PERSONA], "portrait": shown.get(PORTRAIT)}
    return json.dumps({**kept, **{key: name for key, name in worn.items() if name}})
