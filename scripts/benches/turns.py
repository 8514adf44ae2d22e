"""Ours and LiveKit's own AvatarRunner, in turn, in one run: sync, interruption, barge-in.

The same renderer draws the same portrait for the same speech; pictures carry marks (benches.marks),
the speech is known (benches.exact). An offset is the moment of a picture less the moment of the
first sample of its window, positive for a late picture. "Received" is at a subscriber. "Sent" is
where both are handed to their sources, less the constant by which the sender means its pictures to
follow: DELAY_S for ours, nothing for stock. "Stall" is how far the median offset has moved from
before the agent's loop was blocked to a second after. Everything runs on the cores of this machine;
"busy" adds one endless loop for each core.
"""

import asyncio
import itertools
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from livekit.plugins.visavis.playout import CENTRING_S
from numpy.typing import NDArray
from servers import agent_token, livekit_server

from agent.config import Settings
from agent.probe import measure
from agent.probe.participant import Participant
from agent.probe.recording import BLOCK, RATE
from agent.probe.run import Plan, create_room, participant_token
from agent.probe.sound import say, write_wav
from agent.processes import Child
from benches.exact import Heard, heard
from benches.figures import first_lasting, spread
from benches.loops import endless_loops
from benches.marks import read

KINDS: Final = ("ours", "stock")
_SPEECH = (
    "Long ago, people told the time by the sun, and by the shadow of a stick. "
    "Then came water, sand and wheels, and at last a small crystal that never gets tired. "
    "Perhaps the best clock of all is still the morning, when somebody opens a window."
)
_BARGE = "Stop, please. I would like to ask you something else."
_WARM_S = 60.0
_GAP_S = 0.15
"""Voice is over when none comes for this long."""
_PERIOD_S = 0.04
DELAY_S = _PERIOD_S / 2 + CENTRING_S
"""By which our pictures follow on purpose: half a frame, and what centres the receiver."""
_BARGE_S = 2.0
_LOUD = 400.0
"""Above this the known speech itself is loud enough to compare with."""
_BELOW = 4
"""Blocks of 10 ms."""
_STALLS_S = (0.25, 1.0)
_AROUND_STALL_S, _SETTLE_S = 3.0, 1.0


Rows = list[tuple[float, float]]


