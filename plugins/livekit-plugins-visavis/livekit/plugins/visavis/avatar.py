"""AvatarSession: gives a LiveKit agent a face, in the ecosystem's convention.

    avatar = visavis.AvatarSession(portrait="imani")
    await avatar.start(session, room=ctx.room)   # before session.start()

The avatar lives in the agent's own process and publishes both tracks from the agent's own
participant, so that a browser can hold picture and sound together.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from avatar import renderers
from avatar.errors import AvatarError
from avatar.frames import Manner, Mood
from avatar.renderers import Renderer
from avatar.stream import AvatarStream
from avatar.timeline import Finished, Started
from livekit.agents import AgentSession, AgentStateChangedEvent, UserStateChangedEvent, utils
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.voice.avatar import AvatarSession as BaseAvatarSession

from livekit import rtc

from .playout import Playout
from .sink import AvatarSink
from .video import FaceState

logger = logging.getLogger(__name__)

ATTRIBUTE_FACE = "visavis.face"
"""Participant attribute: "live", or "still" while the picture holds and the voice goes on."""

_READY_S = 10.0
_MANNERS = {
    "initializing": Manner.IDLE,
    "idle": Manner.IDLE,
    "listening": Manner.LISTENING,
    "thinking": Manner.THINKING,
    "speaking": Manner.SPEAKING,
}


class VisavisException(Exception):
    """The avatar cannot be started; the message says what to do."""


class AvatarSession(BaseAvatarSession[Literal["face_changed"]]):
    """A face for an AgentSession.

    portrait: a shipped portrait's name or the path of a pack folder. renderer: "cpu", or a renderer
    made before (avatar.renderers.load, in prewarm), which then is owned here and decides portrait,
    size and fps. size: width and height in pixels. fps: pictures a second. listener_timeout:
    seconds for which the first speech waits for somebody to subscribe to the voice.

    Emits "face_changed" (state: "live" | "still", reason: str) beside the base class's events.
    """

    def __init__(
        self,
        *,
        portrait: str = "imani",
        renderer: str | Renderer = "cpu",
        size: tuple[int, int] = (512, 512),
        fps: int = 25,
        listener_timeout: float = 5.0,
    ) -> None:
        super().__init__()
        self._make: Callable[[], Renderer]
        if isinstance(renderer, str):
            self._size, self._fps = size, fps
            self._make = partial(renderers.load, renderer, portrait=portrait, size=size, fps=fps)
        else:
            self._size, self._fps = (renderer.width, renderer.height), renderer.fps
            self._make = lambda: renderer
        self._listener_timeout = listener_timeout
        self._stream: AvatarStream | None = None
        self._playout: Playout | None = None
        self._sink: AvatarSink | None = None
        self._publishing: asyncio.Task[None] | None = None
        self._face_tasks: set[asyncio.Task[None]] = set()
        self._user_speaking = False
        self._agent_state = "initializing"

    @property
    def avatar_identity(self) -> str:
        """The agent's own identity: the avatar publishes as the agent. Empty until connected."""
        room = self._room
        return room.local_participant.identity if room and room.isconnected() else ""

    @property
    def provider(self) -> str:
        return "visavis"

    @property
    def playout(self) -> Playout | None:
        """The running playout: clock, counters and the face's manner. None before start."""
        return self._playout

    async def start(
        self,
        agent_session: AgentSession[Any],
        room: rtc.Room,
        *,
        livekit_url: NotGivenOr[str] = NOT_GIVEN,
        livekit_api_key: NotGivenOr[str] = NOT_GIVEN,
        livekit_api_secret: NotGivenOr[str] = NOT_GIVEN,
    ) -> None:
        """Show the idle face and take over the session's voice. Call before `session.start()`.

        The livekit_* arguments are part of the convention; an avatar in the agent's own process
        needs none of them. Raises VisavisException when the portrait or renderer cannot be used,
        or when the session already speaks into the room by another track.
        """
        if self._playout is not None:
            raise VisavisException("this AvatarSession was started already: make a new one")
        _refuse_late_start(room)
        await super().start(agent_session, room)
        try:
            await self._start_playout()
        except BaseException:
            await self.aclose()
            raise
        self._attach(agent_session)
        self._publishing = asyncio.create_task(self._publish(room), name="avatar-publish")
        if room.isconnected():
            await self._publishing

    async def wait_published(self) -> None:
        """Wait until both tracks are in the room, when `start` was called before it connected.

        Raises what LiveKit raises when the room refuses them.
        """
        if self._publishing is not None:
            await asyncio.shield(self._publishing)

    async def aclose(self) -> None:
        """Take the face and the voice out of the room. Twice is fine."""
        session = self._agent_session
        if session is not None:
            session.off("agent_state_changed", self._on_agent_state)
            session.off("user_state_changed", self._on_user_state)
        if self._publishing is not None:
            await utils.aio.cancel_and_wait(self._publishing)
            self._publishing = None
        playout, self._playout = self._playout, None
        if playout is not None:
            await playout.aclose()
        stream, self._stream = self._stream, None
        if stream is not None:
            await asyncio.to_thread(stream.close)
        await utils.aio.cancel_and_wait(*self._face_tasks)
        # The base class would remove the avatar's participant: ours is the agent itself.
        room, self._room = self._room, None
        if room is not None:
            room.off("connection_state_changed", self._on_connection_state_changed)
        await super().aclose()

    def set_mood(self, mood: Mood) -> None:
        """Ease the face into a mood; it stays until the next one."""
        if self._playout is not None:
            self._playout.mood = mood

    async def _start_playout(self) -> None:
        width, height = self._size
        loop = asyncio.get_running_loop()
        self._stream = AvatarStream(
            self._make,
            on_fault=lambda error: logger.debug("renderer fault", exc_info=error),
        )
        self._stream.start()
        started = time.monotonic()
        try:
            await loop.run_in_executor(None, self._stream.wait_ready, _READY_S)
        except AvatarError as error:
            raise VisavisException(str(error)) from error
        self._sink = AvatarSink()
        self._playout = Playout(
            self._stream,
            width=width,
            height=height,
            fps=self._fps,
            on_event=self._on_playback,
            on_face=self._on_face,
        )
        self._sink.bind(self._playout)
        await self._playout.start()
        logger.info(
            "avatar ready",
            extra={"size": self._size, "ready_s": round(time.monotonic() - started, 3)},
        )

    def _attach(self, session: AgentSession[Any]) -> None:
        assert self._sink is not None
        session.output.replace_audio_tail(self._sink)
        session.on("agent_state_changed", self._on_agent_state)
        session.on("user_state_changed", self._on_user_state)

    async def _publish(self, room: rtc.Room) -> None:
        assert self._playout is not None
        await _connected(room)
        await self._playout.publish(room)
        self._note_task(self._open_gate(), "avatar-gate")

    async def _open_gate(self) -> None:
        if self._playout is not None and not await self._playout.wait_for_listener(
            self._listener_timeout
        ):
            logger.info("nobody subscribed to the voice yet, speaking all the same")

    def _note_task(self, coroutine: "asyncio._CoroutineLike[None]", name: str) -> None:
        task = asyncio.create_task(coroutine, name=name)
        self._face_tasks.add(task)
        task.add_done_callback(self._face_tasks.discard)

    def _on_playback(self, event: Started | Finished) -> None:
        if self._sink is not None:
            self._sink.handle(event)

    def _on_face(self, state: FaceState, reason: str) -> None:
        log = logger.info if state == "live" else logger.warning
        log("face changed", extra={"face": state, "reason": reason})
        self.emit("face_changed", state, reason)
        self._note_task(self._tell_room(state), "avatar-face-attribute")

    async def _tell_room(self, state: FaceState) -> None:
        if self._room is not None and self._room.isconnected():
            await self._room.local_participant.set_attributes({ATTRIBUTE_FACE: state})

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._agent_state = event.new_state
        self._update_manner()

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        self._user_speaking = event.new_state == "speaking"
        self._update_manner()

    def _update_manner(self) -> None:
        if self._playout is None:
            return
        manner = _MANNERS.get(self._agent_state, Manner.IDLE)
        if self._user_speaking:
            manner = Manner.ATTENTIVE if manner is Manner.SPEAKING else Manner.LISTENING
        self._playout.manner = manner


def _refuse_late_start(room: rtc.Room) -> None:
    """RoomIO's own voice track would win over ours in every client."""
    if not room.isconnected():
        return
    for publication in room.local_participant.track_publications.values():
        if publication.name == "roomio_audio":
            raise VisavisException(
                "the session already publishes its voice: call AvatarSession.start() before "
                "session.start(), or pass RoomOptions(audio_output=False)"
            )


async def _connected(room: rtc.Room) -> None:
    if room.isconnected():
        return
    connected = asyncio.Event()

    def on_state(state: rtc.ConnectionState.ValueType) -> None:
        if state == rtc.ConnectionState.CONN_CONNECTED:
            connected.set()

    room.on("connection_state_changed", on_state)
    try:
        await connected.wait()
    finally:
        room.off("connection_state_changed", on_state)
