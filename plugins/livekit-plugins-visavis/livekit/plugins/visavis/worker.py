"""The avatar worker: draws and speaks for agents that run elsewhere, a call per job.

It registers with livekit-server under a name of its own; an agent asks for it by dispatch, with
the Assignment in the metadata, and livekit-server sends the job to a worker that has room. The
worker joins as the agent's face (`lk.publish_on_behalf`), plays what it is sent through the same
playout as an agent with a face of its own, and leaves when the agent does.
"""

import asyncio
import contextlib
import logging
from functools import partial

from avatar import renderers
from avatar.renderers import Renderer
from avatar.stream import AvatarStream
from avatar.timeline import Finished, Started
from livekit.agents import (
    AgentServer,
    AutoSubscribe,
    JobContext,
    JobExecutorType,
    JobProcess,
    JobRequest,
    utils,
)
from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF

from livekit import rtc

from . import wire
from .capacity import Capacity
from .dispatch import DEFAULT_WORKER
from .face import FaceState
from .playout import Playout
from .receiver import Receiver
from .wardrobe import prepare

logger = logging.getLogger(__name__)

_READY_S = 30.0
_AGENT_S = 10.0
"""For the agent to be seen in the room that it called us to."""
_PREWARM_S = 60.0
_WARM = "visavis.warm"


def make_server(
    *,
    name: str = DEFAULT_WORKER,
    renderer: str = "cpu",
    portrait: str = "imani",
    sessions: int | None = None,
    idle_processes: int = 1,
    host: str = "127.0.0.1",
    port: int = 0,
    url: str | None = None,
    api_key: str | None = None,
    api_secret: str | None = None,
    log_level: str = "INFO",
) -> AgentServer:
    """An AgentServer of avatars.

    renderer and portrait: made ready before there is a call; another one asked for is made then.
    sessions: calls at once; None measures what this machine can draw. A renderer other than "cpu"
    shares one set of weights: its calls are threads of one process. host, port: of the health page.
    """
    capacity = Capacity(renderer, portrait, sessions)
    shared = renderer != "cpu"
    server = AgentServer(
        job_executor_type=JobExecutorType.THREAD if shared else JobExecutorType.PROCESS,
        setup_fnc=partial(prewarm, renderer=renderer, portrait=portrait),
        initialize_process_timeout=_PREWARM_S,
        num_idle_processes=idle_processes,
        load_fnc=capacity.load,
        load_threshold=0.999,
        preload_modules=["avatar.renderers.cpu", "livekit.plugins.visavis.worker"],
        host=host,
        port=port,
        ws_url=url,
        api_key=api_key,
        api_secret=api_secret,
        log_level=log_level,
    )

    async def on_request(request: JobRequest) -> None:
        await answer(request, full=capacity.load(server) >= 1.0)

    server.rtc_session(perform, agent_name=name, on_request=on_request)
    return server


async def answer(request: JobRequest, *, full: bool) -> None:
    """Take a job as the identity that the agent waits for; leave it to others when full."""
    try:
        job = wire.read(wire.Assignment, request.job.metadata)
    except wire.WireError as error:
        logger.warning("a job was refused: its metadata is %s", error)
        await request.reject(terminate=True)
        return
    if not job.agent:
        logger.warning("a job was refused: its metadata names no agent")
        await request.reject(terminate=True)
        return
    if full:
        logger.info("a job was left to another worker: this one is full")
        await request.reject(terminate=False)
        return
    await request.accept(
        identity=job.identity,
        name="avatar",
        attributes={
            ATTRIBUTE_PUBLISH_ON_BEHALF: job.agent,
            wire.ATTRIBUTE_WORKER: wire.VERSION,
        },
    )


def prewarm(process: JobProcess, *, renderer: str, portrait: str) -> None:
    """Load a renderer before there is a call."""
    process.userdata[_WARM] = ((renderer, portrait), renderers.load(renderer, portrait=portrait))


async def perform(ctx: JobContext) -> None:
    """One call, until the agent leaves."""
    job = wire.read(wire.Assignment, ctx.job.metadata)
    stage = Stage(ctx.room, job, _renderer_for(job, ctx.proc))
    stage.receiver.listen()
    ctx.add_shutdown_callback(stage.aclose)

    def on_leave(participant: rtc.RemoteParticipant) -> None:
        if participant.identity == job.agent:
            ctx.shutdown("the agent left")

    ctx.room.on("participant_disconnected", on_leave)
    await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
    try:
        async with asyncio.timeout(_AGENT_S):
            await utils.wait_for_participant(ctx.room, identity=job.agent)
    except TimeoutError:
        ctx.shutdown("the agent that called is not in the room")
        return
    await stage.start()
    logger.info("avatar on", extra={"room": ctx.room.name, "identity": job.identity})
    stage.begin()


def _renderer_for(job: wire.Assignment, process: JobProcess) -> Renderer | None:
    """The one that was made before, if it fits."""
    asked, made = process.userdata.pop(_WARM, (None, None))
    fits = asked == (job.renderer, job.portrait)
    return made if fits and (made.width, made.height, made.fps) == _shape(job) else None


