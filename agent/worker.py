"""START HERE: a whole call on one screen.

livekit-server dispatches a room to this worker; `entrypoint` runs in a process of its own, warmed
by `prewarm`: it joins, shows the face, wires ears, mind and voice to it, and greets. The module's
`server` is what LiveKit's own tools look for (`python -m livekit.agents start`, `lk agent dev`).
"""

import asyncio
import logging
import sys
import time
from typing import Any

from livekit.agents import AgentServer, AutoSubscribe, JobContext, JobProcess, JobRequest
from livekit.plugins import visavis

from agent.assistant import Assistant, Scene
from agent.bridges.control import SessionControl
from agent.bridges.tap import TapSender
from agent.call import Call
from agent.choice import choose_persona, choose_portrait
from agent.config import CHECK_ROOMS, Settings, cache_folder
from agent.latency import log_turns
from agent.parts import first_parts
from agent.personas import Persona
from agent.presence import Presence
from agent.privacy import keep_text_out
from agent.session import Warm, build_session, make_floor, warm_up

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
SWITCH_S = 0.0005
"""How long a busy thread keeps the interpreter: voice, face and agent are threads of one process,
and with Python's 5 ms a busy agent costs the face that much at every call that lets go of it."""


def prewarm(process: JobProcess) -> None:
    """Load what every call needs, before there is one: models, portrait, voice.

    A process that replaces one which has just taken a call leaves it the cores for its first words.
    """
    if time.monotonic() - _LOADED > _STARTING_S:
        time.sleep(_LEAVE_CORES_S)
    sys.setswitchinterval(SWITCH_S)
    process.userdata["warm"] = warm_up(Settings.from_environment())


async def entrypoint(ctx: JobContext) -> None:
    """One call, from the empty room to the greeting; LiveKit ends it when the room is done."""
    warm: Warm = ctx.proc.userdata["warm"]
    if not warm.settings.log_text:
        keep_text_out()
    asked = (ctx.job.metadata, ctx.job.room.metadata)
    persona = choose_persona(asked, otherwise=warm.settings.persona)
    floor = make_floor(persona)
    session = build_session(warm, persona, floor)
    parts = first_parts(warm, session, persona)
    log_turns(session)
    if ctx.is_fake_job():
        logger.info("no room in console mode: a voice without a face")
        ctx.add_shutdown_callback(parts.close)
        floor.start(session, None)
        await session.start(Assistant(persona, Scene(floor=floor), parts=parts), room=ctx.room)
        return
    own = warm.portrait if persona.id == warm.persona.id else persona.portrait
    portrait = await asyncio.to_thread(choose_portrait, asked, otherwise=own)
    renderer = warm.settings.own_renderer(persona.renderer)
    avatar = visavis.AvatarSession(
        portrait=portrait,
        renderer=warm.face if (portrait, renderer) == warm.wears else renderer,
        **placement(warm.settings, persona),
    )
    call = Call(warm.settings, session, floor, avatar, ctx.room)
    ctx.add_shutdown_callback(call.aclose)
    await asyncio.gather(
        ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY),
        avatar.start(session, room=ctx.room),
    )
    await avatar.wait_published()
    bridge = TapSender.asked(asked)
    if bridge is not None:
        ctx.add_shutdown_callback(bridge.aclose)
        bridge.start()
        avatar.tap(bridge)
        call.audience.ask()
    Presence(ctx, session, alone_s=warm.settings.alone_s)
    SessionControl(ctx.room, session, call.wake)
    await call.start(persona, portrait, parts)


def placement(settings: Settings, persona: Persona) -> dict[str, Any]:
    """Where the face is drawn, for AvatarSession."""
    if not settings.avatar_worker:
        return {}
    drawn_by = settings.renderer_of(persona.renderer)
    worker = visavis.RemoteWorker(name=settings.avatar_worker, renderer=drawn_by)
    return {"placement": "remote", "worker": worker}


async def take(request: JobRequest) -> None:
    """Every call, but no room in which a page only tries the network."""
    if request.room.name.startswith(CHECK_ROOMS):
        await request.reject()
    else:
        await request.accept()


def make_server(settings: Settings) -> AgentServer:
    """An AgentServer that takes calls with these settings, up to `max_calls` at once."""
    metrics = settings.metrics_port
    server = AgentServer(
        prometheus_port=metrics,
        prometheus_multiproc_dir=str(cache_folder() / f"metrics-{metrics}") if metrics else None,
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
    server.rtc_session(entrypoint, agent_name=settings.agent_name, on_request=take)
    return server


server = make_server(Settings.from_environment())
