"""Which ears, minds and voices a call has: the one place that knows settings, persona and plugins.

Best first, and the offline part last. A back end is imported only when it is chosen. Every function
here takes the settings and the persona, and nothing else decides.
"""

from collections.abc import Callable
from functools import partial
from importlib import util
from pathlib import Path
from typing import Any

from livekit.agents import llm, stt, vad

from agent.config import (
    ConfigError,
    EarName,
    MindName,
    Settings,
    VoiceName,
    cache_folder,
)
from agent.guide import Guide, phrases
from agent.personas import Persona
from agent.providers.cache import SpeechCache
from agent.providers.ears import Ear, EarChain
from agent.providers.minds import Mind, MindChain
from agent.providers.sounds import Place, voice_of
from agent.providers.voices import VoiceChain
from agent.turns.words import expected

OPENAI_URL = "https://api.openai.com/v1"
_CLOUD_MIND_S = 3.0
"""A service that has not answered by then will not; a local model may have to load first."""
_EAR_LIMITS_S: dict[EarName, float] = {"openai": 2.5, "whisper": 4.0, "pocketsphinx": 2.0}
_DAY_S = 86_400.0


def ear_names(settings: Settings) -> tuple[EarName, ...]:
    """The ears of a call, best first. Raises ConfigError for one that cannot be had."""
    if settings.ears is not None:
        return _ended(settings.ears, "pocketsphinx", partial(_check_ear, settings))
    names: list[EarName] = []
    if settings.deepgram_api_key is not None:
        names.append("flux" if settings.deepgram_model.startswith("flux") else "deepgram")
    if has_openai_speech(settings):
        names.append("openai")
    if whisper_ready(settings):
        names.append("whisper")
    return (*names, "pocketsphinx")


def mind_names(settings: Settings, persona: Persona) -> tuple[MindName, ...]:
    """The minds of a call, best first; a persona without a prompt has its script alone.

    Raises ConfigError for one that cannot be had.
    """
    if persona.prompt is None:
        return ("script",)
    if settings.minds is not None:
        return _ended(settings.minds, "script", partial(_check_mind, settings))
    names: list[MindName] = []
    if settings.has_llm:
        names.append("openai")
    if settings.local_url is not None:
        names.append("local")
    return (*names, "script")


def voice_names(settings: Settings) -> tuple[VoiceName, ...]:
    """The voices of a call, best first. Raises ConfigError for one that cannot be had."""
    if settings.voices is not None:
        return _ended(settings.voices, "espeak", partial(_check_voice, settings))
    names: list[VoiceName] = []
    if settings.elevenlabs_api_key is not None:
        names.append("elevenlabs")
    if has_openai_speech(settings):
        names.append("openai")
    return (*names, "espeak")


def make_ear(settings: Settings, persona: Persona, detector: vad.VAD) -> stt.STT[Any]:
    """The ears as one; the offline one alone is itself."""
    makers: dict[EarName, Callable[[], stt.STT[Any]]] = {
        "deepgram": partial(_deepgram, settings, persona),
        "flux": partial(_flux, settings, persona),
        "openai": partial(_openai_ear, settings, persona),
        "whisper": partial(_whisper, settings, persona),
        "pocketsphinx": partial(_pocketsphinx, persona, detector),
    }
    names = ear_names(settings)
    if names == ("pocketsphinx",):
        return makers["pocketsphinx"]()
    ears = [Ear(n, makers[n], _EAR_LIMITS_S.get(n, 0.5), n == "deepgram") for n in names]
    return EarChain(ears, detector)


def make_mind(settings: Settings, persona: Persona) -> llm.LLM[Any]:
    """The minds as one; the script alone is itself, a Guide."""
    names = mind_names(settings, persona)
    if names == ("script",):
        return Guide(persona)
    makers: dict[MindName, Callable[[], llm.LLM[Any]]] = {
        "openai": partial(_openai_mind, settings, "openai"),
        "local": partial(_openai_mind, settings, "local"),
        "script": partial(Guide, persona),
    }
    return MindChain([Mind(n, makers[n], _mind_limit(settings, n)) for n in names])


