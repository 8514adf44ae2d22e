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

import numpy as np
from avatar import renderers
from avatar.errors import AvatarError
from avatar.frames import Manner, Mood
from avatar.renderers import Renderer
from avatar.stream import AvatarStream
from avatar.timeline import Finished, Samples, Started
from livekit.agents import AgentSession, utils
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.voice.avatar import AvatarSession as BaseAvatarSession

from livekit import rtc

from . import wire
from .dispatch import ATTRIBUTE_PLACEMENT, ATTRIBUTE_REASON, RemoteWorker, Server, Summons
from .errors import VisavisException
from .face import FaceState
from .manners import Manners
from .playout import DUCK_DB, FADE_MS, Playout
from .remote import OnEvent, RemotePlayout
from .sink import AvatarSink
from .tap import Tap
from .tracks import connected, refuse_late_start
from .wardrobe import Face, prepare

logger = logging.getLogger(__name__)

ATTRIBUTE_FACE = "visavis.face"
"""Participant attribute: "live"; "understudy" while the CPU portrait stands in for the wanted
renderer; "slow" when there is no time for every picture; "still" while the picture holds and the
voice goes on."""
ATTRIBUTE_FACE_REASON = "visavis.face_reason"
"""Participant attribute: why the CPU portrait stands in; empty while it does not."""

DEFAULT_PORTRAIT = "imani"
_READY_S = 10.0
_MAX_REPLACED = 3


