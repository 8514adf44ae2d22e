"""Score the shipped net and the aligner on flite, a synthesiser that was not learnt from.

Every method decides as it would in a call: hop by hop, `--ahead` milliseconds (300) after the hop
was heard, the net's own hearing included, with a voice that nobody has heard before. `--tuning`
takes the texts and voices on which settings may be chosen; without it nothing may be.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.speech import features
from avatar.speech.aligner import FILLER, Aligner, Expected
from avatar.speech.net import AHEAD, TABLE, Net, read
from avatar.speech.sounds import SILENCE, VISEME_OF, sounds_of
from avatar.spelling import phones_of
from avatar.visemes import VISEMES
from visemes import texts
from visemes.corpus import FLITE_TEST, FLITE_TUNING, HELD_OUT, Espeak, Utterance, flite_all
from visemes.scoring import Labels, Tally, loudest_visemes, stretched
from visemes.train import padded, windows

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Heard:
    """An utterance and what the net makes of it."""

    utterance: Utterance
    logs: Floats
    voiced: NDArray[np.bool_]


def hear(utterance: Utterance, net: Net) -> Heard:
    """Listen as to a voice never heard before."""
    rows = features.cepstra(features.power(windows(utterance.samples)))
    voiced = rows[:, 0] > rows[:, 0].max() - 6.0
    return Heard(utterance, net.logs(padded(net.voice().normalise(rows))), voiced)


def follow(logs: Floats, words: Sequence[Expected], net: Net, lag: int) -> Labels:
    """The viseme of every hop, decided `lag` hops later; where it is lost, what is heard."""
    aligner = Aligner(net)
    aligner.expect(words)
    labels = loudest_visemes(logs)
    for at in range(len(logs)):
        aligner.advance(logs[at : at + 1])
        last = at == len(logs) - 1
        if at < lag and not last:
            continue
        steps = aligner.path(lag + 1)
        for hop, step in enumerate(steps if last else steps[:1], start=at + 1 - len(steps)):
            if step.sound != FILLER:
                labels[hop] = VISEME_OF[step.sound]
    return labels


def by_rules(text: str) -> list[Expected]:
    """The words of a text as avatar.spelling reads them."""
    return [Expected(phones_of(word)) for word in text.split()]


def methods(net: Net, ahead_ms: int) -> dict[str, Callable[[Heard], Labels]]:
    """Every way to know the mouth that is worth comparing."""
    espeak = Espeak()
    lag = ahead_ms // 10 - AHEAD
    everything = [*texts.TUNING, *texts.TEST]

    def other(text: str) -> str:
        return everything[(everything.index(text) + 5) % len(everything)]

    def spoken(words: Sequence[Expected]) -> list[int]:
        sounds = [sound for w in words for p in w.phones for sound, _ in sounds_of(p)]
        return [sound for sound in sounds if sound != SILENCE]

    def energy(heard: Heard) -> Labels:
        return np.where(heard.voiced, VISEMES.index("aa"), 0)

    return {
        "energy only": energy,
        "text, stretched": lambda h: stretched(
            spoken(espeak.words(h.utterance.text)), h.voiced, net
        ),
        "sound alone": lambda h: loudest_visemes(h.logs),
        "sound and text by espeak": lambda h: follow(
            h.logs, espeak.words(h.utterance.text), net, lag
        ),
        "sound and text by rules": lambda h: follow(h.logs, by_rules(h.utterance.text), net, lag),
        "sound and wrong text": lambda h: follow(
            h.logs, espeak.words(other(h.utterance.text)), net, lag
        ),
        "sound and text, two words left out": lambda h: follow(
            h.logs, _without_two(espeak.words(h.utterance.text)), net, lag
        ),
    }


def _without_two(words: list[Expected]) -> list[Expected]:
    return words[:2] + words[4:]


def evaluate(net: Net, *, tuning: bool, ahead_ms: int) -> dict[str, dict[str, dict[str, float]]]:
    """Figures by method, then by voice; "all" is the mean over every utterance."""
    texts.check()
    voices, said = (FLITE_TUNING, texts.TUNING) if tuning else (FLITE_TEST, texts.TEST)
    heard = [hear(utterance, net) for utterance in flite_all(voices, said)]
    espeak = Espeak()
    own = [hear(espeak.say(text, voice), net) for voice in HELD_OUT for text in said[:6]]
    results = {}
    for name, method in methods(net, ahead_ms).items():
        tallies = {voice: Tally() for voice in ("all", *voices, "espeak, held out")}
        for one in heard:
            labels = method(one)
            tallies["all"].add(one.utterance, labels)
            tallies[one.utterance.voice].add(one.utterance, labels)
        for one in own:
            tallies["espeak, held out"].add(one.utterance, method(one))
        results[name] = {voice: tally.figures() for voice, tally in tallies.items()}
    return results


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/lipsync evaluate", description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="the texts that may be looked at")
    parser.add_argument("--ahead", type=int, default=300, help="milliseconds, %(default)s")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--json", type=Path, help="file to write all figures to")
    given = parser.parse_args(argv)
    results = evaluate(read(given.table), tuning=given.tuning, ahead_ms=given.ahead)
    names = ("frames", "groups", "closures_found", "closures_right", "jaw")
    for method, voices in results.items():
        print(f"{method:36s}" + " ".join(f"{name:>14s}" for name in names))
        for voice, figures in voices.items():
            print(f"  {voice:34s}" + " ".join(f"{figures[name]:14.3f}" for name in names))
    if given.json is not None:
        given.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0
