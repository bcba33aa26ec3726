"""One file, or one JSON body, as read and cleaned, before two terms are picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.common.comparison import Step

# What a reader may have done to the data; the words that the answer's `cleaned` shows.
BELOW_ONE = "below one read as half"
EMPTY_CELL = "empty cell filled"
MISSING_PERIOD = "missing period filled"
PARTIAL_COLUMN = "isPartial column dropped"
EMPTY_COLUMN = "empty column dropped"
COUNTER_COLUMN = "counter column dropped"
BRACKETS_KEPT = "text in brackets kept as part of its term"
LINES_AFTER = "line after the series ignored"
NOT_UTF8 = "text not in UTF-8 read as Windows-1252"
NOT_COMMON = "period that only one file holds dropped"
PLACE_OVERRULED = "place in the header overruled by geo"
PLACE_UNKNOWN = "unknown place in the header taken as geo"


@dataclass(frozen=True)
class Table:
    """The terms and their series on one regular grid of periods."""

    name: str  # quoted, for messages
    terms: tuple[str, ...]  # as shown, cleaned; distinct by slug
    geo: str | None  # ISO code from the header; "" worldwide; None when the header does not say
    step: Step
    times: tuple[datetime, ...]  # UTC-aware period starts, strictly ascending, one step apart
    columns: tuple[tuple[float, ...], ...]  # one per term, 0..100, four decimals
    cleaned: Mapping[str, int]  # what was cleaned in the whole table → how often
    cleaned_by_term: tuple[Mapping[str, int], ...]  # the same for each column alone
    place: str = ""  # what the header says after the terms, as written
    unread: tuple[str, ...] = ()  # the file's other columns, which were not picked
    partial_last: bool = False  # the file itself says that its last period was not over
