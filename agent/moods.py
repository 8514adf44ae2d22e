"""Mood tags: `[mood:happy]` in a model's text moves the face and is never heard or read.

It knows nothing of faces: it yields Mood values in order with the clean text. A tag may be split
over any number of deltas, so text after a `[` is held back until it is clear what it is, at most
HOLD_LIMIT characters; all other brackets pass.
"""

import re
from collections import deque
from collections.abc import Iterator

from avatar.frames import Mood

HOLD_LIMIT = 48
"""Characters held back at most; a bracket that is still open by then is not a tag."""

_TAG = re.compile(r"\[\s*mood\s*(?:[:=]\s*([\w -]*?)\s*)?\]", re.IGNORECASE)
_BEGUN = re.compile(
    r"(?:\[\s*(?:m(?:o(?:o(?:d(?:\s*(?:[:=][\w\s-]*)?)?)?)?)?)?)+\Z", re.IGNORECASE
)  # every beginning of a tag, and of tags within it: taking those out must not leave a tag
_BROKEN = re.compile(r"\[\s*mood\s*[:=]\s*(\w*)", re.IGNORECASE)
_MOODS = {mood.value: mood for mood in Mood}


def tag(mood: Mood) -> str:
    """The tag as a script or a model writes it."""
    return f"[mood:{mood.value}]"


def parse(text: str) -> tuple[str, list[Mood]]:
    """Clean text and its moods in order, for a text that is complete."""
    stream = MoodFilter()
    items = [*stream.feed(text), *stream.flush()]
    return (
        "".join(item for item in items if isinstance(item, str)),
        [item for item in items if isinstance(item, Mood)],
    )


def opening(text: str) -> tuple[str, Mood | None]:
    """Clean text, and the mood in which it begins: that of the tag before its first word."""
    stream = MoodFilter()
    items = [*stream.feed(text), *stream.flush()]
    return "".join(item for item in items if isinstance(item, str)).strip(), stream.opening


class Openings:
    """In which mood each of the last replies began. LiveKit hands a voice the text of a reply, and
    not the reply: it is found by its first letters."""

    def __init__(self) -> None:
        self._known: deque[tuple[str, Mood | None]] = deque(maxlen=8)

    def note(self, text: str, mood: Mood | None) -> None:
        self._known.append((_letters(text), mood))

    def of(self, text: str) -> Mood | None:
        """The newest one's that has these letters, or the first of them."""
        wanted = _letters(text)
        for known, mood in reversed(self._known):
            if known.startswith(wanted) or wanted.startswith(known):
                return mood
        return None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


class MoodFilter:
    """Takes one reply's text as it comes; gives clean text and moods in their order.

    Unknown moods and broken tags vanish. A tag's neighbouring spaces are merged into one. Any split
    of a text gives the same clean text. Not for use by two streams at once.

    first: the first words of the newest reply; opening: the mood whose tag was before them.
    """

    def __init__(self) -> None:
        self.first = ""
        self.opening: Mood | None = None
        self._reset()

    def _reset(self) -> None:
        self._held = ""
        self._spaced = True  # the clean text ends in a space, or is empty
        self._after_tag = False

    def feed(self, delta: str) -> list[str | Mood]:
        """What is certain after `delta`; neighbouring text comes in one piece."""
        items = _joined(self._take(delta))
        for item in items:
            if self.first:
                break
            if isinstance(item, Mood):
                self.opening = item
            else:
                self.first = item.strip()
        return items

    def flush(self) -> list[str | Mood]:
        """The end of the reply: an unfinished tag is dropped. The filter is ready for the next."""
        mood = _MOODS.get(found[1].lower()) if (found := _BROKEN.match(self._held)) else None
        self._reset()
        return [] if mood is None else [mood]

    def _take(self, delta: str) -> Iterator[str | Mood]:
        while delta:
            if not self._held:
                text, bracket, delta = delta.partition("[")
                yield self._clean(text)
                self._held = bracket
            else:  # one at a time: the next one may complete the tag
                self._held, delta = self._held + delta[0], delta[1:]
                yield from self._settle()

    def _settle(self) -> Iterator[str | Mood]:
        """Give out of the held text whatever can no longer become a tag."""
        while self._held:
            if found := _TAG.fullmatch(self._held, max(self._held.rfind("["), 0)):
                self._held, self._after_tag = self._held[: found.start()], True
                yield from _known(found[1])
            elif self._held[0] != "[":
                text, bracket, rest = self._held.partition("[")
                self._held = bracket + rest
                yield self._clean(text)
            elif len(self._held) <= HOLD_LIMIT and _BEGUN.match(self._held):
                return
            elif found := _BROKEN.match(self._held):
                # swallowing up to some later bracket could eat the whole reply
                self._held, self._after_tag = self._held[found.end() :], True
                yield from _known(found[1])
            else:
                self._held = self._held[1:]
                yield self._clean("[")

    def _clean(self, text: str) -> str:
        if self._after_tag and self._spaced:
            text = text.lstrip(" \t")
        if text:
            self._after_tag = False
            self._spaced = text[-1].isspace()
        return text


def _known(name: str | None) -> Iterator[Mood]:
    mood = _MOODS.get((name or "").strip().lower())
    if mood is not None:
        yield mood


def _joined(items: Iterator[str | Mood]) -> list[str | Mood]:
    joined: list[str | Mood] = []
    for item in items:
        if isinstance(item, str) and joined and isinstance(joined[-1], str):
            joined[-1] += item
        elif item != "":
            joined.append(item)
    return joined
