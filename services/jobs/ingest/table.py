"""One file, or one JSON body, as read and cleaned, before two terms are picked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.common.comparison import Step
from services.jobs.ingest.limits import MAX_POINTS

# What a reader may have done to the data; the words that the answer's `cleaned` shows.
BELOW_ONE = "below one read as half"
EMPTY_CELL = "empty cell filled"
MISSING_PERIOD = "missing period filled"
PARTIAL_COLUMN = "isPartial column dropped"
EMPTY_COLUMN = "empty column dropped"
COUNTER_COLUMN = "counter column dropped"
BRACKETS_KEPT = "text in brackets kept as part of its term"
LINES_AFTER = "line after the series ignored"
UNDECIDED = "text in no certain charset, beside the terms, not read"
OLD_PERIODS = f"period before the newest {MAX_POINTS:,} dropped"
EMPTY_ROW = "empty row before or after the series dropped"
NEWEST_FIRST = "rows from newest to oldest turned round"
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
    terms: tuple[str, ...]  # as shown, cleaned; distinct by slug
    geo: str | None  # ISO code from the header, else from the file's name; "" worldwide; None when neither says
    step: Step
    times: tuple[datetime, ...]  # UTC-aware period starts, strictly ascending, one step apart
    columns: tuple[tuple[float, ...], ...]  # one per term, 0..100, four decimals
    cleaned: Mapping[str, int]  # what was cleaned in the whole table → how often
    cleaned_by_term: tuple[Mapping[str, int], ...]  # the same for each column alone
    place: str = ""  # what the header says after the terms, as written
    unread: tuple[str, ...] = ()  # the file's other columns, which were not picked
    partial_last: bool = False  # the file itself says that its last period was not over
    as_of: datetime | None = None  # until when the file's name says that it reaches


def counted(*counts: Mapping[str, int]) -> dict[str, int]:
    """What was cleaned, summed, by name; without what never was."""
    total = Counter[str]()
    for count in counts:
        total.update(count)
    return {what: times for what, times in sorted(total.items()) if times}
