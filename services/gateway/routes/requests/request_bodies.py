"""Reads request bodies within limits, and converts JSON ones into messages. `uploads` handles files."""

from __future__ import annotations

import asyncio
import json
import math
import re
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError

CSV_TYPES = ("text/csv", "application/csv", "text/plain")


class Point(msgspec.Struct):
    """One period of a series."""

    date: str | int | float  # a number is epoch time
    values: list[float | None]


class SeriesBody(msgspec.Struct):
    """A snapshot as JSON."""

    terms: list[str]
    points: list[Point]
    timeframe: str | None = None
    geo: str | None = None
    source: str | None = None


class TriggerBody(msgspec.Struct):
    """The comparison to warm up."""

    slug: str
    tf: str | None = None
    timeframe: str | None = None
    geo: str | None = None
    force: bool = False
    reason: str = ""


class ReasonBody(msgspec.Struct):
    """Why an operator changes something; kept in the audit."""

    reason: str = ""


Body = TypeVar("Body")


@dataclass(frozen=True)
class BodyBounds:
    """Limits of a body."""

    max_bytes: int
    seconds: float


async def read_body(request: Request, bounds: BodyBounds) -> bytes:
    """The whole body.

    Raises TOO_LARGE as soon as its size is known to exceed the limit, REQUEST_TIMEOUT when it does not arrive in time.
    """
    max_bytes = bounds.max_bytes
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        detail = f"“{encoding[:60]}” is not supported; send the body without a Content-Encoding"
        raise WarmcastError(errors.UNSUPPORTED_MEDIA_TYPE, detail, fields=(("Content-Encoding", detail),))
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()  # not a list: a body may have as many chunks as bytes
    try:
        async with asyncio.timeout(bounds.seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
    except TimeoutError:
        detail = f"the body did not arrive within {bounds.seconds:g} s; {len(body)} bytes arrived"
        raise WarmcastError(errors.REQUEST_TIMEOUT, detail) from None
    return bytes(body)


def media_type(request: Request) -> str:
    """The content type without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def unsupported(given: str, *accepted: str) -> WarmcastError:
    """The error for an unsupported content type."""
    shown = f"“{given[:60]}”" if given else "no content type"
    detail = f"{shown} is not supported; use one of {', '.join(accepted)}"
    return WarmcastError(errors.UNSUPPORTED_MEDIA_TYPE, detail, fields=(("Content-Type", detail),))


def from_json(content: bytes, kind: type[Body]) -> Body:
    """Decodes the body as `kind`; every error names the field."""
    try:
        # The standard library accepts NaN and Infinity, so that the error can name their place.
        document: Any = json.loads(content)
        # JSON can encode a lone surrogate, which can be neither stored nor returned.
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise invalid("body", "the body has text that is not valid Unicode") from None
    except (ValueError, RecursionError):
        raise WarmcastError(errors.UNREADABLE_INPUT, "the body is not JSON") from None
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        wrong, _, place = str(error).partition(" - at `$")
        missing = re.search(r"missing required field `(\w+)`", wrong)
        steps = [place.rstrip("`").removeprefix("."), missing[1] if missing else ""]
        field = ".".join(filter(None, steps)) or "body"
        raise invalid(field, f"{field}: {wrong.replace('`', '')}") from None
    except OverflowError:
        raise invalid("body", "a number in the body is too large") from None


async def optional_json(request: Request, bounds: BodyBounds, kind: type[Body]) -> Body:
    """The JSON body as `kind`, whose fields are all optional; its defaults for an empty body."""
    content = await read_body(request, bounds)
    if not content:
        return kind()
    if (given := media_type(request)) != "application/json":
        raise unsupported(given, "application/json")
    return from_json(content, kind)


def series(body: SeriesBody) -> jobs_pb2.Series:
    """The points as a message. Raises WarmcastError that names a value which is not finite."""
    for index, point in enumerate(body.points):
        for column, value in enumerate(point.values):
            if value is not None and not math.isfinite(value):
                place = f"points[{index}].values[{column}]"
                raise invalid(place, f"{place} ({str(point.date)[:40]}) is {value}, which is not a finite number")
    return jobs_pb2.Series(terms=body.terms, points=map(_point, body.points))


def _point(point: Point) -> jobs_pb2.SeriesPoint:
    missing = [column for column, value in enumerate(point.values) if value is None]
    return jobs_pb2.SeriesPoint(
        date=_date(point.date), values=[value or 0.0 for value in point.values], missing=missing
    )


def _date(date: str | float) -> str:
    # 1.7e9 is an integer of seconds, though JSON writes it as a float.
    return f"{date:.0f}" if isinstance(date, float) and date.is_integer() else str(date)


def _too_large(max_bytes: int) -> WarmcastError:
    return WarmcastError(errors.TOO_LARGE, f"the body is larger than the limit of {max_bytes} bytes")
