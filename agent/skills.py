"""What a scripted persona works out rather than recites: sums, spelling, counting, your name.

Each skill takes a sentence and gives the words its lines have placeholders for, or None when the
sentence asks for something else. An empty dict means: asked for, but cannot be done.
"""

import re
from collections.abc import Callable, Sequence

from agent import spoken

Values = dict[str, str]

COUNT_LIMIT = 100
SPELL_LIMIT = 32  # letters; a longer word is a joke on us

_SPELL = re.compile(
    r"\bspell(?:ing of)?\s+(?:out\s+)?(?:the\s+)?(?:word\s+|name\s+)?(?P<word>.+?)"
    r"(?:\s+(?:please|for me|out loud))*[?.!]*$",
    re.IGNORECASE,
)
_SPELLED = re.compile(r"^how (?:is|are)\s+(?P<word>.+?)\s+spelled[?.!]*$", re.IGNORECASE)
_SPELL_ASKED = re.compile(
    r"^(?:\W*(?:please|can|could|would|how|do|does|you|to|is|one)\b)*\W*$", re.I
)
_NOT_A_WORD = frozenset({"it", "that", "this", "something", "anything", "words", "a word", "well"})
_GUEST = re.compile(
    r"\b(?:my name is|my name's|my names|call me|i am called|i'm called)\s+([^\W\d_]+)",
    re.IGNORECASE,
)
_NO_GUEST = frozenset(
    re.findall(r"\w+", "not a an the what later back when if names is too very just you")
)
_COUNT = re.compile(r"\bcount(?:ing)?\b", re.IGNORECASE)
_DOWN = re.compile(r"\b(?:down|backwards?)\b", re.IGNORECASE)


def arithmetic(asked: str) -> Values | None:
    """`sum` and `result` in words; no `result` for a division by zero."""
    found = spoken.arithmetic(asked)
    if found is None:
        return None
    return {"sum": found.question} | ({"result": found.result} if found.result else {})


def spell(asked: str, *, own_name: str, guest: str | None) -> Values | None:
    """`word` and its `letters`."""
    found = _SPELLED.match(asked)
    if found is None:
        found = _SPELL.search(asked)
        if found is None or not _SPELL_ASKED.match(asked[: found.start()]):
            return None
    word = found["word"].strip(" \"'\u201c\u201d\u2018\u2019")
    if word.lower() in _NOT_A_WORD:
        return {}
    if word.lower() in ("your name", "yourself"):
        word = own_name
    elif word.lower() in ("my name", "me"):
        word = guest or ""
    letters = spoken.letters(word)
    return {"word": word, "letters": letters} if 0 < len(letters) <= 3 * SPELL_LIMIT else {}


def introduce(asked: str) -> Values | None:
    """`guest`: the name somebody gives as theirs."""
    found = _GUEST.search(asked)
    if found is None or found[1].lower() in _NO_GUEST:
        return None
    return {"guest": found[1].capitalize()}


def recall(questions: Sequence[str]) -> Values:
    """`guest` as given last in what was said so far."""
    given = (introduce(question) for question in reversed(questions))
    return next((values for values in given if values is not None), {})


def count(asked: str) -> Values | None:
    """`count`: the numbers to say, one after the other; nothing beyond COUNT_LIMIT."""
    if _COUNT.search(asked) is None:
        return None
    numbers = spoken.find_numbers(asked)
    if not numbers and not re.search(
        r"\bcount(?:ing)?\W*(?:for me|please|a bit|something)?\W*$", asked, re.I
    ):
        return None
    last = numbers[-1] if numbers else 10
    first = numbers[0] if len(numbers) > 1 else 1
    if _DOWN.search(asked):
        first, last = (numbers[0] if numbers else 10), (numbers[-1] if len(numbers) > 1 else 1)
    if max(first, last) > COUNT_LIMIT or first == last == 0:
        return {}
    step = 1 if last >= first else -1
    said = ", ".join(spoken.number(n) for n in range(first, last + step, step))
    return {"count": said[0].upper() + said[1:]}


SKILLS: dict[str, Callable[[str], Values | None]] = {
    "arithmetic": arithmetic,
    "introduce": introduce,
    "count": count,
}
"""Those that need only the sentence; `spell` and `recall` need the call as well."""
