"""The parts that speak for one persona: ear, mind and voice, and what reads words for the mouth.

Made anew for every persona; a new version of the same persona keeps those that it did not change,
so that an edit of a prompt starts no process and loses no word that is being heard.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.agents import AgentSession, llm, stt, tts, vad

from agent.config import Settings
from agent.personas import Persona
from agent.providers.choose import make_ear, make_mind, make_voice
from agent.session import Warm, make_reader

if TYPE_CHECKING:
    from livekit.plugins.espeak import Reader


@dataclass(slots=True)
class Parts:
    """Owned by whoever made them; `close` those that left."""

    ear: stt.STT[Any]
    mind: llm.LLM[Any]
    voice: tts.TTS[Any]
    reader: "Reader | None"

    async def close(self, *, but: "Parts | None" = None) -> None:
        """End every part that `but` does not go on with."""
        kept = () if but is None else (but.ear, but.mind, but.voice, but.reader)
        mine = (self.ear, self.mind, self.voice, self.reader)
        left = [part for part in mine if part is not None and not any(part is k for k in kept)]
        await asyncio.gather(*(part.aclose() for part in left), return_exceptions=True)


async def make_parts(
    settings: Settings,
    persona: Persona,
    detector: vad.VAD,
    *,
    like: tuple[Persona, Parts] | None = None,
) -> Parts:
    """The parts of a persona. like: another version of it, and its parts.

    Called on the session's loop, to which the parts belong; only a script is read beside it.
    Raises what the parts raise when they cannot be made.
    """
    before, parts = like or (None, None)
    same_voice = before is not None and (before.voice, before.language) == (
        persona.voice,
        persona.language,
    )
    same_words = before is not None and (before.script, before.language) == (
        persona.script,
        persona.language,
    )
    same_mind = same_words and before is not None and before == persona
    if settings.has_llm or settings.local_url is not None:
        import livekit.plugins.openai  # noqa: F401  # plugins are registered on the main thread
    if parts and same_mind:
        mind = parts.mind
    else:
        mind = await asyncio.to_thread(make_mind, settings, persona)
    return Parts(
        ear=parts.ear if parts and same_words else make_ear(settings, persona, detector),
        mind=mind,
        voice=parts.voice if parts and same_voice else make_voice(settings, persona),
        reader=parts.reader if parts and same_voice else make_reader(settings, persona),
    )


def first_parts(warm: Warm, session: AgentSession[None], persona: Persona) -> Parts:
    """The parts that a session was built with, for its first persona."""
    ear, mind, voice = session.stt, session.llm, session.tts
    assert ear is not None and isinstance(mind, llm.LLM) and voice is not None
    settings = warm.settings
    return Parts(ear, mind, voice, make_reader(settings, persona))
