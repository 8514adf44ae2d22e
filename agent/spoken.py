"""Numbers, letters, times and sums as they are said in English, and back.

Pure functions on text; nothing here knows a persona. Numbers are understood up to 999 999 999.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal

LARGEST = 999_999_999

_SMALL: list[str] = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen",
)
_TENS: list[str] = re.findall(r"\w+", "_ _ twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = ((1_000_000, "million"), (1000, "thousand"))
_VALUES = {word: value for value, word in enumerate(_SMALL)}
_VALUES |= {word: 10 * value for value, word in enumerate(_TENS) if word != "_"}
_IRREGULAR = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
_IRREGULAR |= {"nine": "ninth", "twelve": "twelfth"}
_OPERATORS = {
    "+": ("plus", "and", "added to"),
    "-": ("minus", "less", "take away"),
    "*": ("times", "multiplied by", "x"),
    "/": ("divided by", "over"),
}
_SPOKEN_OPERATOR = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
_SYMBOLS = {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"}
_ARITHMETIC_ASKS = frozenset(
    re.findall(
        r"[a-z']+",
        "what what's whats is how much calculate compute work out hey so and the sum of result "
        "please can could you tell me do know add does equal equals make",
    )
)


def words(text: str) -> list[str]:
    """Lower-case words with the apostrophes inside them; all other signs go."""
    plain = text.lower().replace("\u2019", "'")
    return [plain[start:end] for start, end in spans(plain)]


def spans(text: str) -> list[tuple[int, int]]:
    """Where each word of the text begins and ends."""
    return [found.span() for found in re.finditer(r"[^\W_]+(?:['\u2019][^\W_]+)*", text)]


def pronounced(text: str) -> str:
    """Words with letters and apostrophes only: digits are spelled, accents are dropped."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    spoken = (number(int(w)) if w.isdecimal() and len(w) < 10 else w for w in words(plain))
    return " ".join(re.findall(r"[a-z']+", " ".join(spoken)))


def number(value: int) -> str:
    """`42` as "forty-two". Raises ValueError beyond LARGEST."""
    if abs(value) > LARGEST:
        raise ValueError(f"{value} is beyond {LARGEST}")
    if value < 0:
        return f"minus {number(-value)}"
    if value < 20:
        return _SMALL[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")
    for scale, name in (*_SCALES, (100, "hundred")):
        if value >= scale:
            many, rest = divmod(value, scale)
            link = " and " if rest and rest < 100 else " "
            return f"{number(many)} {name}{link + number(rest) if rest else ''}"
    raise AssertionError(value)


def ordinal(value: int) -> str:
    """`21` as "twenty-first"."""
    said = number(value)
    head, last = said[: -len(re.split(r"[ -]", said)[-1])], re.split(r"[ -]", said)[-1]
    if last in _IRREGULAR:
        return head + _IRREGULAR[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def find_numbers(text: str) -> list[int]:
    """The numbers in the text, in digits or words, in their order."""
    tokens, found, at = _tokens(text), [], 0
    while at < len(tokens):
        value, end = _parse(tokens, at)
        if end > at:
            found.append(value)
        at = max(end, at + 1)
    return found


def letters(word: str) -> str:
    """`Kit` as "K, I, T"."""
    return ", ".join(character.upper() for character in word if character.isalnum())


def clock(at: time | datetime) -> str:
    """The time as one says it: "quarter past two in the afternoon"."""
    hour, minute = at.hour, at.minute
    if (hour, minute) in ((0, 0), (12, 0)):
        return "midnight" if hour == 0 else "noon"
    part = "in the morning" if 4 <= hour < 12 else "in the afternoon" if 12 <= hour < 18 else ""
    part = part or ("in the evening" if 18 <= hour < 22 else "at night")
    if minute == 45:
        return f"quarter to {number(hour % 12 + 1)} {part}"
    named = number(hour % 12 or 12)
    if minute in (15, 30):
        return f"{'quarter' if minute == 15 else 'half'} past {named} {part}"
    spoken = "o'clock" if minute == 0 else ("oh " if minute < 10 else "") + number(minute)
    return f"{named} {spoken} {part}"


def calendar(at: date) -> str:
    """The day as one says it: "Friday, the twentieth of November"."""
    return f"{at:%A}, the {ordinal(at.day)} of {at:%B}"


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum somebody asked for, in words; `result` is None where there is none."""

    question: str
    result: str | None


def arithmetic(text: str) -> Sum | None:
    """The sum in "what is seven times eight"; None when the text asks for anything else."""
    tokens = _tokens(text)
    for start in range(len(tokens)):
        left, at = _parse(tokens, start)
        if at == start:
            continue
        operator, after = _operator(tokens, at)
        right, end = _parse(tokens, after)
        if operator and end > after and _only_asks([*tokens[:start], *tokens[end:]]):
            said = f"{number(left)} {_SPOKEN_OPERATOR[operator]} {number(right)}"
            return Sum(said, _result(left, operator, right))
        return None
    return None


def _only_asks(tokens: list[str]) -> bool:
    return all(token in _ARITHMETIC_ASKS for token in tokens)


def _tokens(text: str) -> list[str]:
    for symbol, plain in _SYMBOLS.items():
        text = text.replace(symbol, plain)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.lower())
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    text = re.sub(r"\ban? (?=hundred|thousand|million)", "one ", text)
    return re.findall(r"\d+(?=x\d)|x(?=\d)|\d+|[+*/-]|[a-z']+", text)


def _operator(tokens: list[str], at: int) -> tuple[str, int]:
    for operator, names in _OPERATORS.items():
        for name in (operator, *names):
            parts = name.split()
            if tokens[at : at + len(parts)] == parts:
                return operator, at + len(parts)
    return "", at


def _parse(tokens: list[str], start: int) -> tuple[int, int]:
    """A number that begins at token `start`, and where it ends (`start` if there is none)."""
    if start < len(tokens) and tokens[start].isdecimal():
        value = int(tokens[start][:12])
        return (value, start + 1) if value <= LARGEST else (0, start)
    total = group = 0
    at = start
    while at < len(tokens):
        token = tokens[at]
        if token in _VALUES and _fits(group, _VALUES[token], at == start):
            group += _VALUES[token]
        elif token == "hundred" and 0 < group < 10:
            group *= 100
        elif token in ("thousand", "million") and group:
            total, group = total + group * (1000 if token == "thousand" else 1_000_000), 0
        elif not (token == "and" and _and_joins(tokens, at, group)):
            break
        at += 1
    return total + group, at


def _fits(group: int, value: int, first: bool) -> bool:
    """Whether "seven" may follow "twenty" as one number; "two" after "seven" begins another."""
    if value == 0 or group == 0:
        return first or (value != 0 and group == 0)
    room = group % 100
    return room == 0 or (room >= 20 and room % 10 == 0 and value < 10)


def _and_joins(tokens: list[str], at: int, group: int) -> bool:
    return group >= 100 and group % 100 == 0 and at + 1 < len(tokens) and tokens[at + 1] in _VALUES


def _result(left: int, operator: str, right: int) -> str | None:
    if operator == "/":
        return None if right == 0 else _decimal(Decimal(left) / Decimal(right))
    value = {"+": left + right, "-": left - right, "*": left * right}[operator]
    return number(value) if abs(value) <= LARGEST else None


def _decimal(value: Decimal) -> str:
    rounded = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    whole, digits = int(rounded), f"{rounded:.2f}".split(".")[1].rstrip("0")
    said = number(whole) + (" point " + " ".join(_SMALL[int(d)] for d in digits) if digits else "")
    return said if rounded == value else f"about {said}"
