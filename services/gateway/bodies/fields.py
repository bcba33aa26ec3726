"""Types of fields that several bodies share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import Meta

from services.common.comparison import TIMEFRAMES, Step
from services.common.job_status import JobStatus

REF = "#/components/schemas/{name}"


def one_of(values: Iterable[str], description: str | None = None) -> Meta:
    """Documents the values of a string. Encoding does not check them."""
    return Meta(description=description, extra_json_schema={"enum": list(values)})


Slug = Annotated[str, Meta(description="canonical: both terms, sorted, joined by -vs-")]
Terms = Annotated[tuple[str, ...], Meta(description="termA and termB, in slug order", min_length=2, max_length=2)]
Timeframe = Annotated[str, one_of(TIMEFRAMES, "7d hourly; 30d, 3m daily; 12m, 5y weekly; all monthly")]
Geo = Annotated[str, Meta(description="ISO 3166 code or metro area; empty is worldwide")]
DataHash = Annotated[str, Meta(description="names the snapshot", pattern="^[0-9a-f]{16}$")]
Period = Annotated[str, Meta(description="start of a period: a date, or a time where the step is hourly")]
Moment = Annotated[datetime, Meta(tz=True)]
Status = Annotated[str, one_of(JobStatus)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]
NextCursor = Annotated[str | None, Meta(description="the cursor of the next page; null on the last one")]


def timestamp(row: Message, field: str) -> datetime | None:
    """A timestamp field; None where it is not set."""
    if not row.HasField(field):
        return None
    value: Timestamp = getattr(row, field)
    return value.ToDatetime(tzinfo=UTC)


def period(start: Timestamp, timeframe: str) -> str:
    """The start of a period: a date, or date and time for hourly series."""
    time = start.ToDatetime(tzinfo=UTC)
    known = TIMEFRAMES.get(timeframe)
    hourly = known is not None and known.step is Step.HOURLY
    return f"{time:%Y-%m-%dT%H:%M:%SZ}" if hourly else time.date().isoformat()
