"""How well the guide understands: paraphrases, slips of ear and finger, and strangers."""

import random
import tomllib
from datetime import datetime
from pathlib import Path

import pytest

from agent import personas
from agent.dialogue import Dialogue
from agent.matching import Matcher
from agent.spoken import words

SENTENCES = tomllib.loads(Path(__file__).with_name("guide_sentences.toml").read_text())


@pytest.fixture(scope="module")
def dialogue() -> Dialogue:
    return Dialogue(personas.load("imani"), chooser=random.Random(1), now=datetime.now)


def understood(dialogue: Dialogue, table: dict[str, list[str]]) -> tuple[float, list[str]]:
    """The share of the sentences that got their topic, those of the script left out."""
    script = personas.load("imani").script
    written = {" ".join(words(p)) for t in script.topic for p in (*t.ask, *t.also)}
    asked = [(q, t) for t, qs in table.items() for q in qs if " ".join(words(q)) not in written]
    wrong = [f"{q!r}: {dialogue.topic(q)}, not {t}" for q, t in asked if dialogue.topic(q) != t]
    return 1 - len(wrong) / len(asked), wrong


def turned_down(dialogue: Dialogue, sentences: list[str]) -> tuple[float, list[str]]:
    got = {sentence: dialogue.topic(sentence) for sentence in sentences}
    wrong = [f"{q!r}: {topic}" for q, topic in got.items() if topic != "beyond"]
    return 1 - len(wrong) / len(got), wrong


def test_paraphrases_and_slips_find_their_topic(dialogue: Dialogue) -> None:
    share, wrong = understood(dialogue, SENTENCES["tuned"]["inside"])
    assert share >= 0.95, wrong


def test_sentences_from_outside_the_script_are_turned_down(dialogue: Dialogue) -> None:
    share, wrong = turned_down(dialogue, SENTENCES["tuned"]["outside"])
    assert share >= 0.95, wrong


def test_it_also_holds_on_sentences_it_was_not_tuned_on(dialogue: Dialogue) -> None:
    share, wrong = understood(dialogue, SENTENCES["unseen"]["inside"])
    assert share >= 0.80, wrong
    share, wrong = turned_down(dialogue, SENTENCES["unseen"]["outside"])
    assert share >= 0.90, wrong


@pytest.mark.parametrize("name", personas.names())
def test_every_example_phrase_finds_its_own_topic(name: str) -> None:
    persona = personas.load(name)
    matcher = Matcher(persona.script, name=persona.name)
    wrong = []
    for topic in persona.script.topic:
        for phrase in (*topic.ask, *topic.also):
            found = matcher.find(phrase)
            if found is None or found.id != topic.id:
                wrong.append(f"{phrase!r}: {found and found.id}, not {topic.id}")
    assert not wrong
