"""Comparisons as they are stored and listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.jobs.domain.signals import Signals
from services.jobs.domain.snapshot import Snapshot


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
class ImportResult:
    """What storing a snapshot changed."""

    terms: tuple[str, str]  # as the slug's terms are spelled
    created: bool  # False: the same data were stored before
    warmup_triggered: bool
