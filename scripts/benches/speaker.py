"""The agent of `scripts/bench turns`, in a process of its own: `python -m benches.speaker KIND`.

KIND is `ours`, the product's session and avatar, or `stock`, LiveKit's own AvatarRunner with its
defaults behind an AgentSession with its defaults. Both speak the same sound and draw the same face.
The caller says and interrupts by RPC; at the end what left this process is written to a file.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.utils import http_context
from livekit.agents.voice.avatar import AvatarOptions, AvatarRunner, QueueAudioOutput
from livekit.plugins import visavis
from numpy.typing import NDArray

from agent import personas
from agent.chat import Chat
from agent.config import Settings
from agent.probe.recording import RATE, thumb
from agent.probe.sound import read_wav
from agent.session import Warm, build_session, make_floor, make_vad, room_options, warm_up
from agent.worker import SWITCH_S
from avatar.renderers.cpu import CpuRenderer
from benches.marks import SIZE, MarkedFace, read
from benches.stock import StockFace

_FRAME = RATE // 50


class Tap:
    """Notes what leaves this process, and when: each block of sound, each picture's mark."""

    def __init__(self) -> None:
        self.sound: list[tuple[float, NDArray[np.int16]]] = []
        self.pictures: list[tuple[float, int]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def install(self) -> None:
        """Look over the shoulder of livekit.rtc, whoever publishes."""
        make, capture = rtc.LocalAudioTrack.create_audio_track, rtc.VideoSource.capture_frame

        def tapped(name: str, source: rtc.AudioSource) -> rtc.LocalAudioTrack:
            track = make(name, source)
            self._tasks.append(asyncio.create_task(self._listen(track)))
            return track

        def noted(source: rtc.VideoSource, frame: rtc.VideoFrame, **options: Any) -> None:
            self._look(frame)
            capture(source, frame, **options)

        rtc.LocalAudioTrack.create_audio_track = staticmethod(tapped)  # type: ignore[method-assign]
        rtc.VideoSource.capture_frame = noted  # type: ignore[method-assign]

    def _look(self, frame: rtc.VideoFrame) -> None:
        luma = np.frombuffer(frame.data, np.uint8, SIZE * SIZE).reshape(SIZE, SIZE)
        mark = read(thumb(luma))
        if mark is not None:
            position = -1 if mark.position_ms is None else mark.position_ms
            self.pictures.append((time.monotonic(), position))

    async def _listen(self, track: rtc.LocalAudioTrack) -> None:
        async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
            block = np.frombuffer(event.frame.data, np.int16).copy()
            self.sound.append((time.monotonic(), block))

    def save(self, path: Path) -> None:
        np.savez(
            path,
            sound_times=[moment for moment, _ in self.sound],
            sound=np.concatenate([block for _, block in self.sound]),
            picture_times=[moment for moment, _ in self.pictures],
            picture_positions=[position for _, position in self.pictures],
        )


async def ours(room: rtc.Room, warm: Warm, face: MarkedFace) -> AgentSession[None]:
    """The product as agent/worker.py wires it, with a marked face."""
    sys.setswitchinterval(SWITCH_S)
    persona = warm.persona
    floor = make_floor(persona)
    session = build_session(warm, persona, floor)
    avatar = visavis.AvatarSession(renderer=face)
    await avatar.start(session, room=room)
    floor.start(session, avatar)
    await session.start(_Agent(floor), room=room, room_options=room_options(Chat(floor)))
    return session


async def stock(room: rtc.Room, warm: Warm, face: MarkedFace) -> AgentSession[None]:
    """The framework's parts with the framework's settings; only ear, mind and voice are given."""
    session = AgentSession[None](vad=make_vad(), stt=warm.ear, llm=warm.mind, tts=warm.voice)
    output = QueueAudioOutput(sample_rate=RATE, wait_playback_start=True)
    session.output.audio = output
    runner = AvatarRunner(
        room,
        audio_recv=output,
        video_gen=StockFace(face),
        options=AvatarOptions(
            video_width=SIZE,
            video_height=SIZE,
            video_fps=face.fps,
            audio_sample_rate=RATE,
            audio_channels=1,
        ),
    )
    await runner.start()
    await session.start(_Agent(None), room=room)
    return session


class _Agent(Agent):
    """Says what it is told to; ours hears through its floor, as the product's agent does."""

    def __init__(self, floor: Any) -> None:
        super().__init__(instructions="")
        self._floor = floor

    async def stt_node(self, audio: Any, model_settings: Any) -> Any:
        events = Agent.default.stt_node(self, audio, model_settings)
        async for event in events if self._floor is None else self._floor.transcripts(events):
            yield event


async def _frames(speech: NDArray[np.int16]) -> AsyncIterator[rtc.AudioFrame]:
    for start in range(0, len(speech), _FRAME):
        piece = speech[start : start + _FRAME]
        yield rtc.AudioFrame(piece.tobytes(), RATE, 1, len(piece))


async def main(kind: str) -> None:
    speech = read_wav(Path(os.environ["BENCH_SPEECH"]))
    tap = Tap()
    tap.install()
    warm = warm_up(Settings.from_environment())
    assert isinstance(warm.face, CpuRenderer)
    room = rtc.Room()
    done = asyncio.Event()
    async with http_context.open():
        await room.connect(os.environ["LIVEKIT_URL"], os.environ["BENCH_TOKEN"])
        start = {"ours": ours, "stock": stock}[kind]
        session = await start(room, warm, MarkedFace(warm.face))

        async def say(_: rtc.RpcInvocationData) -> str:
            session.say("A known speech.", audio=_frames(speech), add_to_chat_ctx=False)
            return str(time.monotonic())

        async def interrupt(_: rtc.RpcInvocationData) -> str:
            now = time.monotonic()
            session.interrupt()
            return str(now)

        async def stall(order: rtc.RpcInvocationData) -> str:
            now = time.monotonic()
            time.sleep(float(order.payload))  # noqa: ASYNC251  # the loop is to be blocked
            return str(now)

        async def leave(_: rtc.RpcInvocationData) -> str:
            done.set()
            return ""

        for method in (say, interrupt, stall, leave):
            room.local_participant.register_rpc_method(method.__name__, method)
        print("ready", flush=True)
        await done.wait()
        tap.save(Path(os.environ["BENCH_OUT"]))
        print("saved", flush=True)
        with contextlib.suppress(RuntimeError):
            await session.aclose()
        await room.disconnect()


if __name__ == "__main__":
    personas.load(Settings.from_environment().persona)
    asyncio.run(main(sys.argv[1]))
