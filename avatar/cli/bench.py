"""python -m avatar bench: what a frame costs here, beside floors measured in the same run.

Thread CPU time on one thread. `engine` draws a clip in which every part moves in every frame: the
worst a face can ask for. `live` is the whole renderer on a spoken sentence, lip sync and motion
included, as in a call. `pack` is measured in new processes: wall time until a portrait is read and
until an engine stands ready, and what each further call holds. The floors (a copy, a whole-frame
remap, an I420 conversion, a VP8 encode where PyAV is there) say how fast the machine was while it
measured: compare ratios, not milliseconds, between machines. With --renderer it measures a neural
renderer instead (bench_neural.py).
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.errors import AvatarError
from avatar.frames import CLOCK_RATE, AudioChunk, Cue, Manner, SpeechEnd, Timings, Word
from avatar.params import INDEX, FaceParams
from avatar.portrait.engine import Engine, limit_threads
from avatar.portrait.pack import load, names
from avatar.renderers.cpu import CpuRenderer
from avatar.visemes import SHAPES

_SIZES: Final = ((512, 512), (720, 720), (1280, 720), (1024, 1024))
_FPS: Final = 25
_CHUNK: Final = CLOCK_RATE // 50
_SENTENCE: Final = (
    "well hello there my name is of no matter today we talk about bread and how people who "
    "have never baked before may find both flour and time"
)

Figures = dict[str, float]


def clip(frames: int) -> Iterator[FaceParams]:
    """A varied, repeatable stretch of talking: nothing in it stands still."""
    for i in range(frames):
        now, then = SHAPES[(i // 4) % len(SHAPES)], SHAPES[(i // 4 + 1) % len(SHAPES)]
        w = now + (then - now) * np.float32((i % 4) / 4)
        blink = max(0.0, 1 - abs(i % 40 - 10) / 3)
        w[[INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]] = blink
        w[INDEX["browInnerUp"]] = 0.3 + 0.3 * np.sin(i * 0.2)
        w[[INDEX["eyeLookInLeft"], INDEX["eyeLookOutRight"]]] = 0.1 + 0.1 * np.sin(i * 0.1)
        yield FaceParams(
            w,
            yaw=4 * float(np.sin(i * 0.05)),
            pitch=2 * float(np.sin(i * 0.07)),
            roll=float(np.sin(i * 0.03)),
            breath=0.5 + 0.5 * float(np.sin(i * 0.06)),
        )


def measure(portrait: str, size: tuple[int, int], frames: int) -> Figures:
    """Milliseconds of thread CPU a frame: p50, p99, and the p50 of every stage."""
    engine = Engine(load(portrait), size=size)
    out = np.empty(size[0] * size[1] * 3 // 2, np.uint8)
    engine.draw(FaceParams(), out)
    whole: list[float] = []
    stages: dict[str, list[float]] = {}
    for params in clip(frames):
        engine.stages.clear()
        began = time.thread_time()
        engine.draw(params, out)
        whole.append(time.thread_time() - began)
        for stage, spent in engine.stages.items():
            stages.setdefault(stage, []).append(spent)
    figures = _percentiles("frame", whole)
    for stage, spent_s in stages.items():
        figures |= _percentiles(stage, spent_s)
    figures["frames_per_second_per_core"] = 1000 / figures["frame_p50_ms"]
    return figures


def live(portrait: str, size: tuple[int, int], frames: int) -> Figures:
    """Milliseconds of thread CPU of a whole frame of speech: hearing, moving and drawing it."""
    renderer = CpuRenderer.open(portrait, size=size, fps=_FPS, seed=1)
    sound, words = _speech(frames / _FPS)
    spent: list[float] = []
    heard = 0
    for index in range(frames):
        position = (2 * index + 1) * CLOCK_RATE // (2 * _FPS)
        began = time.thread_time()
        # a second ahead of what is shown, as a call hands it over
        while heard < min(len(sound), position + CLOCK_RATE):
            timings = Timings(words=words) if heard == 0 else Timings()
            renderer.hear(AudioChunk(0, heard, sound[heard : heard + _CHUNK], timings))
            heard += _CHUNK
            if heard >= len(sound):
                renderer.hear(SpeechEnd(0))
        renderer.draw(Cue(index, index / _FPS, 0, 0, position, Manner.SPEAKING))
        spent.append(time.thread_time() - began)
    # the first frame takes a second of sound at once
    return _percentiles("frame", spent[1:])


def _speech(length_s: float) -> tuple[NDArray[np.int16], tuple[Word, ...]]:
    """A buzz in syllables with pauses, and the words that are in it."""
    t = np.arange(int(length_s * CLOCK_RATE)) / CLOCK_RATE
    loudness = np.clip(0.5 + 0.6 * np.sin(13.8 * t), 0, 1) * (np.sin(1.6 * t) > -0.8)
    sound = (np.sign(np.sin(817 * t)) * loudness * 6000).astype(np.int16)
    each_s = 0.3
    said = _SENTENCE.split()
    words = (
        Word(said[i % len(said)], i * each_s, (i + 1) * each_s)
        for i in range(int(length_s / each_s))
    )
    return sound, tuple(words)


def floors(size: tuple[int, int], repeats: int = 60) -> Figures:
    """Milliseconds of work any engine would have to do at this size."""
    width, height = size
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (height, width, 3), np.uint8)
    picture = cv2.GaussianBlur(noise, (0, 0), 3)
    bgra, copied = cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA), np.empty_like(picture)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    source, bent = np.dstack((x + 0.3, y + 0.7)), np.empty_like(bgra)
    works: dict[str, Callable[[], object]] = {
        "copy": lambda: np.copyto(copied, picture),
        "remap": lambda: cv2.remap(  # type: ignore[call-overload]  # the stub wants two maps
            bgra, source, None, cv2.INTER_LINEAR, dst=bent
        ),
        "i420": lambda: cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420),
    }
    figures: Figures = {}
    for name, work in works.items():
        figures |= _percentiles(name, _timed(work, repeats))
    return figures


def vp8(portrait: str, size: tuple[int, int], frames: int = 60) -> Figures:
    """Milliseconds of process CPU to encode a frame as a call would; empty without PyAV."""
    if find_spec("av") is None:
        return {}
    import av

    engine = Engine(load(portrait), size=size)
    pictures = []
    for params in clip(frames):
        out = np.empty(size[0] * size[1] * 3 // 2, np.uint8)
        engine.draw(params, out)
        pictures.append(av.VideoFrame.from_ndarray(out.reshape(-1, size[0]), format="yuv420p"))
    codec = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height = size
    codec.pix_fmt, codec.time_base = "yuv420p", Fraction(1, 25)
    codec.bit_rate, codec.thread_count = 800_000, 1
    codec.options = {"deadline": "realtime", "cpu-used": "8"}
    spent = []
    for i, picture in enumerate(pictures):
        picture.pts, picture.time_base = i, Fraction(1, 25)
        began = time.process_time()
        codec.encode(picture)
        spent.append(time.process_time() - began)
    codec.encode(None)
    return _percentiles("vp8", spent[1:])


def pack(portrait: str, size: tuple[int, int], processes: int = 7) -> Figures:
    """p50 over new processes of what fresh.py measures: milliseconds and MiB."""
    command = [sys.executable, "-m", "avatar.cli.fresh", portrait, *map(str, size)]
    runs = []
    for _ in range(processes):
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        runs.append(json.loads(done.stdout))
    found = {f"{name}_p50": float(np.median([run[name] for run in runs])) for name in runs[0]}
    return found | {"ready_ms_best": min(run["ready_ms"] for run in runs)}


def ratios(engine: Figures, floor: Figures) -> Figures:
    """What a frame costs in whole-picture remaps and in encoded frames: the same on a slow machine
    and a fast one."""
    works = ("remap", "vp8")
    return {
        name: engine["frame_p50_ms"] / floor[f"{name}_p50_ms"]
        for name in works
        if f"{name}_p50_ms" in floor
    }


def main(argv: list[str]) -> int:
    """Print a table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(prog="python -m avatar bench", description=__doc__)
    parser.add_argument("--portrait", default=names()[0] if names() else None)
    parser.add_argument("--size", help="WIDTHxHEIGHT; default: the four usual ones")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    neural = parser.add_argument_group("neural renderers")
    neural.add_argument("--renderer", choices=["liveportrait", "musetalk", "wav2lip"])
    neural.add_argument("--seeded", action="store_true", help="weights made of a seed")
    neural.add_argument("--on", help="torch's device (default: as in a call)")
    given = parser.parse_args(argv)
    limit_threads()
    sizes = [_size(given.size)] if given.size else list(_SIZES)
    if given.renderer:
        return _neural(given, sizes[0])
    results = {}
    for size in sizes:
        figures = measure(given.portrait, size, given.frames)
        floor = floors(size) | vp8(given.portrait, size)
        talking = live(given.portrait, size, given.frames)
        fresh = pack(given.portrait, size)
        ratio = ratios(figures, floor)
        results[f"{size[0]}x{size[1]}"] = {
            "engine": figures,
            "live": talking,
            "pack": fresh,
            "floors": floor,
            "ratios": ratio,
        }
        _print(size, {"engine": figures, "live": talking, "floor": floor})
        print("  a frame costs as much as " + _sentence(ratio))
        print("  a portrait in a new process: " + _told(fresh))
    _write(given.json, {"machine": platform.processor() or platform.machine(), "sizes": results})
    return 0


