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


def second(value: datetime) -> Markup:
    """A `<time>` with date and time to the second, in UTC, for tables and logs."""
    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M:%S}</time>').format(utc.isoformat(timespec="milliseconds"), utc)


def duration(seconds: float) -> str:
    """A length of time in two digits or more: `0 s`, `41 ms`, `0.9 s`, `1.5 s`, `42 s`, `4 min`, `3.5 h`, `7 d`."""
    sign, length = (_MINUS, -seconds) if seconds < 0 else ("", seconds)
    for limit, divisor, unit in ((0.0995, 0.001, "ms"), (99.5, 1, "s"), (5_970, 60, "min"), (171_000, 3_600, "h")):
        if 0 < length < limit:
            return f"{sign}{_two_digits(length / divisor)} {unit}"
    return f"{sign}{_two_digits(length / 86_400)} d" if length else "0 s"


def _two_digits(value: float) -> str:
    return number(value) if value >= 99.5 else f"{value:.2g}"


def capped(value: float, cap: int = 10_000) -> str:
    """A number that is counted up to `cap`."""
    return f"{number(cap)}+" if value >= cap else number(value)


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
    "second": second,
    "duration": duration,
    "capped": capped,
    "sentence": sentence,
}
