"""Percentiles, the same everywhere."""

from collections.abc import Sequence

import numpy as np


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