class Figures:
    """Everything measured of one kind under one condition, over all its calls."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = defaultdict(list)

    def as_dict(self) -> dict[str, Any]:
        return {name: _wide(values) for name, values in sorted(self.values.items())}


async def run(rounds: int = 2) -> dict[str, Any]:
    speech = await say(_SPEECH, pause_s=0.0)
    barge = await say(_BARGE, pause_s=0.0)
    figures = {(kind, load): Figures() for kind in KINDS for load in ("quiet", "busy")}
    server = livekit_server()
    with tempfile.TemporaryDirectory() as folder:
        write_wav(Path(folder) / "speech.wav", speech)
        async with server:
            settings = Settings(livekit_url=server.url)
            for number, load, kind in itertools.product(range(rounds), ("quiet", "busy"), KINDS):
                print(f"call {number + 1} of {rounds}: {kind}, {load}", file=sys.stderr, flush=True)
                busy = load == "busy"
                call = _Call(
                    settings,
                    kind,
                    speech,
                    barge,
                    Path(folder),
                    seed=number,
                    stalls=not busy and not number,
                )
                async with endless_loops(os.cpu_count() or 2 if busy else 0):
                    await call.make(figures[kind, load])
    return {
        **{f"{kind}, {load}": part.as_dict() for (kind, load), part in figures.items()},
        "ours / stock": {load: _ratios(figures, load) for load in ("quiet", "busy")},
    }


class _Call:
    """One call with one speaker process, from its start to its figures."""

    def __init__(
        self,
        settings: Settings,
        kind: str,
        speech: NDArray[np.int16],
        barge: NDArray[np.int16],
        folder: Path,
        *,
        seed: int,
        stalls: bool,
    ) -> None:
        self._settings, self._kind, self._stalls = settings, kind, stalls
        self._speech, self._barge = speech, barge
        self._folder = folder
        self._random = random.Random(seed)
        self._said: list[tuple[float, float]] = []
        self._interrupted: list[float] = []
        self._barged: list[float] = []
        self._stalled: list[tuple[float, float]] = []

    async def make(self, figures: Figures) -> None:
        plan = Plan(room=f"{self._kind}-{time.monotonic_ns():x}")
        await create_room(self._settings, plan)
        async with self._speaker(plan.room) as saved:
            token = participant_token(self._settings, plan.room)
            async with Participant(self._settings.livekit_url, token) as me:
                await me.publish_microphone()
                await self._talk(me)
                await me.room.local_participant.perform_rpc(
                    destination_identity="speaker", method="leave", payload=""
                )
            async with asyncio.timeout(20):
                await saved.wait()
        self._received(me, figures)
        self._sent(figures)

    async def _talk(self, me: Participant) -> None:
        await self._say(me)
        await me.wait_quiet(self._said[0][0])
        self._said[0] = (self._said[0][0], time.monotonic())
        for stall_s in _STALLS_S if self._stalls else ():
            await self._say(me)
            await asyncio.sleep(_AROUND_STALL_S)
            self._stalled.append((await self._order(me, "stall", str(stall_s)), stall_s))
            await asyncio.sleep(_SETTLE_S + _AROUND_STALL_S)
            self._said[-1] = (self._said[-1][0], await self._order(me, "interrupt"))
            await asyncio.sleep(1.0)
        for _ in range(4):
            await self._say(me)
            await asyncio.sleep(self._random.uniform(1.0, 3.0))
            self._interrupted.append(await self._order(me, "interrupt"))
            await asyncio.sleep(1.5)
        for _ in range(3):
            await self._say(me)
            await asyncio.sleep(self._random.uniform(2.0, 4.0))
            began, _ = await me.speak(self._barge)
            self._barged.append(began)
            await asyncio.sleep(_BARGE_S)
            await self._order(me, "interrupt")  # whoever did not give way, and the answer
            await asyncio.sleep(1.0)
            await self._order(me, "interrupt")
            await asyncio.sleep(0.5)

    async def _say(self, me: Participant) -> None:
        asked = await self._order(me, "say")
        await asyncio.wait_for(me.wait_voice(asked), 10)
        self._said.append((asked, asked))

    async def _order(self, me: Participant, method: str, payload: str = "") -> float:
        """When the speaker did it, by the clock that all processes of a machine share."""
        return float(
            await me.room.local_participant.perform_rpc(
                destination_identity="speaker", method=method, payload=payload
            )
        )

    @asynccontextmanager
    async def _speaker(self, room: str) -> AsyncIterator[asyncio.Event]:
        ready, saved = asyncio.Event(), asyncio.Event()

        def on_line(line: str) -> None:
            if line == "ready":
                ready.set()
            elif line == "saved":
                saved.set()

        environment = {
            **{k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")},
            **self._settings.worker_environment(),
            "BENCH_TOKEN": agent_token(self._settings, room, "speaker"),
            "BENCH_SPEECH": str(self._folder / "speech.wav"),
            "BENCH_OUT": str(self._folder / "sent.npz"),
        }
        command = [sys.executable, "-W", "ignore", "-m", "benches.speaker", self._kind]
        child = await Child.start(self._kind, command, env=environment, on_line=on_line)
        try:
            await _either(ready.wait(), child.wait())
            if not ready.is_set():
                raise RuntimeError("the speaker did not start:\n" + "\n".join(child.tail))
            yield saved
        finally:
            await child.stop(5.0)

    def _received(self, me: Participant, figures: Figures) -> None:
        recording = me.recording
        sound = heard(recording.audio_times, recording.audio_blocks, self._speech)
        marks = [read(thumb) for thumb in recording.video_thumbs]
        pictures = [
            (moment, mark.position_ms / 1000)
            for moment, mark in zip(recording.video_times, marks, strict=True)
            if mark is not None and mark.position_ms is not None
        ]
        rows = _offsets(sound, pictures, self._said)
        figures.values["received_offset_ms"] += self._undisturbed(rows)
        self._moved("received", rows, figures)
        figures.values["fps"] += [measure.frame_rate(recording) / 1000]
        for asked, _ in self._said:
            voice = measure.first_voice(recording, asked)
            seen = next((m for m, _ in pictures if m > asked), None)
            if voice is not None and seen is not None:
                figures.values["first_picture_minus_sound_ms"].append(seen - voice)
                figures.values["say_to_sound_ms"].append(voice - asked)
        opened = [
            moment
            for moment, mark in zip(recording.video_times, marks, strict=True)
            if mark is not None and mark.mouth_open
        ]
        for moment in self._interrupted:
            quiet = measure.first_quiet(recording, moment, _GAP_S)
            if quiet is not None:
                figures.values["interrupt_to_silence_ms"].append(quiet - moment)
            shut = [m for m in opened if moment < m < moment + 1.0]
            figures.values["interrupt_to_mouth_shut_ms"].append(
                max(shut, default=moment - _PERIOD_S) + _PERIOD_S - moment
            )
        for moment in self._barged:
            levels = _levels(me, sound, self._speech, moment)
            for name, decibels in (("12_db_softer", -12.0), ("silence", -30.0)):
                softer = [level < decibels for _, level in levels]
                reached = first_lasting([at for at, _ in levels], softer, _BELOW)
                if reached is not None:
                    figures.values[f"barge_to_{name}_ms"].append(reached - moment)

    def _sent(self, figures: Figures) -> None:
        with np.load(self._folder / "sent.npz") as saved:
            blocks = np.split(saved["sound"], len(saved["sound_times"]))
            # the source's clock: a block has left when its tick hands it on
            sound = heard(list(saved["sound_times"] - BLOCK / RATE), blocks, self._speech)
            rows = zip(saved["picture_times"], saved["picture_positions"], strict=True)
            pictures = [(float(m), position / 1000) for m, position in rows if position >= 0]
        meant = DELAY_S if self._kind == "ours" else 0.0
        rows = [(at, offset - meant) for at, offset in _offsets(sound, pictures, self._said)]
        figures.values["sent_offset_ms"] += self._undisturbed(rows)
        self._moved("sent", rows, figures)

    def _undisturbed(self, rows: Rows) -> list[float]:
        """The offsets of the first speech, which nothing interrupts."""
        start, end = self._said[0]
        return [offset for at, offset in rows if start < at < end]

    def _moved(self, where: str, rows: Rows, figures: Figures) -> None:
        """How far each stall moved the offset."""
        for (start, end), (began, stall_s) in zip(self._said[1:], self._stalled, strict=False):
            before = [offset for at, offset in rows if start < at < began]
            after = [offset for at, offset in rows if began + stall_s + _SETTLE_S < at < end]
            if before and after:
                moved = float(np.median(after) - np.median(before))
                figures.values[f"stall_{stall_s:g}_s_moved_{where}_ms"].append(moved)


async def _either(*waits: Coroutine[Any, Any, object]) -> None:
    """Until the first of them is done, or too late."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, timeout=_WARM_S, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _offsets(
    sound: Heard, pictures: list[tuple[float, float]], spans: list[tuple[float, float]]
) -> Rows:
    """Every picture inside the spans: its moment, and that less the first sample of its window's.

    A mark says the window's middle, half a period later.
    """
    found = []
    for moment, position in pictures:
        if any(start < moment < end for start, end in spans):
            at = sound.moment_of(position, moment)
            if at is not None:
                found.append((moment, moment + _PERIOD_S / 2 - at))
    return found


