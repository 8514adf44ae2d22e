"""Settings: the only reader of os.environ, and the one place where a default is written.

Secrets are SecretStr, so that neither a log line nor a repr shows them.
"""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

DEV_KEY = "devkey"
DEV_SECRET = "secret"
"""The pair every LiveKit development server and tool knows; livekit.yaml marks it so."""
CHECK_ROOMS = "visavis-check-"
"""How the rooms begin in which a page tries the network: agents stay out of them."""

_ENVIRONMENT = {
    "livekit_url": "LIVEKIT_URL",
    "livekit_public_url": "LIVEKIT_PUBLIC_URL",
    "livekit_api_key": "LIVEKIT_API_KEY",
    "livekit_api_secret": "LIVEKIT_API_SECRET",
    "agent_name": "AGENT_NAME",
    "persona": "VISAVIS_PERSONA",
    "portrait": "VISAVIS_PORTRAIT",
    "renderer": "VISAVIS_RENDERER",
    "host": "VISAVIS_HOST",
    "port": "VISAVIS_PORT",
    "log_level": "VISAVIS_LOG_LEVEL",
    "max_calls": "VISAVIS_MAX_CALLS",
    "idle_processes": "VISAVIS_IDLE_PROCESSES",
    "log_text": "VISAVIS_LOG_TEXT",
    "alone_s": "VISAVIS_ALONE_S",
    "model_timeout_s": "VISAVIS_MODEL_TIMEOUT_S",
    "voice_timeout_s": "VISAVIS_VOICE_TIMEOUT_S",
    "worker_port": "VISAVIS_WORKER_PORT",
    "disclosure": "VISAVIS_DISCLOSURE",
    "embed_origins": "VISAVIS_EMBED_ORIGINS",
    "metrics_port": "VISAVIS_METRICS_PORT",
    "avatar_worker": "VISAVIS_AVATAR_WORKER",
    "avatar_sessions": "VISAVIS_AVATAR_SESSIONS",
    "uploads": "VISAVIS_UPLOADS",
    "max_portraits": "VISAVIS_MAX_PORTRAITS",
    "internal_streams": "VISAVIS_INTERNAL_STREAMS",
    "sessions": "VISAVIS_SESSIONS",
    "rtmp_in": "VISAVIS_RTMP_IN",
    "rtmp_out": "VISAVIS_RTMP_OUT",
    "sip_passcode": "VISAVIS_SIP_PASSCODE",
    "sip_password": "VISAVIS_SIP_PASSWORD",
    "openai_api_key": "OPENAI_API_KEY",
    "openai_base_url": "OPENAI_BASE_URL",
    "openai_model": "OPENAI_MODEL",
    "openai_speech_url": "OPENAI_SPEECH_BASE_URL",
    "openai_ear_model": "OPENAI_STT_MODEL",
    "openai_voice_model": "OPENAI_TTS_MODEL",
    "deepgram_api_key": "DEEPGRAM_API_KEY",
    "deepgram_url": "DEEPGRAM_BASE_URL",
    "deepgram_model": "DEEPGRAM_MODEL",
    "elevenlabs_api_key": "ELEVENLABS_API_KEY",
    "elevenlabs_url": "ELEVENLABS_BASE_URL",
    "elevenlabs_model": "ELEVENLABS_MODEL",
    "local_url": "VISAVIS_LOCAL_URL",
    "local_model": "VISAVIS_LOCAL_MODEL",
    "whisper_model": "VISAVIS_WHISPER_MODEL",
    "ears": "VISAVIS_EAR",
    "minds": "VISAVIS_MIND",
    "voices": "VISAVIS_VOICE",
    "realtime_model": "VISAVIS_REALTIME",
    "cache_mb": "VISAVIS_CACHE_MB",
    "cache_days": "VISAVIS_CACHE_DAYS",
}

EarName = Literal["deepgram", "flux", "openai", "whisper", "pocketsphinx"]
MindName = Literal["openai", "local", "script"]
VoiceName = Literal["elevenlabs", "openai", "espeak"]


class ConfigError(Exception):
    """A setting that cannot be used; the message names the variable and what it may be."""


