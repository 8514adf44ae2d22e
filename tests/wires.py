"""The real client plugins against the local servers, and what a listener has of a voice."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fake_service import KEY
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.agents.utils import http_context
from pydantic import SecretStr

from agent import personas
from agent.config import Settings
from agent.personas import Persona
from agent.providers.voices import VoiceChain

TEXT = "The robot counted all the boats, the birds and the clouds. Then it went home to sleep."


@asynccontextmanager
async def http() -> AsyncIterator[None]:
    """The session that plugins of a job share."""
    async with http_context.open():
        yield


def settings(**changes: Any) -> Settings:
    """No environment, no cache, much patience (a loaded machine is no fault of a voice's).

    deepgram, elevenlabs, openai: a server's address.
    """
    urls = {name: changes.pop(name, None) for name in ("deepgram", "elevenlabs", "openai")}
    given: dict[str, Any] = {"cache_mb": 0, "voice_timeout_s": 20.0}
    if urls["deepgram"]:
        given |= {"deepgram_api_key": SecretStr(KEY), "deepgram_url": urls["deepgram"]}
    if urls["elevenlabs"]:
        given |= {
            "elevenlabs_api_key": SecretStr(KEY),
            "elevenlabs_url": f"{urls['elevenlabs']}/v1",
        }
    if urls["openai"]:
        address = f"{urls['openai']}/v1"
        given |= {"openai_api_key": SecretStr(KEY), "openai_base_url": address}
    return Settings(**{**given, **changes})


def persona() -> Persona:
    return personas.load("imani")


@dataclass
class Heard:
    """What came of one utterance. words: as captions have them."""

    rate: int = 0
    seconds: float = 0.0
    words: list[TimedString] = field(default_factory=list)
    frames: list[rtc.AudioFrame] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def sound(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        return np.concatenate([np.frombuffer(f.data, np.int16) for f in self.frames])


async def spoken(chain: VoiceChain, text: str | Sequence[str] = TEXT) -> Heard:
    """Speak a text, given whole or in parts, as a call does."""
    heard = Heard()
    async with chain.stream() as stream:
        for part in [text] if isinstance(text, str) else text:
            stream.push_text(part)
        stream.end_input()
        async for event in stream:
            heard.rate = event.frame.sample_rate
            heard.seconds += event.frame.duration
            heard.frames.append(event.frame)
            heard.words += event.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, [])
    return heard


def plain(text: str) -> list[str]:
    """Its words, for comparing."""
    return re.findall(r"[\w']+", text.lower())
