"""The history: each edge that ends a run leaves exactly one row for its attempt, and the other edges leave none."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.domain.reports.history import Attempt, Outcome
from services.jobs.postgres.attempts import Attempts
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.sql import attempts as statements
from services.jobs.postgres.sql import claims
from tests.integration.jobs.conftest import Store, forecasts
from tests.integration.jobs.queue.attempt_ends import (
    EXPIRE,
    NO_ANSWER,
    Ends,
    cancel,
    drain,
    expire,
    expire_before_a_sweep,
    expire_before_a_sweep_of_one,
    fail,
    fail_for_good,
    hand_back,
    history,
    import_newer_data,
    only,
    pass_the_deadline,
    ready,
    trigger,
)
from tests.waiting import wait_until_async

LOST = "the lease expired: its runner or the forecaster stopped"


@pytest.mark.parametrize(
    ("end", "outcome", "failure"),
    [
        (ready, Outcome.READY, (None, None)),
        (fail, Outcome.RETRY, NO_ANSWER),
        (fail_for_good, Outcome.FAILED, NO_ANSWER),
        (hand_back, Outcome.HANDED_BACK, ("busy", "busy: no slot")),
        (drain, Outcome.HANDED_BACK, (None, None)),
        (expire, Outcome.LEASE_EXPIRED, (None, LOST)),
        (expire_before_a_sweep, Outcome.LEASE_EXPIRED, (None, LOST)),
        (expire_before_a_sweep_of_one, Outcome.LEASE_EXPIRED, (None, LOST)),
        (pass_the_deadline, Outcome.DEADLINE_PASSED, (None, "the attempt passed its deadline")),
        (cancel, Outcome.CANCELLED, (None, "cancelled by hand")),
        (import_newer_data, Outcome.SUPERSEDED, (None, "superseded by newer data")),
        (trigger, Outcome.SUPERSEDED, (None, "replaced by hand")),
    ],
)
async def test_each_edge_that_ends_a_run_leaves_one_row(
    store: Store, end: Ends, outcome: Outcome, failure: tuple[str | None, str | None]
) -> None:
    queued = await store.queued()
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    [job] = (await store.runner("host-1").claim(1, trace_id=trace_id)).claimed
    claimed = await store.row(job)
    assert await history(store, job) == [], "it has not ended"
    await end(store, job)
    attempt = await only(store, job)
    assert attempt == Attempt(
        job_id=job.id,
        lease_id=job.lease_id,
        attempt=1,
        reason="first-call",
        holder="host-1",
        due_at=queued.queued_at,
        claimed_at=claimed.started_at or queued.queued_at,
        ended_at=(await store.row(job)).updated_at if end is not import_newer_data else attempt.ended_at,
        outcome=outcome,
        error_reason=failure[0],
        error=failure[1],
        engine_version="test" if end is ready else None,
        debug_id=queued.debug_id,
        trace_id=trace_id,
        adopted=False,
        refused_at=None,
    )


@pytest.mark.parametrize("settle", [ready, fail, hand_back])
@pytest.mark.parametrize(
    "end", [expire, pass_the_deadline, cancel, import_newer_data, trigger], ids=lambda end: end.__name__
)
async def test_a_late_result_is_marked_on_the_row_of_its_attempt(store: Store, end: Ends, settle: Ends) -> None:
    job = await store.claimed()
    await end(store, job)
    before = await only(store, job)
    assert not await settle(store, job)
    after = await only(store, job)
    assert after.refused_at is not None
    assert after == replace(before, refused_at=after.refused_at)
    assert not await settle(store, job)
    assert await only(store, job) == after, "the first refusal stays"


@pytest.mark.parametrize("settle", [ready, fail, fail_for_good, hand_back, drain])
async def test_a_settle_repeated_after_a_lost_response_changes_nothing(store: Store, settle: Ends) -> None:
    job = await store.claimed()
    assert await settle(store, job)
    before = await only(store, job)
    assert not await settle(store, job)
    assert await only(store, job) == before


async def test_a_drain_without_its_lease_is_no_late_result(store: Store) -> None:
    job = await store.claimed()
    await cancel(store, job)
    await drain(store, job)
    assert (await only(store, job)).refused_at is None


async def test_the_settle_does_not_depend_on_the_record_of_its_refusal(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await store.claimed()
    await cancel(store, job)
    fetch = Database.fetch

    async def unavailable(self: Database, statement: str, *rest: object, **named: object) -> object:
        if statement == statements.REFUSE:
            raise WarmcastError(errors.UNAVAILABLE, "away")
        return await fetch(self, statement, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "fetch", unavailable)
    assert await ready(store, job) is False


async def test_transitions_without_a_claim_leave_no_row(store: Store) -> None:
    job = await store.queued()
    await store.queue.trigger(job.key, force=True)
    await store.queue.requeue(job.id)
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '1 h', updated_at = queued_at")
    assert len(await store.queue.sweep()) == 1, "it is overdue"
    await store.execute("UPDATE warmup_jobs SET priority = 10, queued_at = now() - interval '1 h'")
    assert await store.queue.promote() == 1
    assert await store.queue.cancel(job.id)
    assert await store.queue.trigger(job.key, force=False)
    await store.comparison(values=(9, 8, 7))
    other = await store.queued("walmart")
    assert await store.queue.cancel(other.id)
    assert await history(store, job) + await history(store, other) == []


async def test_a_cancelled_job_has_no_second_row_when_it_is_cancelled_while_queued(store: Store) -> None:
    job = await store.claimed()
    await cancel(store, job)
    await store.queue.requeue(job.id)
    await cancel(store, job)
    await store.queue.requeue(job.id)
    await import_newer_data(store, job)
    assert len(await history(store, job)) == 1


async def test_a_run_that_was_not_claimed_leaves_a_row_that_is_not_doubled(store: Store) -> None:
    """A row set to running by hand has the lease of its last claim, whose attempt has ended."""
    job = await store.claimed()
    await fail(store, job)
    await store.execute("UPDATE warmup_jobs SET status = 'running'")
    await store.queue.sweep()
    assert (await only(store, job)).outcome is Outcome.RETRY


async def test_a_job_that_was_set_to_running_by_hand_does_not_fail_the_batch_of_others(store: Store) -> None:
    job = await store.claimed()
    await drain(store, job)
    await store.execute("UPDATE warmup_jobs SET status = 'running', lease_expires_at = now() + interval '1 h'")
    others = [await store.claimed(term) for term in ("walmart", "target")]
    refused, *settled = await asyncio.gather(
        *(store.queue.ready(each, forecasts()) for each in (job, *others)), return_exceptions=True
    )
    assert isinstance(refused, Exception)
    assert settled == [True, True]
    await store.execute(EXPIRE)
    assert [swept.job.id for swept in await store.queue.sweep()] == [job.id]
    assert (await only(store, job)).outcome is Outcome.HANDED_BACK


async def test_attempts_are_numbered_in_their_episode_and_listed_newest_first(store: Store) -> None:
    queue = store.runner("host-1", backoff_base=0)
    job = await store.queued()
    for end in (fail, hand_back, fail, expire):
        [claimed] = (await queue.claim(1)).claimed
        await (queue.fail(claimed, NO_ANSWER, permanent=False) if end is fail else end(store, claimed))
    await store.queue.requeue(job.id)
    await ready(store, await store.claim_one())
    found = await history(store, job)
    assert [(each.attempt, each.reason, each.outcome.value) for each in found] == [
        (1, "by-hand", "ready"),
        (3, "first-call", "lease-expired"),
        (2, "first-call", "retry"),
        (2, "first-call", "handed-back"),
        (1, "first-call", "retry"),
    ]
    page = await Attempts(store.database).of_job(job.id, limit=2)
    rest = await Attempts(store.database).of_job(job.id, limit=200, before=page[-1].lease_id)
    assert page + rest == found
    assert len({each.trace_id for each in found}) == 5


async def test_each_job_of_a_claim_has_its_own_trace_unless_a_call_asked_for_it(store: Store) -> None:
    async def traces(trace_id: str | None) -> set[str]:
        claimed = (await store.queue.claim(3, trace_id=trace_id)).claimed
        assert len(claimed) == 3
        for each in claimed:
            await store.queue.hand_back(each, delay=0)
        return {each.trace_id.hex for each in claimed}

    for term in ("amazon", "target", "walmart"):
        await store.queued(term)
    first, second = await traces(None), await traces(None)
    assert len(first | second) == 6
    asked = "0af7651916cd43dd8448eb211c80319c"
    assert await traces(asked) == {asked}


async def test_each_attempt_waits_from_when_it_could_have_started(store: Store) -> None:
    """After a back-off from its end, after a rescue from the rescue."""
    job = await store.claimed()
    queued = await store.queue.fail(job, NO_ANSWER, permanent=False)
    assert queued is not None
    await store.execute("UPDATE warmup_jobs SET queued_at = queued_at - interval '1 h', not_before = now()")
    second = await store.row(job)
    claimed = await store.claim_one()
    await expire(store, claimed)
    rescued = await store.row(job)
    await ready(store, await store.claim_one())
    third, after_back_off, _ = await history(store, job)
    assert after_back_off.due_at == second.not_before
    assert third.due_at == rescued.updated_at == after_back_off.ended_at


async def test_a_delay_that_an_operator_ends_counts_from_then(store: Store) -> None:
    job = await store.claimed()
    await store.queue.hand_back(job, delay=60)
    await store.execute("UPDATE warmup_jobs SET queued_at = queued_at - interval '1 h'")
    [requeued] = await store.queue.requeue(job.id)
    await ready(store, await store.claim_one())
    assert (await history(store, job))[0].due_at == requeued.updated_at


async def test_adopted_bundles_are_noted(store: Store) -> None:
    jobs = [await store.claimed(term) for term in ("amazon", "walmart")]
    await asyncio.gather(
        *(
            store.queue.ready(job, replace(forecasts(), adopted=adopted))
            for job, adopted in zip(jobs, (True, False), strict=True)
        )
    )
    assert [(await only(store, job)).adopted for job in jobs] == [True, False]


@pytest.mark.parametrize("settle", [ready, fail])
async def test_settles_that_race_with_a_rescue_leave_one_row(store: Store, settle: Ends) -> None:
    jobs = [await store.claimed(f"term{number}") for number in range(20)]
    await store.execute(EXPIRE)
    settled = await asyncio.gather(
        *(settle(store, job) for job in jobs for _ in range(2)), *(store.queue.sweep() for _ in range(5))
    )
    for number, job in enumerate(jobs):
        attempt = await only(store, job)
        by_holder = any(settled[2 * number : 2 * number + 2])
        assert (attempt.outcome is Outcome.LEASE_EXPIRED) == (not by_holder)
        assert (attempt.refused_at is not None) == (not by_holder)


async def test_a_cancel_that_races_with_a_claim_leaves_a_row_only_for_a_claimed_job(store: Store) -> None:
    jobs = [await store.queued(f"term{number}") for number in range(20)]
    *cancelled, claims = await asyncio.gather(*(store.queue.cancel(job.id) for job in jobs), store.queue.claim(20))
    assert all(cancelled)
    claimed = {job.id for job in claims.claimed}  # type: ignore[union-attr]
    for job in jobs:
        assert len(await history(store, job)) == (job.id in claimed)


async def test_a_forced_trigger_waits_for_a_claim_and_ends_its_attempt(store: Store) -> None:
    job = await store.queued()
    async with store.database.transaction() as connection:
        parameters = store.queue._policy | {"limit": 1, "holder": "first", "trace_id": None, "trace_seed": ""}
        await connection.execute(claims.CLAIM.encode(), parameters)
        triggering = asyncio.create_task(store.queue.trigger(job.key, force=True))
        await wait_until_async(store.waiting, 10, "the trigger waits for the claim")
    triggered = await triggering
    assert triggered is not None
    assert triggered.lease_id == (await only(store, job)).lease_id
    assert (await only(store, job)).outcome is Outcome.SUPERSEDED


async def test_old_attempts_are_deleted_in_batches_also_of_jobs_that_stay(store: Store) -> None:
    job = await store.queued()
    for _ in range(3):
        await drain(store, await store.claim_one())
    await store.execute(
        "UPDATE warmup_attempts SET ended_at = ended_at - interval '31 days' "
        "WHERE lease_id < (SELECT max(lease_id) FROM warmup_attempts)"
    )
    newest = (await history(store, job))[0]
    assert await store.queue.delete_old(days=30, limit=1) == 1
    assert await store.queue.delete_old(days=30, limit=10) == 1
    assert await store.queue.delete_old(days=30, limit=10) == 0
    assert await history(store, job) == [newest]
    assert await store.row(job)
