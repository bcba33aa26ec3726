"""Counters whose series are there from the start: rate() and increase() see nothing of one that begins at 1."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from prometheus_client import Counter


def count_from_zero(counter: Counter, *values: Iterable[str]) -> Counter:
    """The counter, with a series at 0 for each combination of its labels' values, given label by label."""
    for labels in product(*values):
        counter.labels(*labels)
    return counter
