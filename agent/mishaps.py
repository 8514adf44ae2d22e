"""What happens when the mind fails: an apology, never silence or endless thinking.

A mind that lets people wait says that it thinks, so that the call does not seem dead. One that
hangs, errors or says nothing is cut off and apologised for. Voices that fail are the business of
`agent.providers.voices`: there the next voice goes on.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable
from typing import TypeVar

from livekit.agents import llm
from livekit.agents.types import FlushSentinel

logger = logging.getLogger(__name__)

Chunk = llm.ChatChunk | str | FlushSentinel
Sentences = TypeVar("Sentences", str, tuple[str, ...])

_MIND = {
    "en": "Sorry, I could not think of an answer just now. Please ask me again.",
    "de": "Entschuldigung, mir fällt gerade keine Antwort ein. Bitte fragen Sie noch einmal.",
    "fr": "Désolé, je n'ai pas trouvé de réponse. Posez-moi la question encore une fois.",
    "es": "Perdón, ahora no encuentro una respuesta. Pregúntame otra vez, por favor.",
}
_LOST = {
    "en": "Sorry, I lost my thread.",
    "de": "Entschuldigung, ich habe den Faden verloren.",
    "fr": "Désolé, j'ai perdu le fil.",
    "es": "Perdón, he perdido el hilo.",
}
_WAIT: dict[str, tuple[str, ...]] = {
    "en": ("One moment.", "I'm still thinking.", "It takes a little longer than usual."),
    "de": ("Einen Moment.", "Ich denke noch nach.", "Es dauert etwas länger als sonst."),
    "fr": ("Un instant.", "Je réfléchis encore.", "C'est un peu plus long que d'habitude."),
    "es": ("Un momento.", "Sigo pensando.", "Tarda un poco más de lo normal."),
}
_PATIENCE_S = 1.0
"""Silence after which we say that we think."""
_AGAIN_S = 2.2
"""From one such sentence to the next: its own sound is about half of that."""


async def mind(
    chunks: AsyncIterable[Chunk],
    *,
    language: str,
    limit_s: float,
    patience_s: float = _PATIENCE_S,
) -> AsyncGenerator[Chunk, None]:
    """The same chunks, and words in the place of what does not come.

    limit_s: for the first and every next chunk; then it is over. patience_s: until we say, before
    the first word of an answer, that we are thinking.
    """
    waiting = aiter(chunks)
    fillers = iter(_in(_WAIT, language))
    said = called = filled = False
    coming = asyncio.ensure_future(anext(waiting))
    try:
        while True:
            left_s = limit_s
            if not said and not called:
                wait_s = patience_s
                while not (await asyncio.wait({coming}, timeout=min(wait_s, left_s)))[0]:
                    left_s -= min(wait_s, left_s)
                    if left_s <= 0:
                        raise TimeoutError
                    wait_s = _AGAIN_S
                    if (filler := next(fillers, None)) is not None:
                        filled = True
                        yield f"{filler} "
                        yield FlushSentinel()
            else:
                await asyncio.wait({coming}, timeout=left_s)
            if not coming.done():
                raise TimeoutError
            chunk = coming.result()
            coming = asyncio.ensure_future(anext(waiting))
            delta = chunk.delta if isinstance(chunk, llm.ChatChunk) else None
            said = said or bool(chunk if isinstance(chunk, str) else delta and delta.content)
            called = called or bool(delta and delta.tool_calls)
            yield chunk
    except StopAsyncIteration:
        failure = "it said nothing"
        if said or called:
            return
    except TimeoutError:
        failure = f"nothing for {limit_s:g} s"
    except Exception as error:
        failure = str(error) or type(error).__name__
    finally:
        coming.cancel()
        await asyncio.wait({coming})
    logger.warning("the model failed", extra={"reason": failure})
    yield (" " if said and not filled else "") + _in(_LOST if said else _MIND, language)


def sentences(language: str) -> tuple[str, ...]:
    """Everything that may be said here."""
    return (*_in(_WAIT, language), _in(_MIND, language), _in(_LOST, language))


def _in(sentences: dict[str, Sentences], language: str) -> Sentences:
    return sentences.get(language.split("-")[0], sentences["en"])
