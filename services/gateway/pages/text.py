"""Numbers and times as text, as filters of the templates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup, escape

_MINUS = "−"


def number(value: float, decimals: int = 0) -> str:
    """With thousands separators and a typographic minus; no decimals that are all zero."""
    shown = f"{abs(value):,.{decimals}f}"
    if decimals and not float(shown.replace(",", "")) % 1:
        shown = shown.partition(".")[0]
    negative = value < 0 and any(digit in shown for digit in "123456789")
    return f"{_MINUS}{shown}" if negative else shown


def count(value: float, singular: str, plural: str = "", decimals: int = 0) -> str:
    """A number with its unit: `1 week`, `2 weeks`."""
    shown = number(value, decimals)
    return f"{shown} {singular if shown == '1' else plural or singular + 's'}"


def day(value: date | datetime) -> str:
    """A date in words: 5 January 2025."""
    return f"{value.day} {value:%B %Y}"


def moment(value: datetime) -> Markup:
    """A `<time>` with date and time in UTC."""
    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(_instant(utc), f"{day(utc)}, {utc:%H:%M} UTC")


def here(value: datetime) -> Markup:
    """A place for the age of a moment and its time in the reader's locale and time zone, which scripts fill."""
    return Markup('<time datetime="{}" class="here" data-here></time>').format(_instant(value.astimezone(UTC)))


def calendar_day(value: date | datetime) -> Markup:
    """A `<time>` with a date alone."""
    iso = value.date().isoformat() if isinstance(value, datetime) else value.isoformat()
    return Markup('<time datetime="{}">{}</time>').format(iso, day(value))


def _instant(utc: datetime) -> str:
    return utc.isoformat(timespec="seconds")


def sentence(detail: str) -> str:
    """The detail of an error as a sentence."""
    return detail[:1].upper() + detail[1:] + ("" if detail.endswith((".", "!", "?")) else ".")


def code(value: str) -> Markup:
    """Text whose parts between backticks are code."""
    parts = (
        Markup("<code>{}</code>").format(part) if n % 2 else escape(part) for n, part in enumerate(value.split("`"))
    )
    return Markup("").join(parts)


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "count": count,
    "day": calendar_day,
    "code": code,
    "moment": moment,
    "here": here,
    "sentence": sentence,
}
