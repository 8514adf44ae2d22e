"""What is fetched or made before there is a call: Whisper's models, and speech for the cache."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing

from livekit.agents.utils import http_context

from agent import mishaps
from agent.config import Settings
from agent.moods import opening
from agent.personas import Persona
from agent.providers.choose import make_voice, speech_cache, whisper_folder
from agent.providers.voices import MOOD, VoiceChain
from avatar.frames import Mood

WHISPER = ("tiny", "base", "small", "medium", "large-v3", "turbo")
_PREFIX = "whisper-"
_AT_ONCE = 2
"""Texts that are spoken at the same time: providers bound it."""


class UpkeepError(Exception):
    """Something that cannot be fetched or made; the message says what to do."""


def pull(name: str) -> str:
    """Fetch a Whisper model (`whisper-small`) into the cache folder; returns where it is.

    Raises UpkeepError.
    """
    size = name.removeprefix(_PREFIX)
    if not name.startswith(_PREFIX) or size not in WHISPER:
        known = ", ".join(_PREFIX + one for one in WHISPER)
        raise UpkeepError(f"no model {name!r}: choose one of {known}")
    folder = whisper_folder(size)
    if (folder / "model.bin").is_file():
        return str(folder)
    try:
        from faster_whisper import download_model
    except ImportError:
        raise UpkeepError(
            "faster-whisper is missing: pip install 'visavis-agent[whisper]'"
        ) from None
    made = folder.with_name(f".{folder.name}-{size}")
    try:
        download_model(size, output_dir=str(made))
        folder.parent.mkdir(parents=True, exist_ok=True)
        made.replace(folder)  # never half a model
    except Exception as error:  # the hub's, the network's or the disk's
        shutil.rmtree(made, ignore_errors=True)
        raise UpkeepError(
            f"{name} could not be fetched ({type(error).__name__}): try again with a network, or "
            f"copy the model's folder to {folder}"
        ) from error
    return str(folder)


def canned(persona: Persona) -> Iterator[tuple[str, Mood | None]]:
    """What a persona may say word by word, and in which mood: greeting, apologies, and the lines
    of its script."""
    yield opening(persona.greeting)
    for sentence in mishaps.sentences(persona.language):
        yield sentence, None
    for topic in persona.script.topic:
        for line in (*topic.say, *topic.more, *topic.why, *topic.otherwise):
            if not line.fields:
                yield opening(line.text)


async def speak_ahead(
    settings: Settings, personas: Sequence[Persona], say: Callable[[str], None]
) -> int:
    """Speak what is canned with the best voice of each persona, into the cache; returns how many.

    Raises UpkeepError where nothing can be kept, or the voice fails.
    """
    if speech_cache(settings) is None:
        raise UpkeepError("VISAVIS_CACHE_MB is 0: nothing is kept")
    made = 0
    async with http_context.open():
        for persona in personas:
            chain = make_voice(settings, persona)
            try:
                made += await _speak_all(chain, list(dict.fromkeys(canned(persona))))
            finally:
                await chain.aclose()
            say(f"{persona.name}: {chain.voices[0].name} has spoken ahead")
    return made


async def _speak_all(chain: VoiceChain, texts: Sequence[tuple[str, Mood | None]]) -> int:
    best = chain.voices[0]
    if chain.cache is None or not best.key:
        raise UpkeepError(f"the voice is {best.name}, which is as quick as the cache: set a key")
    places = asyncio.Semaphore(_AT_ONCE)
    made = 0

    async def one(text: str, mood: Mood | None) -> None:
        nonlocal made
        assert chain.cache is not None
        async with places:
            if await chain.cache.find(best.of(mood).key, text) is not None:
                return
            MOOD.set(mood)  # of this task
            stream = chain.stream()
            stream.push_text(text)
            stream.end_input()
            async with aclosing(stream):
                async for _ in stream:
                    pass
            if not chain.stage.health[0].well:
                raise UpkeepError(f"{best.name} failed: {chain.stage.health[0].reason}")
            made += 1

    try:
        async with asyncio.TaskGroup() as group:
            for text, mood in texts:
                group.create_task(one(text, mood))
    except* UpkeepError as failed:
        raise failed.exceptions[0] from None
    await chain.cache.settle()
    return made