def _shape(job: wire.Assignment) -> tuple[int, int, int]:
    return job.width, job.height, job.fps


class Stage:
    """The face and the voice of one call, in the worker."""

    def __init__(self, room: rtc.Room, job: wire.Assignment, made: Renderer | None) -> None:
        self._room, self._job = room, job
        again = self._load(job.renderer, job.portrait)
        self._stream = AvatarStream((lambda: made) if made is not None else again, again=again)
        self._playout: Playout | None = None
        self._face: tuple[FaceState, str] = ("live", "")
        self._tasks: set[asyncio.Task[None]] = set()
        self.receiver = Receiver(room, job.agent)

    async def start(self) -> None:
        """Make the face, and show it unless it is to wait. Raises what the renderer or LiveKit
        raises."""
        self._stream.start()
        await asyncio.get_running_loop().run_in_executor(None, self._stream.wait_ready, _READY_S)
        self._playout = playout = Playout(
            self._stream,
            size=(self._job.width, self._job.height),
            fps=self._job.fps,
            trace=self._job.trace,
            on_event=self._on_event,
            on_face=self._on_face,
            on_failure=self._on_failure,
        )
        await playout.start()
        if not self._job.waits:
            await self._show(playout)
        for event in ("participant_connected", "participant_disconnected"):
            self._room.on(event, self._on_people)
        self._on_people()

    def begin(self) -> None:
        """Hear the agent, and tell it so."""
        assert self._playout is not None, "start it first"
        self._room.local_participant.register_rpc_method(wire.RPC_WEAR, self._on_wear)
        self._room.local_participant.register_rpc_method(wire.RPC_SHOW, self._on_show)
        self._note(self.receiver.run(self._playout), "avatar-receiver")
        self._playout.beside(self._beat(self._playout))

    async def _show(self, playout: Playout) -> None:
        await playout.publish(self._room)
        self._on_people()
        self._note(self._open(playout), "avatar-gate")

    async def aclose(self) -> None:
        """End everything. Twice is fine."""
        await utils.aio.cancel_and_wait(*self._tasks)
        playout, self._playout = self._playout, None
        if playout is not None:
            await playout.aclose()
        await asyncio.to_thread(self._stream.close)

    async def _open(self, playout: Playout) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._job.listener_timeout):
                await playout.wait_for_listener()
        playout.open()

    async def _beat(self, playout: Playout) -> None:
        """Say that we live, and what sounds. On the playout's thread: if that hangs, so do we."""
        while self._room.isconnected():
            segment, position = playout.sounding() or (0, 0)
            number = self.receiver.number(segment)
            state, reason = self._face
            beat = wire.Beat(segment=number, position=position, face=state, reason=reason)
            with contextlib.suppress(rtc.participant.PublishDataError):  # the next one may arrive
                await self._room.local_participant.publish_data(
                    beat.pack(),
                    reliable=False,
                    topic=wire.BEAT_TOPIC,
                    destination_identities=[self._job.agent],
                )
            await asyncio.sleep(wire.BEAT_S)

    async def _on_show(self, call: rtc.RpcInvocationData) -> str:
        if call.caller_identity != self._job.agent:
            return "reject"
        if self._playout is not None and not self._playout.published:
            await self._show(self._playout)
        return "ok"

    async def _on_wear(self, call: rtc.RpcInvocationData) -> str:
        if call.caller_identity != self._job.agent:
            return "reject"
        try:
            order = wire.read(wire.Wear, call.payload)
            load = self._load(order.renderer, order.portrait)
            face = await prepare(self._stream, order.portrait, load, timeout_s=_READY_S)
        except Exception as error:  # whatever it is, the agent is told and the face stays
            raise rtc.RpcError(rtc.RpcError.ErrorCode.APPLICATION_ERROR, str(error)) from error
        face.put_on(self._stream)
        return "ok"

    def _load(self, renderer: str, portrait: str) -> "partial[Renderer]":
        job = self._job
        return partial(
            renderers.load,
            renderer,
            portrait=portrait,
            size=(job.width, job.height),
            fps=job.fps,
        )

    def _on_event(self, event: Started | Finished) -> None:
        self.receiver.handle(event)

    def _on_face(self, state: FaceState, reason: str) -> None:
        self._face = (state, reason)
        logger.info("face changed", extra={"face": state, "reason": reason})

    def _on_failure(self) -> None:
        """The playout died: without beats the agent goes on by itself and asks for another."""
        logger.error("the playout died: the agent goes on without this worker")

    def _on_people(self, *_: object) -> None:
        playout, others = self._playout, self._room.remote_participants
        if playout is not None:
            seen = playout.published and any(one != self._job.agent for one in others)
            playout.set_watched(seen)

    def _note(self, coroutine: "asyncio._CoroutineLike[None]", name: str) -> None:
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("%s failed", task.get_name(), exc_info=task.exception())
