"""What the name of an export of the new Trends page says: its place, and until when it reaches.

`time_series_US_20250101-0800_20250401-0337.csv`: the header of such a file names neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.common.comparison import parse_geo
from services.common.errors import WarmcastError
from services.jobs.ingest.places import codes_of

# A browser or a person may have put something before or after it.
_NAME = re.compile(
    r"(?:.*[^a-z])?time_series_(?P<place>[^_]{1,60})_(?P<start>\d{8}-\d{4})_(?P<end>\d{8}-\d{4})(?!\d).*",
    re.IGNORECASE | re.DOTALL,
)
_EASTERNMOST = timedelta(hours=14)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ExportName:
    """A place and a time, each None where the name does not say it."""

    geo: str | None = None  # ISO 3166 code; "" is worldwide
    as_of: datetime | None = None  # UTC-aware


def read_export_name(name: str) -> ExportName:
    """What a file's name says; nothing for every other name."""
    match = _NAME.fullmatch(name[:300])
    if match is None:
        return ExportName()
    start, end = _moment(match["start"]), _moment(match["end"])
    if start is None or end is None or end <= start:
        return ExportName(geo=_geo(match["place"]))
    return ExportName(geo=_geo(match["place"]), as_of=_as_of(start, end))


def _geo(place: str) -> str | None:
    try:
        return parse_geo(place)
    except WarmcastError:
        codes = codes_of(place)
        return next(iter(codes)) if len(codes) == 1 else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%d-%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None


def _as_of(start: datetime, end: datetime) -> datetime | None:
    """The end, in UTC or as written, whichever is earlier.

    Both times are of the clock on which it was exported, and the range begins at midnight in UTC. The dates in the file
    may be of either, and its last period was not over.
    """
    if start.time() == end.time():
        # A range such as “past 5 years” ends when it was exported, on a clock that nothing tells. Whole days may have
        # been chosen long after.
        return None if end.minute % 15 == 0 else end
    ahead = timedelta(hours=start.hour, minutes=start.minute)
    return min(end, end - (ahead if ahead <= _EASTERNMOST else ahead - _DAY))
