"""The playout at a subscriber through a real server: sync, interruption, pause, duck, stalls.

The sender speaks noise that the listener knows, and every picture says its samples, so that all
figures are exact. The last scenes pin the sender to one core with four busy loops.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.probe.recording import RATE
from benches.figures import spread
from benches.listener import Call, call
from benches.loops import endless_loops
from benches.noise import WINDOW, places

_LOOPS = 4
_FINE = RATE // 100
_STALLS = {"block": "agent's loop", "starve": "playout's thread", "slow": "renderer"}


async def run(rounds: int = 10, only: str = "") -> dict[str, Any]:
    """rounds: of interruptions, pauses and ducks. only: one scene of SCENES."""
    return {name: await scene(rounds) for name, scene in SCENES.items() if only in ("", name)}


async def _turns(rounds: int) -> dict[str, Any]:
    async with call() as on:
        return {
            "sync": await sync(on, 8.0),
            "interruptions": await interruptions(on, rounds),
            "ducks": await ducks(on, rounds),
        }


async def _pauses(rounds: int) -> dict[str, Any]:
    async with call() as on:
        return await pauses(on, rounds)


async def _stalls(_: int) -> dict[str, Any]:
    async with call() as on:
        return await stalls(on)


async def _variants(_: int) -> dict[str, Any]:
    out = {}
    for name, extra in VARIANTS.items():
        async with call(extra=extra) as on:
            out[name] = await sync(on, 6.0)
    return out


async def _loaded(_: int) -> dict[str, Any]:
    async with busy(core=0), call(core=0) as on:
        return await sync(on, 14.0)


SCENES = {
    "turns": _turns,
    "pauses": _pauses,
    "stalls": _stalls,
    "variants": _variants,
    "loaded": _loaded,
}


VARIANTS = {
    "H264": {"BENCH_CODEC": "h264"},
    "DTX": {"BENCH_DTX": "1"},
    "without RED": {"BENCH_RED": "0"},
}


async def sync(on: Call, seconds: float) -> dict[str, Any]:
    """One long speech."""
    before = await on.ask("report")
    await on.me.buffer_ms()
    said = await on.do("say", seconds=seconds)
    await asyncio.sleep(seconds + 1.0)
    after = await on.ask("report")
    rows = on.offsets(said, said + seconds + 1.0)
    sound, white = on.first_sound(said), on.first_white(said)
    return {
        "picture_minus_sound_ms": quantiles(rows[:, 1]),
        "swing_in_speech_ms": swing(rows),
        "receiver_holds_sound_ms": await on.me.buffer_ms(),
        "sent_late_ms": quantiles(np.array(after["lateness"])),
        "say_to_sound_ms": _ms(sound, said),
        "first_white_minus_sound_ms": _ms(white, sound),
        "underruns": after["underruns"] - before["underruns"],
        "lost_ms": lost_ms(on, said, said + seconds + 1.0, seconds),
        "skipped_pictures": after["skipped"] - before["skipped"],
        "pictures_sent": len(after["lateness"]),
    }


async def interruptions(on: Call, rounds: int) -> dict[str, Any]:
    chance, sounds, mouths, onsets = random.Random(1), [], [], []
    for _ in range(rounds):
        said = await on.do("say", seconds=5.0)
        await asyncio.sleep(0.8 + chance.random())
        cut = await on.do("interrupt")
        await asyncio.sleep(0.8)
        now = cut + 0.7
        sound, mouth = on.last_sound(said, now), on.last_white(said, now)
        first, white = on.first_sound(said), on.first_white(said)
        assert None not in (sound, mouth, first, white), "nothing was heard or seen"
        sounds.append(sound - cut)  # type: ignore[operator]  # asserted
        mouths.append(mouth - cut)  # type: ignore[operator]  # asserted
        onsets.append(white - first)  # type: ignore[operator]  # asserted
    return {
        "last_sound_ms": spread(sounds),
        "last_talking_picture_ms": spread(mouths),
        "first_talking_picture_minus_first_sound_ms": spread(onsets),
    }


async def pauses(on: Call, rounds: int) -> dict[str, Any]:
    chance, silent, lost = random.Random(2), [], []
    said = await on.do("say", seconds=rounds * 1.6 + 2.0)
    await asyncio.sleep(1.0)
    for _ in range(rounds):
        paused = await on.do("pause")
        await asyncio.sleep(0.5)
        resumed = await on.do("resume")
        await asyncio.sleep(0.7 + 0.3 * chance.random())
        stop = on.last_sound(said, resumed)
        go = on.first_sound(resumed)
        if stop is None or go is None:
            continue
        silent.append(stop - paused)
        found = _lost_between(on, paused - 0.4, stop, go, resumed + 0.6)
        if found is not None:
            lost.append(found)
    await on.do("interrupt")
    await asyncio.sleep(0.5)
    return {"last_sound_ms": spread(silent), "samples_lost_or_repeated": spread(lost, 1.0)}


def _lost_between(on: Call, start: float, stop: float, go: float, end: float) -> float | None:
    """Samples of the noise between the last and the first that can be told, before and after.

    A window that lies over an edge can still be told, with up to three quarters of it outside: the
    figure says whether anything like a word is missing or said twice (-720 to 480 is whole). To the
    sample it is tests/test_playout.py that tells, on the source's own track.
    """
    edges = {"step": _FINE // 4, "window": _FINE}
    before = places(on.me.recording, start, stop + 0.05, **edges)
    after = places(on.me.recording, go - 0.05, end, **edges)
    if not before or not after:
        return None
    last = max(place for _, place in before) + _FINE
    return float(min(place for _, place in after) - last)


async def ducks(on: Call, rounds: int) -> dict[str, Any]:
    chance, down, up, dips = random.Random(3), [], [], []
    await on.me.buffer_ms()
    await on.do("say", seconds=rounds * 1.8 + 3.0)
    await asyncio.sleep(1.2)
    for _ in range(rounds):
        at = await on.do("duck")
        await asyncio.sleep(0.5 + 0.2 * chance.random())
        back = await on.do("unduck")
        await asyncio.sleep(0.6)
        full = float(np.median([level for _, level in on.levels(at - 0.3, at)]))
        ducked = [t for t, level in on.levels(at, back) if level < full - 12]
        risen = [t for t, level in on.levels(back, back + 0.5) if level > full - 3]
        down.append(ducked[0] - at if ducked else 9.9)
        up.append(risen[0] - back if risen else 9.9)
        dips.append(full - min(level for _, level in on.levels(at, back + 0.4)))
    await on.do("interrupt")
    await asyncio.sleep(0.5)
    return {
        "down_12_db_ms": spread(down),
        "up_ms": spread(up),
        "receiver_holds_sound_ms": await on.me.buffer_ms(),
        "deepest_5_ms_below_full_db": spread(dips, 1.0),
    }


async def stalls(on: Call) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for do, what in (
        ("block", "agent's loop"),
        ("starve", "playout's thread"),
        ("slow", "renderer"),
    ):
        for seconds in (0.25, 1.0):
            said = await on.do("say", seconds=5.0)
            await asyncio.sleep(1.5)
            began = await on.do(do, seconds=seconds)
            if do == "slow":
                await asyncio.sleep(seconds)
                await on.do("slow", seconds=0.0)
            await asyncio.sleep(4.0 + seconds)  # a thread that stood still says the rest later
            rows = on.offsets(said, said + 7.0)
            before = rows[rows[:, 0] < began, 1]
            after = rows[rows[:, 0] > began + seconds + 1.0, 1]
            moved = float(np.median(after) - np.median(before)) if len(after) else None
            lost = lost_ms(on, said, said + 7.0, 5.0)
            out[f"{what} {seconds} s"] = {
                "offset_moved_ms": None if moved is None else round(moved * 1000, 1),
                "lost_ms": lost,
            }
    return out


def lost_ms(on: Call, start: float, end: float, seconds: float) -> float:
    """How much of the noise was not heard, in ms (to a window's length at both ends)."""
    heard = [place for _, place in places(on.me.recording, start, end)]
    covered = np.zeros(round(seconds * RATE) // 480, bool)
    for place in heard:
        covered[place // 480 : (place + WINDOW) // 480] = True
    inside = covered[10:-10]
    return round(float((~inside).sum()) * 10, 1)


def swing(rows: NDArray[np.float64]) -> float | None:
    """p95 - p5 of the offset, ms."""
    if not len(rows):
        return None
    return round(float(np.percentile(rows[:, 1], 95) - np.percentile(rows[:, 1], 5)) * 1000, 1)


def quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    if not len(values):
        return {"n": 0}
    names = {"p1": 1, "p5": 5, "p50": 50, "p95": 95, "p99": 99}
    found = {name: round(float(np.percentile(values, q)) * 1000, 1) for name, q in names.items()}
    return {"n": len(values), **found}


@asynccontextmanager
async def busy(core: int) -> AsyncIterator[None]:
    """Four endless loops on one core; this process and the server take the others."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores - {core} or cores)
    try:
        async with endless_loops(_LOOPS, core=core):
            yield
    finally:
        os.sched_setaffinity(0, cores)


def _ms(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else round((later - earlier) * 1000, 1)
