"""What failed calls say about other comparisons."""

from __future__ import annotations

from services.common.comparison import ComparisonKey
from services.gateway.premium.outages import Outages

SLOW, OTHER, THIRD = (ComparisonKey(f"a-vs-{name}", "12m", "") for name in ("slow", "other", "third"))
LONG = 60.0


def test_a_failed_call_is_about_its_own_comparison() -> None:
    outages = Outages()
    for _ in range(3):
        outages.record_failure(SLOW, TimeoutError(), seconds=LONG)
    assert (outages.active(SLOW), outages.active(OTHER)) == (True, False)


def test_calls_that_were_sent_together_and_failed_together_are_one_failure() -> None:
    outages = Outages()
    shared = TimeoutError()
    for key in (SLOW, OTHER):
        outages.record_failure(key, shared, seconds=LONG)
    assert (outages.active(SLOW), outages.active(OTHER), outages.active(THIRD)) == (True, True, False)


def test_failures_of_two_comparisons_are_about_the_service_unless_one_was_answered_between_them() -> None:
    outages = Outages()
    outages.record_failure(SLOW, TimeoutError(), seconds=LONG)
    outages.record_success()
    outages.record_failure(OTHER, TimeoutError(), seconds=LONG)
    assert not outages.active(THIRD)
    outages.record_failure(SLOW, TimeoutError(), seconds=LONG)
    assert outages.active(THIRD)


def test_it_holds_for_its_seconds_alone() -> None:
    outages = Outages()
    outages.record_failure(SLOW, TimeoutError(), seconds=-1)
    outages.record_failure(OTHER, TimeoutError(), seconds=-1)
    assert not any(outages.active(key) for key in (SLOW, OTHER, THIRD))
