"""The SQL of a job filter, for pages of jobs and for operations on all that match.

Each list has an index that begins with what it is of (a status or an error reason, or nothing), continues in the order
of the list, and has the filters' columns behind: PostgreSQL checks them in the index, and reads only jobs that match.
That of all jobs has no status and no engine version: docs/decisions/job-lists.md.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TypeVar

from sqlalchemy import BindParameter, ColumnElement, FromClause, func, literal, select

from services.common.job_status import JobStatus
from services.jobs.domain.queue import JobFilter
from services.jobs.postgres.sql.schema import warmup_jobs

Value = TypeVar("Value")
# The distances of milestones, by ids. A page examines jobs down to the second one: 2,500 to 5,000 jobs, and of a status
# or an error those among 50,000 to 100,000.
NEAR = 2_500
FAR = 50_000
_CHECKED = ("timeframe", "geo", "reason", "engine_version")


def source(wanted: JobFilter) -> FromClause:
    """The jobs to filter: all, or those of the filter's slug."""
    if wanted.slug is None:
        return warmup_jobs
    # Selected first, since they are few: without statistics the planner may scan all jobs in order.
    of_one = select(warmup_jobs).where(warmup_jobs.c.slug == wanted.slug)
    return of_one.cte("of_one").prefix_with("MATERIALIZED")


def conditions(wanted: JobFilter, jobs: FromClause) -> list[ColumnElement[bool]]:
    """What the filter requires of a row of `jobs`, which `source` returned."""
    required = of_age(wanted, jobs)
    if wanted.error_reason is not None:
        required.append(jobs.c.error_reason == wanted.error_reason)
        # A replica of an older release clears the error, but not its reason.
        required.append(jobs.c.last_error.is_not(None))
    if wanted.status is not None:
        required += of_status(wanted, jobs, {wanted.status})
    for name in _CHECKED:
        value = getattr(wanted, name)
        if value is not None:
            required.append(jobs.c[name] == value)
    return required


def milestones(wanted: JobFilter) -> int | None:
    """The distance of the milestones for this filter; None: each examined job matches, or its slug has few."""
    checked = [getattr(wanted, name) for name in _CHECKED]
    if not _begins_with_status(wanted):
        checked.append(wanted.status)
    if wanted.slug is not None or checked == [None] * len(checked):
        return None
    return FAR if wanted.error_reason is not None or _begins_with_status(wanted) else NEAR


def of_status(wanted: JobFilter, jobs: FromClause, statuses: Set[JobStatus]) -> list[ColumnElement[bool]]:
    """What is required of a row that has one of the statuses.

    Lists' indexes have the status in a spelling of their own, so that no other statement finds jobs by them.
    """
    listed = written("").concat(jobs.c.status)
    required: list[ColumnElement[bool]] = [listed.in_([written(each.value) for each in sorted(statuses)])]
    if wanted.error_reason is None and JobStatus.READY not in statuses:
        required.append(jobs.c.status != written(JobStatus.READY.value))  # the condition of the index of a status
    return required


def of_age(wanted: JobFilter, jobs: FromClause) -> list[ColumnElement[bool]]:
    """What the filter requires of the creation of a row of `jobs`."""
    required: list[ColumnElement[bool]] = []
    if wanted.older_than is not None:
        required.append(jobs.c.created_at < func.now() - wanted.older_than)
    if wanted.newer_than is not None:
        required.append(jobs.c.created_at > func.now() - wanted.newer_than)
    return required


def written(value: Value) -> BindParameter[Value]:
    """A literal: for a parameter the planner assumes a tenth of all rows (limit) or a fifth (status), and scans."""
    return literal(value, literal_execute=True)


def _begins_with_status(wanted: JobFilter) -> bool:
    """Whether the list's index begins with the status. No index has the ready jobs: most are."""
    return wanted.error_reason is None and wanted.status not in (None, JobStatus.READY)
