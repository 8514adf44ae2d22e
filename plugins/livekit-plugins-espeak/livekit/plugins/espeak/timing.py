"""One clause of espeak-ng's sound laid on the clock of its segment: trimmed, joined, timed.

Pure. espeak-ng marks a plosive where it bursts; the mouth has closed before, in the silence that
goes ahead, so a plosive's phone here begins where the sound before it ends. Phones cover the
segment without gap or overlap; silence is the phone "_".
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .child import Speech
from .spoken import Spoken

PAUSE = "_"
QUIET = 40
"""Samples of int16 below it are silence."""
LEAD_S = 0.05
"""Silence kept before a clause: a plosive closes in it."""
TAIL_S = 0.005
FADE_S = 0.004
CLOSURE_S = 0.08
"""The longest silence that is a plosive's closure; more is a pause with the closure at its end."""
MERGED_S = 0.06
"""espeak-ng renders some sounds (the l of "well") inside the one before; they get its last part."""

_PLOSIVES = frozenset("pbtdkɡgcɟqɢʈɖ")  # affricates begin with one of them
_MARKS = str.maketrans("", "", "ˈˌ-")
"""Stress, and the hyphen that espeak-ng writes after a vowel it may drop."""


@dataclass(frozen=True, slots=True)
class TimedPhone:
    """A speech sound in IPA without marks of stress, or PAUSE; seconds from the segment's start."""

    symbol: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A written word with the white space after it; seconds from the segment's start."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Laid:
    """A clause on the segment's clock. `pcm`: (n,) int16, the pause before it included."""

    pcm: NDArray[np.int16]
    phones: tuple[TimedPhone, ...]
    words: tuple[TimedWord, ...]


@dataclass(slots=True)
class _Mark:
    """A phone in the making; samples of the clause's own sound."""

    symbol: str
    event: int
    start: int
    end: int


def lay_out(
    speech: Speech, spoken: Spoken, written: str, *, rate: int, clock: int, pause: int
) -> Laid | None:
    """Trim a clause and put it at `clock` after `pause` (samples at `rate` Hz). None: no sound."""
    sound = np.frombuffer(bytes(speech.pcm), np.int16)
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) >= QUIET)
    if loud.size == 0:
        return None
    first = max(0, int(loud[0]) - round(LEAD_S * rate))
    last = min(len(sound), int(loud[-1]) + 1 + round(TAIL_S * rate))
    marks = _closures(_marks(speech.phones, len(sound), rate), loud, rate)
    marks = _fit(marks, first, last)
    shift = clock + pause - first
    phones = [TimedPhone(m.symbol, (m.start + shift) / rate, (m.end + shift) / rate) for m in marks]
    if pause:
        onset = clock + pause - _closing(marks[0], int(loud[0]) - first, pause, rate)
        phones[0] = replace(phones[0], start_s=onset / rate)
        phones.insert(0, TimedPhone(PAUSE, clock / rate, onset / rate))
    words = tuple(
        TimedWord(text, (start + shift) / rate, (end + shift) / rate)
        for text, start, end in _words(speech.words, spoken, written, marks)
    )
    pcm = np.concatenate([np.zeros(pause, np.int16), _faded(sound[first:last], rate)])
    return Laid(pcm, _merged(phones), words)


