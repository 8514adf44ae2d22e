"""What coughs, keys, "mm-hm" and real interruptions do to the avatar's voice, without a room.

Made sounds (tests/sounds.py) go through the real VAD, the ear on Imani's phrases and the decisions
of agent/turns. `held` is a moment of silence that is made good, sample for sample; `stopped` is a
reply that was lost. Times are from the sound's first sample to the decision.
"""

from collections.abc import Sequence
from typing import Any

import sounds
from overheard import Bystander, Outcome

from agent import personas
from agent.guide import phrases
from agent.turns.words import expected
from benches.figures import spread

EACH_NOISE = 20
MURMURS = 20


async def run(rounds: int = EACH_NOISE) -> dict[str, Any]:
    heard = sounds.noises(rounds) + sounds.murmurs(MURMURS)
    heard += await sounds.spoken(sounds.BACK_CHANNELS, "back-channel")
    heard += await sounds.spoken(sounds.INTERRUPTIONS, "interruption")
    bystander = Bystander([*phrases(personas.load("imani")), *expected("en")])
    try:
        outcomes = [await bystander.hear(sound) for sound in heard]
    finally:
        await bystander.aclose()
    harmless = [one for one in outcomes if one.sound.kind != "interruption"]
    real = [one for one in outcomes if one.sound.kind == "interruption"]
    return {
        "false_stops": _share([one for one in harmless if one.stop_s is not None], harmless),
        "recall_held_or_stopped": _share(
            [one for one in real if one.hold_s is not None or one.stop_s is not None], real
        ),
        "recall_stopped": _share([one for one in real if one.stop_s is not None], real),
        "by_kind": {kind: _row(part) for kind, part in _groups(outcomes).items()},
        "by_noise": {name: _row(part) for name, part in _groups(harmless, by_name=True).items()},
        "not_stopped": [f"{one.sound.name}: {one.text}" for one in real if one.stop_s is None],
        "falsely_stopped": [
            f"{one.sound.name}: {one.text}" for one in harmless if one.stop_s is not None
        ],
    }


def _groups(outcomes: Sequence[Outcome], *, by_name: bool = False) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for one in outcomes:
        name = one.sound.name.split(" (")[0].rstrip("0123456789 ")
        found.setdefault(name if by_name else one.sound.kind, []).append(one)
    return found


def _row(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    held = [one for one in outcomes if one.hold_s is not None]
    return {
        "n": len(outcomes),
        "ducked": sum(one.duck_s is not None for one in outcomes),
        "held": len(held),
        "stopped": sum(one.stop_s is not None for one in outcomes),
        "to_duck_ms": spread([one.duck_s for one in outcomes if one.duck_s is not None]),
        "to_hold_ms": spread([one.hold_s for one in held if one.hold_s is not None]),
        "silent_ms": spread(
            [one.resume_s - one.hold_s for one in held if one.hold_s and one.resume_s]
        ),
    }


def _share(some: Sequence[Outcome], of: Sequence[Outcome]) -> str:
    return f"{len(some)} of {len(of)} ({100 * len(some) / len(of):.1f} %)"
