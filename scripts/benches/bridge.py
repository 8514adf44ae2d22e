"""The avatar as an RTMP stream through a real nginx: offset, delay, drift, and back after a crash.

`seconds`: of the stream that is watched (15); what drifts is said of its first and last tenth.
Source, encoder and viewer share one process, and its interpreter: the CPU is that of all three.
"""

import asyncio
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from streams import Beacon, Watched, flashes, nginx, watch

from agent.bridges.feed import Feed
from agent.bridges.rtmp_out import RtmpOut
from agent.bridges.urls import OUT_SCHEMES, parse
from benches.figures import spread

_DOWN_S = 3.0


async def run(seconds: float = 15.0) -> dict[str, Any]:
    """Every figure."""
    with tempfile.TemporaryDirectory() as folder:
        async with nginx(Path(folder)) as server:
            live, lost = threading.Event(), threading.Event()
            events = {"live": live, "lost": lost}
            feed, url = Feed(), parse(server.url("bench"), OUT_SCHEMES)
            out = RtmpOut(
                url, feed, on_state=lambda s, why: events[s].set() if s in events else None
            )
            me = psutil.Process()
            with Beacon(feed) as beacon:
                out.start()
                memory, cpu = me.memory_info().rss, time.process_time()
                seen = await asyncio.to_thread(watch, url.full, flashes(round(seconds)))
                cpu = time.process_time() - cpu
                memory = me.memory_info().rss - memory
                dropped = feed.dropped_pictures
                resumed_s = await _crash(server, live, lost, url.full)
            out.close()
    return {
        **_stream(seen, beacon),
        "dropped_pictures": dropped,
        "memory_grew_mb": round(memory / 1e6, 1),
        "cpu_share_with_source_and_viewer": round(cpu / max(seconds, 1.0), 3),
        "resumed_s": resumed_s,
    }


async def _crash(
    server: Any, live: threading.Event, lost: threading.Event, url: str
) -> dict[str, float]:
    """Kill the server, start it again; the seconds until it is sent to, and until it is seen."""
    await server.stop()
    await asyncio.to_thread(lost.wait, 30)
    live.clear()
    await asyncio.sleep(_DOWN_S)
    await server.start()
    back = time.monotonic()
    await asyncio.to_thread(live.wait, 30)
    sent = time.monotonic() - back
    await asyncio.to_thread(watch, url, lambda seen: seen.pictures > 0)
    return {"sent": round(sent, 2), "seen": round(time.monotonic() - back, 2)}


def _stream(seen: Watched, beacon: Beacon) -> dict[str, Any]:
    offsets = np.array(seen.offsets_ms())
    late = _latencies_s(seen, beacon)
    tenth = max(1, len(offsets) // 10)
    drift = float(np.median(offsets[-tenth:]) - np.median(offsets[:tenth]))
    return {
        "flashes": len(seen.flashes),
        "beeps": len(seen.beeps),
        "av_offset_ms": {
            "median": round(float(np.median(offsets)), 2),
            "max": round(float(np.abs(offsets).max()), 2),
            "drift": round(drift, 2),
        },
        "video_ms": spread(late),
        "video_last_tenth_ms": spread(late[-tenth:]),
    }


def _latencies_s(seen: Watched, beacon: Beacon) -> list[float]:
    """From a flash's being given to its being seen."""
    given = np.array(sorted(beacon.flashes.values()))
    return [m - float(given[given <= m][-1]) for _, m in seen.flashes if (given <= m).any()]
