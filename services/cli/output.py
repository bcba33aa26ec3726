"""What commands print: messages as JSON, and moments and durations as text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.jobs.v1 import jobs_pb2

from services.common.rpc.job_status import status_name

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Page = Annotated[str, typer.Option(help="Page token that the previous page printed.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="Maximum number of lines.")]

# JSON of any shape.
Json = Any


def plain(message: Message) -> dict[str, Json]:
    """A message with every field: names in camel case, enums by their short names, null for what is absent.

    Unlike protobuf's own JSON, 64-bit integers are numbers, and fields are not left out where they are empty.
    """
    return {field.json_name: _value(message, field) for field in message.DESCRIPTOR.fields}


def line(job: jobs_pb2.WarmupJob) -> str:
    """A job in one line."""
    where = f"{job.slug} {job.timeframe} {job.geo or 'worldwide'}"
    error = f" · {job.last_error}" if job.last_error else ""
    return f"{job.id:>6}  {status_name(job.status):<9}  attempt {job.attempts}  {where}  {job.data_hash}{error}"


def print_json(value: Json) -> None:
    """Prints a value for programs."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_more(page_token: str) -> None:
    """Says on standard error how to get the next page, if there is one."""
    if page_token:
        typer.echo(f"more: --page {page_token}", err=True)


def moment(message: Message, field: str) -> str:
    """A time in UTC, with seconds; a dash where it is absent."""
    if not message.HasField(field):
        return "–"
    stamp: Timestamp = getattr(message, field)
    return f"{stamp.ToDatetime(tzinfo=UTC):%Y-%m-%d %H:%M:%S}"


def seconds_between(message: Message, start: str, end: str) -> str:
    """The time between two fields in seconds; a dash where one is absent."""
    if not (message.HasField(start) and message.HasField(end)):
        return "–"
    times: list[datetime] = [getattr(message, field).ToDatetime(tzinfo=UTC) for field in (start, end)]
    return seconds((times[1] - times[0]).total_seconds())


def seconds(value: float) -> str:
    """A duration."""
    return f"{value:,.2f} s" if abs(value) < 10 else f"{value:,.0f} s"


def count(value: int, cap: int = 10_000) -> str:
    """A count that stops at `cap`."""
    return f"{value:,}{'+' if value >= cap else ''}"


# The type of a field differs between the implementations of protobuf.
def _value(message: Message, field: Any) -> Json:
    if field.is_repeated:
        values: Iterable[Any] = getattr(message, field.name)
        return [_single(value, field) for value in values]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _single(getattr(message, field.name), field)


def _single(value: Any, field: Any) -> Json:
    if isinstance(value, Timestamp):
        return value.ToJsonString()
    if isinstance(value, Message):
        return plain(value)
    if field.enum_type is not None:
        name: str = field.enum_type.values_by_number[value].name
        prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
        return name.removeprefix(prefix).lower()
    return value
