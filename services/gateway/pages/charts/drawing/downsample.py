"""Reduces a series to the points that can be seen."""

from __future__ import annotations

from collections.abc import Sequence

MAX_POINTS = 600


def downsample(values: Sequence[float | None], limit: int = MAX_POINTS) -> list[int]:
    """Indexes of at most `limit` points, ascending: the first, the last, and each bucket's minimum and maximum.

    An index whose value is None stands for a gap. A bucket with unknown values keeps one of them, from its longest gap,
    so that no line is drawn across it.
    """
    count = len(values)
    if count <= limit:
        return list(range(count))
    kept_per_bucket = 3 if None in values else 2
    buckets = (limit - 2) // kept_per_bucket
    kept = {0, count - 1}
    inner = count - 2
    for bucket in range(buckets):
        start, end = 1 + bucket * inner // buckets, 1 + (bucket + 1) * inner // buckets
        kept.update(_extremes(values, start, end))
        kept.update(_longest_gap(values, start, end))
    return sorted(kept)


def _extremes(values: Sequence[float | None], start: int, end: int) -> tuple[int, ...]:
    known = [(value, index) for index in range(start, end) if (value := values[index]) is not None]
    return (min(known)[1], max(known)[1]) if known else ()


def _longest_gap(values: Sequence[float | None], start: int, end: int) -> tuple[int, ...]:
    longest: tuple[int, ...] = ()
    run, most = 0, 0
    for index in range(start, end):
        run = run + 1 if values[index] is None else 0
        if run > most:
            longest, most = (index,), run
    return longest