def make_realtime(settings: Settings, persona: Persona) -> llm.RealtimeModel | None:
    """Speech to speech, where it is set; the end of a turn is ours to say, as for every mind.

    Raises ConfigError without a key.
    """
    if not wants_realtime(settings, persona):
        return None
    assert settings.realtime_model is not None
    from livekit.plugins import openai

    return openai.realtime.RealtimeModel(
        model=settings.realtime_model,
        voice=persona.voice.openai.voice,
        turn_detection=None,
        api_key=_openai_key(settings),
        base_url=mind_url(settings, "openai"),
    )


def wants_realtime(settings: Settings, persona: Persona) -> bool:
    """Whether a call with this persona is speech to speech. Raises ConfigError without a key."""
    if settings.realtime_model is None or persona.prompt is None:
        return False
    if settings.openai_api_key is None:
        raise ConfigError("VISAVIS_REALTIME needs OPENAI_API_KEY")
    return True


def make_voice(settings: Settings, persona: Persona) -> VoiceChain:
    """The voices as one, with the cache of this machine."""
    place = Place(speech_url(settings), _openai_key(settings))
    voices = [voice_of(settings, persona, name, place) for name in voice_names(settings)]
    return VoiceChain(voices, limit_s=settings.voice_timeout_s, cache=speech_cache(settings))


def speech_cache(settings: Settings) -> SpeechCache | None:
    """The folder that every worker of this machine shares; None where nothing is kept."""
    if not settings.cache_mb:
        return None
    return SpeechCache(
        cache_folder() / "speech",
        max_bytes=settings.cache_mb * 1_000_000,
        max_age_s=settings.cache_days * _DAY_S,
    )


def has_openai_speech(settings: Settings) -> bool:
    """OpenAI's own ear and voice, or a server's that says it has them: a local model has none."""
    if settings.openai_speech_url is not None:
        return True
    return settings.openai_api_key is not None and settings.openai_base_url is None


def speech_url(settings: Settings) -> str:
    return settings.openai_speech_url or settings.openai_base_url or OPENAI_URL


def mind_url(settings: Settings, name: MindName) -> str:
    """Where a mind's server is; of `openai` or `local`."""
    return (settings.local_url or "") if name == "local" else settings.openai_base_url or OPENAI_URL


def flux_model(settings: Settings, persona: Persona) -> str:
    """The one that is set, else the one for the persona's language."""
    if settings.deepgram_model.startswith("flux"):
        return settings.deepgram_model
    return "flux-general-en" if persona.language.startswith("en") else "flux-general-multi"


def whisper_folder(model: str) -> Path:
    """Where `python -m agent models pull` puts a Whisper model."""
    return cache_folder() / "models" / f"whisper-{model}"


def whisper_ready(settings: Settings) -> bool:
    """The package is installed and the model was pulled."""
    there = (whisper_folder(settings.whisper_model) / "model.bin").is_file()
    return there and util.find_spec("faster_whisper") is not None


def _ended(names: tuple[Any, ...], last: str, check: Callable[[Any], None]) -> tuple[Any, ...]:
    for name in names:
        check(name)
    return tuple(dict.fromkeys([name for name in names if name != last] + [last]))


def _check_ear(settings: Settings, name: EarName) -> None:
    if name in ("deepgram", "flux") and settings.deepgram_api_key is None:
        raise ConfigError(f"VISAVIS_EAR={name} needs DEEPGRAM_API_KEY")
    if name == "openai" and not has_openai_speech(settings):
        raise ConfigError("VISAVIS_EAR=openai needs OPENAI_API_KEY or OPENAI_SPEECH_BASE_URL")
    if name == "whisper" and not whisper_ready(settings):
        raise ConfigError(
            "VISAVIS_EAR=whisper needs the model: pip install 'visavis-agent[whisper]', then "
            f"python -m agent models pull whisper-{settings.whisper_model}"
        )


