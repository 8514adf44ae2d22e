"""How often one of many may ask: a token bucket per address in a table of fixed size.

Pure: `now` is an argument. It refuses to remember more than `places` addresses; the one that
asked longest ago is forgotten first, and a forgotten address starts again with a full bucket.
"""

from collections import OrderedDict


class RateLimit:
    """`burst` requests at once, then `per_second` of them. The clock (s) is the caller's."""

    def __init__(self, *, burst: int, per_second: float, places: int = 4096) -> None:
        if burst < 1 or per_second <= 0 or places < 1:
            raise ValueError(f"no such limit: {burst=} {per_second=} {places=}")
        self._burst = float(burst)
        self._per_second = per_second
        self._places = places
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, address: str, now: float) -> float:
        """Take one request. Returns 0 when it may pass, else the seconds until the next one may."""
        level, since = self._buckets.pop(address, (self._burst, now))
        level = min(self._burst, level + max(0.0, now - since) * self._per_second)
        allowed = level >= 1.0
        self._buckets[address] = (level - 1.0 if allowed else level, now)
        if len(self._buckets) > self._places:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - level) / self._per_second
