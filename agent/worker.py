"""START HERE: a whole call on one screen.

livekit-server dispatches a room to this worker; `entrypoint` runs in a process of its own, warmed
by `prewarm`: it joins, shows the face, wires ears, mind and voice to it, and greets. The module's
`server` is what LiveKit's own tools look for (`python -m livekit.agents start`, `lk agent dev`).
"""

import asyncio
import json
import logging
import sys
import time

from livekit.agents import AgentServer, AutoSubscribe, JobContext, JobProcess
from livekit.plugins import visavis

from agent import personas
from agent.assistant import Assistant
from agent.config import Settings
from agent.latency import log_turns
from agent.personas import Persona
from agent.presence import Presence
from agent.session import Warm, build_session, rate_setter, warm_up

logger = logging.getLogger(__name__)

PREWARM_LIMIT_S = 60.0
PRELOADED = [
    "agent.guide",
    "agent.worker",
    "avatar.portrait.engine",
    "avatar.renderers.cpu",
    "livekit.plugins.espeak",
    "livekit.plugins.pocketsphinx",
]
"""Imported once in the process from which job processes are forked. None starts a thread."""


_LOADED = time.monotonic()
_STARTING_S = 4.0
_LEAVE_CORES_S = 2.0
_SWITCH_S = 0.0005
"""How long a busy thread keeps the interpreter: voice, face and agent are threads of one process,
and with Python's 5 ms a busy agent costs the face that much at every call that lets go of it."""


def prewarm(process: JobProcess) -> None:
    """Load what every call needs, before there is one: models, portrait, voice.

    A process that replaces one which has just taken a call leaves it the cores for its first words.
    """
    if time.monotonic() - _LOADED > _STARTING_S:
        time.sleep(_LEAVE_CORES_S)
    sys.setswitchinterval(_SWITCH_S)
    process.userdata["warm"] = warm_up(Settings.from_environment())


async def entrypoint(ctx: JobContext) -> None:
    """One call, from the empty room to the greeting; LiveKit ends it when the room is done."""
    warm: Warm = ctx.proc.userdata["warm"]
    persona = choose_persona(ctx, warm.settings)
    session = build_session(warm, persona)
    log_turns(session)
    if ctx.is_fake_job():
        logger.info("no room in console mode: a voice without a face")
        await session.start(Assistant(persona), room=ctx.room)
        return
    portrait = warm.settings.portrait or persona.portrait
    avatar = visavis.AvatarSession(
        portrait=portrait,
        renderer=warm.face if portrait == warm.portrait else warm.settings.renderer,
    )
    await asyncio.gather(
        ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY),
        avatar.start(session, room=ctx.room),
    )
    await avatar.wait_published()
    Presence(ctx, session, alone_s=warm.settings.alone_s)
    await session.start(
        Assistant(persona, set_mood=avatar.set_mood, set_rate=rate_setter(session, persona)),
        room=ctx.room,
    )


def choose_persona(ctx: JobContext, settings: Settings) -> Persona:
    """The persona named by the dispatch, else by the room, else by the settings.

    Both carry JSON metadata {"persona": name}; an unknown name falls back to the settings' persona,
    because a call that was started must be answered.
    """
    for source in (ctx.job.metadata, ctx.job.room.metadata):
        name = _persona_name(source)
        if name is None:
            continue
        try:
            return personas.load(name)
        except personas.PersonaNotFound as error:
            logger.warning("unknown persona asked for", extra={"reason": str(error)})
    return personas.from_setting(settings.persona)


def _persona_name(metadata: str) -> str | None:
    try:
        parsed = json.loads(metadata) if metadata else None
    except ValueError:
        return None
    name = parsed.get("persona") if isinstance(parsed, dict) else None
    return name if isinstance(name, str) else None


def make_server(settings: Settings) -> AgentServer:
    """An AgentServer that takes calls with these settings, up to `max_calls` at once."""
    server = AgentServer(
        setup_fnc=prewarm,
        initialize_process_timeout=PREWARM_LIMIT_S,
        num_idle_processes=settings.idle_processes,
        load_fnc=lambda worker: len(worker.active_jobs) / settings.max_calls,
        load_threshold=0.99,
        preload_modules=PRELOADED,
        host="127.0.0.1",
        port=settings.worker_port,
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret.get_secret_value(),
        log_level=settings.log_level,
    )
    server.rtc_session(entrypoint, agent_name=settings.agent_name)
    return server


server = make_server(Settings.from_environment())
