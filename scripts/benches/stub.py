"""A network that is a pause, under the playout: pictures at the subscriber, sound, interruptions.

The costly renderer of `renderers.understudy` waits 20, 60 or 200 ms for a picture, from one moment
to the next while it speaks; at the end it is quick again.
"""

import asyncio
import time
from typing import Any

import numpy as np

from benches.listener import Call, call
from benches.playout import interruptions, sync

STUBS_S = (0.02, 0.06, 0.2)
_SPEECH_S = 8.0
_BACK_S = 20.0


async def run(rounds: int = 5) -> dict[str, Any]:
    """rounds: of interruptions, for each pause."""
    out = {}
    for pause_s in STUBS_S:
        async with call(extra={"BENCH_STUB": "1"}) as on:
            out[f"{pause_s * 1000:.0f} ms"] = await _stub(on, pause_s, rounds)
    return out


async def _stub(on: Call, pause_s: float, rounds: int) -> dict[str, Any]:
    began = await on.do("slow", seconds=pause_s)
    spoken = await sync(on, _SPEECH_S)
    steady = [at for at, _, _ in on.me.pictures if began + 3.0 < at < began + _SPEECH_S]
    made = {
        "pictures_a_second": round((len(steady) - 1) / (steady[-1] - steady[0]), 2),
        "longest_gap_ms": round(float(np.diff(_times(on, began, began + 9)).max()) * 1000),
        "face": await on.ask("face"),
        **spoken,
        **await interruptions(on, rounds),
    }
    quick = await on.do("slow", seconds=0.0)
    await on.do("say", seconds=_BACK_S)  # it is tried again when there is something to say
    face = await on.ask("face")
    while face["face"] != "live" and time.monotonic() < quick + _BACK_S:  # it is asked
        await asyncio.sleep(0.1)
        face = await on.ask("face")
    return {**made, "back_s": round(time.monotonic() - quick, 1), "face_then": face}


def _times(on: Call, start: float, end: float) -> list[float]:
    return [at for at, _, _ in on.me.pictures if start < at < end]
