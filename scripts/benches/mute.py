"""Turns of which each meets faults at random, of the mind and of the voice: what is heard of them.

A turn in which nothing is heard is mute.
"""

import asyncio
import logging
import random
from typing import Any, Literal

from fake_service import KINDS, Fault

from benches.cloud import cloud, talk
from benches.faults import ANSWER, Turn, ask, service_of
from benches.figures import spread

_SPEAKERS = 4
_PARTS: tuple[Literal["mind", "voice"], ...] = ("mind", "voice")


async def run(rounds: int = 200) -> dict[str, Any]:
    logging.disable(logging.CRITICAL)  # hundreds of failures are meant
    chance = random.Random()
    turns: list[Turn] = []

    async def one(count: int) -> None:
        async with cloud() as services, talk(services.settings()) as on:
            services.mind.answer = lambda _: ANSWER
            for _ in range(count):
                on.well()
                for part in _PARTS:
                    kind = chance.choice(("none", *KINDS))
                    service_of(services, part).fault = Fault(
                        kind, after=chance.uniform(0, 3), times=None
                    )
                turns.append(await ask(on))

    share = [rounds // _SPEAKERS + (n < rounds % _SPEAKERS) for n in range(_SPEAKERS)]
    await asyncio.gather(*(one(count) for count in share))
    return {
        "turns": len(turns),
        "mute": sum(turn.mute for turn in turns),
        "wait_ms": spread([turn.wait_s for turn in turns if not turn.mute]),
        "gap_ms": spread([turn.gap_s for turn in turns]),
    }