def _check_mind(settings: Settings, name: MindName) -> None:
    if name == "openai" and not settings.has_llm:
        raise ConfigError("VISAVIS_MIND=openai needs OPENAI_API_KEY or OPENAI_BASE_URL")
    if name == "local" and settings.local_url is None:
        raise ConfigError("VISAVIS_MIND=local needs VISAVIS_LOCAL_URL")


def _check_voice(settings: Settings, name: VoiceName) -> None:
    if name == "elevenlabs" and settings.elevenlabs_api_key is None:
        raise ConfigError("VISAVIS_VOICE=elevenlabs needs ELEVENLABS_API_KEY")
    if name == "openai" and not has_openai_speech(settings):
        raise ConfigError("VISAVIS_VOICE=openai needs OPENAI_API_KEY or OPENAI_SPEECH_BASE_URL")


def _mind_limit(settings: Settings, name: MindName) -> float:
    """A timeout that somebody set counts for every mind."""
    ours = name == "openai" and mind_url(settings, name) == OPENAI_URL
    given = "model_timeout_s" in settings.model_fields_set
    return _CLOUD_MIND_S if ours and not given else settings.model_timeout_s


# The parts, one by one


def _openai_key(settings: Settings) -> str:
    """A local server asks for no key, the client insists on one."""
    key = settings.openai_api_key
    return key.get_secret_value() if key is not None else "none"


def _deepgram(settings: Settings, persona: Persona) -> stt.STT[Any]:
    from livekit.plugins import deepgram

    assert settings.deepgram_api_key is not None
    return deepgram.STT(
        model=settings.deepgram_model,
        language=persona.language,
        api_key=settings.deepgram_api_key.get_secret_value(),
        base_url=f"{settings.deepgram_url}/v1/listen",
    )


def _flux(settings: Settings, persona: Persona) -> stt.STT[Any]:
    """Deepgram's model for conversations; it says itself when a turn is over."""
    from livekit.plugins import deepgram

    assert settings.deepgram_api_key is not None
    english = persona.language.startswith("en")
    extra: dict[str, Any] = {} if english else {"language_hint": [persona.language.split("-")[0]]}
    return deepgram.STTv2(
        model=flux_model(settings, persona),
        api_key=settings.deepgram_api_key.get_secret_value(),
        base_url=f"{settings.deepgram_url}/v2/listen",
        **extra,
    )


def _openai_ear(settings: Settings, persona: Persona) -> stt.STT[Any]:
    from livekit.plugins import openai

    return openai.STT(
        model=settings.openai_ear_model,
        language=persona.language.split("-")[0],
        api_key=_openai_key(settings),
        base_url=speech_url(settings),
    )


def _whisper(settings: Settings, persona: Persona) -> stt.STT[Any]:
    from agent.providers.whisper import WhisperSTT

    return WhisperSTT(whisper_folder(settings.whisper_model), language=persona.language)


def _pocketsphinx(persona: Persona, detector: vad.VAD) -> stt.STT[Any]:
    from livekit.plugins import pocketsphinx

    heard = [*phrases(persona), *expected(persona.language)]
    return pocketsphinx.STT(phrases=heard, vad=detector)


def _openai_mind(settings: Settings, name: MindName) -> llm.LLM[Any]:
    """OpenAI's own, or one that speaks like it: `openai` or `local`."""
    from livekit.plugins import openai

    from agent.providers.plain import send_as_it_is

    local = name == "local"
    made = openai.LLM(
        model=settings.local_model if local else settings.openai_model,
        base_url=mind_url(settings, name),
        api_key="none" if local else _openai_key(settings),
    )
    send_as_it_is(made._client)
    return made
