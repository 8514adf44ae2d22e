"""A file of timings: what is said when, in seconds, read and checked before anything is drawn.

    {"alphabet": "ipa" | "arpabet" | "sapi", "phones": [["p", 0.120, 0.180], ...],
     "words": [["papa", 0.120, 0.480], ...]}

Either list may be missing. In a call odd timings are passed over in silence; in a file they are a
mistake that somebody wants to know of, so the first one is named and nothing is guessed.
"""

import json
import math
from pathlib import Path
from typing import Final

from avatar.clip import RenderError
from avatar.frames import Phone, Timings, Word

_ALPHABETS: Final = ("ipa", "arpabet", "sapi")
_SLACK_S: Final = 0.25
"""Timings may end so much after the sound: many tools count the silence that was trimmed."""

Span = tuple[str, float, float]


def read_timings(path: Path, *, sound_s: float) -> Timings:
    """Read a file for a sound of this length. Raises RenderError with the entry that is wrong."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RenderError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RenderError(f"{path} is not JSON: {error}") from error
    if not isinstance(given, dict) or not ({"phones", "words"} & given.keys()):
        raise RenderError(f'{path} needs {{"alphabet": "ipa", "phones": [["p", 0.12, 0.18], ...]}}')
    alphabet = given.get("alphabet", "ipa")
    if alphabet not in _ALPHABETS:
        raise RenderError(f"{path}: alphabet is ipa, arpabet or sapi, not {alphabet!r:.40}")
    phones = [Phone(*span) for span in _spans(path, given.get("phones", []), "phone", sound_s)]
    words = [Word(*span) for span in _spans(path, given.get("words", []), "word", sound_s)]
    return Timings(tuple(phones), tuple(words), alphabet)


def _spans(path: Path, entries: object, what: str, sound_s: float) -> list[Span]:
    if not isinstance(entries, list):
        raise RenderError(f"{path}: {what}s is a list of [{what}, start, end], in seconds")
    spans: list[Span] = []
    for entry in entries:
        name, start, end = span = _span(path, entry, what)
        where = f"{path}: {what} {len(spans) + 1} ({name!r:.20}, {start:g} to {end:g} s)"
        if not (math.isfinite(start) and math.isfinite(end)):
            raise RenderError(f"{where} has a time that is not a number")
        if start < 0 or end <= start:
            raise RenderError(f"{where} must end after it starts, and start at 0 or later")
        if spans and start < spans[-1][1]:
            raise RenderError(f"{where} starts before the one that is listed before it")
        if end > sound_s + _SLACK_S:
            raise RenderError(f"{where} ends after the sound, which is {sound_s:.2f} s long")
        spans.append(span)
    return spans


def _span(path: Path, entry: object, what: str) -> Span:
    match entry:
        case [str(name), int() | float() as start, int() | float() as end] if not (
            isinstance(start, bool) or isinstance(end, bool)
        ):
            return name, float(start), float(end)
    raise RenderError(f"{path}: a {what} is [symbol, start, end] in seconds, not {entry!r:.60}")
