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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.0004, "0.4 ms"),
        (0.0412, "41 ms"),
        (0.0996, "0.1 s"),
        (0.24, "0.24 s"),
        (1, "1 s"),
        (59.6, "60 s"),
        (99.4, "99 s"),
        (100, "1.7 min"),
        (900, "15 min"),
        (5_970, "1.7 h"),
        (171_000, "2 d"),
        (86_400 * 400, "400 d"),
        (-3, "−3 s"),
    ],
)
def test_a_duration_has_two_digits(seconds: float, words: str) -> None:
    assert text.duration(seconds) == words


def test_a_count_may_have_a_cap() -> None:
    assert [text.capped(each) for each in (0, 9_999, 10_000, 10_001)] == ["0", "9,999", "10,000+", "10,000+"]
