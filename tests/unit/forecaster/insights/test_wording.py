"""How numbers and periods are written in a sentence."""

from __future__ import annotations

import pytest

from services.common.comparison import Step
from services.forecaster.insights.interpretations.wording import futures, numbers, period, points, signed_points


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ((61.2, 40.4), ["61", "40"]),
        ((61.2, 60.8), ["61.2", "60.8"]),  # equal if they were whole
        ((61.21, 61.19), ["61", "61"]),
        ((9.94, 3.0, 12.4), ["9.9", "3", "12"]),
        ((-12.4, -0.04), ["−12", "0"]),
    ],
)
def test_numbers_of_one_sentence_are_whole_from_10_on_unless_they_then_were_equal(
    values: tuple[float, ...], written: list[str]
) -> None:
    assert numbers(*values) == written


def test_amounts_have_a_unit_and_effects_a_sign() -> None:
    assert [points(value) for value in (1, 0.96, 1.5, 0)] == ["1 point", "1 point", "1.5 points", "0 points"]
    assert [signed_points(value) for value in (12.3, 1, -1, 0.01)] == ["+12 points", "+1 point", "−1 point", "0 points"]


@pytest.mark.parametrize(
    ("probability", "written"),
    [
        (100.0, "in more than 99 of 100 simulated futures"),
        (99.5, "in more than 99 of 100 simulated futures"),
        (99.4, "in 99 of 100 simulated futures"),
        (77.6, "in 78 of 100 simulated futures"),
        (0.6, "in 1 of 100 simulated futures"),
        (0.5, "in fewer than 1 of 100 simulated futures"),
    ],
)
def test_a_probability_is_a_share_of_futures(probability: float, written: str) -> None:
    assert futures(probability) == written


@pytest.mark.parametrize(
    ("step", "date", "written"),
    [
        (Step.HOURLY, "2024-05-12T07:00:00Z", "07:00 UTC on 12 May 2024"),
        (Step.DAILY, "2024-05-12", "12 May 2024"),
        (Step.WEEKLY, "2024-05-12", "the week of 12 May 2024"),
        (Step.MONTHLY, "2024-05-01", "May 2024"),
    ],
)
def test_a_period_is_named_by_its_step(step: Step, date: str, written: str) -> None:
    assert period(date, step) == written
