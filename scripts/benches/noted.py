"""A worker like any other, which also writes down each piece of speech that its face is given.

Run as a program in the place of `python -m agent`. In the folder VISAVIS_NOTED every call leaves
lines of JSON: {"segment", "start", "words": [[text, start_s], ...], "samples": base64 of int16 at
CLOCK_RATE}; that is the truth which what a page heard and showed is compared with.
"""

import base64
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from livekit.agents import JobContext
from livekit.plugins.visavis.sink import AvatarSink
from numpy.typing import NDArray

from agent import worker
from agent.config import Settings

VARIABLE = "VISAVIS_NOTED"

Words = list[tuple[str, float]]


@dataclass(slots=True)
class Speech:
    """One segment: its sound at CLOCK_RATE, and each word with the second at which it begins."""

    samples: NDArray[np.int16]
    words: Words = field(default_factory=list)


def read(folder: Path) -> list[Speech]:
    """What was spoken so far, in the order in which it was begun."""
    made: dict[tuple[str, int], Speech] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            key = file.name, entry["segment"]
            speech = made.setdefault(key, Speech(np.zeros(0, np.int16)))
            sound = np.frombuffer(base64.b64decode(entry["samples"]), np.int16)
            speech.samples = np.concatenate([speech.samples, sound])
            speech.words += [(text, start_s) for text, start_s in entry["words"]]
    return list(made.values())


_product = worker.entrypoint


async def entrypoint(ctx: JobContext) -> None:
    """A whole call as the product has it."""
    note(Path(os.environ[VARIABLE]) / f"{os.getpid()}.jsonl")
    await _product(ctx)


def note(file: Path) -> None:
    """From now on, write down what a sink of this process gives to its playout."""
    give = AvatarSink._give

    def noting(self: AvatarSink, samples: Any, timings: Any) -> None:
        entry = {
            "segment": self._segment,
            "start": self._offset,
            "words": [[word.text, word.start_s] for word in timings.words],
            "samples": base64.b64encode(samples.tobytes()).decode(),
        }
        give(self, samples, timings)
        with file.open("a") as out:
            out.write(json.dumps(entry) + "\n")

    AvatarSink._give = noting  # type: ignore[method-assign]


if __name__ == "__main__":
    from livekit.agents.__main__ import main

    sys.exit(main(["start", __file__, "--log-level", "INFO", "--log-format", "json"]))
if __name__ == "benches.noted":  # as the starter imports it; a job process has it twice
    worker.entrypoint = entrypoint
    server = worker.make_server(Settings.from_environment())
