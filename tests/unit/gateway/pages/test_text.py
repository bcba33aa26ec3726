"""Numbers and times of pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.gateway.pages import text


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [(0, 0, "0"), (-0.04, 1, "0"), (1234.5, 1, "1,234.5"), (-3.25, 1, "−3.2"), (10, 1, "10"), (99.96, 1, "100")],
)
def test_numbers(value: float, decimals: int, shown: str) -> None:
    assert text.number(value, decimals) == shown


def test_units() -> None:
    assert [text.count(n, "week") for n in (0, 1, 2)] == ["0 weeks", "1 week", "2 weeks"]


def test_times_are_in_utc() -> None:
    time = datetime(2025, 1, 5, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert text.moment(time) == '<time datetime="2025-01-04T23:30:00+00:00">4 January 2025, 23:30 UTC</time>'
    assert text.here(time) == '<time datetime="2025-01-04T23:30:00+00:00" class="here" data-here></time>'
    assert text.calendar_day(date(2025, 1, 5)) == '<time datetime="2025-01-05">5 January 2025</time>'
    assert text.calendar_day(datetime(2025, 1, 5, tzinfo=UTC)) == '<time datetime="2025-01-05">5 January 2025</time>'
