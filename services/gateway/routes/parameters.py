"""Query and path parameters, validated; every error names the parameter."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from starlette.datastructures import QueryParams

from services.common.comparison import TIMEFRAMES, ComparisonKey, canonical_slug, invalid, parse_geo, parse_timeframe

MOST_A_PAGE = 200
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MAX_ID = 2**63 - 1


def comparison_key(query: QueryParams, slug: str | None = None) -> ComparisonKey:
    """The comparison that `slug` (a path parameter; else that of the query), `tf` and `geo` name."""
    if slug is None:
        slug = single(query, "slug")
        if not slug:
            raise invalid(
                "slug", f"slug is required, such as slug=amazon-vs-costco; tf is one of {', '.join(TIMEFRAMES)}"
            )
    return ComparisonKey.parse(slug, timeframe(query) or "", single(query, "geo") or "")


def timeframe(query: QueryParams) -> str | None:
    """`tf`, also accepted as `timeframe`, as a name of the table; None where it is not given."""
    return agreed_timeframe(single(query, "tf"), single(query, "timeframe"))


def agreed_timeframe(*given: str | None) -> str | None:
    """The one timeframe that several places name; those that are empty name none."""
    names = {parse_timeframe(text).name for text in given if text}
    if len(names) > 1:
        raise invalid("tf", f"two different timeframes were given: {' and '.join(sorted(names))}")
    return names.pop() if names else None


def agreed_geo(*given: str | None) -> str | None:
    """The one geo that several places name; None where none does. Empty is worldwide, and counts as given."""
    geos = {parse_geo(text) for text in given if text is not None}
    if len(geos) > 1:
        raise invalid("geo", "two different geos were given: " + " and ".join(f"“{geo}”" for geo in sorted(geos)))
    return geos.pop() if geos else None


def single(query: QueryParams, name: str) -> str | None:
    """The parameter's one value; None where it is not given."""
    values = query.getlist(name)
    if len(values) > 1:
        raise invalid(name, f"{name} was given {len(values)} times; once is allowed")
    return values[0] if values else None


def integer(query: QueryParams, name: str, *, default: int, least: int, most: int) -> int:
    """A whole number within bounds."""
    text = single(query, name)
    if not text:
        return default
    return _whole(name, text, least, most)


def limit(query: QueryParams) -> int:
    """How many items a page has."""
    return integer(query, "limit", default=50, least=1, most=MOST_A_PAGE)


def cursor(query: QueryParams) -> str:
    """Where the next page begins, as the page before it said; empty is the first page."""
    text = single(query, "cursor") or ""
    if len(text) > 1_000:
        raise invalid("cursor", "the cursor is not one that this server gave out")
    return text


def job_id(text: str) -> int:
    """The id of a job in a path."""
    return _whole("id", text, 1, _MAX_ID)


def slug_filter(query: QueryParams) -> str:
    """A slug to filter by; empty is any."""
    text = single(query, "slug")
    return canonical_slug(text) if text else ""


def age(query: QueryParams, name: str) -> int:
    """An age in seconds, written as 90, 90s, 5m, 2h or 7d; 0 where it is not given."""
    text = single(query, name)
    if not text:
        return 0
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise invalid(name, f"{name} is an age such as 90 (seconds), 5m, 2h or 7d, and above 0")
    return int(match[1]) * _SECONDS[match[2]]


def as_of(query: QueryParams) -> datetime | None:
    """When the data were taken; a time without an offset is UTC."""
    text = single(query, "asOf")
    if not text:
        return None
    try:
        # A plus that was not escaped arrives as a space.
        time = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid("asOf", "asOf is an ISO 8601 time such as 2026-01-31T12:00:00Z") from None


def _whole(name: str, text: str, least: int, most: int) -> int:
    digits = text.strip()
    if not re.fullmatch(r"-?[0-9]{1,20}", digits) or not least <= int(digits) <= most:
        upper = f" to {most}" if most != _MAX_ID else " upwards"
        raise invalid(name, f"{name} is a whole number from {least}{upper}")
    return int(digits)
