"""A long call of known noise, interrupted every 20 s: drift, mute turns, and what grows."""

import asyncio
import itertools
import random
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benches.listener import Call, call
from benches.playout import quantiles

_TURN_S = 20.0


async def run(seconds: float = 1800.0) -> dict[str, Any]:
    chance = random.Random(4)
    minutes: list[dict[str, Any]] = []
    mute = turns = 0
    async with call() as on:
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            offsets = []
            for _ in range(3):
                heard, found = await _turn(on, chance)
                turns, mute = turns + 1, mute + (not heard)
                offsets.append(found)
            minutes.append(await _minute(on, np.concatenate(offsets), begun))
    slope = _slope([(m["at_s"], m["rss_mb"]) for m in minutes[2:]])
    middles = [m["picture_minus_sound_ms"].get("p50", 0.0) for m in minutes]
    return {
        "seconds": round(time.monotonic() - begun, 1),
        "turns": turns,
        "mute_turns": mute,
        "offset_p50_first_and_last_minute_ms": [middles[0], middles[-1]],
        "offset_p50_spread_ms": round(max(middles) - min(middles), 1),
        "clock_base_moved_ms": round(1000 * (minutes[-1]["base"] - minutes[0]["base"]), 3),
        "rss_mb_per_hour_after_two_minutes": None if slope is None else round(slope * 3600, 2),
        "first_and_last_minute": [minutes[0], minutes[-1]],
        "by_minute": {
            "offset_p50_ms": middles,
            "rss_mb": [round(m["rss_mb"], 1) for m in minutes],
            "clock_base_moved_ms": [
                round(1000 * (m["base"] - minutes[0]["base"]), 3) for m in minutes
            ],
            "underruns": [m["underruns"] for m in minutes],
        },
    }


def _slope(points: list[tuple[float, float]]) -> float | None:
    """The median of the slopes between all points: a minute that ended in a turn is no growth."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2)]
    return float(np.median(slopes)) if slopes else None


async def _turn(on: Call, chance: random.Random) -> tuple[bool, NDArray[np.float64]]:
    """Speak, be interrupted, and be silent; whether it was heard, and picture minus sound."""
    said = await on.do("say", seconds=_TURN_S)
    await asyncio.sleep(_TURN_S - 4.0 - 4.0 * chance.random())
    cut = await on.do("interrupt")
    heard = on.first_sound(said)
    await asyncio.sleep(max(0.5, said + _TURN_S - time.monotonic()))
    return heard is not None and heard - said < 1.0, on.offsets(said, cut)[:, 1]


async def _minute(on: Call, offsets: NDArray[np.float64], begun: float) -> dict[str, Any]:
    told = await on.ask("report")
    now = time.monotonic()
    kept = ("underruns", "skipped", "tasks", "threads", "descriptors", "rss_mb", "base")
    return {
        "at_s": round(now - begun, 1),
        "picture_minus_sound_ms": quantiles(offsets),
        "sent_late_ms": quantiles(np.array(told["lateness"])),
        **{name: told[name] for name in kept},
    }
