"""Every fault at every stage, while there is speech: what is heard, and how long is silence.

`wait_ms` is from the question (spoken: from its last sound) to the first sound, `gap_ms` the
longest silence inside the answer (pauses between its sentences included, about 350 ms). Turns with
faults at random are `scripts/bench mute`.
"""

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from fake_service import KINDS, FakeService, Fault, Kind
from fake_speech import RATE, Speaker

from benches.cloud import MIC_RATE, Cloud, Talk, cloud, talk

ANSWER = "The river is calm today, and the boats are out. You can see them from here."
QUESTION = "What can you do?"
_TURN_S = 30.0
_AT_ONCE = 2
_LOUD = 300
_SETTLE_S = 0.4
_AS_IT_CONNECTS = ("refuse", "unauthorized", "limited", "quota", "slow")
Part = Literal["ear", "mind", "voice"]


@dataclass
class Turn:
    """What was heard of one."""

    wait_s: float
    gap_s: float
    text: str

    @property
    def mute(self) -> bool:
        return self.wait_s == float("inf")


async def run(rounds: int = 2) -> dict[str, Any]:
    logging.disable(logging.CRITICAL)  # hundreds of failures are meant
    asked = await _question()
    places = asyncio.Semaphore(_AT_ONCE)
    table: dict[str, Any] = {}

    async def fill(part: Part, kind: Kind) -> None:
        async with places, cloud() as services:
            services.mind.answer = lambda _: ANSWER
            if part == "ear":
                turns = await _heard(services, kind, asked, rounds)
            else:
                turns = await _each(services, part, kind, rounds)
        table[f"{part} {kind}"] = _row(turns)

    parts: tuple[Part, ...] = ("voice", "mind", "ear")
    async with asyncio.TaskGroup() as group:
        for part in parts:
            for kind in ("none", *KINDS):
                group.create_task(fill(part, kind))
    waits = [row["wait_ms"] for row in table.values() if row["wait_ms"] is not None]
    return {
        "by_fault": dict(sorted(table.items())),
        "worst_gap_ms": max(row["gap_ms"] for row in table.values()),
        "worst_wait_ms": max(waits),
        "mute": sum(row["mute"] for row in table.values()),
    }


def service_of(services: Cloud, part: Part) -> FakeService:
    return {"ear": services.ear, "mind": services.mind, "voice": services.voice}[part]


async def _each(services: Cloud, part: Part, kind: Kind, rounds: int) -> list[Turn]:
    """Typed questions that meet the same fault."""
    turns: list[Turn] = []
    service = service_of(services, part)
    async with talk(services.settings()) as on:
        for _ in range(rounds):
            on.well()
            service.fault = Fault(kind, after=1.0 if part == "voice" else 5)
            turns.append(await ask(on))
            service.fault = Fault()
    return turns


async def _heard(
    services: Cloud, kind: Kind, asked: "np.ndarray[Any, Any]", rounds: int
) -> list[Turn]:
    """Spoken questions: a new conversation each, because an ear listens all the time."""
    turns: list[Turn] = []
    for n in range(rounds):
        services.ear.says, services.ear.utterances = [QUESTION], 0
        fault = Fault(kind, after=0.4 * (n % 2))  # it strikes at the first sound, or after a word
        services.ear.fault = fault if kind in _AS_IT_CONNECTS else Fault()
        async with talk(services.settings(), hears=True) as on:
            services.ear.fault = fault
            on.output.listen()
            before = len(on.session.history.items)
            on.microphone.say(asked)
            await on.microphone.said.wait()
            turns.append(await _watch(on, time.monotonic(), before))
        services.ear.fault = Fault()
    return turns


async def ask(on: Talk) -> Turn:
    on.output.listen()
    before, asked = len(on.session.history.items), time.monotonic()
    on.session.generate_reply(user_input="Tell me about the river.")
    return await _watch(on, asked, before)


async def _watch(on: Talk, asked: float, before: int) -> Turn:
    """Until the agent listens again, with an answer in the history."""
    ends = time.monotonic() + _TURN_S
    while time.monotonic() < ends:
        await asyncio.sleep(0.05)
        said = [
            item.text_content or ""
            for item in on.session.history.items[before:]
            if item.type == "message" and item.role == "assistant"
        ]
        if said and on.session.agent_state == "listening":
            break
    await asyncio.sleep(_SETTLE_S)
    voiced = sorted(on.output.voiced)
    if not voiced:
        return Turn(float("inf"), 0.0, "")
    gap = float(np.diff(voiced).max()) if len(voiced) > 1 else 0.0
    return Turn(voiced[0] - asked, gap, " ".join(said))


def _row(turns: list[Turn]) -> dict[str, Any]:
    heard = [turn for turn in turns if not turn.mute]
    words = re.findall(r"\w+", ANSWER.lower())
    whole = sum(re.findall(r"\w+", turn.text.lower()) == words for turn in turns)
    return {
        "turns": len(turns),
        "mute": len(turns) - len(heard),
        "wait_ms": round(1000 * max(turn.wait_s for turn in heard)) if heard else None,
        "gap_ms": round(1000 * max((turn.gap_s for turn in heard), default=0.0)),
        "every_word_once": f"{whole} of {len(turns)}",
    }


async def _question() -> "np.ndarray[Any, Any]":
    """The spoken question at the microphone's rate, with silence before it and none after it."""
    speaker = Speaker()
    speech = np.frombuffer((await speaker.say(QUESTION)).pcm, np.int16)
    await speaker.aclose()
    speech = speech[: np.flatnonzero(np.abs(speech.astype(np.int32)) > _LOUD)[-1]]
    at = np.arange(0, len(speech) - 1, RATE / MIC_RATE)
    heard = np.interp(at, np.arange(len(speech)), speech).astype(np.int16)
    return np.concatenate([np.zeros(MIC_RATE // 2, np.int16), heard])