def _levels(
    me: Participant, sound: Heard, speech: NDArray[np.int16], after: float
) -> list[tuple[float, float]]:
    """How loud each block after a moment was against the speech at that place, in decibels.

    The speech is laid beside what is heard as it was aligned just before the moment; blocks in
    which it is quiet itself say nothing and are left out.
    """
    before = np.flatnonzero((sound.moments > after - 0.6) & (sound.moments < after))
    if not len(before):
        return []
    start = float(np.median(sound.moments[before] - sound.positions[before]))
    usual = float(np.median(sound.gains[before]))
    levels = []
    for moment, block in zip(me.recording.audio_times, me.recording.audio_blocks, strict=True):
        at = round((moment - start) * RATE)
        made = speech[max(0, at - BLOCK) : max(0, at + 2 * BLOCK)].astype(np.float64)
        if after < moment < after + _BARGE_S and len(made) and _rms(made) * usual > _LOUD:
            ratio = max(_rms(block.astype(np.float64)), 1.0) / (_rms(made) * usual)
            levels.append((moment, 20 * float(np.log10(ratio))))
    return levels


def _rms(samples: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def _wide(values: list[float]) -> dict[str, float]:
    """`spread`, with the ends that a promise about 99 % needs, and how far they lie apart."""
    result = spread(values)
    if len(values) >= 20:
        low, middle, high = np.percentile(np.array(values) * 1000, (1, 50, 99))
        result |= {
            "p1": round(float(low), 1),
            "p99": round(float(high), 1),
            "p99_from_p50": round(float(max(high - middle, middle - low)), 1),
        }
    return result


def _ratios(figures: dict[tuple[str, str], Figures], load: str) -> dict[str, float | None]:
    """Ours as a share of stock: medians, and for the offsets how far they swing."""
    ours, stock = figures["ours", load].values, figures["stock", load].values
    result: dict[str, float | None] = {}
    for name in sorted(set(ours) & set(stock)):
        ends = _wide(ours[name]), _wide(stock[name])
        key = "p99_from_p50" if "offset" in name else "p50"
        top, bottom = ends[0].get(key), ends[1].get(key)
        result[name] = round(top / bottom, 2) if top is not None and bottom else None
    return result
