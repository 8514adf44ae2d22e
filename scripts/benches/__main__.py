"""scripts/bench NAME [--json FILE] [options]: run one benchmark, print it, keep it as JSON."""

import argparse
import asyncio
import importlib
import json
import os
import platform
import subprocess
import time
from pathlib import Path

from agent.leave import leave_after

NAMES = {
    "captions": "each word of the captions against its sound, in Chromium",
    "call": "click to first picture and first sound, in Chromium",
    "reply": "end of the user's speech to the first sound of the answer, split by stage",
    "faults": "every fault of ear, mind and voice: waits, gaps in sound, words said once",
    "mouth": "onsets of the lips with ElevenLabs' timings, and with OpenAI's voice without any",
    "mute": "200 turns with faults at random: mute turns, waits, gaps in sound",
    "overhead": "what the framework adds to the providers' own delays, beside stock livekit-agents",
    "hold": "one long call: frame rate, freezes, picture against sound, CPU per process",
    "barge": "talking over the avatar: how soon it is softer, and silent, split by stage",
    "takeover": "another persona in the middle of a sentence: the gap in picture and sound",
    "lips": "picture against sound in Chromium, with sync_streams and without",
    "turns": "ours beside LiveKit's own runner: sync, interruption and barge-in, quiet and busy",
    "switch": "another persona inside the call: press to its face, gap in the picture",
    "sounds": "coughs, murmurs and interruptions: what is ducked, held and stopped, without a room",
    "stub": "a renderer of 20, 60 and 200 ms under the playout: pictures, sound, interruptions",
    "playout": "the playout at a subscriber, by known noise: sync, pause, duck, stalls, load",
    "soak": "half an hour of known noise, interrupted every 20 s: drift, mute turns, memory",
    "remote": "the avatar at a worker: tail, sync, and a worker killed within a sentence",
    "bridge": "the avatar by RTMP through a real server: offset, delay, drift, recovery",
    "telephone": "calls by SIP to baresip: how soon, what arrives, echo, what fifty of them leave",
    "meeting": "talking over the avatar by SIP: how soon it is silent there; the bridge's CPU",
    "leaks": "many calls: processes, threads, descriptors and memory before and after",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("name", choices=NAMES, nargs="?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--rounds", type=int, help="how often (each benchmark has its own default)")
    parser.add_argument("--seconds", type=float, help="how long, where it is one long call")
    arguments = parser.parse_args()
    if arguments.name is None:
        for name, text in NAMES.items():
            print(f"{name:8} {text}")
        return 0
    bench = importlib.import_module(f"benches.{arguments.name}")
    options = {k: getattr(arguments, k) for k in ("rounds", "seconds") if getattr(arguments, k)}
    load = os.getloadavg()[0]
    began = time.monotonic()
    result = asyncio.run(bench.run(**options))
    result["machine"] = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(load, 2),
        "commit": _commit(),
        "took_s": round(time.monotonic() - began, 1),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.json is not None:
        arguments.json.write_text(text + "\n")
    return 0


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    leave_after(main)
