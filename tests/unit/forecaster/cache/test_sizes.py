"""The write probe is as large as the largest write of a run."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.insights.cost import SHAPES, example, stored_pair
from services.forecaster.cache.envelope import seal
from services.forecaster.cache.store import PROBE_PADDING

LONGEST_NAME = "𠀋" * 99  # four bytes each


def test_the_write_probe_is_as_large_as_the_largest_write() -> None:
    assert largest_write() < len(PROBE_PADDING) < 2 * largest_write()


def largest_write() -> int:
    """Bytes of a comparison with the most points and the longest names."""
    [longest] = [shape for shape in SHAPES if shape.name == "5,000 hours"]
    a, b = (replace(example(longest, label, 1), term=LONGEST_NAME + label[-1]) for label in ("termA", "termB"))
    return sum(len(value) for value in seal(stored_pair(a, b)))