class AvatarSession(BaseAvatarSession[Literal["face_changed", "placement_changed"]]):
    """A face for an AgentSession.

    portrait: a shipped portrait's name or the path of a pack folder. renderer: "cpu", the name of a
    neural one (the CPU portrait shows, with the reason, where that cannot run), or a renderer made
    before (avatar.renderers.load, in prewarm), which then is owned here and decides portrait,
    size and fps; when it dies, the CPU renderer of `portrait` takes its place, if one is given.
    size: width and height in pixels. fps: pictures a second. listener_timeout: seconds for which
    the first speech waits for somebody to subscribe to the voice; then it goes out all the same.
    trace: pictures carry, for SDKs that measure, the samples they belong to.

    placement: "local", in the agent's own process, or "remote": at an avatar worker, and in this
    process, with `renderer`, while there is none (remote.py). worker: which one, and how.

    Emits "placement_changed" (placement, reason: str) and "face_changed" (state: "live" |
    "understudy" | "slow" | "still", reason: str) beside the base class's events.
    """

    def __init__(
        self,
        *,
        portrait: str | None = None,
        renderer: str | Renderer = "cpu",
        size: tuple[int, int] = (512, 512),
        fps: int = 25,
        listener_timeout: float = 5.0,
        trace: bool = True,
        placement: wire.Placement = "local",
        worker: RemoteWorker | None = None,
    ) -> None:
        super().__init__()
        self._portrait = portrait or DEFAULT_PORTRAIT
        self._make: Callable[[], Renderer]
        self._again: Callable[[], Renderer] | None = None
        if isinstance(renderer, str):
            self._size, self._fps = size, fps
            named = self._portrait
            self._make = partial(
                renderers.load_or_cpu, renderer, portrait=named, size=size, fps=fps
            )
            self._again = self._make
        else:
            self._size, self._fps = (renderer.width, renderer.height), renderer.fps
            self._make = lambda: renderer
            if portrait is not None:
                self._again = partial(
                    renderers.load, "cpu", portrait=portrait, size=self._size, fps=self._fps
                )
        self._worker = (worker or RemoteWorker()) if placement == "remote" else None
        self._remote: RemotePlayout | None = None
        self._traced = trace
        self._replaced = 0
        self._listener_timeout = listener_timeout
        self._stream: AvatarStream | None = None
        self._playout: Playout | None = None
        self._sink: AvatarSink | None = None
        self._tap: Tap | None = None
        self._publishing: asyncio.Task[None] | None = None
        self._face_tasks: set[asyncio.Task[None]] = set()
        self._shown = True
        self._manners = Manners(self._show_manner)

    @property
    def finished(self) -> int:
        """Speeches that are over."""
        return self._sink.finished if self._sink is not None else 0

    @property
    def played_s(self) -> float | None:
        """Seconds of the speech that sounds now, pauses left out; None in silence."""
        return self._sink.played_s if self._sink is not None else None

    @property
    def avatar_identity(self) -> str:
        """Who publishes: the agent itself, or the avatar worker. Empty until connected."""
        if self._remote is not None and self._remote.identity:
            return self._remote.identity
        room = self._room
        return room.local_participant.identity if room and room.isconnected() else ""

    @property
    def provider(self) -> str:
        return "visavis"

    @property
    def playout(self) -> Playout | None:
        """The playout that runs in this process. None before start, and while a worker plays."""
        return self._remote.local if self._remote is not None else self._playout

    @property
    def _player(self) -> Playout | RemotePlayout | None:
        return self._remote if self._remote is not None else self._playout

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

        livekit_*: by which an avatar worker is asked for, if not by the environment's. Raises
        VisavisException when the portrait or renderer cannot be used, or when the session already
        speaks into the room by another track.
        """
        if self._sink is not None:
            raise VisavisException("this AvatarSession was started already: make a new one")
        refuse_late_start(room)
        await super().start(agent_session, room)
        try:
            await self._start_stream()
            self._sink = AvatarSink(pause=self._worker is None or self._worker.ours)
            if self._worker is None:
                self._playout = await self._start_playout(0, self._on_playback)
            else:
                server = (livekit_url, livekit_api_key, livekit_api_secret)
                self._remote = self._make_remote(room, self._worker, server)
            self._sink.bind(self._remote or self._playout)
        except BaseException:
            await self.aclose()
            raise
        self._attach(agent_session)
        self._publishing = asyncio.create_task(self._publish(room), name="avatar-publish")
        if self._remote is None:
            self._note_task(self._open_gate(self._publishing, self._sink), "avatar-gate")
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
            self._manners.leave(session)
        if self._publishing is not None:
            await utils.aio.cancel_and_wait(self._publishing)
            self._publishing = None
        await utils.aio.cancel_and_wait(*self._face_tasks)
        player, self._playout = self._player, None
        if player is not None:
            await player.aclose()
        stream, self._stream = self._stream, None
        if stream is not None:
            await asyncio.to_thread(stream.close)
        # The base class would remove the avatar's participant: ours is the agent itself.
        room, self._room = self._room, None
        if room is not None:
            room.off("connection_state_changed", self._on_connection_state_changed)
            room.off("participant_connected", self._on_people)
            room.off("participant_disconnected", self._on_people)
        await super().aclose()

    def set_mood(self, mood: Mood) -> None:
        """Ease the face into a mood; it stays until the next one."""
        if self._player is not None:
            self._player.mood = mood

    async def prepare(self, portrait: str, *, renderer: str = "cpu") -> Face:
        """Load another portrait beside the one that is shown, for `wear`.

        Raises VisavisException when it cannot be used; the face that is shown goes on either way.
        """
        if self._stream is None:
            raise VisavisException("start the avatar before it puts on another face")
        load = partial(
            renderers.load_or_cpu, renderer, portrait=portrait, size=self._size, fps=self._fps
        )
        try:
            return await prepare(self._stream, portrait, load, timeout_s=_READY_S)
        except AvatarError as error:
            raise VisavisException(str(error)) from error

    def wear(self, face: Face) -> None:
        """Show this face from the next picture on. Tracks, clock and voice know nothing of it.

        Raises ValueError for one that was worn or discarded before.
        """
        if self._stream is None:
            face.discard()
        else:
            face.put_on(self._stream)
            if self._remote is not None:
                self._remote.wear(face.portrait)

    def set_heard(self, heard: bool) -> None:
        """Whether somebody can hear: if not, speech waits, and goes on from the same sample."""
        if self._player is not None:
            self._player.set_heard(heard)

    def set_shown(self, shown: bool) -> None:
        """Whether somebody looks: if not, hardly anything is drawn."""
        self._shown = shown
        self._on_people()

    def skip(self) -> None:
        """Fall silent at once: the rest of what is being said goes on in writing only."""
        if self._sink is not None:
            self._sink.skip()

    def duck(self, *, gain_db: float = DUCK_DB, fade_ms: float = FADE_MS) -> None:
        """Speak softer at once, until `unduck` or an interruption. Twice is fine.

        Positions and captions go on as before. Raises ValueError for a gain above 0 dB or a
        negative time.
        """
        if self._player is not None:
            self._player.duck(gain_db=gain_db, fade_ms=fade_ms)

    def unduck(self, *, fade_ms: float = FADE_MS) -> None:
        """Speak at full volume again, without a gap. Twice is fine."""
        if self._player is not None:
            self._player.unduck(fade_ms=fade_ms)

    def tap(self, tap: Tap | None) -> None:
        """Hand each picture and the sound it belongs to to this tap too; None: to none."""
        self._tap = tap
        if self._playout is not None:
            self._playout.tap(tap)

    def recent_sound(self, seconds: float, sample_rate: int) -> Samples:
        """The last of what was played (at most 2 s), silence included, up to now.

        Mono; sample_rate is 48000 or a whole part of it. Silence before start and after the end.
        """
        if self._player is None:
            return np.zeros(round(seconds * sample_rate), np.int16)
        return self._player.recent_sound(seconds, sample_rate)

    async def _start_stream(self) -> None:
        loop, started = asyncio.get_running_loop(), time.monotonic()
        self._stream = AvatarStream(self._make, again=self._again)
        self._stream.start()
        try:
            await loop.run_in_executor(None, self._stream.wait_ready, _READY_S)
        except AvatarError as error:
            raise VisavisException(str(error)) from error
        logger.info("avatar ready", extra={"ready_s": round(time.monotonic() - started, 3)})

    async def _start_playout(self, first_frame: int, on_event: OnEvent) -> Playout:
        assert self._stream is not None
        playout = Playout(
            self._stream,
            size=self._size,
            fps=self._fps,
            trace=self._traced,
            first_frame=first_frame,
            on_event=on_event,
            on_face=self._on_face,
            on_failure=self._on_failure,
        )
        try:
            await playout.start()
        except BaseException:
            await playout.aclose()
            raise
        playout.tap(self._tap)
        return playout

    def _make_remote(self, room: rtc.Room, worker: RemoteWorker, server: Server) -> RemotePlayout:
        shape = (*self._size, self._fps)
        wanted = worker.assignment(self._portrait, shape, self._listener_timeout, self._traced)
        return RemotePlayout(
            Summons(room, worker, wanted, server),
            self._start_playout,
            on_event=self._on_playback,
            on_face=self._on_face,
            on_placement=self._on_placement,
        )

    def _on_failure(self) -> None:
        if self._remote is not None:
            self._remote.mend()
            return
        if self._sink is not None:
            self._sink.hold()
        self._note_task(self._replace_playout(), "avatar-playout-again")

    async def _replace_playout(self) -> None:
        """The playout died, which nothing should make it do: the voice must come back all the same.

        What it had is over; what comes next, of the present segment too, goes to a new one.
        """
        old, room = self._playout, self._room
        try:
            if old is None or room is None or self._sink is None or self._replaced == _MAX_REPLACED:
                logger.error("the voice cannot be mended")
                return
            self._replaced += 1
            await old.aclose()
            self._playout = playout = await self._start_playout(old.frames, self._on_playback)
            self._sink.bind(playout)
            await playout.publish(room)
            playout.open()
            self._on_people()
        except Exception:  # the outer edge of the task
            logger.exception("the voice could not be mended")
        finally:
            if self._sink is not None:
                self._sink.release()

    def _attach(self, session: AgentSession[Any]) -> None:
        assert self._sink is not None
        session.output.replace_audio_tail(self._sink)
        self._manners.follow(session)

    async def _publish(self, room: rtc.Room) -> None:
        await connected(room)
        if self._remote is not None:
            await self._remote.enter(room)
        elif self._playout is not None:
            await self._playout.publish(room)
        room.on("participant_connected", self._on_people)
        room.on("participant_disconnected", self._on_people)
        self._on_people()

    async def _open_gate(self, published: asyncio.Task[None], sink: AvatarSink) -> None:
        """Let speech out to a listener. It never waits for ever: a closing session waits for it."""
        listener = asyncio.create_task(self._wait_listener(published), name="avatar-listener")
        spoken = asyncio.create_task(sink.spoken.wait(), name="avatar-spoken")
        try:
            await asyncio.wait({listener, spoken}, return_when=asyncio.FIRST_COMPLETED)
            _, waiting = await asyncio.wait({listener}, timeout=self._listener_timeout)
        finally:
            await utils.aio.cancel_and_wait(listener, spoken)
        if waiting:
            logger.info("nobody subscribed to the voice yet, speaking all the same")
        if self._playout is not None:
            self._playout.open()

    async def _wait_listener(self, published: asyncio.Task[None]) -> None:
        await asyncio.wait({published})  # whether it failed, `start` or `wait_published` tells
        if self._playout is not None:
            await self._playout.wait_for_listener()

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
        why = reason if state == "understudy" else ""
        told = {ATTRIBUTE_FACE: state, ATTRIBUTE_FACE_REASON: why}
        self._note_task(self._tell_room(told), "avatar-face-attribute")

    def _on_placement(self, placement: wire.Placement, reason: str) -> None:
        self.emit("placement_changed", placement, reason)
        told = {ATTRIBUTE_PLACEMENT: placement, ATTRIBUTE_REASON: reason}
        self._note_task(self._tell_room(told), "avatar-placement-attribute")

    async def _tell_room(self, attributes: dict[str, str]) -> None:
        if self._room is not None and self._room.isconnected():
            await self._room.local_participant.set_attributes(attributes)

    def _on_people(self, *_: rtc.RemoteParticipant) -> None:
        if self._player is not None and self._room is not None:
            self._player.set_watched(self._shown and bool(self._room.remote_participants))

    def _show_manner(self, manner: Manner, user_beat: int) -> None:
        if self._player is not None:
            self._player.manner, self._player.user_beat = manner, user_beat
