"""A conversation without a room: our parts, the local servers, and an output that keeps time.

The output plays at real speed into nothing and notes when sound would be heard.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fake_deepgram import FakeDeepgram
from fake_elevenlabs import FakeElevenLabs
from fake_openai import FakeOpenAI
from livekit import rtc
from livekit.agents import Agent, AgentSession, TurnHandlingOptions, llm
from livekit.agents.utils import http_context
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities
from wires import persona, settings

from agent.assistant import Assistant
from agent.config import Settings
from agent.personas import Persona
from agent.providers import choose
from agent.session import connect_options, make_vad

_STEP_S = 0.01
_VOICED = 300
MIC_RATE = 16_000


class Output(AudioOutput):
    """Plays in real time; `voiced` are the moments (10 ms apart) at which something is heard."""

    def __init__(self) -> None:
        super().__init__(label="bench", capabilities=AudioOutputCapabilities(pause=False))
        self.voiced: list[float] = []
        self.first_frame = 0.0
        self._ends = 0.0
        self._begins = 0.0
        self._open = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._cleared = asyncio.Event()

    def listen(self) -> None:
        """Forget what was heard."""
        self.voiced.clear()
        self.first_frame = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        now = time.monotonic()
        start = max(now, self._ends)
        if not self._open:
            self._open, self._begins = True, start
            self._cleared.clear()
            self.on_playback_started(created_at=time.time())
        self.first_frame = self.first_frame or now
        samples = np.abs(np.frombuffer(frame.data, np.int16).astype(np.int32))
        step = max(1, round(_STEP_S * frame.sample_rate))
        for n in range(0, len(samples), step):
            if samples[n : n + step].max() > _VOICED:
                self.voiced.append(start + n / frame.sample_rate)
        self._ends = start + frame.duration

    def flush(self) -> None:
        super().flush()
        if self._open:
            self._open = False
            task = asyncio.create_task(self._finish(self._ends, self._begins))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def clear_buffer(self) -> None:
        self._ends = time.monotonic()
        self._cleared.set()

    async def _finish(self, ends: float, begins: float) -> None:
        cleared = True
        try:
            async with asyncio.timeout(max(0.0, ends - time.monotonic())):
                await self._cleared.wait()
        except TimeoutError:
            cleared = False
        played = (time.monotonic() if cleared else ends) - begins
        self.on_playback_finished(playback_position=max(0.0, played), interrupted=cleared)


class Microphone(AudioInput):
    """Silence in real time, and what is said into it."""

    def __init__(self) -> None:
        super().__init__(label="bench")
        self._samples = np.zeros(0, np.int16)
        self._next = time.monotonic()
        self.said = asyncio.Event()

    def say(self, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        self._samples = np.concatenate([self._samples, samples])
        self.said.clear()

    async def __anext__(self) -> rtc.AudioFrame:
        count = MIC_RATE // 50
        self._next = max(self._next + 0.02, time.monotonic() - 0.2)
        await asyncio.sleep(max(0.0, self._next - time.monotonic()))
        piece, self._samples = self._samples[:count], self._samples[count:]
        if not len(self._samples):
            self.said.set()
        piece = np.pad(piece, (0, count - len(piece)))
        return rtc.AudioFrame(piece.tobytes(), MIC_RATE, 1, count)


@dataclass
class Cloud:
    """The three services."""

    ear: FakeDeepgram = field(default_factory=FakeDeepgram)
    mind: FakeOpenAI = field(default_factory=FakeOpenAI)
    voice: FakeElevenLabs = field(default_factory=FakeElevenLabs)

    def settings(self, **changes: Any) -> Settings:
        urls = {"deepgram": self.ear.url, "openai": self.mind.url, "elevenlabs": self.voice.url}
        patience = {"model_timeout_s": 3.0, "voice_timeout_s": Settings().voice_timeout_s}
        return settings(**{**urls, **patience, **changes})


@asynccontextmanager
async def cloud() -> AsyncIterator[Cloud]:
    made = Cloud()
    async with AsyncExitStack() as stack:
        for service in (made.ear, made.mind, made.voice):
            await stack.enter_async_context(service)
        yield made


@dataclass
class Talk:
    """One conversation. `parts`: what was made for it, to be looked at and closed."""

    session: AgentSession[None]
    output: Output
    microphone: Microphone
    parts: dict[str, Any]

    def well(self) -> None:
        """Every part's first choice is well again: the next fault meets it."""
        for part in self.parts.values():
            stage = getattr(part, "stage", None)
            if stage is not None:
                for health in stage.health:
                    health.served()
                stage.use(0)


def _plain_mind(chosen: Settings) -> llm.LLM[Any]:
    from livekit.plugins import openai

    assert chosen.openai_api_key is not None and chosen.openai_base_url is not None
    return openai.LLM(
        model=chosen.openai_model,
        base_url=chosen.openai_base_url,
        api_key=chosen.openai_api_key.get_secret_value(),
    )


@asynccontextmanager
async def talk(
    chosen: Settings, *, who: Persona | None = None, stock: bool = False, hears: bool = False
) -> AsyncIterator[Talk]:
    """Ours, or stock livekit-agents with the same plugins and nothing around them."""
    who = who or persona().model_copy(update={"greeting": "Hi."})
    detector = make_vad()
    parts = {
        "mind": choose.make_mind(chosen, who),
        "voice": choose.make_voice(chosen, who),
        "ear": choose.make_ear(chosen, who, detector) if hears else None,
    }
    turns: TurnHandlingOptions = {
        "turn_detection": "vad",
        "endpointing": {"mode": "fixed", "min_delay": 0.15, "max_delay": 1.2},
        "interruption": {"enabled": True, "mode": "vad"},
    }
    session = AgentSession[None](
        vad=detector if hears else None,
        stt=parts["ear"],
        llm=_plain_mind(chosen) if stock else parts["mind"],
        tts=parts["voice"].voice(0) if stock else parts["voice"],
        turn_handling=turns,
        use_tts_aligned_transcript=True,
        aec_warmup_duration=None,
        user_away_timeout=None,
        conn_options=connect_options(chosen),
    )
    output, microphone = Output(), Microphone()
    session.output.audio = output
    if hears:
        session.input.audio = microphone
    agent = Agent(instructions=who.prompt or "") if stock else Assistant(who)
    try:
        async with http_context.open():
            parts["voice"].prewarm()
            await session.start(agent)
            if not stock:
                while not output.voiced:  # noqa: ASYNC110  # the greeting, in a second
                    await asyncio.sleep(0.05)
                await asyncio.sleep(1.0)
            yield Talk(session, output, microphone, parts)
            await session.aclose()
            for part in parts.values():
                if part is not None:
                    await part.aclose()
    finally:
        await session.aclose()
