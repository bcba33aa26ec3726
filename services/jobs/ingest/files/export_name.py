"""Reads the place and the end time from the file name of an export of the new Trends page.

Example: `time_series_US_20250101-0800_20250401-0337.csv`. The header of such a file has neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.common.comparison import parse_geo
from services.common.errors import WarmcastError
from services.jobs.ingest.places import codes_of

# A browser or a user may have added text before or after it.
_NAME = re.compile(
    r"(?:.*[^a-z])?time_series_(?P<place>[^_]{1,60})_(?P<start>\d{8}-\d{4})_(?P<end>\d{8}-\d{4})(?!\d).*",
    re.IGNORECASE | re.DOTALL,
)
_EASTERNMOST = timedelta(hours=14)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ExportName:
    """A place and a time, each None if the name does not have it."""

    geo: str | None = None  # ISO 3166 code; "" is worldwide
    as_of: datetime | None = None  # UTC-aware


def read_export_name(name: str) -> ExportName:
    """The place and time in a file's name. Both are None for a name of another form."""
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
    """The end of the range: the earlier of the end in UTC and the end as written.

    Both times in the name are in the local time of the export, and the range begins at midnight UTC. The dates in the
    file may be in either, and the last period was not over.
    """
    if start.time() == end.time():
        # A range such as “past 5 years” ends at the time of the export, in an unknown zone. A range of whole days may
        # have been exported long after its end.
        return None if end.minute % 15 == 0 else end
    ahead = timedelta(hours=start.hour, minutes=start.minute)
    return min(end, end - (ahead if ahead <= _EASTERNMOST else ahead - _DAY))
