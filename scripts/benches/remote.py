"""The avatar at a worker beside the avatar in process, at a subscriber on loopback.

The worker is `python -m agent avatar-worker` with the CPU portrait. Known noise is spoken, so that
what was heard is known to the sample. In the last scene the worker's process is killed in the
middle of a sentence, several times.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from remotes import Ear, job_of, make_worker
from servers import Worker, agent_token, livekit_server

from agent.config import Settings
from agent.probe.recording import RATE, Recording
from agent.probe.run import Plan, create_room, participant_token
from benches.figures import spread
from benches.listener import ROOM, Call, Sender, call, sender
from benches.noise import WINDOW, places
from benches.playout import lost_ms, quantiles, swing

_NAME = "bench-avatar"
_ME = "sender"
_PORTRAIT = "imani"
_SPEECH_S = 6.0
_LOUD = 300


async def run(rounds: int = 8) -> dict[str, Any]:
    """rounds: of interruptions; a quarter as many workers are killed."""
    async with call(extra={"BENCH_PORTRAIT": _PORTRAIT}) as on:
        local = await _figures(on, rounds)
    server = livekit_server()
    async with server:
        settings = Settings(livekit_url=server.url)
        workers = [make_worker(settings, _NAME), make_worker(settings, _NAME)]
        try:
            await asyncio.gather(*(worker.start() for worker in workers))
            remote = await _remote(settings, rounds)
            killed = [await _kill(settings, workers) for _ in range(max(1, rounds // 4))]
        finally:
            await asyncio.gather(*(worker.aclose() for worker in workers))
    return {"in process": local, "at a worker": remote, "worker killed": killed}


async def _remote(settings: Settings, rounds: int) -> dict[str, Any]:
    async with call(extra=_sender_at_worker(settings), settings=settings) as on:
        trips = [(await on.ask("trip"))["seconds"] for _ in range(rounds)]
        return {"round_trip_ms": spread(trips), **await _figures(on, rounds)}


def _sender_at_worker(settings: Settings) -> dict[str, str]:
    return {
        "BENCH_REMOTE": _NAME,
        "BENCH_PORTRAIT": _PORTRAIT,
        "BENCH_TOKEN": agent_token(settings, ROOM, identity=_ME),
        "LIVEKIT_URL": settings.http_url,
        "LIVEKIT_API_KEY": settings.livekit_api_key,
        "LIVEKIT_API_SECRET": settings.livekit_api_secret.get_secret_value(),
    }


async def _figures(on: Call, rounds: int) -> dict[str, Any]:
    """A speech right after the call began, interruptions, and a speech in the midst of the call."""
    said, first = await _speech(on)
    sound, lost = on.first_sound(said), lost_ms(on, said, said + _SPEECH_S + 1.0, _SPEECH_S)
    chance, tails = random.Random(1), []
    for _ in range(rounds):
        begun = await on.do("say", seconds=5.0)
        await asyncio.sleep(0.8 + chance.random())
        cut = await on.do("interrupt")
        await asyncio.sleep(0.8)
        last = on.last_sound(begun, cut + 0.7)
        if last is not None:
            tails.append(last - cut)
    await asyncio.sleep(5.0)
    _, later = await _speech(on)
    return {
        "say_to_sound_ms": round((sound - said) * 1000, 1) if sound else None,
        "picture_minus_sound_ms": quantiles(first[:, 1]),
        "the same later in the call": quantiles(later[:, 1]),
        "swing_ms": swing(later),
        "lost_ms": lost,
        "interrupt_to_last_sound_ms": spread(tails),
    }


async def _speech(on: Call) -> tuple[float, NDArray[np.float64]]:
    """When it was said, and picture minus sound of each of its pictures."""
    said = await on.do("say", seconds=_SPEECH_S)
    await asyncio.sleep(_SPEECH_S + 1.0)
    return said, on.offsets(said, said + _SPEECH_S + 1.0)


class _Recorder(Ear):
    """Keeps the sound of each participant too."""

    def __init__(self) -> None:
        super().__init__(frame_ms=10)
        self.recordings: dict[str, Recording] = {}

    def keep(self, identity: str, samples: NDArray[np.int16]) -> None:
        recording = self.recordings.setdefault(identity, Recording())
        recording.audio_times.append(time.monotonic())
        recording.audio_blocks.append(samples)


async def _kill(settings: Settings, workers: list[Worker]) -> dict[str, Any]:
    ear = _Recorder()
    before = [len(worker.lines) for worker in workers]
    await create_room(settings, Plan(room=ROOM))
    async with sender(settings, extra=_sender_at_worker(settings)) as child:
        on = Sender(child)
        await ear.join(settings.livekit_url, participant_token(settings, ROOM, "ear"))
        try:
            await on.answer()
            said = await on.do("say", seconds=_SPEECH_S)
            worker, _ = await ear.anybody(said)
            await asyncio.sleep(1.5)
            (job,) = [job for job in map(job_of, workers, before) if job is not None]
            job.kill()
            killed = time.monotonic()
            voice, face = await ear.voice_of(_ME, killed), await ear.face_of(_ME, killed)
            told = await _until(on, lambda told: len(told["finished"]) > 0)
            (position, interrupted), (noticed, _, why) = told["finished"][0], told["placed"][1]
            back = await _until(on, lambda told: len(told["placed"]) > 2)
            return {
                "why": why,
                "here_ms": round((noticed - killed) * 1000),
                "silence_ms": round((voice - _last(ear, worker)) * 1000),
                "first_local_picture_ms": round((face - killed) * 1000),
                "lost_ms": _lost(ear, worker, _ME),
                "played_s": position,
                "interrupted": interrupted,
                "back_at_a_worker_ms": round((back["placed"][2][0] - killed) * 1000),
            }
        finally:
            await ear.aclose()


async def _until(on: Sender, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while not met(told := await on.ask("placed")):  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.1)
    return told


def _last(ear: Ear, identity: str) -> float:
    return max(at for at, who, level in ear.sound if who == identity and level > _LOUD)


def _lost(ear: _Recorder, worker: str, me: str) -> float | None:
    """Noise not heard at the change, in ms; below 0: heard twice."""
    first, then = ear.recordings[worker], ear.recordings[me]
    heard = [place for _, place in places(first, 0.0, time.monotonic())]
    rest = [place for _, place in places(then, 0.0, time.monotonic())]
    if not heard or not rest:
        return None
    return round((min(rest) - max(heard) - WINDOW) / RATE * 1000, 1)
