from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.gateway.premium.demand import MAX_COUNT, MAX_KEYS_PER_CALL, Demand
from services.gateway.upstream.clients import Jobs


class RecordingJobs(Jobs):
    """A fake jobs client that records reported demand; it raises UNAVAILABLE while `unavailable` is set."""

    def __init__(self) -> None:
        self.calls: list[dict[ComparisonKey, int]] = []
        self.unavailable = False

    async def report_demand(self, demand: Sequence[tuple[ComparisonKey, int]]) -> None:
        if self.unavailable:
            raise WarmcastError(errors.UNAVAILABLE, "unavailable")
        self.calls.append(dict(demand))


def _key(number: int) -> ComparisonKey:
    return ComparisonKey(f"a-vs-b{number}", "12m", "")


async def test_counts_are_summed_and_reported_once() -> None:
    jobs = RecordingJobs()
    demand = Demand(jobs)
    for number in (1, 2, 1):
        demand.count(_key(number))
    await demand.flush()
    await demand.flush()
    assert jobs.calls == [{_key(1): 2, _key(2): 1}]


async def test_a_report_has_at_most_a_thousand_comparisons() -> None:
    jobs = RecordingJobs()
    demand = Demand(jobs)
    for number in range(MAX_KEYS_PER_CALL + 5):
        demand.count(_key(number))
    await demand.flush()
    assert [len(call) for call in jobs.calls] == [MAX_KEYS_PER_CALL, 5]


async def test_a_failed_report_is_kept() -> None:
    jobs = RecordingJobs()
    demand = Demand(jobs)
    demand.count(_key(1))
    jobs.unavailable = True
    await demand.flush()
    demand.count(_key(1))
    jobs.unavailable = False
    await demand.flush()
    assert jobs.calls == [{_key(1): 2}]


async def test_a_count_stays_within_the_limit_of_jobs() -> None:
    jobs = RecordingJobs()
    demand = Demand(jobs)
    demand.count(_key(1), MAX_COUNT)
    demand.count(_key(1))
    await demand.flush()
    assert jobs.calls == [{_key(1): MAX_COUNT}]


@pytest.mark.parametrize("most", [1, 3])
async def test_the_table_is_bounded(most: int) -> None:
    jobs = RecordingJobs()
    demand = Demand(jobs, max_keys=most)
    for number in range(10):
        demand.count(_key(number))
        demand.count(_key(0))
    await demand.flush()
    assert len(jobs.calls[0]) == most
    assert jobs.calls[0][_key(0)] == 11
