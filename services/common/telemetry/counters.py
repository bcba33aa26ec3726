"""Counters whose series start at 0: rate() and increase() miss a series that starts at 1."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from prometheus_client import Counter


def count_from_zero(counter: Counter, *values: Iterable[str]) -> Counter:
    """Creates a series at 0 for each combination of the labels' values, given label by label."""
    for labels in product(*values):
        counter.labels(*labels)
    return counter
