"""Places of a season and periods, as a page names them."""

from __future__ import annotations

import pytest

from services.common.comparison import Step
from services.gateway.bodies.insights import Decomposition
from services.gateway.pages.charts.drawing.times import epoch_seconds, period_words
from services.gateway.pages.comparison.drawn import places


def profile(start: str, period: int) -> Decomposition:
    return Decomposition("stl", period, [], [0.0] * period, start, 0.5, 0.5)


@pytest.mark.parametrize(
    ("start", "step", "period", "first", "last"),
    [
        ("01-02", Step.WEEKLY, 52, ("2 January", "Jan"), ("25 December", "Dec")),
        ("January", Step.MONTHLY, 12, ("January", "Jan"), ("December", "Dec")),
        ("March", Step.MONTHLY, 12, ("March", "Mar"), ("February", "Feb")),
        ("Monday", Step.DAILY, 7, ("Monday", "Mon"), ("Sunday", "Sun")),
        ("00:00", Step.HOURLY, 24, ("00:00", "00:00"), ("23:00", "23:00")),
    ],
)
def test_places_follow_the_first_one(
    start: str, step: Step, period: int, first: tuple[str, str], last: tuple[str, str]
) -> None:
    found = places(profile(start, period), step)
    assert len(found) == period
    assert (found[0].name, found[0].tick) == first
    assert (found[-1].name, found[-1].tick) == last


@pytest.mark.parametrize(
    ("step", "words"),
    [(Step.HOURLY, "3 March 2026, 14:00 UTC"), (Step.DAILY, "3 March 2026"), (Step.MONTHLY, "March 2026")],
)
def test_a_period_in_words_names_the_time_zone_of_hours(step: Step, words: str) -> None:
    assert period_words(epoch_seconds("2026-03-03T14:00:00Z"), step) == words
