"""Recognises what a persona said before, by its words, from the text that was heard of it.

It holds no state: the chat history is the memory. An answer that was cut off, told on from its
middle or said again is still known, so "go on" finds the very clause in which it was cut.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent import skills, spoken
from agent.history import Answer
from agent.personas import Persona
from agent.script import Line, Topic

_LOOK_BACK = 40  # answers; so that a turn late in a long call costs no more than an early one
_RETELL_WORDS = 12  # a sentence of which no more was heard is begun again, a longer one at a clause
_LEADS = frozenset({"continue", "repeat", "slower", "faster", "usual"})
"""What these topics say may be followed by something said before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the script and where it stands."""

    topic: Topic
    part: str
    index: int
    line: Line


@dataclass(frozen=True, slots=True)
class Said:
    """A line that was said: its whole text with mood tags, and how many of its words were heard."""

    entry: Entry
    text: str
    heard: int
    answer: Answer

    @property
    def offer(self) -> str | None:
        """What a "yes" means now, if the question was nearly out before it was answered."""
        total = len(spoken.words(untagged(self.text)))
        return self.entry.line.offer if self.heard >= total - 6 else None

    @property
    def rest(self) -> str:
        """What was not heard, from the sentence or clause in which it was cut; "" if all was."""
        spans = [
            m.span() for m in re.finditer(r"[^\W_]+(?:['\u2019][^\W_]+)*", untagged(self.text))
        ]
        if self.heard >= len(spans):
            return ""
        start = _beginning(self.text, spans, self.heard, r"[.!?][\"'\u201d]?\s")
        if self.heard - start > _RETELL_WORDS:
            start = _beginning(self.text, spans, self.heard, r"[,;:.!?\u2013\u2014]")
        if self.heard - start > _RETELL_WORDS:
            start = self.heard
        return self.text[spans[start][0] :] if start else self.text


def untagged(text: str) -> str:
    """The text with mood tags blanked out, every other character at its place."""
    return re.sub(r"\[[^\]]*\]", lambda found: " " * len(found[0]), text)


class Memory:
    """The lines of one persona, prepared for being recognised."""

    def __init__(self, persona: Persona) -> None:
        self._names = {"name": persona.name, "role": persona.role}
        self._own_name = persona.name
        self._plain: list[tuple[Entry, str, list[str]]] = []
        self._worked_out: list[Entry] = []
        self._leads: list[tuple[Entry, list[str]]] = []
        greeting = Line(text=persona.greeting, offer=persona.greeting_offer)
        for entry in _entries(persona, greeting):
            self._sort_in(entry, [t for t in persona.script.topic if t.about])

    def _sort_in(self, entry: Entry, suggestible: Sequence[Topic]) -> None:
        line = entry.line
        if entry.topic.do == "suggest":
            for topic in suggestible:
                text = line.text.format_map(self._names | {"about": topic.about})
                offering = Line(text=text, offer=topic.id)
                said = Entry(entry.topic, entry.part, entry.index, offering)
                self._plain.append((said, text, spoken.words(untagged(text))))
        elif entry.topic.do in _LEADS and entry.part == "say":
            head = line.text.partition("{rest}")[0].partition("{said}")[0]
            self._leads.append((entry, spoken.words(untagged(head))))
        elif line.fields - self._names.keys():
            self._worked_out.append(entry)
        else:
            text = line.text.format_map(self._names)
            self._plain.append((entry, text, spoken.words(untagged(text))))

    def past(self, answers: Sequence[Answer]) -> list[Said]:
        """What is recognised of the answers, oldest first; a lead-in before what it led to."""
        past: list[Said] = []
        for answer in answers[-_LOOK_BACK:]:
            past.extend(self._recognise(answer, past))
        return past

    def _recognise(self, answer: Answer, before: Sequence[Said]) -> Iterator[Said]:
        heard = spoken.words(answer.text)
        if not heard:
            return
        for entry, text, written in self._plain:
            count = _common(heard, written)
            if count is not None:
                yield Said(entry, text, count, answer)
                return
        leads = [(e, head) for e, head in self._leads if heard[: len(head)] == head[: len(heard)]]
        if leads:
            entry, head = max(leads, key=lambda lead: len(lead[1]))
            yield Said(entry, entry.line.text, len(head), answer)
            yield from _told_on(heard[len(head) :], answer, before)
            return
        yield from self._worked(heard, answer)

    def _worked(self, heard: list[str], answer: Answer) -> Iterator[Said]:
        """A line with something worked out: worked out again, or known by how it begins."""
        for entry in self._worked_out:
            values = self._values(entry.topic.do, answer.asked)
            if entry.line.fields <= values.keys() | self._names.keys():
                text = entry.line.text.format_map(self._names | values)
                count = _common(heard, spoken.words(untagged(text)))
            else:
                text = entry.line.text
                head = spoken.words(untagged(text.partition("{")[0]))
                count = len(spoken.words(text)) if head and heard[: len(head)] == head else None
            if count is not None:
                yield Said(entry, text, count, answer)
                return

    def _values(self, do: str | None, asked: str) -> skills.Values:
        if do == "spell":
            return skills.spell(asked, own_name=self._own_name, guest=None) or {}
        find = skills.SKILLS.get(do or "")
        return (find(asked) if find is not None else None) or {}


def _entries(persona: Persona, greeting: Line) -> Iterator[Entry]:
    for topic in persona.script.topic:
        if topic.do == "greeting":
            yield Entry(topic, "greeting", 0, greeting)
        for part, index, line in topic.lines():
            yield Entry(topic, part, index, line)


def _common(heard: list[str], written: list[str]) -> int | None:
    """How many words were heard, if they are how `written` begins; the last may be cut in two."""
    count = len(heard)
    if count > len(written) or (count > 1 and heard[0] != written[0]):
        return None
    if heard[:-1] != written[: count - 1]:
        return None
    if heard[-1] == written[count - 1]:
        return count
    return count - 1 if count > 1 and written[count - 1].startswith(heard[-1]) else None


def _told_on(heard: list[str], answer: Answer, before: Sequence[Said]) -> Iterator[Said]:
    """Find words inside something that was said before, the newest first."""
    if not heard:
        return
    for said in reversed(before):
        written = spoken.words(untagged(said.text))
        starts = [at for at in range(len(written)) if _common(heard, written[at:]) is not None]
        if starts:
            # a short piece may occur twice: it is the one nearest to where the telling stopped
            at = min(starts, key=lambda start: abs(start - said.heard))
            yield Said(said.entry, said.text, at + (_common(heard, written[at:]) or 0), answer)
            return


def _beginning(text: str, spans: Sequence[tuple[int, int]], word: int, mark: str) -> int:
    """The first word after the last `mark` before `word`."""
    for index in range(word, 0, -1):
        if re.search(mark, text[spans[index - 1][1] : spans[index][0]]):
            return index
    return 0
