"""Wires an AgentSession: ears, end of turn, mind and voice, from settings and persona.

Keys choose the parts: Deepgram hears, an OpenAI-compatible model thinks, ElevenLabs speaks;
whatever has no key is the offline part. A back end is imported only when it is chosen.
"""

import logging
from dataclasses import dataclass, field

from livekit.agents import AgentSession, TurnHandlingOptions, inference, llm, stt, tts

from agent import personas
from agent.config import Settings
from agent.personas import Persona
from avatar.portrait import pack

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Warm:
    """What a job process holds ready for its call."""

    settings: Settings
    vad: inference.VAD
    offline_ear: stt.STT | None = None
    voices: dict[str, tts.TTS] = field(default_factory=dict)


def warm_up(settings: Settings) -> Warm:
    """Load what takes time: the portrait, the recogniser's model, the voice's child process."""
    persona = personas.load(settings.persona)
    pack.load(settings.portrait or persona.portrait)
    warm = Warm(settings=settings, vad=make_vad())
    if settings.deepgram_api_key is None:
        warm.offline_ear = offline_ear(warm.vad, persona)
        warm.offline_ear.prewarm()
    if settings.elevenlabs_api_key is None:
        make_voice(warm, persona).prewarm()
    return warm


def build_session(warm: Warm, persona: Persona) -> AgentSession[None]:
    """The session of one call; the parts connect when they are first used."""
    settings = warm.settings
    return AgentSession(
        vad=warm.vad,
        stt=make_ear(warm, persona),
        llm=make_mind(settings, persona),
        tts=make_voice(warm, persona),
        turn_handling=turn_handling(settings, persona),
        use_tts_aligned_transcript=True,
        aec_warmup_duration=1.0,
        user_away_timeout=None,
    )


def turn_handling(settings: Settings, persona: Persona) -> TurnHandlingOptions:
    """Local end-of-turn model, interruption by voice activity, resume after a false one."""
    return TurnHandlingOptions(
        turn_detection=inference.TurnDetector(version="v1-mini"),
        endpointing={"mode": "fixed", "min_delay": 0.15, "max_delay": 1.5},
        interruption={
            "enabled": persona.turns.interruptible,
            "mode": "vad",
            "min_duration": 0.25,
            "min_words": persona.turns.min_words,
            "resume_false_interruption": True,
            "false_interruption_timeout": 1.0,
        },
        preemptive_generation={"enabled": True, "preemptive_tts": not settings.has_llm},
    )


def make_vad() -> inference.VAD:
    """Silero, in its native build; a quarter second of silence ends a stretch of speech."""
    return inference.VAD(model="silero", min_silence_duration=0.25)


def make_ear(warm: Warm, persona: Persona) -> stt.STT:
    if warm.settings.deepgram_api_key is not None:
        from livekit.plugins import deepgram

        key = warm.settings.deepgram_api_key.get_secret_value()
        return deepgram.STT(model="nova-3", language=persona.language, api_key=key)
    if warm.offline_ear is None:
        warm.offline_ear = offline_ear(warm.vad, persona)
    from livekit.plugins import pocketsphinx

    from agent.guide import phrases

    assert isinstance(warm.offline_ear, pocketsphinx.STT)
    warm.offline_ear.update_options(phrases=phrases(persona))
    return warm.offline_ear


def offline_ear(vad: inference.VAD, persona: Persona) -> stt.STT:
    """PocketSphinx on the persona's own phrases."""
    from livekit.plugins import pocketsphinx

    from agent.guide import phrases

    return pocketsphinx.STT(phrases=phrases(persona), vad=vad)


def make_mind(settings: Settings, persona: Persona) -> llm.LLM:
    if settings.has_llm:
        from livekit.plugins import openai

        key = settings.openai_api_key
        return openai.LLM(
            model=settings.openai_model,
            base_url=settings.openai_base_url or "https://api.openai.com/v1",
            # a local server asks for no key, the client insists on one
            api_key=key.get_secret_value() if key is not None else "none",
        )
    from agent.guide import Guide

    return Guide(persona)


def make_voice(warm: Warm, persona: Persona) -> tts.TTS:
    if warm.settings.elevenlabs_api_key is not None:
        from livekit.plugins import elevenlabs

        key = warm.settings.elevenlabs_api_key.get_secret_value()
        voice_id = persona.voice.elevenlabs.voice_id or elevenlabs.DEFAULT_VOICE_ID
        return elevenlabs.TTS(api_key=key, model="eleven_flash_v2_5", voice_id=voice_id)
    from livekit.plugins import espeak

    chosen = persona.voice.espeak
    if persona.id not in warm.voices:
        warm.voices[persona.id] = espeak.TTS(
            voice=chosen.voice, rate=chosen.rate, pitch=chosen.pitch
        )
    return warm.voices[persona.id]
