"""The sweep: what PostgreSQL knows to be stuck, then an audit of `ready` against the cache."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.jobs.dispatcher import count_rescued
from services.jobs.episodes import count_begun
from services.jobs.forecast import Forecaster
from services.jobs.job import Cause, EnqueueReason, SweptJob, WarmupJob
from services.jobs.series import SnapshotRef

log = structlog.get_logger()

_PAGE = 200
_AUDIT_SECONDS = 20.0


@dataclass(frozen=True)
class Swept:
    """What one sweep did."""

    requeued: tuple[SweptJob, ...]
    audited: int
    audit_skipped: str  # why the audit did not run to its end; empty if it did


class SweepQueue(Protocol):
    """What the sweep needs of store.queue.Queue."""

    async def sweep(self, job_id: int | None = None) -> tuple[SweptJob, ...]: ...

    async def enqueue(
        self, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
    ) -> WarmupJob | None: ...


class AuditPages(Protocol):
    """What the audit needs of store.listings.Listings."""

    async def audit_page(self, *, limit: int, after_id: int) -> list[tuple[WarmupJob, tuple[str, str]]]: ...


class Sweeper:
    """Safe to run twice, or twice at once: each edge that it takes is a compare-and-set."""

    def __init__(self, queue: SweepQueue, pages: AuditPages, forecaster: Forecaster) -> None:
        self._queue = queue
        self._pages = pages
        self._forecaster = forecaster

    async def sweep(self) -> Swept:
        """Re-queues stuck jobs, then audits. A forecaster that cannot be asked skips the audit, not the sweep."""
        stuck = await self._queue.sweep()
        count_rescued(stuck)
        lost: list[SweptJob] = []
        audited = 0
        skipped = ""
        after_id = 0
        try:
            async with asyncio.timeout(_AUDIT_SECONDS):
                while page := await self._pages.audit_page(limit=_PAGE, after_id=after_id):
                    async for each in self._take_back(page):
                        lost.append(each)  # one by one: what is back in the queue is told, whatever cuts the rest short
                    audited += len(page)
                    after_id = page[-1][0].id
        except WarmcastError as error:
            skipped = error.detail
        except TimeoutError:
            skipped = f"stopped after {_AUDIT_SECONDS:.0f} s; the next sweep begins anew"
        if skipped:
            log.warning("audit cut short", why=skipped, audited=audited)
        return Swept((*stuck, *lost), audited, skipped)

    async def _take_back(self, page: list[tuple[WarmupJob, tuple[str, str]]]) -> AsyncIterator[SweptJob]:
        refs = [SnapshotRef(job.key, terms, job.data_hash, job.engine_version) for job, terms in page]
        missing = await self._forecaster.missing(refs)
        for job, _ in itertools.compress(page, missing):
            requeued = await self._queue.enqueue(
                job.key, job.data_hash, seen_version=job.version, reason=EnqueueReason.CACHE_LOST
            )
            if requeued:
                count_begun(EnqueueReason.CACHE_LOST)
                yield SweptJob(requeued, Cause.CACHE_LOST)
