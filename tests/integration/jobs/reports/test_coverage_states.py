"""The state of forecasts that coverage reports is that of the premium answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common.freshness import FRESH_FOR, RETAINED_FOR, Staleness
from services.forecaster.cache.bundles import BundlePair
from services.forecaster.cache.freshness import Freshness, assess_freshness
from services.gateway.premium.decision import Bundles, Served, decide
from services.jobs.domain.reports.coverage import CoverageState
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.reports.test_coverage import listed, ready, terms
from tests.integration.jobs.service import Jobs, serving

MINUTE = timedelta(minutes=1)
AGES = (timedelta(), FRESH_FOR - MINUTE, FRESH_FOR + MINUTE, RETAINED_FOR - MINUTE, RETAINED_FOR + MINUTE)
ENGINES = ("8", "9", "9-trial", "10", "unknown")


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def made(store: Store, term: str, age: timedelta, engine_version: str, *, superseded: bool = False) -> None:
    """A comparison with forecasts of this age; `superseded`: newer data came since."""
    job_id = await ready(store, term, hours_ago=age / timedelta(hours=1))
    await store.execute(
        "UPDATE warmup_jobs SET engine_version = %(version)s WHERE id = %(id)s", version=engine_version, id=job_id
    )
    if superseded:
        await store.comparison(term, values=(1, 2, 3, 4, 5))


def premium(age: timedelta, engine_version: str, *, own: str, superseded: bool) -> tuple[str, str]:
    """State and reason by the functions of the premium answer."""
    now = datetime(2026, 1, 8, tzinfo=UTC)
    pair = BundlePair(1, engine_version, now - age, b"", b"", b"")
    bundles = Bundles(assess_freshness(pair, now=now, own_version=own).name.lower())
    current, previous = (Bundles.MISSING, bundles) if superseded else (bundles, Bundles.MISSING)
    decision = decide(current, previous, None)
    if decision.served is Served.NOTHING:
        return "cold", ""
    if not decision.stale:
        return "fresh", ""
    if decision.served is Served.PREVIOUS:
        return "stale", Staleness.SNAPSHOT
    # The reason is what would make the forecasts fresh.
    renewed = replace(pair, generated_at=now)
    by_age = assess_freshness(renewed, now=now, own_version=own) is Freshness.FRESH
    return "stale", Staleness.AGE if by_age else Staleness.ENGINE_VERSION


async def test_each_state_is_that_of_the_premium_answer(jobs: Jobs) -> None:
    cases = {f"term{number}": case for number, case in enumerate(product(AGES, ENGINES, (False, True)))}
    for term, (age, engine_version, superseded) in cases.items():
        await made(jobs.store, term, age, engine_version, superseded=superseded)
    for own in ("9", "10", "11-trial"):
        jobs.store.newest_engine = own
        rows = await listed(jobs)
        found = {term: (row.state, row.stale_because) for term, row in zip(terms(rows), rows, strict=True)}
        assert found == {
            term: premium(age, engine_version, own=own, superseded=superseded)
            for term, (age, engine_version, superseded) in cases.items()
        }


async def test_filters_and_counts_are_those_of_the_states(jobs: Jobs) -> None:
    jobs.store.newest_engine = "9"
    for number, (age, engine_version, superseded) in enumerate(product(AGES, ENGINES, (False, True))):
        await made(jobs.store, f"term{number}", age, engine_version, superseded=superseded)
    rows = await listed(jobs)
    states = {
        term: "-".join(filter(None, (row.state, row.stale_because)))
        for term, row in zip(terms(rows), rows, strict=True)
    }
    assert set(states.values()) == set(CoverageState)
    for state in CoverageState:
        assert set(terms(await listed(jobs, state=state))) == {term for term, of in states.items() if of == state}
    stale = {term for term, of in states.items() if of.startswith("stale")}
    assert set(terms(await listed(jobs, state="stale"))) == stale
    summary = await jobs.operations.GetCoverageSummary(pb.GetCoverageSummaryRequest())
    counts = {state.replace("-", "_"): list(states.values()).count(state) for state in CoverageState}
    assert summary.all == pb.CoverageCount(comparisons=len(states), stale=len(stale), **counts)
    assert summary.engine_version == "9"


async def test_without_a_forecaster_no_engine_is_older(jobs: Jobs) -> None:
    await made(jobs.store, "tea", timedelta(), "8")
    [row] = await listed(jobs)
    assert (row.state, row.HasField("fresh_until")) == ("fresh", True)
    jobs.store.newest_engine = "9"
    page = await jobs.operations.ListCoverage(pb.ListCoverageRequest())
    [row] = page.comparisons
    assert (row.state, row.stale_because, row.HasField("fresh_until")) == ("stale", "engine-version", False)
    assert page.engine_version == "9"


async def test_a_refresh_keeps_the_reason(jobs: Jobs) -> None:
    """The engine version of a job is that of its last forecast, also while it runs."""
    jobs.store.newest_engine = "9"
    await made(jobs.store, "tea", timedelta(), "8")
    await jobs.store.execute("UPDATE warmup_jobs SET status = 'queued', completed_at = NULL, reason = 'refresh'")
    [row] = await listed(jobs)
    assert (row.state, row.stale_because) == ("stale", "engine-version")
