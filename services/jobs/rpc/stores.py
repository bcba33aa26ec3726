"""What the servicer reads and writes directly; services.jobs.postgres implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.common.comparison import ComparisonKey
from services.jobs.domain.comparison import ComparisonSearch, ComparisonSummary, CurrentSnapshot, ListedComparison
from services.jobs.domain.job import WarmupJob
from services.jobs.domain.queue import DatabaseState, JobCursor, JobFilter, JobPage, QueueDepth, QueueStatus
from services.jobs.domain.trust import Trust
from services.jobs.domain.warmup import WarmupView


class ComparisonStore(Protocol):
    """See postgres.comparisons.Comparisons."""

    async def view(self, key: ComparisonKey) -> WarmupView: ...

    async def views(self, keys: Sequence[ComparisonKey]) -> list[WarmupView | None]: ...

    async def current(self, key: ComparisonKey) -> CurrentSnapshot: ...

    async def report_demand(self, demand: Mapping[ComparisonKey, int]) -> None: ...


class ListingStore(Protocol):
    """See postgres.listings.Listings."""

    async def jobs(
        self, wanted: JobFilter, *, limit: int, before: JobCursor | None = None, oldest_first: bool = False
    ) -> list[WarmupJob]: ...

    async def page(self, wanted: JobFilter, *, limit: int, before: JobCursor | None = None) -> JobPage: ...

    async def status(self) -> QueueStatus: ...

    async def depth(self) -> QueueDepth: ...

    async def database(self) -> DatabaseState: ...


class SearchStore(Protocol):
    """See postgres.search.Search."""

    async def comparisons(
        self, search: ComparisonSearch, *, limit: int, after: tuple[str, str, str] | None
    ) -> list[ListedComparison]: ...

    async def summaries(
        self, search: ComparisonSearch, *, limit: int, after: tuple[str, str, str] | None
    ) -> list[ComparisonSummary]: ...


class Retention(Protocol):
    """See postgres.queue.Queue."""

    async def delete_old(self, *, days: int, limit: int) -> int: ...


class TrackRecordStore(Protocol):
    """See postgres.track_record.TrackRecord."""

    async def trust(self) -> Trust: ...
