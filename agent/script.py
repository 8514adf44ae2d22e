"""What a persona can say without a model: topics, the phrases that ask for them, the answers.

It only holds and checks the text; agent/matching.py finds the topic, agent/dialogue.py the line.
Every script silently includes `personas/commands.toml` (repeat, slower, go on, the time, numbers);
a topic of the same id in the persona's own script replaces the shared one.
"""

import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from agent import moods, spoken, toml_lines
from agent.toml_lines import Key
from avatar.frames import Mood

COMMANDS = Path(__file__).parent / "personas" / "commands.toml"

Do = Literal[
    "time",
    "date",
    "count",
    "spell",
    "arithmetic",
    "introduce",
    "recall",
    "repeat",
    "slower",
    "faster",
    "usual",
    "continue",
    "more",
    "why",
    "yes",
    "no",
    "greeting",
    "nudge",
    "unclear",
    "beyond",
    "suggest",
    "found",
]
"""What the guide does besides saying a line; at most one topic of a script has each."""

_PLACEHOLDERS: dict[str | None, set[str]] = {
    "time": {"time"},
    "date": {"date"},
    "count": {"count"},
    "spell": {"word", "letters"},
    "arithmetic": {"sum", "result"},
    "introduce": {"guest"},
    "recall": {"guest"},
    "repeat": {"said"},
    "continue": {"rest"},
    "suggest": {"about"},
    "found": {"found"},
}
_EVERYWHERE = {"name", "role"}
_TAG = re.compile(r"\[[^\]]*\]")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(_Frozen):
    """One thing to say. A "yes" right after it leads to the topic `offer`; `to` names the persona
    who takes the call over once it is said."""

    text: str = Field(min_length=1)
    offer: str | None = None
    to: str | None = None

    @field_validator("text")
    @classmethod
    def _one_paragraph(cls, text: str) -> str:
        for found in _TAG.findall(text):
            if "mood" in found.lower() and not moods.parse(found)[1]:
                known = ", ".join(moods.tag(mood) for mood in Mood)
                raise ValueError(f"{found} is no mood: write one of {known}")
        if re.search(r"[*#`|_]|https?:", text):
            raise ValueError("is spoken: leave out markdown, underscores and addresses")
        try:
            list(string.Formatter().parse(text))
        except ValueError:
            raise ValueError(
                "has a stray brace: braces hold a placeholder such as {name}"
            ) from None
        return " ".join(text.split())

    @property
    def fields(self) -> set[str]:
        """The names of the placeholders in the text."""
        return {name for _, name, _, _ in string.Formatter().parse(self.text) if name is not None}


def _as_line(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


Lines = tuple[Annotated[Line, BeforeValidator(_as_line)], ...]


class Topic(_Frozen):
    """Something a person may want, and everything there is to say to it."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    about: str = ""
    """How to name it inside a sentence: "how I work". Topics with one can be suggested."""
    ask: tuple[str, ...] = ()
    """How people ask for it; the offline ear learns these too."""
    also: tuple[str, ...] = ()
    """Further ways to ask, for matching only."""
    say: Lines = Field(min_length=1)
    more: Lines = ()
    """For "tell me more", one after the other."""
    why: Lines = ()
    otherwise: Lines = ()
    """For when what it does cannot be done: nothing to repeat, a division by zero."""
    do: Do | None = None
    ordered: bool = False
    """Say the lines in their order rather than in any."""

    @field_validator("ask", "also")
    @classmethod
    def _sayable(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in phrases:
            if not spoken.words(phrase):
                raise ValueError(f"{phrase!r} has no word in it: write what a person would say")
        return phrases

    @property
    def is_subject(self) -> bool:
        """Something to talk about, which a "wait" or a "thanks" in between does not end."""
        return self.do is None and bool(self.about or self.more or self.why)

    def lines(self) -> Iterator[tuple[str, int, Line]]:
        """Every line with the list it is in and its place there."""
        for part in ("say", "more", "why", "otherwise"):
            for index, line in enumerate(getattr(self, part)):
                yield part, index, line


class Script(_Frozen):
    """All topics of one persona, the shared ones included."""

    topic: tuple[Topic, ...] = ()
    sounds_like: dict[str, tuple[str, ...]] = {}
    """A word of ours and what ears and fingers make of it: livekit = ["live kit"]."""
    synonyms: dict[str, tuple[str, ...]] = {}
    """A word of the examples and others that mean the same here."""
    likely: tuple[str, ...] = ()
    """Phrases for the offline ear that ask for no topic."""

    def get(self, id: str) -> Topic | None:
        return next((topic for topic in self.topic if topic.id == id), None)

    def doing(self, do: str) -> Topic | None:
        """The topic that does `do`."""
        return next((topic for topic in self.topic if topic.do == do), None)

    def phrases(self) -> list[str]:
        """What people may say, for a recogniser: lower case, only letters and apostrophes."""
        asked = [phrase for topic in self.topic for phrase in topic.ask]
        return list(dict.fromkeys(spoken.pronounced(p) for p in (*asked, *self.likely)))


def load(path: Path) -> Script:
    """The script at `path` with the shared commands. Raises TomlError at the wrong line."""
    shared = toml_lines.read(COMMANDS, Script)
    own = toml_lines.read(path, Script)
    replaced = {topic.id for topic in own.topic} | {t.do for t in own.topic if t.do is not None}
    kept = [t for t in shared.topic if t.id not in replaced and (t.do or t.id) not in replaced]
    script = Script(
        topic=(*own.topic, *kept),
        sounds_like={**shared.sounds_like, **own.sounds_like},
        synonyms={**shared.synonyms, **own.synonyms},
        likely=(*shared.likely, *own.likely),
    )
    _check(path, own, {topic.id for topic in script.topic})
    return script


def _check(path: Path, own: Script, known: set[str]) -> None:
    """What a topic cannot know of itself: unique ids, offers that exist, placeholders."""
    seen: set[str] = set()
    for number, topic in enumerate(own.topic):
        names = {topic.id, topic.do or topic.id}
        if names & seen:
            problem = f"a second topic {min(names & seen)!r}: rename one"
            raise toml_lines.wrong(path, ("topic", number, "id"), problem)
        seen |= names
    for number, topic in enumerate(own.topic):
        allowed = _EVERYWHERE | _PLACEHOLDERS.get(topic.do, set())
        for part, index, line in topic.lines():
            key: Key = ("topic", number, part, index)
            if line.offer is not None and line.offer not in known:
                problem = f"offers {line.offer!r}, which is the id of no topic"
                raise toml_lines.wrong(path, key, problem)
            if unknown := line.fields - allowed:
                filled = ", ".join("{" + name + "}" for name in sorted(allowed))
                problem = f"cannot fill {{{min(unknown)}}} here: use {filled}"
                raise toml_lines.wrong(path, key, problem)
