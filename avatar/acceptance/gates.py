"""A figure that was reached, the limits it has to keep, and a table of them.

The limits are those of the research behind the engine and of issue-level goals; what they mean is
in docs/portraits.md and beside each check. A check that could not be made is not in the table.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

By = Literal["rig", "pixels", "detector"]
"""Who measured: the geometry that is drawn, the pixels that came out, landmarks found in them."""

_WIDTH: Final = 44


@dataclass(frozen=True, slots=True)
class Reached:
    """One figure. low, high: what it must not be below and above; None: no such limit."""

    check: str
    by: By
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        value = self.value
        # a figure that is not a number is no figure
        above = self.low is None or value >= self.low
        return value == value and above and (self.high is None or value <= self.high)

    @property
    def gate(self) -> str:
        parts = [f">= {self.low:g}"] if self.low is not None else []
        parts += [f"<= {self.high:g}"] if self.high is not None else []
        return " and ".join(parts)


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's, of two (n,) rows; not a number where one of them never changes."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def table(reached: Sequence[Reached]) -> str:
    """Lines of check, measured by, value, limits and verdict."""
    lines = []
    for one in reached:
        verdict = "ok" if one.passed else "FAILS"
        note = f"  ({one.note})" if one.note else ""
        lines.append(
            f"  {one.check:{_WIDTH}} {one.by:9} {one.value:8.3f}  {one.gate:22} {verdict}{note}"
        )
    return "\n".join(lines)


def report(reached: Sequence[Reached]) -> list[dict[str, object]]:
    """The same for JSON."""
    return [asdict(one) | {"gate": one.gate, "passed": one.passed} for one in reached]
