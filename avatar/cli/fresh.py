"""What a portrait costs a new process, and each further call in it: python -m avatar bench asks.

Runs in a process of its own, after the imports and before anything is warm, and prints one JSON
object. Memory is what the system says the process holds; where it does not say, it is left out.
"""

import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from avatar.params import FaceParams
from avatar.portrait.engine import Engine, limit_threads
from avatar.portrait.pack import load

_CALLS: Final = 4
_STATM: Final = Path("/proc/self/statm")


def figures(portrait: str, size: tuple[int, int]) -> dict[str, float]:
    """load: read and checked. ready: an engine can draw. cpu: of all threads until then. Each in
    milliseconds; call: MiB of a further engine that has drawn a frame."""
    began, spent = time.perf_counter(), time.process_time()
    pack = load(portrait)
    read = time.perf_counter()
    first = Engine(pack, size=size)
    ready, cpu = time.perf_counter(), time.process_time() - spent
    found = {
        "load_ms": (read - began) * 1000,
        "ready_ms": (ready - began) * 1000,
        "cpu_ms": cpu * 1000,
    }
    frame = np.empty(size[0] * size[1] * 3 // 2, np.uint8)
    first.draw(FaceParams(), frame)
    if _STATM.exists():
        before = _held_mib()
        further = [Engine(pack, size=size) for _ in range(_CALLS)]
        for engine in further:
            engine.draw(FaceParams(yaw=5), frame)
        found["call_mib"] = (_held_mib() - before) / _CALLS
    return found


def _held_mib() -> float:
    gc.collect()
    return int(_STATM.read_text().split()[1]) * resource.getpagesize() / (1 << 20)


if __name__ == "__main__":
    name, width, height = sys.argv[1:]
    limit_threads()
    print(json.dumps(figures(name, (int(width), int(height)))))
