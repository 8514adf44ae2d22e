"""Wires an AgentSession: ears, end of turn, mind and voice, from settings and persona.

Keys choose the parts: Deepgram hears, an OpenAI-compatible model thinks, ElevenLabs speaks;
whatever has no key is the offline part. A back end is imported only when it is chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from livekit.agents import AgentSession, TurnHandlingOptions, inference, llm, stt, tts

from agent import personas
from agent.config import Settings
from agent.guide import Guide, phrases
from agent.personas import Persona
from agent.turns import WholeSentences, follow_words
from avatar import renderers
from avatar.renderers import Renderer

_VOICE_AHEAD_S = 4.0
"""A long answer made all at once would cost the face its pictures."""


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


def warm_up(settings: Settings) -> Warm:
    """Load what takes time: the portrait, the recogniser's model, the voice's child process.

    Raises PersonaError, PortraitError, RendererError or ValueError for what cannot be used.
    """
    persona = personas.from_setting(settings.persona)
    face = renderers.load(settings.renderer, portrait=settings.portrait or persona.portrait)
    vad = make_vad()
    ear = make_ear(settings, persona, vad)
    ear.prewarm()
    voice = make_voice(settings, persona)
    voice.prewarm()
    mind = make_mind(settings, persona)
    return Warm(settings, persona, vad, ear, mind, voice, face)


def build_session(warm: Warm, persona: Persona) -> AgentSession[None]:
    """The session of one call; the parts connect when they are first used."""
    settings, same = warm.settings, persona == warm.persona
    voice = warm.voice if same else make_voice(settings, persona)
    voice.prewarm()  # once more, on the call's own event loop: espeak-ng's child starts here
    mind = warm.mind if same else make_mind(settings, persona)
    detector = inference.TurnDetector(version="v1-mini")
    session = AgentSession[None](
        vad=warm.vad,
        stt=warm.ear if same else make_ear(settings, persona, warm.vad),
        llm=mind,
        tts=voice,
        turn_handling=turn_handling(settings, persona, detector),
        use_tts_aligned_transcript=True,
        aec_warmup_duration=1.0,
        user_away_timeout=None,
    )
    if isinstance(mind, Guide):
        is_whole = WholeSentences(mind.dialogue.matcher, phrases(persona))
        follow_words(session, detector, is_whole)
    return session


def turn_handling(
    settings: Settings, persona: Persona, detector: inference.TurnDetector
) -> TurnHandlingOptions:
    """Local end-of-turn model, interruption by voice activity, resume after a false one."""
    return TurnHandlingOptions(
        turn_detection=detector,
        endpointing={"mode": "fixed", "min_delay": 0.15, "max_delay": 1.2},
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


def make_ear(settings: Settings, persona: Persona, vad: inference.VAD) -> stt.STT[Any]:
    """Deepgram, or PocketSphinx on the persona's own phrases."""
    if settings.deepgram_api_key is not None:
        from livekit.plugins import deepgram

        key = settings.deepgram_api_key.get_secret_value()
        return deepgram.STT(model="nova-3", language=persona.language, api_key=key)
    from livekit.plugins import pocketsphinx

    return pocketsphinx.STT(phrases=phrases(persona), vad=vad)


def make_mind(settings: Settings, persona: Persona) -> llm.LLM[Any]:
    """An OpenAI-compatible model, or the persona's script."""
    if settings.has_llm:
        from livekit.plugins import openai

        key = settings.openai_api_key
        return openai.LLM(
            model=settings.openai_model,
            base_url=settings.openai_base_url or "https://api.openai.com/v1",
            # a local server asks for no key, the client insists on one
            api_key=key.get_secret_value() if key is not None else "none",
        )
    return Guide(persona)


def make_voice(settings: Settings, persona: Persona) -> tts.TTS[Any]:
    """ElevenLabs, or espeak-ng."""
    if settings.elevenlabs_api_key is not None:
        from livekit.plugins import elevenlabs

        key = settings.elevenlabs_api_key.get_secret_value()
        voice_id = persona.voice.elevenlabs.voice_id or elevenlabs.DEFAULT_VOICE_ID
        return elevenlabs.TTS(api_key=key, model="eleven_flash_v2_5", voice_id=voice_id)
    from livekit.plugins import espeak

    chosen = persona.voice.espeak
    return espeak.TTS(
        voice=chosen.voice, rate=chosen.rate, pitch=chosen.pitch, max_ahead=_VOICE_AHEAD_S
    )


def rate_setter(session: AgentSession[None], persona: Persona) -> Callable[[float], None] | None:
    """How to make this session's voice slower or faster (1.0: the persona's own), if it can."""
    if getattr(session.tts, "provider", None) != "espeak-ng":
        return None
    from livekit.plugins import espeak

    voice, usual = session.tts, persona.voice.espeak.rate
    assert isinstance(voice, espeak.TTS)
    return lambda rate: voice.update_options(rate=round(usual * rate))
