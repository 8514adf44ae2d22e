"""How well the lips keep time with a cloud voice: the onset of each P, B, M, F and V in the film of
the mouth, against the moment at which the local server's speech has it.

ElevenLabs tells when each letter sounds; OpenAI tells nothing, so that words are read by espeak-ng
and laid along the sound.
"""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from fake_elevenlabs import FakeElevenLabs
from fake_openai import FakeOpenAI
from livekit import rtc
from livekit.agents.utils import http_context
from livekit.plugins import visavis
from onsets import TEXTS, mouth, onset_errors
from wires import Heard, persona, settings

from agent.config import Settings
from agent.providers.choose import make_voice
from agent.session import make_reader


async def run() -> dict[str, Any]:
    async with http_context.open(), FakeElevenLabs() as timed, FakeOpenAI() as untimed:
        by_letters = settings(elevenlabs=timed.url)
        by_sound = settings(openai=untimed.url, openai_speech_url=f"{untimed.url}/v1")
        return {
            "elevenlabs": await _errors(by_letters, timed),
            "openai": await _errors(by_sound, untimed),
        }


async def _errors(chosen: Settings, service: FakeElevenLabs | FakeOpenAI) -> dict[str, Any]:
    who = persona()
    chain, reader = make_voice(chosen, who), make_reader(chosen, who)
    errors: list[float] = []
    for text in TEXTS:

        async def words(said: str = text) -> AsyncIterator[str]:
            yield said

        async def voice(said: AsyncIterator[str]) -> AsyncIterator[rtc.AudioFrame]:
            async with chain.stream() as stream:
                async for part in said:
                    stream.push_text(part)
                stream.end_input()
                async for event in stream:
                    yield event.frame

        heard = Heard(rate=chain.sample_rate)
        async for frame in visavis.tell(words(), voice, pronounce=reader):
            heard.frames.append(frame)
        errors += onset_errors(*mouth(heard), await service.speaker.say(text))
    await chain.aclose()
    if reader is not None:
        await reader.aclose()
    late = np.array(errors) * 1000
    return {
        "voice": chain.stage.name,
        "onsets": len(errors),
        "error_ms": {f"p{p}": round(float(np.percentile(late, p)), 1) for p in (50, 90, 95)},
    }
