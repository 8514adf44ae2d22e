"""Benchmarks: each measures the running product, beside a floor or a peer taken in the same run."""
