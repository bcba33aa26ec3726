"""The SQL of a job filter, for pages of jobs and for operations on all that match."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import BindParameter, ColumnElement, FromClause, func, literal, select

from services.jobs.domain.queue import JobFilter
from services.jobs.postgres.sql.schema import warmup_jobs

Value = TypeVar("Value")


def source(wanted: JobFilter) -> FromClause:
    """The jobs to filter: all, or those of the filter's slug."""
    if wanted.slug is None:
        return warmup_jobs
    # Selected first, since they are few: without statistics the planner may scan all jobs in order.
    of_one = select(warmup_jobs).where(warmup_jobs.c.slug == wanted.slug)
    return of_one.cte("of_one").prefix_with("MATERIALIZED")


def conditions(wanted: JobFilter, jobs: FromClause) -> list[ColumnElement[bool]]:
    """What the filter requires of a row of `jobs`, which `source` returned."""
    return [*found_by_index(wanted, jobs), *examined(wanted, jobs)]


def found_by_index(wanted: JobFilter, jobs: FromClause) -> list[ColumnElement[bool]]:
    """The conditions for which an index returns the matching jobs in the order of their creation."""
    required: list[ColumnElement[bool]] = []
    if wanted.error_reason is not None:
        required.append(jobs.c.error_reason == wanted.error_reason)
    elif wanted.status is not None:
        required.append(jobs.c.status == written(wanted.status.value))
    if wanted.older_than is not None:
        required.append(jobs.c.created_at < func.now() - wanted.older_than)
    if wanted.newer_than is not None:
        required.append(jobs.c.created_at > func.now() - wanted.newer_than)
    return required


def examined(wanted: JobFilter, jobs: FromClause) -> list[ColumnElement[bool]]:
    """The other conditions, for which each job is examined: an index for each would be written by each transition."""
    required: list[ColumnElement[bool]] = []
    if wanted.error_reason is not None:
        # A replica of an older release clears the error, but not its reason.
        required.append(jobs.c.last_error.is_not(None))
        if wanted.status is not None:
            # `|| ''` keeps the planner from the index on status, which may return many jobs.
            required.append(jobs.c.status.concat(written("")) == written(wanted.status.value))
    for name in ("timeframe", "geo", "reason", "engine_version"):
        value = getattr(wanted, name)
        if value is not None:
            required.append(jobs.c[name] == value)
    return required


def written(value: Value) -> BindParameter[Value]:
    """A literal: for a parameter the planner assumes a tenth of all rows (limit) or a fifth (status), and scans."""
    return literal(value, literal_execute=True)