def _marks(events: list[tuple[str, int]], length: int, rate: int) -> list[_Mark]:
    """Phones from their events; each lasts to the next one."""
    # "(en)" tells of a word in another language and has no sound of its own
    events = [(name, place) for name, place in events if not name.startswith("(")]
    ends = [place for _, place in events[1:]] + [length]
    marks: list[_Mark] = []
    for (name, start), end in zip(events, ends, strict=True):
        symbol = name.translate(_MARKS) or PAUSE
        if start >= end and symbol != PAUSE and marks:
            before = marks[-1]
            start = end - min(round(MERGED_S * rate), (end - before.start) // 3)
            before.end = start
        if start < end:
            marks.append(_Mark(symbol, start, start, end))
    return marks


def _closures(marks: list[_Mark], loud: NDArray[np.intp], rate: int) -> list[_Mark]:
    """Give each plosive the silence before its burst."""
    longest = round(CLOSURE_S * rate)
    for before, mark in pairwise(marks):
        if mark.symbol[0] not in _PLOSIVES:
            continue
        heard = int(np.searchsorted(loud, mark.start))
        quiet_from = int(loud[heard - 1]) + 1 if heard else 0
        floor = before.start if before.symbol == PAUSE else before.start + 1
        mark.start = max(quiet_from, mark.start - longest, floor)
        before.end = mark.start
    return [mark for mark in marks if mark.start < mark.end]


def _fit(marks: list[_Mark], first: int, last: int) -> list[_Mark]:
    """Cover first..last exactly: cut what was trimmed, fill the ends with silence."""
    kept: list[_Mark] = []
    for mark in marks:
        mark.start, mark.end = max(mark.start, first), min(mark.end, last)
        if mark.start < mark.end:
            kept.append(mark)
    begin = kept[0].start if kept else last
    if first < begin:
        # nothing sounds before the burst of a plosive at the very start, so the lips are closed
        if kept and kept[0].symbol[0] in _PLOSIVES:
            kept[0].start = first
        else:
            kept.insert(0, _Mark(PAUSE, first, first, begin))
    if kept[-1].end < last:
        kept.append(_Mark(PAUSE, last, kept[-1].end, last))
    return kept


def _closing(mark: _Mark, quiet: int, pause: int, rate: int) -> int:
    """Samples of the pause in which a plosive closes, when its clause begins with its burst."""
    if mark.symbol[0] not in _PLOSIVES:
        return 0
    return min(max(0, round(LEAD_S * rate) - quiet), pause // 2)


def _merged(phones: list[TimedPhone]) -> tuple[TimedPhone, ...]:
    """Neighbouring pauses become one."""
    merged: list[TimedPhone] = []
    for phone in phones:
        if merged and merged[-1].symbol == phone.symbol == PAUSE:
            merged[-1] = TimedPhone(PAUSE, merged[-1].start_s, phone.end_s)
        else:
            merged.append(phone)
    return tuple(merged)


def _words(
    events: list[tuple[int, int]], spoken: Spoken, written: str, marks: list[_Mark]
) -> list[tuple[str, int, int]]:
    """(written word and what follows it, start, end) in samples; joined they are `written`."""
    starts: list[tuple[int, int]] = []  # (place in the written text, sample)
    for position, sample in events:
        index = min(max(position, 0), len(spoken.origin) - 1)
        while index + 1 < len(spoken.text) and spoken.text[index].isspace():
            index += 1
        place = _token_start(written, spoken.origin[index])
        if not starts or place > starts[-1][0]:
            starts.append((place, sample))
    if not starts:
        starts = [(0, marks[0].start)]
    starts[0] = (0, starts[0][1])
    out = []
    for (place, sample), after in zip(starts, [*starts[1:], None], strict=True):
        start = _onset(marks, sample)
        until = marks[-1].end if after is None else _onset(marks, after[1])
        heard = [m.end for m in marks if m.symbol != PAUSE and start <= m.start < until]
        text = written[place : after[0] if after else len(written)]
        out.append((text, start, min(max(heard, default=start), until)))
    return out


def _onset(marks: list[_Mark], sample: int) -> int:
    """Where the first sound at or after a word's event begins."""
    for mark in marks:
        if mark.event >= sample and mark.symbol != PAUSE:
            return mark.start
    return marks[-1].end


def _token_start(written: str, place: int) -> int:
    """The start of the word around `place`; where words have no spaces between, `place` itself."""
    while place > 0 and not written[place - 1].isspace() and ord(written[place]) < 0x2E80:
        place -= 1
    return place


def _faded(sound: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """No click at the joints: the cut ends run from and to silence."""
    length = min(round(FADE_S * rate), len(sound) // 2)
    out = sound.astype(np.float32)
    ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
    out[:length] *= ramp
    out[len(out) - length :] *= ramp[::-1]
    return out.round().astype(np.int16)
