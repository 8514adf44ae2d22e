"""Percentiles, the same everywhere."""

from collections.abc import Sequence

import numpy as np


def first_lasting(moments: Sequence[float], holds: Sequence[bool], count: int) -> float | None:
    """The moment from which on something holds `count` times in a row, for the first time."""
    run = 0
    for index, true in enumerate(holds):
        run = run + 1 if true else 0
        if run == count:
            return float(moments[index - count + 1])
    return None


def spread(values: Sequence[float], scale: float = 1000.0, digits: int = 1) -> dict[str, float]:
    """n, min, p50, p95, max; in milliseconds unless scaled otherwise. Empty: n = 0."""
    if not values:
        return {"n": 0}
    scaled = np.array(values) * scale
    return {
        "n": len(values),
        "min": round(float(scaled.min()), digits),
        "p50": round(float(np.percentile(scaled, 50)), digits),
        "p95": round(float(np.percentile(scaled, 95)), digits),
        "max": round(float(scaled.max()), digits),
    }
