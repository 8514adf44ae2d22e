"""A call through the whole product: its server, its worker, `bridge sip`, and a caller by SIP.

The caller interrupts the avatar (`rounds` times): from their first sound to silence in what they
get, and the CPU of the bridge's process meanwhile. The avatar's voice is a steady rush from a local
server, so that silence is seen to the packet; pictures go both ways, encrypted, as with Zoom. The
stages: `first_sound_to_hold` ends with the decision at the agent, `hold_to_silence` is playout
and bridge; a telephone's own jitter buffer comes on top.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import numpy as np
import psutil
import sounds
from fake_openai import FakeOpenAI
from fake_service import KEY
from fake_speech import RATE as VOICE_RATE
from fake_speech import Speech
from numpy.typing import NDArray

from agent.bridges.feed import RATE, Feed, Picture, Sound
from agent.bridges.sip.phone import Phone, SipOptions
from agent.bridges.sip.video import HEIGHT, WIDTH
from agent.config import child_environment
from agent.processes import Child
from benches.barge import band_noise
from benches.figures import first_lasting, spread
from benches.stack import Stack, cpu_seconds, stack, tree

_FPS = 15
_BLOCK = RATE // 50
_SPEECH_S = 12.0
_LOUD, _SILENT_DB = 300.0, 40.0
_PACKETS = 3
"""Of 20 ms, for which silence must last."""
_AFTER_S = 0.8


class Rush:
    """A voice that says whatever it is given as steady noise."""

    async def say(self, text: str) -> Speech:
        pcm = (band_noise(int(VOICE_RATE * _SPEECH_S)) * 4000).astype(np.int16).tobytes()
        return Speech(text, pcm, [], [])

    async def aclose(self) -> None:
        pass


class Caller:
    """The other end: shows a moving picture, speaks when asked to, and notes what it gets."""

    def __init__(self) -> None:
        self._feed = Feed()
        options = SipOptions(None, transport="udp", encryption="required", host="127.0.0.1")
        self.phone = Phone(options, self._feed, lambda state, why: None)
        self.times: list[float] = []
        self.levels: list[float] = []
        """RMS of each packet's sound, and when it came."""
        self.pictures = 0
        self._came = asyncio.Event()
        self._to_say: asyncio.Queue[tuple[NDArray[np.int16], asyncio.Future[float]]]
        self._to_say = asyncio.Queue(1)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.phone.__aenter__()
        self.phone.media.on_sound, self.phone.media.on_picture = self._hear, self._see
        return self

    async def __aexit__(self, *about: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.phone.__aexit__(*about)

    async def take_call(self) -> None:
        await self.phone.rung.wait()
        self.phone.answer()
        self._task = asyncio.create_task(self._send(), name="caller")

    async def speak(self, samples: NDArray[np.int16]) -> tuple[float, float]:
        """Say this; when its first and its last sample left."""
        said = asyncio.get_running_loop().create_future()
        await self._to_say.put((samples, said))
        began = await said
        return began, began + len(samples) / RATE

    async def wait_voice(self, seconds: float) -> bool:
        """Wait until the avatar has spoken for so long; False when it is silent instead."""
        until = time.monotonic() + seconds + 5.0
        while time.monotonic() < until:
            self._came.clear()
            await self._came.wait()
            quiet = [t for t, level in zip(self.times, self.levels, strict=True) if level < _LOUD]
            if self.times[-1] - (quiet[-1] if quiet else self.times[0]) > seconds:
                return True
        return False

    def silent_after(self, began: float, ended: float) -> float | None:
        """From when on nothing more was heard; None: it went on."""
        times, levels = np.array(self.times), np.array(self.levels)
        before = float(np.median(levels[(times > began - 0.6) & (times < began)]))
        span = (times > began) & (times < ended)
        silent = levels[span] <= before * 10 ** (-_SILENT_DB / 20)
        return first_lasting(times[span].tolist(), silent.tolist(), _PACKETS)

    def _hear(self, samples: NDArray[np.int16]) -> None:
        self.times.append(time.monotonic())
        self.levels.append(float(np.sqrt(np.mean(np.square(samples.astype(float))))))
        self._came.set()

    def _see(self, picture: Picture) -> None:
        self.pictures += 1

    async def _send(self) -> None:
        rows = np.linspace(40, 200, HEIGHT)[:, None] + np.linspace(0, 30, WIDTH)
        luma, colour = rows.astype(np.uint8), np.full(WIDTH * HEIGHT // 2, 128, np.uint8)
        began, number, shown = time.monotonic(), 0, 0
        speech = np.zeros(0, np.int16)
        while True:
            await asyncio.sleep(max(0.0, began + number * _BLOCK / RATE - time.monotonic()))
            if not len(speech) and not self._to_say.empty():
                speech, said = self._to_say.get_nowait()
                said.set_result(time.monotonic())
            block, speech = speech[:_BLOCK], speech[_BLOCK:]
            self._feed.put(Sound(number * _BLOCK, np.pad(block, (0, _BLOCK - len(block)))))
            if number * _BLOCK >= shown * RATE // _FPS:
                data = np.concatenate([np.roll(luma, 4 * shown, axis=1).reshape(-1), colour])
                self._feed.put(Picture(number * _BLOCK, WIDTH, HEIGHT, data))
                shown += 1
            number += 1


async def run(rounds: int = 12) -> dict[str, Any]:
    """rounds: interruptions."""
    async with FakeOpenAI() as service, Caller() as caller:
        await service.speaker.aclose()
        service.speaker, service.answer = Rush(), lambda asked: "Rush."  # type: ignore[assignment]
        environment = {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{service.url}/v1",
            "OPENAI_SPEECH_BASE_URL": f"{service.url}/v1",
            "VISAVIS_MIND": "openai",
            "VISAVIS_VOICE": "openai",
            "VISAVIS_EAR": "pocketsphinx",
            "VISAVIS_CACHE_MB": "0",
        }
        async with stack(1, environment) as running, _bridge(running, caller) as bridge:
            return await _call(running, caller, bridge, rounds)


@asynccontextmanager
async def _bridge(running: Stack, caller: Caller) -> AsyncIterator[psutil.Process]:
    """The command, in a call with the caller."""
    command = [sys.executable, "-W", "ignore", "-m", "agent", "bridge", "sip", "--transport", "udp"]
    command += ["--to", caller.phone.address, "--encryption", "required"]
    environment = child_environment(running.settings.worker_environment())
    child = await Child.start("bridge", command, env=environment)
    try:
        async with asyncio.timeout(30):
            await caller.take_call()
        yield psutil.Process(child.pid)
    finally:
        await child.stop(10.0)


async def _call(
    running: Stack, caller: Caller, bridge: psutil.Process, rounds: int
) -> dict[str, Any]:
    talk = await sounds.spoken(sounds.INTERRUPTIONS, "interruption", voices=4)
    question = await sounds.spoken(("What can you do?",), "interruption", voices=1)
    async with asyncio.timeout(30):
        while not await caller.wait_voice(0.5):
            pass
    chance, figures = np.random.default_rng(9), dict[str, list[float]]()
    worker = tree(running.pids["worker"])
    cpu, their_cpu, since = cpu_seconds([bridge]), cpu_seconds(worker), time.monotonic()
    pictures = caller.pictures
    for number in range(rounds):
        while not await caller.wait_voice(0.8 + float(chance.uniform(0, 0.8))):
            await caller.speak(question[0].samples)
        began, ended = await caller.speak(talk[(number * 7) % len(talk)].samples)
        await asyncio.sleep(max(0.0, ended + _AFTER_S - time.monotonic()))
        for name, seconds in _stages(running, caller, began, ended + _AFTER_S).items():
            figures.setdefault(name, []).append(seconds)
    seconds = time.monotonic() - since
    return {
        "agreed": caller.phone.agreed(),
        "rounds": rounds,
        "silenced": len(figures.get("first_sound_to_silence", [])),
        **{f"{name}_ms": spread(values) for name, values in figures.items()},
        "pictures_got_per_s": round((caller.pictures - pictures) / seconds, 1),
        "cpu_share_of_a_core": {
            "bridge": round((cpu_seconds([bridge]) - cpu) / seconds, 3),
            "worker with the call": round((cpu_seconds(worker) - their_cpu) / seconds, 3),
        },
        "bridge_memory_mb": round(bridge.memory_info().rss / 1e6),
        "seconds": round(seconds, 1),
    }


def _stages(running: Stack, caller: Caller, began: float, ended: float) -> dict[str, float]:
    silent = caller.silent_after(began, ended)
    held = [at for action, at in running.actions if began < at < ended and action == "hold"]
    if silent is None:
        return {}
    row = {"first_sound_to_silence": silent - began}
    if held:
        row |= {"first_sound_to_hold": held[0] - began, "hold_to_silence": silent - held[0]}
    return row
