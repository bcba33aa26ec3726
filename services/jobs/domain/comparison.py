"""Comparisons as they are stored and listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.common.comparison import same_term
from services.common.errors import SLUG_TAKEN, WarmcastError
from services.common.job_status import JobStatus
from services.jobs.domain.signals import Signals
from services.jobs.domain.snapshot import Snapshot

SUMMARY_VALUES = 60


@dataclass(frozen=True)
class CurrentSnapshot:
    """The current snapshot of a comparison, with what was computed from it."""

    snapshot: Snapshot
    signals: tuple[Signals, Signals]
    updated_at: datetime  # when it became the current one


@dataclass(frozen=True)
class ListedComparison:
    """One row of the list of comparisons."""

    slug: str
    term_a: str
    term_b: str
    timeframe: str
    geo: str
    data_hash: str
    points: int
    first: datetime
    last: datetime
    updated_at: datetime


@dataclass(frozen=True)
class ComparisonSearch:
    """Which comparisons a list shows. Empty texts match all."""

    query: str = ""  # the beginning of either term, or a part of the slug, in slug form
    slug: str = ""


@dataclass(frozen=True)
class ComparisonSummary:
    """What a list shows of one comparison."""

    listed: ListedComparison
    scaled_apart: bool
    values_a: tuple[float, ...]  # at most SUMMARY_VALUES, of complete periods, with the last of them
    values_b: tuple[float, ...]
    status: JobStatus | None  # of the current snapshot's job
    last_ready_at: datetime | None
    leader: str  # termA or termB; empty for a tie, and if scaled apart


def summary_values(values: Sequence[float]) -> tuple[float, ...]:
    """At most SUMMARY_VALUES values, ending with the last one.

    Of longer series: the lowest and the highest of each part, in their order.
    """
    if len(values) <= SUMMARY_VALUES:
        return tuple(values)
    earlier = values[:-1]
    parts = (SUMMARY_VALUES - 1) // 2
    kept: list[float] = []
    for part in range(parts):
        of_part = earlier[part * len(earlier) // parts : (part + 1) * len(earlier) // parts]
        low, high = min(of_part), max(of_part)
        kept += [low, high] if of_part.index(low) < of_part.index(high) else [high, low]
    return (*kept, values[-1])


def leader(last_a: float, last_b: float, *, scaled_apart: bool) -> str:
    """The term that is ahead, as a label."""
    if scaled_apart or last_a == last_b:
        return ""
    return "termA" if last_a > last_b else "termB"


def check_owner(owner: tuple[str, str], snapshot: Snapshot) -> None:
    """Raises WarmcastError(SLUG_TAKEN) if the slug of a snapshot belongs to other terms."""
    if not all(map(same_term, owner, snapshot.terms)):
        term_a, term_b = snapshot.terms
        raise WarmcastError(
            SLUG_TAKEN,
            f"the slug {snapshot.slug} belongs to “{owner[0]}” and “{owner[1]}”, not to “{term_a}” and “{term_b}”",
            fields=(("term", f"its slug is taken by “{owner[0]}” and “{owner[1]}”"),),
        )


@dataclass(frozen=True)
class ImportResult:
    """What storing a snapshot changed."""

    terms: tuple[str, str]  # as the slug's terms are spelled
    created: bool  # False: the same data were stored before
    warmup_triggered: bool
