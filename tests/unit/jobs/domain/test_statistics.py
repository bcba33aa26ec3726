"""Statistics of attempts: windows, bars and percentiles of histograms."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from services.jobs.domain.reports.statistics import (
    FIRST,
    LAST_BUCKET,
    RATIO,
    REFUSED,
    WINDOWS,
    Counted,
    Percentiles,
    bucket_middle,
    percentiles,
    summarise,
)

NOW = datetime(2026, 11, 30, 14, 7, 31, tzinfo=UTC)


@pytest.mark.parametrize("hours", WINDOWS)
@pytest.mark.parametrize("now", [NOW, NOW.replace(minute=0, second=0), NOW.replace(hour=23, minute=59, second=59)])
def test_bars_fill_the_window_up_to_now(hours: int, now: datetime) -> None:
    window = WINDOWS[hours]
    found = summarise(window, now=now, counted=(), wait=Percentiles(), run=Percentiles(), bucketed=True)
    starts = [bar.start for bar in found.bars]
    assert len(starts) == timedelta(hours=hours) / window.bar
    assert {later - earlier for earlier, later in pairwise(starts)} == {window.bar}
    assert starts[0] == found.begin == window.begin(now)
    assert starts[-1] <= now < starts[-1] + window.bar
    assert all(start.timestamp() % window.bar.total_seconds() == 0 for start in starts)


def test_counts_are_summed_by_outcome_and_bar() -> None:
    window = WINDOWS[1]
    begin = window.begin(NOW)
    counted = [
        Counted(begin, "ready", "", 5),
        Counted(begin, "retry", "busy", 2),
        Counted(begin + window.bar, "ready", "", 1, cache_losses=1),
        Counted(begin + window.bar, "deadline-passed", "", 7),
        Counted(begin + window.bar, REFUSED, "", 3),
    ]
    found = summarise(window, now=NOW, counted=counted, wait=Percentiles(), run=Percentiles(), bucketed=False)
    assert found.outcomes == (("deadline-passed", "", 7), ("ready", "", 6), ("retry", "busy", 2))
    assert found.rescues == (("lease-expired", 0), ("deadline-passed", 7))
    assert (found.late_results_refused, found.cache_losses) == (3, 1)
    first, second, *rest = found.bars
    assert (first.ready, first.retried, first.failed, first.other) == (5, 2, 0, 0)
    assert (second.ready, second.retried, second.failed, second.other) == (1, 0, 0, 7)
    assert not any(bar.ready + bar.retried + bar.failed + bar.other for bar in rest)


def test_the_middle_of_a_bucket_is_within_five_per_cent_of_all_in_it() -> None:
    for bucket in range(1, LAST_BUCKET):
        low, high = FIRST * RATIO ** (bucket - 1), FIRST * RATIO**bucket
        assert bucket_middle(bucket) == pytest.approx(math.sqrt(low * high))
        assert bucket_middle(bucket) / low < 1.05
        assert high / bucket_middle(bucket) < 1.05
    assert bucket_middle(0) == FIRST


def test_percentiles_of_a_histogram() -> None:
    assert percentiles({}) == Percentiles()
    found = percentiles({100: 1, 10: 94, 50: 5})
    assert found == Percentiles(100, bucket_middle(10), bucket_middle(50), bucket_middle(50))
    assert percentiles({7: 1}) == Percentiles(1, *(bucket_middle(7),) * 3)
