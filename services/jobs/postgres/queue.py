"""The queue: warmup jobs and their edges, each one statement of `sql/edges.py`."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate

from psycopg.rows import DictRow, tuple_row

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.common.runtime.batching import Batcher
from services.jobs.domain.forecaster import GeneratedForecasts
from services.jobs.domain.job import (
    PRIORITY,
    ClaimedJob,
    Claims,
    EnqueueReason,
    Lease,
    QueuePolicy,
    SweptJob,
    WarmupJob,
)
from services.jobs.domain.operations import Record
from services.jobs.domain.reports.history import Failure
from services.jobs.domain.warmup import Place
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.driver import arrays
from services.jobs.postgres.driver.connection import Connection, run
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.operations.actions import recording
from services.jobs.postgres.reports import rollup
from services.jobs.postgres.rows import to_claimed_jobs, to_job, to_place, to_swept_job
from services.jobs.postgres.sql import actions, attempts, by_hand, claims, edges, rescue, upkeep

_LONGEST_REFRESH = 60.0  # seconds; ranking 100,000 comparisons takes 2 s
_MAX_BATCH = 500  # completions in one statement
_Completion = tuple[Lease, GeneratedForecasts]


class Queue:
    """Warmup jobs in PostgreSQL. Raises WarmcastError(UNAVAILABLE) when that is unavailable."""

    def __init__(self, database: Database, policy: QueuePolicy, *, holder: str, publisher: ChangePublisher) -> None:
        self._database = database
        self._claiming = database.dedicated_connection()  # the dispatcher sends one claim at a time
        self._completing = database.dedicated_connection()
        self._publisher = publisher
        self._policy = asdict(policy)
        self._completions: Batcher[_Completion, bool] = Batcher(
            self._write_completion, self._write_completions, max_batch=_MAX_BATCH, fails_whole_batch=_is_store_failure
        )
        self.holder = holder  # random for each process, so that a restarted one is another holder

    async def enqueue(
        self, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
    ) -> WarmupJob | None:
        """Starts an episode if the row is still at `seen_version` (0: no row) and its state allows; None: unchanged."""
        rows = await self._change(
            edges.ENQUEUE, _enqueue_parameters(key, data_hash, seen_version=seen_version, reason=reason)
        )
        return to_job(rows[0]) if rows else None

    async def enqueue_and_place(
        self, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
    ) -> tuple[WarmupJob, Place | None] | None:
        """Enqueues for a caller without the secret; returns the job and its place in the queue.

        A job that became ready within the last minute waits until one minute after that.
        """
        rows = await self._change(
            edges.ENQUEUE_AND_PLACE, _enqueue_parameters(key, data_hash, seen_version=seen_version, reason=reason)
        )
        return (to_job(rows[0]), to_place(rows[0])) if rows else None

    async def trigger(self, key: ComparisonKey, *, force: bool, record: Record | None = None) -> WarmupJob | None:
        """Starts an episode for the current snapshot in any state; None: it is running, and `force` is false."""
        parameters = _enqueue_parameters(key, None, seen_version=0, reason=EnqueueReason.BY_HAND)
        rows = await self._change(by_hand.TRIGGER, parameters | {"force": force} | recording(record))
        return to_job(rows[0]) if rows else None

    async def job(self, job_id: int) -> WarmupJob | None:
        """One job by its id."""
        rows = await self._database.fetch(edges.JOB, {"id": job_id})
        return to_job(rows[0]) if rows else None

    async def claim(self, limit: int, *, trace_id: str | None = None) -> Claims:
        """Claims up to `limit` jobs in queue order under new leases, and re-queues jobs whose lease expired.

        The runs belong to the trace `trace_id`; None: each to a new one.
        """
        # Not retried after a lost response: the leases of its claims expire.
        parameters = self._policy | {"limit": limit, "holder": self.holder, **_traced(trace_id)}
        rows = await self._claiming.fetch_once(
            claims.CLAIM, parameters, on_unknown_outcome=self._publisher.publish_unknown
        )
        *_, seconds_until_due, leases_expired = rows[0]
        claimed = to_claimed_jobs(rows)
        self._publisher.publish(job.id for job in claimed)
        return Claims(
            claimed=claimed,
            rescued=await self._rescue() if leases_expired else (),
            seconds_until_due=seconds_until_due,
        )

    async def claim_one(
        self, job_id: int, *, trace_id: str | None = None, record: Record | None = None
    ) -> ClaimedJob | None:
        """Claims this job, also before its time; one that has settled is queued again first. None: it is running."""
        async with self._database.transaction(on_unknown_outcome=self._publisher.publish_unknown) as connection:
            await run(connection, by_hand.REQUEUE_SETTLED, {"id": job_id, "priority": PRIORITY[EnqueueReason.BY_HAND]})
            parameters = self._policy | {
                "id": job_id,
                "holder": self.holder,
                **_traced(trace_id),
                **recording(record),
            }
            rows = await connection.rows(tuple_row, claims.CLAIM_ONE, parameters)
        claimed = to_claimed_jobs(rows)
        self._publisher.publish(job.id for job in claimed)
        return claimed[0] if claimed else None

    async def heartbeat(self, job: Lease) -> bool:
        """Renews the lease; False: it is lost."""
        return bool(await self._database.fetch(edges.HEARTBEAT, self._policy | _lease(job)))

    async def ready(self, job: Lease, forecasts: GeneratedForecasts) -> bool:
        """Marks the job ready and records its forecasts in one transaction; False: lease lost, nothing changed."""
        settled = await self._completions.submit((job, forecasts))
        if not settled:
            await self._record_refusal(job)
        return settled

    async def fail(self, job: Lease, failure: Failure, *, permanent: bool) -> WarmupJob | None:
        """Re-queues the job after a back-off, or marks it failed; None: the lease is lost, nothing changed."""
        parameters = self._policy | _lease(job) | failure._asdict() | {"permanent": permanent}
        rows = await self._change(edges.FAIL, parameters)
        if not rows:
            await self._record_refusal(job)
        return to_job(rows[0]) if rows else None

    async def hand_back(self, job: Lease, failure: Failure | None = None, *, delay: float) -> WarmupJob | None:
        """Re-queues the job for after `delay` seconds without counting the attempt; None: the lease is lost."""
        named = (failure or Failure(None, None))._asdict()
        rows = await self._change(edges.HAND_BACK, _lease(job) | named | {"delay": delay})
        if not rows and failure:
            await self._record_refusal(job)
        return to_job(rows[0]) if rows else None

    async def sweep(self, job_id: int | None = None) -> tuple[SweptJob, ...]:
        """Re-queues stuck jobs by what PostgreSQL knows: all of them, or one."""
        statement = rescue.SWEEP if job_id is None else rescue.SWEEP_ONE
        rows = await self._change(statement, self._policy | {"id": job_id})
        return tuple(to_swept_job(row) for row in rows)

    async def requeue(
        self, *job_ids: int, status: JobStatus | None = None, record: Record | None = None
    ) -> list[WarmupJob]:
        """Starts new episodes by hand; skips running and unknown jobs, and those that are no longer in `status`."""
        parameters = {"ids": list(job_ids), "status": status, "priority": PRIORITY[EnqueueReason.BY_HAND]}
        rows = await self._change(by_hand.REQUEUE, parameters | recording(record))
        return [to_job(row) for row in rows]

    async def refresh(self, limit: int) -> list[WarmupJob]:
        """Enqueues forecasts that will turn stale, by popularity, up to `limit` refreshes in the queue."""
        parameters = self._due() | {"limit": limit, "priority": PRIORITY[EnqueueReason.REFRESH]}
        async with self._database.transaction(
            on_unknown_outcome=self._publisher.publish_unknown, longest=_LONGEST_REFRESH
        ) as connection:
            await run(connection, upkeep.LOCK_REFRESH)
            rows = await run(connection, upkeep.REFRESH, parameters)
        self._publisher.publish(row["id"] for row in rows)
        return [to_job(row) for row in rows]

    async def count_due(self, cap: int) -> int:
        """The number of forecasts that will turn stale and are not enqueued, counted up to `cap`."""
        async with self._database.transaction(longest=_LONGEST_REFRESH) as connection:
            rows = await run(connection, upkeep.COUNT_DUE, self._due() | {"cap": cap})
        return int(rows[0]["due"])

    async def mean_run_seconds(self) -> float | None:
        """The mean duration of the last runs; None before the first."""
        rows = await self._database.fetch(upkeep.MEAN_RUN_SECONDS)
        seconds: float | None = rows[0]["seconds"]
        return seconds

    async def promote(self) -> int:
        """Raises the priority of jobs that have waited long; returns their number."""
        return len(await self._change(upkeep.PROMOTE, self._policy))

    async def promote_one(self, job_id: int) -> tuple[WarmupJob, Place | None] | None:
        """Raises a queued job to the priority of first calls; None: it has that, or is not queued."""
        rows = await self._change(upkeep.PROMOTE_ONE, {"id": job_id})
        return (to_job(rows[0]), to_place(rows[0])) if rows else None

    async def delete_old(self, *, days: int, limit: int) -> int:
        """Deletes up to `limit` jobs settled `days` ago that no comparison uses, and as many such snapshots.

        Also deletes up to `limit` each of the attempts, their statistics, the actions, the runs of schedules and the
        bulk operations of that age. Returns the number of all deleted rows: below `limit`, nothing is left.
        """
        jobs = await self._database.fetch(upkeep.DELETE_OLD_JOBS, {"days": days, "limit": limit})
        async with self._database.transaction() as connection:
            old = await run(connection, upkeep.LOCK_OLD_SNAPSHOTS, {"days": days, "limit": limit})
            snapshots = await run(connection, upkeep.DELETE_OLD_SNAPSHOTS, {"ids": [row["id"] for row in old]})
        deleted = int(jobs[0]["deleted"]) + len(snapshots)
        for statement in (attempts.DELETE_OLD, rollup.DELETE_OLD, *actions.DELETE_OLD):
            rows = await self._database.fetch(statement, {"days": days, "limit": limit})
            deleted += int(rows[0]["deleted"])
        return deleted

    async def cancel(self, job_id: int, *, record: Record | None = None) -> WarmupJob | None:
        """Cancels a queued or running job; None: it is unknown or has settled."""
        rows = await self._change(by_hand.CANCEL, {"ids": [job_id], **recording(record)})
        return to_job(rows[0]) if rows else None

    async def advance_lease_sequence(self, above: int) -> bool:
        """Advances the lease sequence past `above`; False: it is past it already, or `above` is too far ahead."""
        async with self._database.transaction() as connection:
            await run(connection, edges.LOCK_LEASE_SEQUENCE)
            return bool(await run(connection, edges.ADVANCE_LEASE_SEQUENCE, {"above": above}))

    def _due(self) -> dict[str, float]:
        policy = self._policy
        return {
            "earliest": policy["refresh_earliest"],
            "latest": policy["refresh_latest"],
            "requested_within_days": policy["requested_within_days"],
        }

    async def _change(self, statement: str, parameters: Mapping[str, object]) -> list[DictRow]:
        """The rows that a statement changed; publishes their changes."""
        rows = await self._database.fetch(statement, parameters, on_unknown_outcome=self._publisher.publish_unknown)
        self._publisher.publish(row["id"] for row in rows)
        return rows

    async def _rescue(self) -> tuple[SweptJob, ...]:
        try:
            return tuple(to_swept_job(row) for row in await self._change(rescue.RESCUE, self._policy))
        except WarmcastError:
            return ()  # the claimed jobs run anyway, and the next claim finds these leases again

    async def _record_refusal(self, job: Lease) -> None:
        # Best effort: the history must not fail the settle, whose result is known.
        with contextlib.suppress(WarmcastError):
            await self._database.fetch(attempts.REFUSE, _lease(job))

    async def _write_completion(self, completion: _Completion) -> bool:
        (settled,) = await self._write_completions([completion])
        return bool(settled)

    async def _write_completions(self, completions: Sequence[_Completion]) -> list[bool | None]:
        """Whether each was settled; None, to be sent again: it is by another engine version than the first."""
        engine_version = completions[0][1].engine_version
        of_version = [each for each in completions if each[1].engine_version == engine_version]
        parameters = {
            "ids": arrays.numbers(job.id for job, _ in of_version),
            "lease_ids": arrays.numbers(job.lease_id for job, _ in of_version),
            "engine_version": engine_version,
            "adopted": arrays.numbers(job.lease_id for job, forecasts in of_version if forecasts.adopted),
        }
        # Not retried after a lost response: the leases may be settled already.
        rows = await self._completing.fetch_once(
            edges.READY, parameters | _records(of_version), on_unknown_outcome=self._publisher.publish_unknown
        )
        settled = set(rows)
        self._publisher.publish(job_id for job_id, _ in settled)
        return [
            (job.id, job.lease_id) in settled if forecasts.engine_version == engine_version else None
            for job, forecasts in completions
        ]


def _is_store_failure(error: Exception) -> bool:
    # Any other error may come from a value of one completion.
    return isinstance(error, WarmcastError)


async def enqueue_in(
    connection: Connection, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
) -> WarmupJob | None:
    """`Queue.enqueue` in an open transaction; its caller publishes the change after the commit."""
    parameters = _enqueue_parameters(key, data_hash, seen_version=seen_version, reason=reason)
    rows = await run(connection, edges.ENQUEUE, parameters)
    return to_job(rows[0]) if rows else None


def _lease(job: Lease) -> dict[str, object]:
    return {"id": job.id, "lease_id": job.lease_id}


def _traced(trace_id: str | None) -> dict[str, object]:
    return {"trace_id": trace_id, "trace_seed": uuid.uuid4().hex}


def _new_debug_id() -> str:
    return str(uuid.uuid4())


def _enqueue_parameters(
    key: ComparisonKey, data_hash: str | None, *, seen_version: int, reason: EnqueueReason
) -> dict[str, object]:
    return key._asdict() | {
        "data_hash": data_hash,
        "seen_version": seen_version,
        "reason": reason.value,
        "priority": PRIORITY[reason],
        "force": False,
        "debug_id": _new_debug_id(),
    }


def _records(completions: Sequence[_Completion]) -> dict[str, str]:
    """The columns of the track record for all terms; see edges.READY."""
    recorded = [
        (job.lease_id, label, forecasts.generated_at, term)
        for job, forecasts in completions
        for label, term in (("termA", forecasts.term_a), ("termB", forecasts.term_b))
        if term.points
    ]
    tos = list(accumulate(len(term.points) for *_, term in recorded))
    points = [point for *_, term in recorded for point in term.points]
    return {
        "forecast_leases": arrays.numbers(lease_id for lease_id, *_ in recorded),
        "labels": arrays.texts(label for _, label, *_ in recorded),
        "terms": arrays.texts(term.term for *_, term in recorded),
        "forecast_hashes": arrays.texts(term.forecast_hash for *_, term in recorded),
        "directions": arrays.texts(term.direction for *_, term in recorded),
        "confidences": arrays.numbers(term.confidence for *_, term in recorded),
        "generated_at": arrays.times(generated_at for _, _, generated_at, _ in recorded),
        "froms": arrays.numbers(to - len(term.points) + 1 for to, (*_, term) in zip(tos, recorded, strict=True)),
        "tos": arrays.numbers(tos),
        "times": arrays.times(point.time for point in points),
        "point_values": arrays.numbers(point.value for point in points),
        "lower80": arrays.numbers(point.lower80 for point in points),
        "upper80": arrays.numbers(point.upper80 for point in points),
        "lower95": arrays.numbers(point.lower95 for point in points),
        "upper95": arrays.numbers(point.upper95 for point in points),
    }
