"""One file or JSON body after parsing and cleaning, before two terms are chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.common.comparison import Step
from services.jobs.ingest.limits import MAX_POINTS

# Entries of `cleaned` in the answer to an import.
BELOW_ONE = "below one read as half"
EMPTY_CELL = "empty cell filled"
MISSING_PERIOD = "missing period filled"
PARTIAL_COLUMN = "isPartial column dropped"
EMPTY_COLUMN = "empty column dropped"
COUNTER_COLUMN = "counter column dropped"
BRACKETS_KEPT = "text in brackets kept as part of its term"
LINES_AFTER = "line after the series ignored"
CHARSET_UNCERTAIN = "text of uncertain charset outside the terms ignored"
OLD_PERIODS = f"period before the newest {MAX_POINTS:,} dropped"
EMPTY_ROW = "empty row before or after the series dropped"
NEWEST_FIRST = "rows from newest to oldest reversed"
MONTH_END = "end of a month read as its month"
REPEATED_HOUR = "hour that clocks repeat kept once"
SKIPPED_HOUR = "hour that clocks skip filled"
NOT_COMMON = "period that only one file holds dropped"
PLACE_OVERRULED = "place in the header overruled by geo"
PLACE_OF_NAME_OVERRULED = "place in the file's name overruled by geo"
PLACE_UNKNOWN = "unknown place in the header taken as geo"


@dataclass(frozen=True)
class Table:
    """The terms and their series on one regular grid of periods."""

    name: str  # quoted, for messages
    terms: tuple[str, ...]  # cleaned, for display; distinct by slug
    geo: str | None  # ISO code from the header, else from the file's name; "" worldwide; None if neither has one
    step: Step
    times: tuple[datetime, ...]  # UTC-aware period starts, strictly ascending, one step apart
    columns: tuple[tuple[float, ...], ...]  # one for each term, 0..100, four decimals
    cleaned: Mapping[str, int]  # what was cleaned in the whole table → how often
    cleaned_by_term: tuple[Mapping[str, int], ...]  # the same for each column alone
    place: str = ""  # the place in the header, as written
    other_terms: tuple[str, ...] = ()  # of the columns that were not picked
    partial_last: bool = False  # the file says that its last period is partial
    as_of: datetime | None = None  # the end time in the file's name


def counted(*counts: Mapping[str, int]) -> dict[str, int]:
    """The sum of what was cleaned, sorted by name, without zeros."""
    total = Counter[str]()
    for count in counts:
        total.update(count)
    return {what: times for what, times in sorted(total.items()) if times}
