"""The jobs service's stores on a real PostgreSQL, with access to its rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.common.comparison import ComparisonKey
from services.jobs.domain.forecaster import (
    CacheState,
    ForecasterInfo,
    ForecasterReplica,
    ForecastPoint,
    GeneratedForecasts,
    Generation,
    TermForecast,
)
from services.jobs.domain.job import ClaimedJob, EnqueueReason, Lease, QueuePolicy, WarmupJob
from services.jobs.domain.signals import Signals, term_signals
from services.jobs.domain.snapshot import ForecastKey, ImportedSnapshot
from services.jobs.ingest.points import read_points
from services.jobs.ingest.snapshot import build_snapshot
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.comparisons import Comparisons
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.listings import Listings
from services.jobs.postgres.operations.actions import ActionLog
from services.jobs.postgres.operations.bulk import MAX_WAITING, BulkOperations
from services.jobs.postgres.queue import Queue
from services.jobs.postgres.reports.coverage import Coverage
from services.jobs.postgres.search import Search
from services.jobs.postgres.track_record import TrackRecord

POLICY = QueuePolicy(lease=15, attempt_deadline=180, max_attempts=3, backoff_base=2, backoff_cap=60)


@dataclass
class Store:
    """All stores of jobs, on a database of their own."""

    url: str
    database: Database
    policy: QueuePolicy = POLICY
    newest_engine: str = ""  # of the forecasters, for coverage
    publisher: ChangePublisher = field(init=False)
    queue: Queue = field(init=False)
    comparisons: Comparisons = field(init=False)
    listings: Listings = field(init=False)
    record: TrackRecord = field(init=False)
    actions: ActionLog = field(init=False)
    bulk: BulkOperations = field(init=False)

    def __post_init__(self) -> None:
        self.publisher = ChangePublisher(self.database)
        self.queue = self.runner("first")
        self.comparisons = Comparisons(self.database, self.policy, self.publisher)
        self.listings = Listings(self.database, self.policy)
        self.record = TrackRecord(self.database)
        self.actions = ActionLog(self.database)
        self.bulk = self.bulk_of("first")

    def runner(self, holder: str, publisher: ChangePublisher | None = None, **changed: float) -> Queue:
        """The queue with another holder, as in another process."""
        policy = replace(self.policy, **changed)  # type: ignore[arg-type]  # all floats
        return Queue(self.database, policy, holder=holder, publisher=publisher or self.publisher)

    def bulk_of(self, holder: str, **changed: Any) -> BulkOperations:
        """The bulk operations of another process; of no forecaster, so that only `max_waiting` bounds them."""
        figures: dict[str, Any] = {"slots": lambda: 0, "unmeasured": MAX_WAITING, **changed}
        return BulkOperations(self.database, self.coverage(), holder=holder, publisher=self.publisher, **figures)

    def coverage(self, search: Search | None = None) -> Coverage:
        """Coverage, judged by `newest_engine`."""
        return Coverage(self.database, self.policy, search or Search(self.database), lambda: self.newest_engine)

    async def execute(self, statement: str, **parameters: object) -> list[dict[str, object]]:
        """Runs a statement, for example to read rows or to shift their times."""
        return await self.database.fetch(statement, parameters)

    async def waiting(self) -> int:
        """The number of connections that wait for a lock."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return len(await self.execute(query))

    async def comparison(self, term: str = "amazon", *, values: Sequence[float] = (1, 2, 3, 4)) -> ImportedSnapshot:
        """Imports `term` against costco; other values are newer data."""
        snapshot = make_snapshot(term, values)
        await self.comparisons.ingest(snapshot, signals_of(snapshot))
        return snapshot

    async def queued(self, term: str = "amazon") -> WarmupJob:
        """A job enqueued by a first call."""
        snapshot = await self.comparison(term)
        job = await self.queue.enqueue(
            key_of(snapshot), snapshot.data_hash, seen_version=0, reason=EnqueueReason.FIRST_CALL
        )
        assert job is not None
        return job

    async def claimed(self, term: str = "amazon") -> ClaimedJob:
        """A claimed job."""
        await self.queued(term)
        return await self.claim_one()

    async def claim_one(self) -> ClaimedJob:
        """The one job that can be claimed now."""
        claims = await self.queue.claim(1)
        assert len(claims.claimed) == 1
        return claims.claimed[0]

    async def ready(self, job: Lease) -> WarmupJob | None:
        """The job after its holder marked it ready; None: its lease was lost."""
        return await self.row(job) if await self.queue.ready(job, forecasts()) else None

    async def row(self, job: Lease) -> WarmupJob:
        """The current row of the job."""
        now = await self.queue.job(job.id)
        assert now is not None
        return now


def make_snapshot(term: str = "amazon", values: Sequence[float] = (1, 2, 3, 4)) -> ImportedSnapshot:
    """A weekly snapshot of `term` and costco."""
    start = datetime(2024, 1, 7, tzinfo=UTC)
    points = [((start + timedelta(weeks=n)).date().isoformat(), (value, 50.0)) for n, value in enumerate(values)]
    table = read_points([term, "costco"], points)
    return build_snapshot(
        [table],
        timeframe="12m",
        geo="",
        pick=(),
        as_of=datetime(2025, 1, 1, tzinfo=UTC),
        source="test",
        expected_terms=None,
    )


def signals_of(snapshot: ImportedSnapshot) -> tuple[Signals, Signals]:
    """The signals of its two terms."""
    signals_a, signals_b = (
        term_signals(values, season=52, partial_last_period=False) for values in (snapshot.values_a, snapshot.values_b)
    )
    return signals_a, signals_b


def key_of(snapshot: ImportedSnapshot) -> ComparisonKey:
    """The key of its comparison."""
    return ComparisonKey(snapshot.slug, snapshot.timeframe, snapshot.geo)


def forecasts(engine_version: str = "test") -> GeneratedForecasts:
    """The result of a run."""
    point = ForecastPoint(datetime(2024, 2, 4, tzinfo=UTC), 5, 4, 6, 3, 7)
    term_a, term_b = (TermForecast(term, f"hash-{term}", "stable", (point,)) for term in ("amazon", "costco"))
    return GeneratedForecasts(engine_version, datetime(2024, 2, 1, tzinfo=UTC), False, term_a, term_b)


@dataclass
class FakeForecaster:
    """A forecaster under the test's control."""

    behave: Callable[[ClaimedJob], Generation]
    slots: int = 2
    lost: set[str] = field(default_factory=set)  # data hashes whose bundles are gone
    marks: list[WarmupJob] = field(default_factory=list)
    ran: list[int] = field(default_factory=list)

    async def generate(self, job: ClaimedJob) -> Generation:
        self.ran.append(job.id)
        async with aclosing(self.behave(job)) as events:
            async for event in events:
                yield event

    async def missing(self, keys: Sequence[ForecastKey]) -> list[bool]:
        return [key.snapshot.data_hash in self.lost for key in keys]

    async def record_failure(self, job: WarmupJob) -> None:
        self.marks.append(job)

    async def describe(self) -> ForecasterInfo:
        return ForecasterInfo("test", self.slots)

    def replicas(self) -> list[ForecasterReplica]:
        return [ForecasterReplica("127.0.0.1:1", "test", self.slots, 1, "", CacheState.WRITABLE)]


async def succeed(job: ClaimedJob) -> Generation:
    """One heartbeat, then the forecasts."""
    yield None
    yield forecasts()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """Empty, migrated stores."""
    database = Database(database_url, pool_size=20, wait=10)
    await database.open()
    yield Store(database_url, database)
    await database.close()
