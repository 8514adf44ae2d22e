"""Whether a portrait is good enough to be shown: the checks, what was reached, and the limits."""