class Settings(BaseModel):
    """Everything the environment may say. Empty variables count as not set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    livekit_url: str = "ws://127.0.0.1:7880"
    livekit_api_key: str = DEV_KEY
    livekit_api_secret: SecretStr = SecretStr(DEV_SECRET)
    livekit_public_url: str | None = None
    """Where browsers find livekit-server, when that is not where this machine does."""
    agent_name: str = ""
    """Set: the worker waits to be dispatched by this name. Empty: it takes every new room."""
    persona: str = "imani"
    portrait: str | None = None
    """`persona` wears this portrait instead of its own; a call may still choose another."""
    renderer: str | None = None
    """Draws every persona's face, instead of what that wants itself."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_calls: int = Field(default=4 * (os.cpu_count() or 1), ge=1)
    """Calls that one worker takes at once; a CPU portrait costs about a quarter of a core."""
    idle_processes: int = Field(default=2, ge=0, le=64)
    """Warm processes kept ready, each for the next call."""
    log_text: bool = False
    """Whether what people say and type may stand in the log, always under a key with "pii"."""
    alone_s: float = Field(default=30.0, gt=0)
    """Seconds without a person in the room after which a call is over."""
    model_timeout_s: float = Field(default=8.0, gt=0)
    """Seconds for a model's first and every next word; then it is cut off, with an apology."""
    voice_timeout_s: float = Field(default=1.2, gt=0)
    """Seconds for a voice's next sound once it owes one; then the next voice takes over."""
    worker_port: int = Field(default=8081, ge=0, le=65535)
    """The worker's own health page; 0 takes any free port."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Where the worker tells Prometheus its counters, on loopback; None: nowhere."""
    disclosure: str | None = Field(default=None, min_length=8, max_length=120)
    """How "You are talking to an AI" is worded, for every persona; it cannot be hidden."""
    embed_origins: tuple[str, ...] = ()
    """Pages of these sites may show a call in a frame; none may unless they are named here."""
    avatar_worker: str = ""
    """Set: avatar workers of this name draw the faces and play the voices, and `renderer` is
    theirs; a call whose worker does not come goes on with the CPU portrait. Empty: every call
    draws its own."""
    avatar_sessions: int | None = Field(default=None, ge=1)
    """Calls that one avatar worker takes at once; None: as many as it measures that it can draw."""
    uploads: bool | None = None
    """Whether the page may make portraits from photos, and shows those that were made. None: only
    when the page can be reached from this machine alone."""
    max_portraits: int = Field(default=24, ge=1, le=1000)
    """Portraits of one's own from which on the page makes no further one."""
    internal_streams: bool | None = None
    """Whether sessions may use streams on internal addresses. None: only when the page can be
    reached from this machine alone."""
    sessions: bool | None = None
    """Whether sessions with streams may be started by HTTP. None: from this machine alone."""
    rtmp_in: SecretStr | None = None
    """What `bridge rtmp` listens to and where it sends: addresses that hold stream keys."""
    rtmp_out: SecretStr | None = None
    sip_passcode: SecretStr | None = None
    """Of the meeting that `bridge sip` dials."""
    sip_password: SecretStr | None = None
    """Of the SIP account with which it dials, where one is needed."""
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    openai_model: str = "gpt-4.1-mini"
    openai_speech_url: str | None = None
    """A server that hears and speaks as OpenAI's does (speaches, for one)."""
    openai_ear_model: str = "gpt-4o-mini-transcribe"
    openai_voice_model: str = "gpt-4o-mini-tts"
    deepgram_api_key: SecretStr | None = None
    deepgram_url: str = "https://api.deepgram.com"
    deepgram_model: str = "nova-3"
    elevenlabs_api_key: SecretStr | None = None
    elevenlabs_url: str = "https://api.elevenlabs.io/v1"
    elevenlabs_model: str = "eleven_flash_v2_5"
    local_url: str | None = None
    """A language model on this machine (Ollama, vLLM), for when the first one fails."""
    local_model: str = "llama3.2"
    whisper_model: str = "small"
    ears: tuple[EarName, ...] | None = None
    """Best first. None: whatever has a key, then what works offline; the offline one ends each."""
    minds: tuple[MindName, ...] | None = None
    voices: tuple[VoiceName, ...] | None = None
    realtime_model: str | None = None
    """Speech to speech by this model of OpenAI's, in the place of ear, mind and voice."""
    cache_mb: int = Field(default=256, ge=0)
    """Speech kept on disk, greetings and canned answers; 0 keeps none."""
    cache_days: float = Field(default=30.0, gt=0)

    @field_validator("livekit_url", "livekit_public_url")
    @classmethod
    def _websocket(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("ws://", "wss://")):
            raise ValueError("must start with ws:// or wss://")
        return value

    @field_validator("ears", "minds", "voices", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator(
        "openai_base_url", "openai_speech_url", "deepgram_url", "elevenlabs_url", "local_url"
    )
    @classmethod
    def _web(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/") if value is not None else None

    @field_validator("disclosure")
    @classmethod
    def _says_something(cls, value: str | None) -> str | None:
        if value is not None and sum(letter.isalpha() for letter in value) < 8:
            raise ValueError("must be a sentence that says that one talks to an AI")
        return value

    @field_validator("embed_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        origins = tuple(value.replace(",", " ").split())
        for origin in origins:
            parts = urlsplit(origin)
            plain = parts.scheme in ("https", "http") and parts.netloc and not parts.path
            if not plain or any(c in origin for c in ";'\"?#@*"):
                raise ValueError(f"{origin!r} is no origin: write it as https://www.example.org")
        return origins

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the environment once. Raises ConfigError naming what cannot be used."""
        source = os.environ if environment is None else environment
        if not source.get("VISAVIS_DISCLOSURE", "x").strip():
            raise ConfigError(
                "VISAVIS_DISCLOSURE: is empty: that people talk to an AI may be worded, never "
                "hidden; write a sentence, or do not set it"
            )
        given = {field: source[name] for field, name in _ENVIRONMENT.items() if source.get(name)}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise ConfigError("; ".join(_sentence(e) for e in error.errors())) from None

    def with_port(self, port: int) -> Self:
        """The same with another port for the page. Raises ConfigError when out of range."""
        if not 1 <= port <= 65535:
            raise ConfigError(f"--port {port}: choose one between 1 and 65535")
        return self.model_copy(update={"port": port})

    def with_portrait(self, name: str) -> Self:
        """The same, `persona` wearing this portrait. Raises ConfigError when it cannot be used."""
        from avatar.errors import PortraitError
        from avatar.portrait import pack

        try:
            pack.load(name)
        except PortraitError as error:
            raise ConfigError(f"--portrait: {error}") from error
        return self.model_copy(update={"portrait": name})

    def worker_environment(self) -> dict[str, str]:
        """What a worker process must find in its environment: the same server, the same face."""
        return {
            **({"VISAVIS_PORTRAIT": self.portrait} if self.portrait else {}),
            "LIVEKIT_URL": self.livekit_url,
            "LIVEKIT_API_KEY": self.livekit_api_key,
            "LIVEKIT_API_SECRET": self.livekit_api_secret.get_secret_value(),
        }

    def renderer_of(self, wanted: str) -> str:
        """What draws the face of a persona that wants this renderer."""
        return self.renderer or wanted

    def own_renderer(self, wanted: str) -> str:
        """The same in a call's own process: the CPU where avatar workers do the real work."""
        return "cpu" if self.avatar_worker else self.renderer_of(wanted)

    @property
    def local_only(self) -> bool:
        """The page listens on a loopback address: nobody else's machine can ask it."""
        return is_loopback(self.host)

    @property
    def own_faces(self) -> bool:
        """Portraits of people, made on this machine, may be put on during a call."""
        return self.local_only if self.uploads is None else self.uploads

    @property
    def has_llm(self) -> bool:
        """A real language model is set up: a key, or the address of a local server."""
        return self.openai_api_key is not None or self.openai_base_url is not None

    @property
    def public_url(self) -> str:
        """Where browsers find livekit-server."""
        return self.livekit_public_url or self.livekit_url

    @property
    def http_url(self) -> str:
        """livekit-server's HTTP address, for its API."""
        return "http" + self.livekit_url.removeprefix("ws")


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Our own environment with `changes`, for a process we start; secrets travel only here."""
    return {**os.environ, **changes}


def keyless_environment() -> dict[str, str]:
    """Our own environment without keys and secrets, for a child that reads what strangers sent."""
    secret = ("_KEY", "_SECRET", "_TOKEN", "_PASSWORD", "_PASSCODE", "_RTMP_IN", "_RTMP_OUT")
    return {name: value for name, value in os.environ.items() if not name.endswith(secret)}


def is_loopback(host: str) -> bool:
    """Whether a host name or address (IPv6 without brackets) means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def cache_folder() -> Path:
    """Where built tools are kept between runs; scripts/setup uses the same folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "visavis"


def secret(name: str) -> SecretStr | None:
    """The secret in the environment variable that a persona names for one of its servers."""
    value = os.environ.get(name)
    return SecretStr(value) if value else None


def personas_folder() -> Path | None:
    """The folder of one's own personas, listed beside the shipped ones; None where none is set."""
    given = os.environ.get("VISAVIS_PERSONAS", "").strip()
    return Path(given).expanduser() if given else None


def _sentence(error: Mapping[str, object]) -> str:
    location = error.get("loc")
    field = str(location[0]) if isinstance(location, tuple) and location else "?"
    message = str(error.get("msg", "")).removeprefix("Value error, ")
    return f"{_ENVIRONMENT.get(field, field)}: {message}"
