"""Decides what a scripted persona says next: from the history, the script and the tools at hand.

It speaks to no service and keeps nothing between turns, so a restarted worker or a second call on
the same object goes on correctly. The only thing that is not the history's is which of several
fresh lines is taken: the chooser's.
"""

import json
import random
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from agent import matching, skills, spoken
from agent.history import History
from agent.knowledge import speakable
from agent.matching import Matcher
from agent.memory import Entry, Memory, Said
from agent.personas import Persona
from agent.script import Line, Topic

UNCLEAR = "[unclear]"
"""What the offline ear writes for speech that it could not make out."""
SLOWEST, FASTEST = 0.6, 1.5
"""Limits of `rate` for the tool set_speaking_rate; 1.0 is the persona's own."""

_RATE_STEPS = {"slower": 1 / 1.2, "faster": 1.2}
_RATE_TOOL = "set_speaking_rate"
_CLOCK_TOOLS = {"time": "get_time", "date": "get_date"}
_LOOK_UP, _HAND_OVER = "look_up", "hand_over"
_LEAST_SHARE = 0.5
"""Of a question's words, for a passage of the notes to be its answer."""
_ONCE_MORE = re.compile(r"\b(?:again|repeat|once more|say that)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Say:
    """Text to speak, with its mood tags; `then` is called once it is said."""

    text: str
    then: "Call | None" = None


@dataclass(frozen=True, slots=True)
class Call:
    """A tool to call; its result comes back in the history."""

    name: str
    arguments: dict[str, object]


class Dialogue:
    """One persona's side of any number of conversations."""

    def __init__(
        self, persona: Persona, *, chooser: random.Random, now: Callable[[], datetime]
    ) -> None:
        self._persona, self._script = persona, persona.script
        self._chooser, self._now = chooser, now
        self._matcher = Matcher(persona.script, name=persona.name)
        self._memory = Memory(persona)

    @property
    def matcher(self) -> Matcher:
        """What finds the topic of a sentence."""
        return self._matcher

    def next(self, history: History, tools: Collection[str] = ()) -> Say | Call:
        """What to say, or which of `tools` to call first."""
        past = self._memory.past(history.answers)
        if history.asked is None:
            return self._unasked(history, past)
        topic, values = self._understand(history)
        if history.output is not None:
            return self._with_output(history, topic, values, past)
        call = _call(topic, history, tools)
        return call or self._allowed(self._do(topic, values, history, past), past, tools)

    def _allowed(self, say: Say, past: Sequence[Said], tools: Collection[str]) -> Say:
        """Nobody is promised where nobody can be fetched."""
        if say.then is None or say.then.name in tools:
            return say
        return self._say(self._required("beyond"), "say", past)

    def topic(self, asked: str) -> str:
        """The id of the topic that a sentence asks for, out of any context."""
        history = History(asked=asked, questions=(asked,))
        return self._understand(history)[0].id

    def _required(self, do: str) -> Topic:
        topic = self._script.doing(do)
        assert topic is not None, f"commands.toml has a topic that does {do!r}"
        return topic

    def _unasked(self, history: History, past: Sequence[Said]) -> Say:
        if not history.answers:
            return Say(self._persona.greeting)
        return self._say(self._required("nudge"), "say", past)

    def _understand(self, history: History) -> tuple[Topic, skills.Values]:
        """The topic of the newest question, and the words of it that the topic's lines need."""
        asked = history.asked or ""
        if UNCLEAR in asked or not spoken.words(asked):
            return self._required("unclear"), {}
        for do in ("arithmetic", "spell", "introduce", "count"):
            values = self._worked_out(do, asked, history)
            topic = self._script.doing(do)
            if topic is not None and values is not None:
                return topic, values
        match = self._matcher.best(asked)
        if match is not None and match.score >= matching.ACCEPT:
            return match.topic, skills.recall(history.questions)
        if match is not None and matching.worth_asking(match):
            return self._required("suggest"), {"about": match.topic.about}
        return self._required("beyond"), {}

    def _worked_out(self, do: str, asked: str, history: History) -> skills.Values | None:
        if do == "spell":
            guest = skills.recall(history.questions).get("guest")
            return skills.spell(asked, own_name=self._persona.name, guest=guest)
        return skills.SKILLS[do](asked)

    def _do(
        self, topic: Topic, values: skills.Values, history: History, past: Sequence[Said]
    ) -> Say:
        match topic.do:
            case "yes" | "no":
                return self._yes_or_no(topic, history, past)
            case "more" | "why":
                return self._follow_up(topic, topic.do, past)
            case "continue":
                return self._continue(topic, past)
            case "repeat":
                return self._repeat(topic, history, past)
            case "slower" | "faster" | "usual":
                return self._say(topic, "otherwise", past)
            case "time":
                values = {"time": spoken.clock(self._now())}
            case "date":
                values = {"date": spoken.calendar(self._now())}
        needed = topic.say[0].fields - {"name", "role"}
        return self._say(topic, "say" if needed <= values.keys() else "otherwise", past, values)

    def _with_output(
        self, history: History, topic: Topic, values: skills.Values, past: Sequence[Said]
    ) -> Say:
        """Answer with a tool's result. What failed is done without; no tool is called twice."""
        output = history.output
        assert output is not None
        if history.called == _LOOK_UP and not output.is_error:
            found = found_in(output.output)
            if found is not None:
                return self._say(self._required("found"), "say", past, {"found": found})
        if output.is_error or history.called not in {*_CLOCK_TOOLS.values(), _RATE_TOOL}:
            return self._do(topic, values, history, past)
        if topic.do == "time":
            return self._say(topic, "say", past, {"time": _time(output.output)})
        if topic.do == "date":
            return self._say(topic, "say", past, {"date": _date(output.output)})
        reply = self._say(topic, "say", past)
        if _ONCE_MORE.search(history.asked or "") and history.answers:
            return Say(f"{reply.text} {_whole(history, past)}")
        return reply

    def _yes_or_no(self, topic: Topic, history: History, past: Sequence[Said]) -> Say:
        fresh = bool(past) and past[-1].answer is history.answers[-1]
        offer = past[-1].offer if fresh else None
        if offer is None:
            return self._say(topic, "say", past)
        offered = self._script.get(offer)
        if topic.do == "no" or offered is None:
            return self._say(topic, "otherwise", past)
        return self._do(offered, {}, history, past)

    def _follow_up(self, topic: Topic, part: str, past: Sequence[Said]) -> Say:
        """More about, or the reason for, what was talked about last."""
        subject = next((s.entry.topic for s in reversed(past) if s.entry.topic.is_subject), None)
        if subject is None:
            return self._say(topic, "say", past)
        lines: Sequence[Line] = getattr(subject, part)
        told = {s.entry.index for s in past if (s.entry.topic, s.entry.part) == (subject, part)}
        fresh = [index for index in range(len(lines)) if index not in told]
        if not fresh:
            return self._say(topic, "otherwise", past)
        return self._filled(Entry(subject, part, fresh[0], lines[fresh[0]]), {})

    def _continue(self, topic: Topic, past: Sequence[Said]) -> Say:
        """Go on with the newest answer that was cut off, where it was cut."""
        told: list[Entry] = []
        for said in reversed(past):
            if said.entry.topic.do in ("continue", "repeat") or said.entry in told:
                continue
            told.append(said.entry)
            if rest := said.rest:
                return self._say(topic, "say", past, {"rest": rest})
            if said.entry.topic.is_subject:
                break  # something else was told to its end since: "go on" asks for more of that
        return self._follow_up(self._required("more"), "more", past)

    def _repeat(self, topic: Topic, history: History, past: Sequence[Said]) -> Say:
        if not history.answers:
            return self._say(topic, "otherwise", past)
        return self._say(topic, "say", past, {"said": _whole(history, past)})

    def _say(
        self, topic: Topic, part: str, past: Sequence[Said], values: skills.Values | None = None
    ) -> Say:
        part = part if getattr(topic, part) else "say"
        lines: Sequence[Line] = getattr(topic, part)
        used = [s.entry.index for s in past if (s.entry.topic, s.entry.part) == (topic, part)]
        index = self._choose(len(lines), used, topic.ordered)
        return self._filled(Entry(topic, part, index, lines[index]), values or {})

    def _choose(self, count: int, used: Sequence[int], ordered: bool) -> int:
        """A line that was not said yet, else the one that was said longest ago."""
        fresh = [index for index in range(count) if index not in used]
        if fresh:
            return fresh[0] if ordered else self._chooser.choice(fresh)
        latest = {index: place for place, index in enumerate(used)}
        return min(range(count), key=lambda index: latest[index])

    def _filled(self, entry: Entry, values: skills.Values) -> Say:
        names = {"name": self._persona.name, "role": self._persona.role}
        text = entry.line.text.format_map(names | values)
        to = entry.line.to
        call = Call(_HAND_OVER, {"to": to}) if to is not None else None
        return Say(text[0].upper() + text[1:], call)


def _call(topic: Topic, history: History, tools: Collection[str]) -> Call | None:
    """The tool that a topic needs, when the agent offers it."""
    clock = _CLOCK_TOOLS.get(topic.do or "")
    if clock in tools and clock is not None:
        return Call(clock, {})
    if topic.do == "beyond" and _LOOK_UP in tools and history.asked:
        return Call(_LOOK_UP, {"question": history.asked})
    if topic.do in ("slower", "faster", "usual") and _RATE_TOOL in tools:
        rate = history.rate * _RATE_STEPS[topic.do] if topic.do in _RATE_STEPS else 1.0
        return Call(_RATE_TOOL, {"rate": round(min(max(rate, SLOWEST), FASTEST), 2)})
    return None


def found_in(output: str) -> str | None:
    """What the notes say, as a person would read it out; None when it is not about the question.

    The tool's JSON, with or without the marks of agent/guard.py round it.
    """
    try:
        passages = json.loads(output[output.index("[") : output.rindex("]") + 1])
        best = passages[0]
        text, share = str(best["text"]), float(best["share"])
    except (ValueError, LookupError, TypeError):
        return None
    if share < _LEAST_SHARE:
        return None
    return speakable(text)


def _whole(history: History, past: Sequence[Said]) -> str:
    """The last answer as it was meant, also when only its beginning was heard."""
    last = history.answers[-1]
    if past and past[-1].answer is last and "{" not in past[-1].text:
        return past[-1].text
    return last.text


def _time(output: str) -> str:
    """A tool's time in words; a tool that already speaks is quoted."""
    text = output.strip().strip('"')
    for parse in (datetime.fromisoformat, time.fromisoformat):
        try:
            return spoken.clock(parse(text))
        except ValueError:
            continue
    return text.rstrip(".")


def _date(output: str) -> str:
    text = output.strip().strip('"')
    for form in ("%Y-%m-%d", "%A, %d %B %Y", "%d %B %Y"):
        try:
            return spoken.calendar(datetime.strptime(text, form))
        except ValueError:
            continue
    return text.rstrip(".")
