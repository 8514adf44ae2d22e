"""A persona's voices one by one, and how each of them sounds in a mood.

A back end is imported only when its voice is made. ElevenLabs binds the settings to the connection:
there a mood has an instance of its own, made at its first need; the others are tuned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

from livekit.agents import tts
from livekit.agents.types import NOT_GIVEN, NotGivenOr

from agent.config import Settings, VoiceName
from agent.personas import Persona
from agent.providers.voices import Voice
from avatar.frames import Mood

if TYPE_CHECKING:
    from livekit.plugins.elevenlabs import VoiceSettings

T = TypeVar("T")

VOICE_AHEAD_S = 4.0
"""A long answer made all at once would cost the face its pictures."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where OpenAI's voice is to be had, or one that is asked like it."""

    url: str
    key: str


def voice_of(settings: Settings, persona: Persona, name: VoiceName, openai: Place) -> Voice:
    """One of a persona's voices, in every mood in which the persona changes it."""
    makers: dict[VoiceName, Callable[[], tts.TTS[Any]]] = {
        "elevenlabs": partial(_elevenlabs, settings, persona),
        "openai": partial(_openai_voice, settings, persona, openai),
        "espeak": partial(_espeak, persona),
    }
    tunes = {"openai": partial(_tune_openai, persona), "espeak": partial(_tune_espeak, persona)}
    moods = {
        mood: voice_of(settings, _in_mood(persona, mood), name, openai)
        for mood, changed in persona.voice.moods.items()
        if name in changed.model_fields_set
    }
    return Voice(name, makers[name], _key(settings, persona, name, openai), tunes.get(name), moods)


def _in_mood(persona: Persona, mood: Mood) -> Persona:
    voice = persona.voice.of(mood).model_copy(update={"moods": {}})
    return persona.model_copy(update={"voice": voice})


def _elevenlabs(settings: Settings, persona: Persona) -> tts.TTS[Any]:
    """PCM, because an MP3's first samples are not the sound's. The timings are of the text as it is
    read out: those of the text as written come twice from Flash, the first time cut short."""
    from livekit.plugins import elevenlabs

    assert settings.elevenlabs_api_key is not None
    chosen = persona.voice.elevenlabs
    return elevenlabs.TTS(
        api_key=settings.elevenlabs_api_key.get_secret_value(),
        base_url=settings.elevenlabs_url,
        model=settings.elevenlabs_model,
        voice_id=chosen.voice_id or elevenlabs.DEFAULT_VOICE_ID,
        voice_settings=_given(_elevenlabs_settings(persona)),
        encoding="pcm_24000",
        preferred_alignment="normalized",
    )


def _elevenlabs_settings(persona: Persona) -> "VoiceSettings | None":
    """None: the voice's own. The first two are its defaults where a persona changes others only."""
    from livekit.plugins.elevenlabs import VoiceSettings

    chosen = persona.voice.elevenlabs
    if not chosen.model_dump(exclude={"voice_id"}, exclude_none=True):
        return None
    return VoiceSettings(
        stability=0.5 if chosen.stability is None else chosen.stability,
        similarity_boost=0.75 if chosen.similarity is None else chosen.similarity,
        style=_given(chosen.style),
        speed=_given(chosen.speed),
    )


def _given(value: T | None) -> NotGivenOr[T]:
    return NOT_GIVEN if value is None else value


def _openai_voice(settings: Settings, persona: Persona, place: Place) -> tts.TTS[Any]:
    from livekit.plugins import openai

    return openai.TTS(
        model=settings.openai_voice_model,
        voice=persona.voice.openai.voice,
        instructions=_given(persona.voice.openai.instructions),
        speed=persona.voice.openai.speed or 1.0,
        api_key=place.key,
        base_url=place.url,
        response_format="pcm",
    )


def _espeak(persona: Persona) -> tts.TTS[Any]:
    from livekit.plugins import espeak

    chosen = persona.voice.espeak
    return espeak.TTS(
        voice=chosen.voice, rate=chosen.rate, pitch=chosen.pitch, max_ahead=VOICE_AHEAD_S
    )


def _tune_espeak(persona: Persona, voice: tts.TTS[Any], pace: float) -> None:
    from livekit.plugins import espeak

    assert isinstance(voice, espeak.TTS)
    chosen = persona.voice.espeak
    rate = min(max(round(chosen.rate * pace), 80), 450)
    voice.update_options(voice=chosen.voice, rate=rate, pitch=chosen.pitch)


def _tune_openai(persona: Persona, voice: tts.TTS[Any], pace: float) -> None:
    from livekit.plugins import openai

    assert isinstance(voice, openai.TTS)
    chosen = persona.voice.openai
    speed = min(max((chosen.speed or 1.0) * pace, 0.25), 4.0)
    voice.update_options(voice=chosen.voice, instructions=chosen.instructions or "", speed=speed)


def _key(settings: Settings, persona: Persona, name: VoiceName, place: Place) -> str:
    """What a voice's sound depends on; the offline voice is as quick as the cache."""
    if name == "espeak":
        return ""
    version = metadata.version(f"livekit-plugins-{name}")
    if name == "elevenlabs":
        chosen = persona.voice.elevenlabs.model_dump_json()
        return f"elevenlabs {version} {settings.elevenlabs_model} {chosen}"
    chosen = persona.voice.openai.model_dump_json()
    return f"openai {version} {settings.openai_voice_model} {place.url} {chosen}"
