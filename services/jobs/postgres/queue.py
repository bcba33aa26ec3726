"""The queue: warmup jobs and their edges, each one statement of `edges.py`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate

from psycopg.rows import DictRow

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.common.runtime.batching import Batcher
from services.jobs.domain.forecaster import GeneratedForecasts
from services.jobs.domain.job import PRIORITY, Claims, EnqueueReason, Lease, QueuePolicy, SweptJob, WarmupJob
from services.jobs.domain.warmup import Place
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.driver import arrays
from services.jobs.postgres.driver.connection import Connection, run
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.rows import to_claimed_jobs, to_job, to_place, to_swept_job
from services.jobs.postgres.sql import edges, rescue, upkeep

_LONGEST_REFRESH = 60.0  # seconds: it ranks all that was asked for, 100,000 comparisons in 2 s
_MAX_BATCH = 500  # completions in one statement
_Completion = tuple[Lease, GeneratedForecasts]


class Queue:
    """Warmup jobs in PostgreSQL. Raises WarmcastError(UNAVAILABLE) when it cannot be asked."""

    def __init__(self, database: Database, policy: QueuePolicy, *, holder: str, publisher: ChangePublisher) -> None:
        self._database = database
        self._claims = database.dedicated_connection()  # one claim at a time, as the dispatcher takes them
        self._readies = database.dedicated_connection()
        self._publisher = publisher
        self._policy = asdict(policy)
        self._completions: Batcher[_Completion, bool] = Batcher(
            self._write_completion, self._write_completions, max_batch=_MAX_BATCH, fails_whole_batch=_is_store_failure
        )
        self._holder = holder  # random for each process, so that a name that comes back is never taken for it

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
        """The same for a caller without the secret, and where the job now stands in the queue.

        A job that was ready within the last minute is not before one minute after that.
        """
        rows = await self._change(
            edges.ENQUEUE_AND_PLACE, _enqueue_parameters(key, data_hash, seen_version=seen_version, reason=reason)
        )
        return (to_job(rows[0]), to_place(rows[0])) if rows else None

    async def trigger(self, key: ComparisonKey, *, force: bool) -> WarmupJob | None:
        """Starts an episode for the current snapshot whatever the state; None: it runs, and force was not given."""
        parameters = _enqueue_parameters(key, None, seen_version=0, reason=EnqueueReason.BY_HAND) | {"force": force}
        rows = await self._change(edges.TRIGGER, parameters)
        return to_job(rows[0]) if rows else None

    async def job(self, job_id: int) -> WarmupJob | None:
        """One job by its id."""
        rows = await self._database.fetch(edges.JOB, {"id": job_id})
        return to_job(rows[0]) if rows else None

    async def claim(self, limit: int) -> Claims:
        """Takes up to `limit` queued jobs in queue order under fresh leases, and frees those whose lease ran out."""
        # Not repeated when the answer is lost: what it took is freed when its lease runs out.
        parameters = self._policy | {"limit": limit, "holder": self._holder}
        rows = await self._claims.fetch_once(
            edges.CLAIM, parameters, on_unknown_outcome=self._publisher.publish_unknown
        )
        *_, seconds_until_due, leases_ran_out = rows[0]
        claimed = to_claimed_jobs(rows)
        self._publisher.publish(job.id for job in claimed)
        return Claims(
            claimed=claimed,
            rescued=await self._rescue() if leases_ran_out else (),
            seconds_until_due=seconds_until_due,
        )

    async def heartbeat(self, job: Lease) -> bool:
        """Renews the job's lease; False: it is lost."""
        return bool(await self._database.fetch(edges.HEARTBEAT, self._policy | _lease(job)))

    async def ready(self, job: Lease, forecasts: GeneratedForecasts) -> bool:
        """Marks it ready and keeps what was forecast, in one transaction; False: the lease is lost, nothing changed."""
        return await self._completions.submit((job, forecasts))

    async def fail(self, job: Lease, *, error: str, permanent: bool) -> WarmupJob | None:
        """Back to the queue after a back-off, or `failed`; None: the lease is lost, nothing changed."""
        parameters = self._policy | _lease(job) | {"error": error, "permanent": permanent}
        rows = await self._change(edges.FAIL, parameters)
        return to_job(rows[0]) if rows else None

    async def hand_back(self, job: Lease, *, delay: float, error: str | None = None) -> WarmupJob | None:
        """Back to the queue, its attempt not counted, not before `delay` seconds; None: the lease is lost."""
        rows = await self._change(edges.HAND_BACK, _lease(job) | {"delay": delay, "error": error})
        return to_job(rows[0]) if rows else None

    async def sweep(self, job_id: int | None = None) -> tuple[SweptJob, ...]:
        """Takes up what PostgreSQL knows to be stuck: all of it, or one job."""
        statement = rescue.SWEEP if job_id is None else rescue.SWEEP_ONE
        rows = await self._change(statement, self._policy | {"id": job_id})
        return tuple(to_swept_job(row) for row in rows)

    async def requeue(self, *job_ids: int, status: JobStatus | None = None) -> list[WarmupJob]:
        """Starts new episodes by hand; those that run, are not in `status` any more, or not there, are left out."""
        rows = await self._change(edges.REQUEUE, {"ids": list(job_ids), "status": status})
        return [to_job(row) for row in rows]

    async def refresh(self, limit: int) -> list[WarmupJob]:
        """Enqueues forecasts that will turn stale, by popularity, until `limit` refreshes wait."""
        parameters = self._due() | {"limit": limit, "priority": PRIORITY[EnqueueReason.REFRESH]}
        async with self._database.transaction(
            on_unknown_outcome=self._publisher.publish_unknown, longest=_LONGEST_REFRESH
        ) as connection:
            await run(connection, upkeep.LOCK_REFRESH)
            rows = await run(connection, upkeep.REFRESH, parameters)
        self._publisher.publish(row["id"] for row in rows)
        return [to_job(row) for row in rows]

    async def count_due(self, cap: int) -> int:
        """How many forecasts will turn stale and are not enqueued, counted up to `cap`."""
        async with self._database.transaction(longest=_LONGEST_REFRESH) as connection:
            rows = await run(connection, upkeep.COUNT_DUE, self._due() | {"cap": cap})
        return int(rows[0]["due"])

    async def mean_run_seconds(self) -> float | None:
        """How long the last runs took; None before the first."""
        rows = await self._database.fetch(upkeep.MEAN_RUN_SECONDS)
        seconds: float | None = rows[0]["seconds"]
        return seconds

    async def promote(self) -> int:
        """Lets what has waited long enough be overtaken no more; how many that were."""
        return len(await self._change(upkeep.PROMOTE, self._policy))

    async def delete_old(self, *, days: int, limit: int) -> int:
        """Deletes up to `limit` jobs that settled that long ago and that no comparison stands on, and snapshots alike.

        Returns how many rows went of both: below `limit`, nothing is left.
        """
        jobs = await self._database.fetch(upkeep.DELETE_OLD_JOBS, {"days": days, "limit": limit})
        async with self._database.transaction() as connection:
            old = await run(connection, upkeep.LOCK_OLD_SNAPSHOTS, {"days": days, "limit": limit})
            snapshots = await run(connection, upkeep.DELETE_OLD_SNAPSHOTS, {"ids": [row["id"] for row in old]})
        return int(jobs[0]["deleted"]) + len(snapshots)

    async def cancel(self, job_id: int) -> WarmupJob | None:
        """Cancels a queued or running job; None: there is no such job, or it has settled."""
        rows = await self._change(edges.CANCEL, {"id": job_id})
        return to_job(rows[0]) if rows else None

    async def advance_lease_sequence(self, above: int) -> bool:
        """Moves the lease ids past `above`; False: they were past it, or it is too far ahead to be a lease."""
        async with self._database.transaction() as connection:
            await run(connection, edges.LOCK_LEASE_SEQUENCE)
            return bool(await run(connection, edges.ADVANCE_LEASE_SEQUENCE, {"above": above}))

    def _due(self) -> dict[str, float]:
        policy = self._policy
        return {
            "earliest": policy["refresh_earliest"],
            "latest": policy["refresh_latest"],
            "asked_for_days": policy["asked_for_days"],
        }

    async def _change(self, statement: str, parameters: Mapping[str, object]) -> list[DictRow]:
        """The rows that a statement changed, of which is told."""
        rows = await self._database.fetch(statement, parameters, on_unknown_outcome=self._publisher.publish_unknown)
        self._publisher.publish(row["id"] for row in rows)
        return rows

    async def _rescue(self) -> tuple[SweptJob, ...]:
        try:
            return tuple(to_swept_job(row) for row in await self._change(rescue.RESCUE, self._policy))
        except WarmcastError:
            return ()  # what was just claimed has to be run all the same, and the next claim sees those leases again

    async def _write_completion(self, completion: _Completion) -> bool:
        (settled,) = await self._write_completions([completion])
        return settled

    async def _write_completions(self, completions: Sequence[_Completion]) -> list[bool]:
        parameters = {
            "ids": arrays.numbers(job.id for job, _ in completions),
            "lease_ids": arrays.numbers(job.lease_id for job, _ in completions),
            "engine_versions": arrays.texts(forecasts.engine_version for _, forecasts in completions),
        }
        # Not repeated when the answer is lost: by then the lease is spent, and the row alone knows how it ended.
        rows = await self._readies.fetch_once(
            edges.READY, parameters | _records(completions), on_unknown_outcome=self._publisher.publish_unknown
        )
        settled = set(rows)
        self._publisher.publish(job_id for job_id, _ in settled)
        return [(job.id, job.lease_id) in settled for job, _ in completions]


