"""Which of several providers serves: the best one that is well, and a better one again in time.

Pure: whoever uses it brings the time. A provider that failed rests 1, 2, 4, 8 s and so on, at most
half a minute, or as long as it asked for (`Retry-After`); then it may be tried again, in its turn.
The last of a stage needs no network and is tried always.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

FIRST_REST_S = 1.0
LONGEST_REST_S = 30.0
LONGEST_ASKED_S = 120.0
"""A provider that asks for more than this is asked again all the same."""


class Health:
    """One provider's failures, and until when it rests."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = 0
        self.reason = ""
        self.rests_until = 0.0

    @property
    def well(self) -> bool:
        """It has not failed since it last served."""
        return self.failures == 0

    def failed(self, now: float, reason: str, *, retry_after_s: float | None = None) -> float:
        """Note a failure; returns the seconds for which it rests."""
        rest: float = min(FIRST_REST_S * 2**self.failures, LONGEST_REST_S)
        if retry_after_s is not None:
            rest = max(rest, min(retry_after_s, LONGEST_ASKED_S))
        self.failures = min(self.failures + 1, 16)
        self.reason = reason
        self.rests_until = now + rest
        return rest

    def served(self) -> None:
        """It did what it is for: well again."""
        self.failures, self.reason, self.rests_until = 0, "", 0.0

    def may_try(self, now: float) -> bool:
        return now >= self.rests_until


class Stage:
    """The providers of one stage, best first, and which of them serves now.

    what: "ear", "mind" or "voice". Listeners are called with the index of the one that serves,
    when it changes; len(names) means that none does.
    """

    def __init__(
        self, what: str, names: Sequence[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not names:
            raise ValueError(f"the {what} needs a provider")
        self.what = what
        self.health = [Health(name) for name in names]
        self.serving = 0
        self.listeners: list[Callable[[int], None]] = []
        self._clock = clock

    @property
    def name(self) -> str:
        """The one that serves, or "none"."""
        return self.health[self.serving].name if self.serving < len(self.health) else "none"

    def order(self) -> list[int]:
        """Whom to try now, best first; the last one always."""
        now, last = self._clock(), len(self.health) - 1
        return [n for n, one in enumerate(self.health) if n == last or one.may_try(now)]

    def rested(self) -> list[int]:
        """The same, without the last one while that rests too."""
        now = self._clock()
        return [n for n, one in enumerate(self.health) if one.may_try(now)]

    def failed(self, index: int, error: BaseException | str) -> float:
        """Note it; returns the seconds for which it rests."""
        reason = error if isinstance(error, str) else words_of(error)
        asked = None if isinstance(error, str) else retry_after(error)
        return self.health[index].failed(self._clock(), reason, retry_after_s=asked)

    def served(self, index: int) -> None:
        self.health[index].served()
        self.use(index)

    def use(self, index: int) -> None:
        """This one serves now (well or not)."""
        if index != self.serving:
            self.serving = index
            for listener in list(self.listeners):
                listener(index)

    def better_due(self) -> int | None:
        """A better one than the one that serves, whose rest is over."""
        return next((n for n in self.order() if n < self.serving), None)


def words_of(error: BaseException) -> str:
    """An error in a few words, without what a provider quotes of the request."""
    status = getattr(error, "status_code", None)
    text = str(getattr(error, "message", "") or error) or type(error).__name__
    text = text.split(" for text:")[0]  # LiveKit quotes what was to be said
    return f"{type(error).__name__}: {text[:200]}" + (f" ({status})" if status else "")


def retry_after(error: BaseException, *, now: float | None = None) -> float | None:
    """The seconds of rest that a provider asked for, from anywhere in an error's causes."""
    seen: BaseException | None = error
    for _ in range(6):
        if seen is None:
            return None
        headers = getattr(seen, "headers", None) or getattr(
            getattr(seen, "response", None), "headers", None
        )
        if headers is not None and (found := _seconds(headers, now)) is not None:
            return found
        seen = seen.__cause__ or seen.__context__
    return None


def _seconds(headers: Mapping[str, Any], now: float | None) -> float | None:
    text = str(headers.get("Retry-After") or headers.get("retry-after") or "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
    return max(0.0, at - (time.time() if now is None else now))
