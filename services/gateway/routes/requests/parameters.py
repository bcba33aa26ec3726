"""Parses and validates query and path parameters; every error names the parameter."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from starlette.datastructures import QueryParams

from services.common.comparison import TIMEFRAMES, ComparisonKey, invalid, parse_geo, parse_timeframe
from services.gateway.premium.parts import ALL_PARTS, Part, Parts

MAX_PAGE_SIZE = 200
_PARTS = tuple(part.value for part in Part)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MAX_ID = 2**63 - 1


def comparison_key(query: QueryParams, slug: str | None = None) -> ComparisonKey:
    """The comparison of `slug` (from the path, else from the query), `tf` and `geo`."""
    if slug is None:
        slug = single(query, "slug")
        if not slug:
            raise invalid(
                "slug",
                f"slug is required, such as slug=amazon-vs-costco; tf may be one of {', '.join(TIMEFRAMES)}",
            )
    return ComparisonKey.parse(slug, timeframe(query) or "", single(query, "geo") or "")


def timeframe(query: QueryParams) -> str | None:
    """`tf`, also accepted as `timeframe`; None where it is missing."""
    return agreed_timeframe(single(query, "tf"), single(query, "timeframe"))


def agreed_timeframe(*given: str | None) -> str | None:
    """The timeframe that all non-empty values agree on; None where there is none."""
    names = {parse_timeframe(text).name for text in given if text}
    if len(names) > 1:
        raise invalid("tf", f"the request names two timeframes: {' and '.join(sorted(names))}; send one")
    return names.pop() if names else None


def agreed_geo(*given: str | None) -> str | None:
    """The geo that all values agree on; None where all are None. Empty means worldwide and counts as a value."""
    geos = {parse_geo(text) for text in given if text is not None}
    if len(geos) > 1:
        names = " and ".join(f"“{geo}”" for geo in sorted(geos))
        raise invalid("geo", f"the request names two geos: {names}; send one")
    return geos.pop() if geos else None


def single(query: QueryParams, name: str) -> str | None:
    """The parameter's value; None where it is missing. Raises WarmcastError where it is repeated."""
    values = query.getlist(name)
    if len(values) > 1:
        raise invalid(name, f"{name} is given {len(values)} times; send it once")
    return values[0] if values else None


def parts(query: QueryParams) -> Parts:
    """The parts of a premium answer that `fields` names, separated by commas; all of them where it is missing."""
    text = single(query, "fields")
    if text is None:
        return ALL_PARTS
    names = text.split(",")
    for name in names:
        if name not in _PARTS:
            raise invalid("fields", f"fields names “{name[:50]}”; it may name {', '.join(_PARTS)}, separated by commas")
        if names.count(name) > 1:
            raise invalid("fields", f"fields names {name} {names.count(name)} times; name it once")
    return frozenset(map(Part, names))


def flag(query: QueryParams, name: str) -> bool:
    """Whether the parameter is `true`; missing is false."""
    text = single(query, name) or "false"
    if text not in ("true", "false"):
        raise invalid(name, f"{name} must be true or false")
    return text == "true"


def integer(query: QueryParams, name: str, *, default: int, minimum: int, maximum: int) -> int:
    """An integer within bounds."""
    text = single(query, name)
    if not text:
        return default
    return _integer(name, text, minimum, maximum)


def limit(query: QueryParams) -> int:
    """The page size."""
    return integer(query, "limit", default=50, minimum=1, maximum=MAX_PAGE_SIZE)


def cursor(query: QueryParams) -> str:
    """The cursor of a page; empty for the first page."""
    text = single(query, "cursor") or ""
    if len(text) > 1_000:
        raise invalid("cursor", "unknown cursor; use nextCursor of the page before")
    return text


def job_id(text: str) -> int:
    """The id of a job or an operation in a path."""
    return _integer("id", text, 1, _MAX_ID)


def age(query: QueryParams, name: str) -> int:
    """An age in seconds, from 90, 90s, 5m, 2h or 7d; 0 where it is missing."""
    return parse_age(name, single(query, name))


def parse_age(name: str, text: str | None) -> int:
    """The same of one value."""
    if not text:
        return 0
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise invalid(name, f"{name} must be an age above 0, such as 90 (seconds), 5m, 2h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


def as_of(query: QueryParams) -> datetime | None:
    """When the data were exported; a time without an offset is UTC."""
    text = single(query, "asOf")
    if not text:
        return None
    try:
        # An unescaped plus arrives as a space.
        time = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid("asOf", "asOf must be an ISO 8601 time such as 2026-01-31T12:00:00Z") from None


def _integer(name: str, text: str, minimum: int, maximum: int) -> int:
    digits = text.strip()
    if not re.fullmatch(r"-?[0-9]{1,20}", digits) or not minimum <= int(digits) <= maximum:
        bounds = f"from {minimum} to {maximum}" if maximum != _MAX_ID else f"of at least {minimum}"
        raise invalid(name, f"{name} must be an integer {bounds}")
    return int(digits)
