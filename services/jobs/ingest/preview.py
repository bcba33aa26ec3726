"""What an import of tables would store, and what was read of each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.jobs.domain.comparison import summary_values
from services.jobs.domain.snapshot import ImportedData, ImportedSnapshot
from services.jobs.ingest.choice import choose_terms
from services.jobs.ingest.table import EMPTY_CELL, MISSING_PERIOD, SKIPPED_HOUR, Table


@dataclass(frozen=True)
class Column:
    """One column of a file."""

    term: str
    chosen: bool
    values: int  # 0: not read, because two others were picked
    missing: int = 0  # periods without a value
    lowest: float = 0.0
    highest: float = 0.0
    sampled_values: tuple[float, ...] = ()  # of complete periods, as of summary_values


@dataclass(frozen=True)
class Preview:
    """What an import would store."""

    data: ImportedData | ImportedSnapshot  # a snapshot once two terms are chosen
    columns: tuple[Column, ...]
    created: bool  # whether these data are new; False before two terms are chosen


def needs_choice(tables: Sequence[Table], pick: Sequence[str], *, known: bool) -> bool:
    """Whether the tables are one file without a choice of two terms: it has one term, or more than two.

    A `known` comparison chooses its own terms.
    """
    if len(tables) != 1 or pick or tables[0].other_terms:
        return False
    terms = len(tables[0].terms)
    return terms == 1 or (terms > 2 and not known)


def read_columns(
    tables: Sequence[Table], pick: Sequence[str], *, partial_period: datetime | None, undecided: bool = False
) -> tuple[Column, ...]:
    """The columns in the order of the files. Those of a choice that was made are marked.

    `partial_period` is the start of a last period that has not ended.
    """
    chosen = () if undecided else choose_terms(tables, pick, None).terms
    columns = [_column(table, at, chosen, partial_period) for table in tables for at in range(len(table.terms))]
    others = [Column(term, chosen=False, values=0) for table in tables for term in table.other_terms]
    return (*columns, *others)


def _column(table: Table, at: int, chosen: Sequence[str], partial_period: datetime | None) -> Column:
    missing = table.cleaned_by_term[at].get(EMPTY_CELL, 0) + sum(
        table.cleaned.get(what, 0) for what in (MISSING_PERIOD, SKIPPED_HOUR)
    )
    # A filled value lies between its neighbours, so it changes neither the lowest nor the highest.
    values = table.columns[at]
    return Column(
        table.terms[at],
        chosen=table.terms[at] in chosen,
        values=len(values) - missing,
        missing=missing,
        lowest=min(values),
        highest=max(values),
        sampled_values=summary_values(values[:-1] if table.times[-1] == partial_period else values),
    )
