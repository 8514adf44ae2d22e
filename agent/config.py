"""Settings: the only reader of os.environ, and the one place where a default is written.

Secrets are SecretStr, so that neither a log line nor a repr shows them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

DEV_KEY = "devkey"
DEV_SECRET = "secret"
"""The pair every LiveKit development server and tool knows; livekit.yaml marks it so."""

_ENVIRONMENT = {
    "livekit_url": "LIVEKIT_URL",
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
    "alone_s": "VISAVIS_ALONE_S",
    "worker_port": "VISAVIS_WORKER_PORT",
    "openai_api_key": "OPENAI_API_KEY",
    "openai_base_url": "OPENAI_BASE_URL",
    "openai_model": "OPENAI_MODEL",
    "deepgram_api_key": "DEEPGRAM_API_KEY",
    "elevenlabs_api_key": "ELEVENLABS_API_KEY",
}


class ConfigError(Exception):
    """A setting that cannot be used; the message names the variable and what it may be."""


class Settings(BaseModel):
    """Everything the environment may say. Empty variables count as not set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    livekit_url: str = "ws://127.0.0.1:7880"
    livekit_api_key: str = DEV_KEY
    livekit_api_secret: SecretStr = SecretStr(DEV_SECRET)
    agent_name: str = ""
    """Set: the worker waits to be dispatched by this name. Empty: it takes every new room."""
    persona: str = "imani"
    portrait: str | None = None
    """Wears this portrait instead of the persona's own."""
    renderer: str = "cpu"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_calls: int = Field(default=4 * (os.cpu_count() or 1), ge=1)
    """Calls that one worker takes at once; a CPU portrait costs about a quarter of a core."""
    idle_processes: int = Field(default=2, ge=0, le=64)
    """Warm processes kept ready, each for the next call."""
    alone_s: float = Field(default=20.0, gt=0)
    """Seconds without a person in the room after which a call is over."""
    worker_port: int = Field(default=8081, ge=0, le=65535)
    """The worker's own health page; 0 takes any free port."""
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    openai_model: str = "gpt-4.1-mini"
    deepgram_api_key: SecretStr | None = None
    elevenlabs_api_key: SecretStr | None = None

    @field_validator("livekit_url")
    @classmethod
    def _websocket(cls, value: str) -> str:
        if not value.startswith(("ws://", "wss://")):
            raise ValueError("must start with ws:// or wss://")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the environment once. Raises ConfigError naming what cannot be used."""
        source = os.environ if environment is None else environment
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

    def worker_environment(self) -> dict[str, str]:
        """What a worker process must find in its environment to reach the same server."""
        return {
            "LIVEKIT_URL": self.livekit_url,
            "LIVEKIT_API_KEY": self.livekit_api_key,
            "LIVEKIT_API_SECRET": self.livekit_api_secret.get_secret_value(),
        }

    @property
    def has_llm(self) -> bool:
        """A real language model is set up: a key, or the address of a local server."""
        return self.openai_api_key is not None or self.openai_base_url is not None

    @property
    def http_url(self) -> str:
        """livekit-server's HTTP address, for its API."""
        return "http" + self.livekit_url.removeprefix("ws")


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Our own environment with `changes`, for a process we start; secrets travel only here."""
    return {**os.environ, **changes}


def cache_folder() -> Path:
    """Where built tools are kept between runs; scripts/setup uses the same folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "visavis"


def _sentence(error: Mapping[str, object]) -> str:
    location = error.get("loc")
    field = str(location[0]) if isinstance(location, tuple) and location else "?"
    message = str(error.get("msg", "")).removeprefix("Value error, ")
    return f"{_ENVIRONMENT.get(field, field)}: {message}"
