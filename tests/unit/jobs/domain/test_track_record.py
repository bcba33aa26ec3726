"""Scores of forecasts against actual values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.jobs.domain.forecaster import ForecastPoint, TermForecast
from services.jobs.domain.scoring import KeptForecast, Score, Unscored, score
from services.jobs.domain.snapshot import Series
from services.jobs.domain.trust import Tally, period_of, stats_of

START = datetime(2024, 1, 7, tzinfo=UTC)
HISTORY_A = (40.0, 42.0, 40.0, 42.0, 40.0, 42.0, 40.0, 42.0, 40.0, 42.0)  # changes by 2 a step
HISTORY_B = (50.0,) * 10
ACTUAL_A = (60.0, 62.0, 64.0)
ACTUAL_B = (50.0, 51.0, 49.0)


def week(number: int) -> datetime:
    return START + timedelta(weeks=number)


def observed(
    values_a: Sequence[float], values_b: Sequence[float], *, partial: bool = False, apart: bool = False, first: int = 0
) -> Series:
    times = tuple(week(first + number) for number in range(len(values_a)))
    return Series(times, tuple(values_a), tuple(values_b), partial, apart)


def forecast_of(values: Sequence[float], *, first: int = 10, direction: str = "stable") -> TermForecast:
    """Intervals of ±1 and ±5 around each value."""
    points = tuple(
        ForecastPoint(week(first + number), value, value - 1, value + 1, value - 5, value + 5)
        for number, value in enumerate(values)
    )
    return TermForecast("a term", "hash", direction, points)


OLDER = observed(HISTORY_A, HISTORY_B)
NEWER = observed(HISTORY_A + ACTUAL_A, HISTORY_B + ACTUAL_B)
KEPT = KeptForecast(
    record_ids=(1, 2),
    engine_version="1",
    generated_at=START,
    data_hash="old",
    history=OLDER,
    term_a=forecast_of((60, 60, 60), direction="rising"),
    term_b=forecast_of((50, 50, 50)),
)


def scored(forecast: KeptForecast = KEPT, newer: Series = NEWER) -> Score:
    found = score(forecast, newer)
    assert isinstance(found, Score)
    return found


def rescaled(series: Series, by: float) -> Series:
    return replace(
        series,
        values_a=tuple(value * by for value in series.values_a),
        values_b=tuple(value * by for value in series.values_b),
    )


def test_errors_and_hits_are_counted_over_the_horizon() -> None:
    found = scored()
    assert found.dates == 3
    assert (found.term_a.mae, found.term_a.mase) == (2.0, 1.0)
    assert (found.term_a.hits80, found.term_a.hits95) == (1, 3)
    assert found.term_b.mae == pytest.approx(2 / 3)
    assert (found.term_b.hits80, found.term_b.hits95) == (3, 3)
    assert found.term_b.mase is None, "it never changed before, so there is no step to measure by"


@pytest.mark.parametrize("by", [0.5, 0.8, 1 / 3])
def test_scores_do_not_depend_on_the_scale_of_the_newer_export(by: float) -> None:
    same, other = scored(), scored(newer=rescaled(NEWER, by))
    assert other.term_a.mae == pytest.approx(same.term_a.mae)
    assert (other.term_b.hits80, other.term_b.hits95) == (same.term_b.hits80, same.term_b.hits95)
    assert other.winner_right == same.winner_right


def test_unscaled_values_would_give_other_scores() -> None:
    halved = rescaled(NEWER, 0.5)
    # The same newer values, with a common past of unchanged scale.
    unscaled = observed(HISTORY_A + halved.values_a[10:], HISTORY_B + halved.values_b[10:])
    assert scored(newer=unscaled).term_a.mae > 10 * scored(newer=halved).term_a.mae


def test_one_outlier_moves_the_scale_by_no_more_than_its_share() -> None:
    revised = rescaled(NEWER, 0.5)
    revised = replace(revised, values_a=(1.0, *revised.values_a[1:]))  # 1 ÷ 40 there, 1 ÷ 2 everywhere else
    assert scored(newer=revised).term_a.mae == pytest.approx(scored().term_a.mae, abs=3.0)


@pytest.mark.parametrize("which", ["older", "newer"])
def test_exports_that_were_scaled_apart_are_not_scored(which: str) -> None:
    older = replace(KEPT, history=replace(OLDER, scaled_apart=which == "older"))
    assert score(older, replace(NEWER, scaled_apart=which == "newer")) is Unscored.SCALED_APART


def test_a_horizon_that_has_not_passed_is_not_scored() -> None:
    assert score(KEPT, observed(NEWER.values_a[:-1], NEWER.values_b[:-1])) is Unscored.HORIZON_OPEN
    assert score(KEPT, OLDER) is Unscored.HORIZON_OPEN


def test_a_partial_last_period_is_ignored() -> None:
    assert score(KEPT, replace(NEWER, partial_last_period=True)) is Unscored.HORIZON_OPEN
    longer = observed((*NEWER.values_a, 1.0), (*NEWER.values_b, 99.0), partial=True)
    assert scored(newer=longer) == scored()


def test_a_partial_period_of_the_older_snapshot_is_ignored() -> None:
    history = observed((*HISTORY_A, 3.0), (*HISTORY_B, 2.0), partial=True)
    assert scored(replace(KEPT, history=history)) == scored()


def test_a_window_that_begins_inside_the_horizon_is_not_scored() -> None:
    later = observed(ACTUAL_A[1:], ACTUAL_B[1:], first=11)
    assert score(KEPT, later) is Unscored.HORIZON_OPEN


@pytest.mark.parametrize(("common", "enough"), [(7, False), (8, True)])
def test_eight_common_dates_are_enough(common: int, enough: bool) -> None:
    cut = 10 - common
    newer = observed(NEWER.values_a[cut:], NEWER.values_b[cut:], first=cut)
    assert isinstance(score(KEPT, newer), Score) is enough
    assert enough or score(KEPT, newer) is Unscored.FEW_COMMON_DATES


@pytest.mark.parametrize("where", ["older", "newer"])
def test_a_date_with_a_zero_is_not_a_common_date(where: str) -> None:
    zeros = (0.0, 0.0, 0.0)
    older = replace(OLDER, values_b=zeros + HISTORY_B[3:]) if where == "older" else OLDER
    newer = replace(NEWER, values_b=zeros + NEWER.values_b[3:]) if where == "newer" else NEWER
    assert score(replace(KEPT, history=older), newer) is Unscored.FEW_COMMON_DATES


def test_dates_with_another_step_are_not_common() -> None:
    shifted = replace(NEWER, times=tuple(time + timedelta(days=1) for time in NEWER.times))
    assert score(KEPT, shifted) is Unscored.HORIZON_OPEN


@pytest.mark.parametrize(
    ("forecast_a", "forecast_b", "right"),
    [((60,) * 3, (50,) * 3, True), ((50,) * 3, (60,) * 3, False), ((50, 60, 40), (40, 50, 60), None)],
    ids=["the one that led", "the other", "a tie decides nothing"],
)
def test_the_predicted_winner_is_compared_with_the_actual_one(
    forecast_a: Sequence[float], forecast_b: Sequence[float], right: bool | None
) -> None:
    assert scored(replace(KEPT, term_a=forecast_of(forecast_a), term_b=forecast_of(forecast_b))).winner_right is right


def test_a_tie_has_no_winner() -> None:
    tie = observed(HISTORY_A + ACTUAL_B, HISTORY_B + ACTUAL_B[::-1])
    assert scored(newer=tie).winner_right is None


@pytest.mark.parametrize(
    ("direction", "actual", "right"),
    [
        ("rising", (60.0,) * 3, True),
        ("falling", (60.0,) * 3, False),
        ("falling", (30.0,) * 3, True),
        ("stable", (60.0,) * 3, False),
        # The last three actual points have a mean of 41.33; 5 % of it is 2.07.
        ("stable", (43.3,) * 3, True),
        ("rising", (43.3,) * 3, False),
        ("rising", (43.5,) * 3, True),
        ("volatile", (20.0, 41.0, 62.0), True),
        ("volatile", (60.0,) * 3, False),
    ],
)
def test_the_direction_follows_the_contract(direction: str, actual: tuple[float, ...], right: bool) -> None:
    forecast = replace(KEPT, term_a=forecast_of((50, 50, 50), direction=direction))
    assert scored(forecast, observed(HISTORY_A + actual, HISTORY_B + ACTUAL_B)).term_a.direction_right is right


def test_an_actual_value_at_the_end_of_an_interval_is_inside() -> None:
    rounded = forecast_of((49.3333, 50, 50))
    lowest = replace(rounded.points[0], lower80=100 / 3, lower95=33.3333, upper80=100 / 3, upper95=33.3334)
    forecast = replace(KEPT, term_b=replace(rounded, points=(lowest, *rounded.points[1:])))
    newer = rescaled(observed(HISTORY_A + ACTUAL_A, (*HISTORY_B, 100 / 3, 50.0, 50.0)), 1 / 3)
    assert scored(forecast, newer).term_b.hits95 == 3


def test_shares_are_absent_without_scores() -> None:
    stats = stats_of(Tally())
    assert (stats.forecasts, stats.points) == (0, 0)
    means = (stats.winner_right, stats.direction_right, stats.coverage80, stats.coverage95, stats.mae, stats.mase)
    assert means == (None,) * 6


def test_shares_and_means_have_the_documented_denominators() -> None:
    weekly = Tally(3, winners=2, winners_right=1, directions_right=3, points=78, hits80=39, hits95=78, mae_sum=12)
    daily = Tally(1, directions_right=2, points=28, hits80=28, hits95=28, mae_sum=2, mases=1, mase_sum=0.5)
    period = period_of({"12m": weekly, "30d": daily})
    assert period.timeframes["12m"].winner_right == 0.5
    assert period.timeframes["12m"].mae == 2.0
    assert period.timeframes["12m"].mase is None
    assert period.timeframes["30d"].winner_right is None
    assert period.timeframes["30d"].mase == 0.5
    overall = period.overall
    assert (overall.forecasts, overall.points, overall.winner_right) == (4, 106, 0.5)
    assert (overall.direction_right, overall.coverage80) == (5 / 8, round(67 / 106, 4))


def test_a_score_has_the_confidence_of_its_forecast() -> None:
    found = scored(replace(KEPT, term_a=replace(KEPT.term_a, confidence=62.5)))
    assert (found.term_a.confidence, found.term_b.confidence) == (62.5, None)
