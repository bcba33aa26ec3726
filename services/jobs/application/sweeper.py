"""The sweep: re-queues stuck jobs, then audits `ready` jobs against the cache."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.jobs.application.dispatcher import count_rescued
from services.jobs.application.metrics import count_enqueued
from services.jobs.domain.forecaster import Forecaster
from services.jobs.domain.job import Cause, EnqueueReason, SweptJob, WarmupJob
from services.jobs.domain.snapshot import ForecastKey

log = structlog.get_logger()

_Page = list[tuple[WarmupJob, tuple[str, str]]]  # with their terms

_PAGE = 200
_AUDIT_SECONDS = 20.0


@dataclass(frozen=True)
class Swept:
    """The result of one sweep."""

    requeued: tuple[SweptJob, ...]
    audited: int
    audit_skipped: str  # why the audit stopped early; empty if it completed


class SweepQueue(Protocol):
    """What the sweep needs of postgres.queue.Queue."""

    async def sweep(self, job_id: int | None = None) -> tuple[SweptJob, ...]: ...

    async def enqueue(
        self, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
    ) -> WarmupJob | None: ...


class AuditPages(Protocol):
    """What the audit needs of postgres.listings.Listings."""

    async def audit_position(self) -> int: ...

    async def save_audit_position(self, after_id: int) -> None: ...

    async def audit_page(self, *, limit: int, after_id: int, up_to_id: int | None = None) -> _Page: ...


class Sweeper:
    """Safe to run concurrently: each edge is a compare-and-set."""

    def __init__(self, queue: SweepQueue, pages: AuditPages, forecaster: Forecaster) -> None:
        self._queue = queue
        self._audit_pages = pages
        self._forecaster = forecaster

    async def sweep(self) -> Swept:
        """Re-queues stuck jobs, then audits. Without a forecaster only the audit is skipped."""
        stuck = await self._queue.sweep()
        count_rescued(stuck)
        lost: list[SweptJob] = []
        audited = 0
        skipped = ""
        try:
            async with asyncio.timeout(_AUDIT_SECONDS), contextlib.aclosing(self._pages_from_position()) as pages:
                async for page in pages:
                    async for each in self._requeue_lost(page):
                        lost.append(each)  # one by one, so that a timeout does not drop re-queued jobs from the result
                    audited += len(page)
        except WarmcastError as error:
            skipped = error.detail
        except TimeoutError:
            skipped = f"stopped after {_AUDIT_SECONDS:g} s; the next sweep continues there"
        if skipped:
            log.warning("audit stopped early", reason=skipped, audited=audited)
        return Swept((*stuck, *lost), audited, skipped)

    async def _pages_from_position(self) -> AsyncGenerator[_Page]:
        """Pages of all jobs, each job once: from the saved position to the end, then from the first job."""
        start = after_id = await self._audit_pages.audit_position()
        is_first = True
        for up_to_id in (None, start):
            while page := await self._audit_pages.audit_page(limit=_PAGE, after_id=after_id, up_to_id=up_to_id):
                after_id = page[-1][0].id
                if is_first:
                    # Saved before the first page is checked, so that a page that times out is not first again.
                    await self._audit_pages.save_audit_position(after_id)
                    is_first = False
                yield page
                await self._audit_pages.save_audit_position(after_id)
            after_id = 0

    async def _requeue_lost(self, page: _Page) -> AsyncIterator[SweptJob]:
        keys = [ForecastKey(job.snapshot_key, terms, job.engine_version) for job, terms in page]
        missing = await self._forecaster.missing(keys)
        for job, _ in itertools.compress(page, missing):
            requeued = await self._queue.enqueue(
                job.key, job.data_hash, seen_version=job.version, reason=EnqueueReason.CACHE_LOST
            )
            if requeued:
                count_enqueued(EnqueueReason.CACHE_LOST)
                yield SweptJob(requeued, Cause.CACHE_LOST)
