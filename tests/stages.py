"""An agent of ours in a real room, with the parts that a test wants to be different."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from faces import PlainFace
from livekit import rtc
from livekit.agents import AgentSession, llm, stt, tts
from livekit.agents.llm import ChatMessage
from livekit.agents.voice.io import PlaybackFinishedEvent
from livekit.plugins import espeak, visavis
from servers import agent_token

from agent import personas
from agent.call import Call
from agent.config import Settings
from agent.parts import first_parts
from agent.personas import Persona
from agent.probe.participant import Participant
from agent.probe.run import Plan, create_room, participant_token
from agent.providers.choose import make_mind
from agent.providers.voices import Voice, VoiceChain
from agent.session import Warm, build_session, make_floor, make_vad
from agent.turns.barge import Interrupt
from agent.turns.floor import Floor

STORY = (
    "One morning a small robot walked down to the river, and sat there until the evening. "
    "It counted the boats, the birds and the clouds, and wrote every number into a book. "
    "Nobody had asked for these numbers, but the robot liked to have them all the same."
)
_rooms = itertools.count(1)


class NoEar(stt.STT[Any]):
    """Hears no words at all, or those that a test puts into its mouth by `say`."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.streams: list[_NoEarStream] = []

    async def _recognize_impl(self, *args: Any, **kwargs: Any) -> stt.SpeechEvent:
        raise NotImplementedError

    def stream(self, *, conn_options: Any = None, **_: Any) -> "_NoEarStream":
        self.streams.append(_NoEarStream(stt=self, conn_options=conn_options))
        return self.streams[-1]

    def say(self, text: str, *, final: bool = True) -> None:
        """A transcript comes now."""
        kind = stt.SpeechEventType
        self.streams[-1].send(
            stt.SpeechEvent(
                type=kind.FINAL_TRANSCRIPT if final else kind.INTERIM_TRANSCRIPT,
                alternatives=[stt.SpeechData(language="en", text=text)],  # type: ignore[arg-type]
            )
        )


class _NoEarStream(stt.RecognizeStream):
    async def _run(self) -> None:
        async for _ in self._input_ch:
            pass

    def send(self, event: stt.SpeechEvent) -> None:
        self._event_ch.send_nowait(event)


@dataclass
class Stage:
    """The agent's side, and the participant who listens and talks."""

    session: AgentSession[None]
    avatar: visavis.AvatarSession
    floor: Floor
    ear: stt.STT[Any]
    face: PlainFace
    me: Participant
    room: rtc.Room
    settings: Settings
    call: Call
    finished: list[PlaybackFinishedEvent] = field(default_factory=list)
    messages: list[ChatMessage] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)

    def said(self) -> list[str]:
        """What the agent said, as the history has it."""
        return [m.text_content or "" for m in self.messages if m.role == "assistant"]


def persona(interrupt: Interrupt = "natural", **changes: Any) -> Persona:
    """Imani, with another policy, who does not greet."""
    imani = personas.load("imani")
    turns = imani.turns.model_copy(update={"interrupt": interrupt})
    return imani.model_copy(update={"turns": turns, "greeting": "Hi.", **changes})


@asynccontextmanager
async def stage(
    settings: Settings,
    *,
    who: Persona | None = None,
    voice: tts.TTS[Any] | None = None,
    mind: llm.LLM[Any] | None = None,
    ear: stt.STT[Any] | None = None,
) -> AsyncIterator[Stage]:
    """A call whose greeting is over; settings also say how patient it is."""
    chosen, face, room = who or persona(), PlainFace(), rtc.Room()
    name = f"stage-{next(_rooms)}-{time.monotonic_ns()}"
    await create_room(settings, Plan(room=name))
    own, ear = voice or espeak.TTS(), ear or NoEar()
    mind = mind or make_mind(settings, chosen)
    floor = make_floor(chosen)
    spares = [Voice("own", lambda: own), Voice("espeak", espeak.TTS)]
    chain = (
        own if isinstance(own, VoiceChain) else VoiceChain(spares, limit_s=settings.voice_timeout_s)
    )
    warm = Warm(settings, chosen, make_vad(), ear, mind, chain, face)
    session = build_session(warm, chosen, floor)
    avatar = visavis.AvatarSession(renderer=face)
    call = Call(settings, session, floor, avatar, room)
    me = Participant(settings.livekit_url, participant_token(settings, name, "me"))
    on = Stage(session, avatar, floor, ear, face, me, room, settings, call)
    try:
        await room.connect(settings.livekit_url, agent_token(settings, name))
        await avatar.start(session, room)
        _take_notes(on)
        async with me:
            await me.publish_microphone()
            await call.start(chosen, chosen.portrait, first_parts(warm, session, chosen))
            await me.wait_quiet(me.joined, settle=0.4)
            yield on
    finally:
        await session.aclose()
        await call.aclose()
        await avatar.aclose()
        await asyncio.gather(chain.aclose(), ear.aclose())
        await room.disconnect()


def _take_notes(on: Stage) -> None:
    output = on.session.output.audio
    assert output is not None
    output.on("playback_finished", on.finished.append)
    on.session.on(
        "conversation_item_added",
        lambda event: isinstance(event.item, ChatMessage) and on.messages.append(event.item),
    )
    on.floor.on_action = lambda action, _: on.actions.append(action.value)
