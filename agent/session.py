"""Wires an AgentSession: ears, end of turn, mind and voice, from settings and persona.

Which ears, minds and voices there are is decided in `agent.providers.choose`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.agents import (
    AgentSession,
    APIConnectOptions,
    TurnHandlingOptions,
    inference,
    llm,
    stt,
    tts,
    utils,
)
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.room_io import (
    AudioInputOptions,
    RoomOptions,
    TextInputOptions,
    TextOutputOptions,
)

from agent import personas
from agent.chat import Chat
from agent.config import Settings
from agent.guide import Guide
from agent.personas import Persona
from agent.providers.choose import make_ear, make_mind, make_voice, mind_names, voice_names
from agent.providers.voices import VoiceChain
from agent.turns.endings import follow_words
from agent.turns.floor import NO_VAD, Floor
from agent.turns.hearing import RATE as EAR_RATE
from avatar import renderers
from avatar.renderers import Renderer

if TYPE_CHECKING:
    from livekit.plugins.espeak import Reader

_NEVER = 1_000_000
"""Errors in a row after which LiveKit would end the call: parts fail, calls go on."""
_FRAME_MS = 10
"""As sound leaves the jitter buffer: in longer pieces it would wait for the VAD's next look."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Warm:
    """What a job process holds ready for its one call, made for the settings' persona.

    A call with another persona, or with one that was edited since, makes its own.
    """

    settings: Settings
    persona: Persona
    vad: inference.VAD
    ear: stt.STT[Any]
    mind: llm.LLM[Any]
    voice: tts.TTS[Any]
    face: Renderer

    @property
    def portrait(self) -> str:
        """The portrait that `face` shows."""
        return self.settings.portrait or self.persona.portrait

    @property
    def wears(self) -> tuple[str, str]:
        """The portrait and the renderer of `face`."""
        return self.portrait, self.settings.own_renderer(self.persona.renderer)


def warm_up(settings: Settings) -> Warm:
    """Load what takes time: the portrait, the recogniser's model, the voice's child process.

    Raises PersonaError, PortraitError, RendererError or ValueError for what cannot be used.
    """
    persona = personas.from_setting(settings.persona)
    face = renderers.load_or_cpu(
        settings.own_renderer(persona.renderer), portrait=settings.portrait or persona.portrait
    )
    vad = make_vad()
    ear = make_ear(settings, persona, vad)
    ear.prewarm()
    voice = make_voice(settings, persona)
    voice.prewarm()
    mind = make_mind(settings, persona)
    return Warm(settings, persona, vad, ear, mind, voice, face)


def make_floor(persona: Persona) -> Floor:
    """Who guards the turns of one call."""
    return Floor(persona.turns.policy(), language=persona.language)


def build_session(warm: Warm, persona: Persona, floor: Floor) -> AgentSession[None]:
    """The session of one call; the parts connect when they are first used."""
    settings, same = warm.settings, persona == warm.persona
    voice = warm.voice if same else make_voice(settings, persona)
    voice.prewarm()  # once more, on the call's own event loop: espeak-ng's child starts here
    mind = warm.mind if same else make_mind(settings, persona)
    detector = inference.TurnDetector(version="v1-mini")
    session = AgentSession[None](
        vad=floor.watch(warm.vad),
        stt=warm.ear if same else make_ear(settings, persona, warm.vad),
        llm=mind,
        tts=voice,
        turn_handling=turn_handling(settings, persona, detector),
        use_tts_aligned_transcript=True,
        aec_warmup_duration=None,
        user_away_timeout=None,
        conn_options=connect_options(settings),
    )
    follow_words(session, detector, lambda text: is_whole(session, text))
    return session


def is_whole(session: AgentSession[None], text: str) -> bool | None:
    """Whether the script of who speaks now knows these words as a whole sentence."""
    chosen = session.current_agent.llm
    mind = chosen if utils.is_given(chosen) else session.llm
    return mind.whole_sentences(text) if isinstance(mind, Guide) else None


def turn_handling(
    settings: Settings, persona: Persona, detector: inference.TurnDetector
) -> TurnHandlingOptions:
    """Local end-of-turn model; a persona with a talk button has none (agent.assistant). Who may
    interrupt is the floor's, see turns.floor; what LiveKit pauses itself is an answer not begun
    when the user goes on speaking."""
    scripted = mind_names(settings, persona) == ("script",)
    return TurnHandlingOptions(
        turn_detection=detector,
        endpointing={"mode": "fixed", "min_delay": 0.15, "max_delay": 1.2},
        interruption={
            "enabled": True,
            "mode": "vad",
            "min_duration": NO_VAD,
            "min_words": 0,
            "resume_false_interruption": True,
            "false_interruption_timeout": 1.0,
        },
        preemptive_generation={"enabled": True, "preemptive_tts": scripted},
    )


def connect_options(settings: Settings) -> SessionConnectOptions:
    """No retries around the chains, which have their own patience."""
    return SessionConnectOptions(
        llm_conn_options=APIConnectOptions(max_retry=0, timeout=settings.model_timeout_s),
        tts_conn_options=APIConnectOptions(max_retry=0, timeout=settings.voice_timeout_s),
        max_unrecoverable_errors=_NEVER,
    )


def room_options(chat: Chat) -> RoomOptions:
    """Sound as the VAD wants it, and typed words by way of the chat's bounds."""
    return RoomOptions(
        audio_input=AudioInputOptions(
            sample_rate=EAR_RATE, frame_size_ms=_FRAME_MS, auto_gain_control=False
        ),
        text_input=TextInputOptions(text_input_cb=chat.on_text),
        text_output=TextOutputOptions(sync_transcription=False),  # pace.py does it
    )


def make_vad() -> inference.VAD:
    """Silero, in its native build; a quarter second of silence ends a stretch of speech."""
    return inference.VAD(model="silero", min_silence_duration=0.25)


def make_reader(settings: Settings, persona: Persona) -> "Reader | None":
    """What tells the mouth how words are pronounced, where the voice does not say it itself.

    None for espeak-ng's own voice, and where espeak-ng is not installed.
    """
    if voice_names(settings) == ("espeak",):
        return None
    try:
        from livekit.plugins import espeak

        return espeak.Reader(voice=persona.voice.espeak.voice)
    except (ImportError, FileNotFoundError):
        return None


def rate_setter(voice: tts.TTS[Any]) -> Callable[[float], None] | None:
    """How to make a voice slower or faster (1.0: its own speed), if it can."""
    if isinstance(voice, VoiceChain) and voice.voices[0].tune is not None:
        return voice.set_pace
    return None
