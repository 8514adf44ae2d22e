"""What we add to a reply: from a question to the first frame of the answer's sound, less the known
delays of the local servers. Stock livekit-agents with the same plugins and no avatar is beside it;
the two take turns. Then speech from the cache, from the request to its first frame.
"""

import asyncio
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from agent.providers.cache import SpeechCache
from benches.cloud import Talk, cloud, talk
from benches.figures import spread

MIND_S = 0.25
VOICE_S = 0.12
ANSWER = "It is a calm day. The boats are out."


async def run(rounds: int = 100) -> dict[str, Any]:
    logging.disable(logging.WARNING)
    ours: list[float] = []
    stock: list[float] = []
    async with cloud() as services:
        services.mind.delay_s, services.voice.delay_s = MIND_S, VOICE_S
        services.mind.answer = lambda _: ANSWER
        chosen = services.settings(voice_timeout_s=5.0)
        async with talk(chosen) as we, talk(chosen, stock=True) as they:
            for n in range(rounds + 2):
                for on, taken in ((we, ours), (they, stock)):
                    taken.append(await _reply(on) - MIND_S - VOICE_S)
                if n == 1:  # connections and caches are warm from here on
                    ours.clear()
                    stock.clear()
            hits = await _hits(we, rounds)
    return {
        "known_delays_ms": round(1000 * (MIND_S + VOICE_S)),
        "overhead_ms": {"ours": _tails(ours), "stock": _tails(stock)},
        "cache_hit_to_first_frame_ms": _tails(hits),
    }


async def _reply(on: Talk) -> float:
    on.output.listen()
    asked = time.monotonic()
    handle = on.session.generate_reply(user_input="How is the river?")
    while not on.output.first_frame:  # noqa: ASYNC110  # in 2 ms, which is what it may err
        await asyncio.sleep(0.002)
    heard = on.output.first_frame
    handle.interrupt()
    await handle
    return heard - asked


async def _hits(on: Talk, rounds: int) -> list[float]:
    chain, text = on.parts["voice"], "Hello there. What shall we talk about today?"
    hits: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        chain.cache = SpeechCache(Path(folder), max_bytes=10_000_000, max_age_s=3600)
        for n in range(rounds + 1):
            async with chain.stream() as stream:
                asked = time.monotonic()
                stream.push_text(text)
                stream.end_input()
                first = 0.0
                async for _ in stream:
                    first = first or time.monotonic()
            await chain.cache.settle()
            if n:
                hits.append(first - asked)
        chain.cache = None
    return hits


def _tails(values: list[float]) -> dict[str, float]:
    return {**spread(values), "p99": round(1000 * float(np.percentile(values, 99)), 1)}
