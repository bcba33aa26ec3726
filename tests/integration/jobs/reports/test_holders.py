"""The processes that hold leases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from warmcast.jobs.v1 import operations_pb2 as pb

from services.jobs.domain.reports import holders as limits
from services.jobs.postgres.reports import holders as holders_module
from services.jobs.postgres.reports.holders import Holders
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import Jobs, serving


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def test_the_holder_of_most_runs_comes_first_with_the_lease_that_ends_first(jobs: Jobs) -> None:
    store = jobs.store
    for term in "abcd":
        await store.queued(term)
    [one] = (await store.runner("one").claim(1)).claimed
    two = (await store.runner("two").claim(2)).claimed
    await store.execute(
        "UPDATE warmup_jobs SET lease_expires_at = now() - interval '5 s' WHERE id = %(id)s", id=two[1].id
    )
    found = (await jobs.operations.ListHolders(pb.ListHoldersRequest())).holders
    assert [(each.holder, each.running) for each in found] == [("two", 2), ("one", 1)]
    assert [job.job_id for job in found[0].jobs] == [two[1].id, two[0].id]
    assert -6 < found[0].shortest_lease_seconds < -4
    [held] = found[1].jobs
    assert (held.key.slug, held.lease_id, held.attempt) == (one.slug, one.lease_id, 1)
    assert 10 < held.lease_seconds <= 15
    assert found[1].oldest_claimed_at == held.claimed_at


async def test_runs_and_holders_are_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    query = holders_module._HOLDERS
    for limit, value in ((limits.MAX_HOLDERS, 2), (limits.MAX_HELD_JOBS, 1)):
        query = query.replace(f"<= {limit}", f"<= {value}")
    monkeypatch.setattr(holders_module, "_HOLDERS", query)
    for term in "abcdef":
        await store.queued(term)
    for holder, runs in (("one", 1), ("two", 2), ("three", 3)):
        await store.runner(holder).claim(runs)
    found = await Holders(store.database).holders()
    assert [(each.name, each.running, len(each.jobs)) for each in found] == [("three", 3, 1), ("two", 2, 1)]


async def test_a_row_without_lease_has_expired(store: Store) -> None:
    await store.queued()
    await store.execute("UPDATE warmup_jobs SET status = 'running', started_at = now()")
    [found] = await Holders(store.database).holders()
    assert (found.name, found.shortest_lease_seconds) == ("", 0)


async def test_without_runs_there_is_no_holder(jobs: Jobs) -> None:
    assert not (await jobs.operations.ListHolders(pb.ListHoldersRequest())).holders
