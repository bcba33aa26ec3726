"""Which comparisons an outage covers."""

from __future__ import annotations

from services.common.comparison import ComparisonKey
from services.gateway.premium.outages import Outages

SLOW, OTHER, THIRD = (ComparisonKey(f"a-vs-{name}", "12m", "") for name in ("slow", "other", "third"))
LONG = 60.0


def test_a_failure_counts_for_its_own_comparison() -> None:
    outages = Outages()
    for _ in range(3):
        outages.record_failure(SLOW, TimeoutError(), seconds=LONG)
    assert (outages.active(SLOW), outages.active(OTHER)) == (True, False)


def test_failures_of_one_batch_count_once() -> None:
    outages = Outages()
    shared = TimeoutError()
    for key in (SLOW, OTHER):
        outages.record_failure(key, shared, seconds=LONG)
    assert (outages.active(SLOW), outages.active(OTHER), outages.active(THIRD)) == (True, True, False)


def test_failures_of_two_comparisons_without_a_success_between_count_for_all() -> None:
    outages = Outages()
    outages.record_failure(SLOW, TimeoutError(), seconds=LONG)
    outages.record_success()
    outages.record_failure(OTHER, TimeoutError(), seconds=LONG)
    assert not outages.active(THIRD)
    outages.record_failure(SLOW, TimeoutError(), seconds=LONG)
    assert outages.active(THIRD)


def test_an_outage_ends_after_its_seconds() -> None:
    outages = Outages()
    outages.record_failure(SLOW, TimeoutError(), seconds=-1)
    outages.record_failure(OTHER, TimeoutError(), seconds=-1)
    assert not any(outages.active(key) for key in (SLOW, OTHER, THIRD))