def _neural(given: argparse.Namespace, size: tuple[int, int]) -> int:
    try:
        from avatar.cli import bench_neural

        job = bench_neural.Job(
            given.renderer, given.portrait, size, given.frames, given.on, given.seeded
        )
        figures = bench_neural.measure(job, _speech((given.frames + 10) / _FPS)[0])
    except ImportError as error:
        print(f"bench: {error.name} is missing: pip install 'visavis-avatar[neural]'",
              file=sys.stderr)  # fmt: skip
        return 2
    except AvatarError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(bench_neural.report(figures))
    _write(given.json, figures)
    return 0


def _write(path: Path | None, report: object) -> None:
    if path is not None:
        path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def _timed(work: Callable[[], object], repeats: int) -> list[float]:
    spent = []
    for _ in range(repeats):
        began = time.thread_time()
        work()
        spent.append(time.thread_time() - began)
    return spent


def _percentiles(name: str, spent_s: list[float]) -> Figures:
    ms = np.array(spent_s) * 1000
    return {f"{name}_p50_ms": float(np.median(ms)), f"{name}_p99_ms": float(np.percentile(ms, 99))}


def _sentence(ratio: Figures) -> str:
    titles = {"remap": "remaps of a whole picture", "vp8": "VP8 encodes"}
    return ", ".join(f"{value:.1f} {titles[name]}" for name, value in ratio.items())


def _told(fresh: Figures) -> str:
    said = (
        "read in {load_ms_p50:.0f} ms, ready in {ready_ms_p50:.0f} "
        "(best {ready_ms_best:.0f}, CPU {cpu_ms_p50:.0f})"
    )
    if "call_mib_p50" in fresh:
        said += "; a further call holds {call_mib_p50:.1f} MiB"
    return said.format(**fresh)


def _print(size: tuple[int, int], groups: dict[str, Figures]) -> None:
    speed = groups["engine"]["frames_per_second_per_core"]
    print(f"{size[0]}x{size[1]}: {speed:.0f} frames/s on one core")
    for title, figures in groups.items():
        for key, p50 in figures.items():
            if key.endswith("_p50_ms"):
                name = key.removesuffix("_p50_ms")
                p99 = figures[f"{name}_p99_ms"]
                print(f"  {title:6} {name:8} p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")