def _is_store_failure(error: Exception) -> bool:
    # Any other error may come from a value of one completion.
    return isinstance(error, WarmcastError)


async def enqueue_in(
    connection: Connection, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
) -> WarmupJob | None:
    """`Queue.enqueue` inside a transaction that is already open, after which its change is to be told."""
    parameters = _enqueue_parameters(key, data_hash, seen_version=seen_version, reason=reason)
    rows = await run(connection, edges.ENQUEUE, parameters)
    return to_job(rows[0]) if rows else None


def _lease(job: Lease) -> dict[str, object]:
    return {"id": job.id, "lease_id": job.lease_id}


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
    """Column by column, what the track record keeps of each term; see edges.READY."""
    made = [
        (job.lease_id, label, forecasts.generated_at, term)
        for job, forecasts in completions
        for label, term in (("termA", forecasts.term_a), ("termB", forecasts.term_b))
        if term.points
    ]
    tos = list(accumulate(len(term.points) for *_, term in made))
    points = [point for *_, term in made for point in term.points]
    return {
        "made_under": arrays.numbers(lease_id for lease_id, *_ in made),
        "labels": arrays.texts(label for _, label, *_ in made),
        "terms": arrays.texts(term.term for *_, term in made),
        "forecast_hashes": arrays.texts(term.forecast_hash for *_, term in made),
        "directions": arrays.texts(term.direction for *_, term in made),
        "generated_at": arrays.times(generated_at for _, _, generated_at, _ in made),
        "froms": arrays.numbers(to - len(term.points) + 1 for to, (*_, term) in zip(tos, made, strict=True)),
        "tos": arrays.numbers(tos),
        "times": arrays.times(point.time for point in points),
        "point_values": arrays.numbers(point.value for point in points),
        "lower80": arrays.numbers(point.lower80 for point in points),
        "upper80": arrays.numbers(point.upper80 for point in points),
        "lower95": arrays.numbers(point.lower95 for point in points),
        "upper95": arrays.numbers(point.upper95 for point in points),
    }
