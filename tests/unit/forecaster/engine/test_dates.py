"""The periods that follow a series."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.common.comparison import Step
from services.forecaster.engine.bundle.dates import following_periods, period_text


@pytest.mark.parametrize(
    ("last", "step", "expected"),
    [
        (datetime(2024, 2, 28, 23, tzinfo=UTC), Step.HOURLY, ["2024-02-29T00:00:00Z", "2024-02-29T01:00:00Z"]),
        (datetime(2024, 2, 28, tzinfo=UTC), Step.DAILY, ["2024-02-29", "2024-03-01"]),
        (datetime(2023, 12, 24, tzinfo=UTC), Step.WEEKLY, ["2023-12-31", "2024-01-07"]),
        (datetime(2023, 11, 1, tzinfo=UTC), Step.MONTHLY, ["2023-12-01", "2024-01-01"]),
    ],
)
def test_periods_continue_by_the_calendar(last: datetime, step: Step, expected: list[str]) -> None:
    assert [period_text(time, step) for time in following_periods(last, step, 2)] == expected


def test_months_keep_their_day_or_use_the_last_one() -> None:
    following = following_periods(datetime(2024, 1, 31, tzinfo=UTC), Step.MONTHLY, 3, anchor_day=31)
    assert [period_text(time, Step.MONTHLY) for time in following] == ["2024-02-29", "2024-03-31", "2024-04-30"]
