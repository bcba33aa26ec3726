"""The head-to-head of two terms."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.forecaster.engine.bundle.head_to_head import head_to_head
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.types import HeadToHeadInput, TermForecast
from tests.unit.forecaster.engine.series import term_series, wandering

SCORES = (-1.959964, -1.281552, 0.0, 1.281552, 1.959964)
DATES = ("2024-01-01", "2024-01-08", "2024-01-15")


def term(
    *values: float, sd: float = 5.0, last: float | None = None, errors: tuple[float, ...] = (), apart: bool = False
) -> TermForecast:
    head_to_head_input = HeadToHeadInput(
        dates=DATES[: len(values)],
        quantiles=tuple(tuple(value + score * sd for score in SCORES) for value in values),
        window_errors=tuple(enumerate(errors)),
        last_value=values[0] if last is None else last,
        scaled_apart=apart,
    )
    return TermForecast("amazon", "termA", "1", {}, head_to_head_input, season_share=0.0)


def compare(a: TermForecast, b: TermForecast) -> dict[str, Any]:
    compared = head_to_head(a, b)
    assert compared is not None
    json.dumps(compared, allow_nan=False)
    return compared


def test_a_tie_has_probability_50_and_high_risk() -> None:
    compared = compare(term(40, 40, 40), term(40, 40, 40))
    margin = compared.pop("margin")
    assert compared == {
        "winnerProbability": 50.0,
        "expectedMargin": 0.0,
        "leadChangeRisk": "high",
        "currentMargin": 0.0,
        "crossoverDate": None,
    }
    for point, date in zip(margin, DATES, strict=True):
        assert (point["date"], point["value"], point["leadProbability"]) == (date, 0, 50)
        assert (point["lower80"], point["lower95"]) == (-point["upper80"], -point["upper95"])


def test_the_probability_is_that_of_b_above_a_and_symmetric() -> None:
    weak, strong = term(40, 40, 40, sd=3.0), term(45, 45, 45, sd=4.0)
    ahead = compare(weak, strong)
    # The difference of two steps has sd 5, that of the means of three somewhat less: their errors are not quite one.
    assert 84 < ahead["winnerProbability"] < 90
    assert ahead["expectedMargin"] == 5
    behind = compare(strong, weak)
    assert behind["winnerProbability"] == pytest.approx(100 - ahead["winnerProbability"], abs=2)


def test_a_large_lead_has_probability_0_or_100() -> None:
    assert compare(term(10, 10, 10, sd=0.1), term(90, 90, 90, sd=0.1))["winnerProbability"] == 100
    assert compare(term(90, 90, 90, sd=0.0), term(10, 10, 10, sd=0.0))["winnerProbability"] == 0


def test_draws_are_deterministic() -> None:
    weak, strong = term(40, 40, 40), term(45, 45, 45)
    assert compare(weak, strong) == compare(weak, strong)
    nearly = compare(term(40 + 1e-12, 40, 40), strong)
    assert nearly == compare(weak, strong)


def test_correlated_errors_make_a_lead_more_certain() -> None:
    errors = (5.0, -5.0, 4.0, -4.0, 6.0, -6.0)
    opposite = tuple(-error for error in errors)
    weak = term(40, 40, 40, errors=errors)
    together = compare(weak, term(45, 45, 45, errors=errors))["winnerProbability"]
    alone = compare(weak, term(45, 45, 45))["winnerProbability"]
    against = compare(weak, term(45, 45, 45, errors=opposite))["winnerProbability"]
    assert together > alone > against > 50


@pytest.mark.parametrize(("margin", "risk"), [(40.0, "low"), (7.0, "medium"), (1.0, "high"), (-9.0, "high")])
def test_the_risk_is_that_the_other_term_leads_at_some_date(margin: float, risk: str) -> None:
    b = 45 + margin
    assert compare(term(45, 45, 45), term(b, b, b, last=46.0))["leadChangeRisk"] == risk


@pytest.mark.parametrize(("changes", "risk"), [(0.13, "low"), (0.17, "medium"), (0.33, "medium"), (0.37, "high")])
def test_the_risk_at_its_thresholds(changes: float, risk: str) -> None:
    margin = 5 * NormalDist().inv_cdf(1 - changes)  # the difference of sd 3 and 4, in one step, has sd 5
    assert compare(term(40, sd=3.0), term(40 + margin, sd=4.0))["leadChangeRisk"] == risk


def test_the_winner_leads_in_the_mean_and_not_at_the_end() -> None:
    fading = compare(term(40, 40, 40, sd=1.0), term(55, 55, 30, sd=1.0))
    assert fading["winnerProbability"] == 100
    assert fading["expectedMargin"] == pytest.approx(20 / 3, abs=0.1)


def test_six_windows_of_full_correlation_count_half() -> None:
    errors = (5.0, -5.0, 4.0, -4.0, 6.0, -6.0)
    compared = compare(term(40, errors=errors), term(45, errors=errors))
    # Two of sd 5 whose errors go together by half differ with sd 5, so a lead of 5 is one sd.
    assert compared["winnerProbability"] == pytest.approx(100 * NormalDist().cdf(1), abs=1.5)


def test_the_crossover_is_the_first_date_with_the_other_term_ahead() -> None:
    crossing = compare(term(40, 40, 40), term(35, 41, 50))
    assert crossing["crossoverDate"] == DATES[1]
    assert crossing["currentMargin"] == -5
    assert compare(term(40, 40, 40), term(35, 36, 40))["crossoverDate"] is None


def test_a_date_with_the_other_term_ahead_is_a_risk_even_if_the_leader_wins() -> None:
    dip = compare(term(50, 50, 50, sd=1.0), term(90, 45, 90, sd=1.0))
    assert dip["winnerProbability"] == 100
    assert (dip["leadChangeRisk"], dip["crossoverDate"]) == ("high", DATES[1])


def test_the_margin_has_the_sign_of_the_likelier_winner() -> None:
    def lopsided(low: float, value: float, high: float) -> TermForecast:
        ladder = (value - 2 * low, value - low, value, value + high, value + 2 * high)
        plain = term(value, value, value)
        return replace(plain, head_to_head_input=replace(plain.head_to_head_input, quantiles=3 * (ladder,)))

    # Dates spread the errors, so what is likelier of lopsided ones is not what their medians say.
    for a, b in product((lopsided(1, 30, 20), lopsided(9, 31, 4)), (lopsided(15, 31, 1), lopsided(3, 30.5, 3))):
        compared = compare(a, b)
        assert (compared["expectedMargin"] > 0) == (compared["winnerProbability"] > 50)


def test_the_margin_of_a_date_is_that_of_independent_errors() -> None:
    spread = 5 * NormalDist().inv_cdf(0.975)  # the difference of sd 3 and 4 has sd 5
    [point] = compare(term(40, sd=3.0), term(46, sd=4.0))["margin"]
    assert point["value"] == pytest.approx(6, abs=0.2)
    assert [point["lower95"], point["upper95"]] == pytest.approx([6 - spread, 6 + spread], abs=0.7)
    assert point["leadProbability"] == pytest.approx(100 * NormalDist().cdf(6 / 5), abs=1.5)


def test_a_certain_margin_has_no_width() -> None:
    assert compare(term(90, 90, 10, sd=0.0), term(10, 90, 90, sd=0.0))["margin"] == [
        {"date": date, "value": value, "leadProbability": probability}
        | dict.fromkeys(("lower80", "upper80", "lower95", "upper95"), value)
        for date, value, probability in zip(DATES, (-80, 0, 80), (0, 50, 100), strict=True)
    ]


levels = st.lists(st.floats(0, 100), min_size=3, max_size=3)
spreads = st.floats(0, 30)


@settings(deadline=None, max_examples=40)
@given(levels, levels, spreads, spreads, st.sampled_from((0.0, 20.0, 40.0, 60.0)))
def test_the_margin_agrees_with_the_rest_of_the_head_to_head(
    of_a: list[float], of_b: list[float], sd_a: float, sd_b: float, last: float
) -> None:
    check_margin(compare(term(*of_a, sd=sd_a, last=40.0), term(*of_b, sd=sd_b, last=last)))


@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize(("count", "timeframe"), [(52, "12m"), (260, "5y")])
def test_the_margin_of_forecasts_agrees_with_the_rest_of_the_head_to_head(
    count: int, timeframe: str, seed: int
) -> None:
    a = forecast_term(term_series(wandering(count, seed=seed), timeframe))
    b = forecast_term(term_series(wandering(count, seed=seed + 20), timeframe, label="termB"))
    compared = compare(a, b)
    check_margin(compared)
    points, expected = compared["margin"], compared["expectedMargin"]
    assert [point["date"] for point in points] == list(a.head_to_head_input.dates)
    if all(point["value"] > 0 for point in points):
        assert expected > 0
    if all(point["value"] < 0 for point in points):
        assert expected < 0


def check_margin(compared: dict[str, Any]) -> None:
    """Checks what holds for every margin: nested intervals, signs, and the date of the crossover."""
    current, crossover = compared["currentMargin"], None
    for point in reversed(compared["margin"]):
        assert -100 <= point["lower95"] <= point["lower80"] <= point["value"]
        assert point["value"] <= point["upper80"] <= point["upper95"] <= 100
        assert all(value == round(value, 4) for name, value in point.items() if name != "date")
        assert point["value"] * (point["leadProbability"] - 50) >= 0
        behind = 100 - point["leadProbability"] if current > 0 else point["leadProbability"]
        if current and behind > 50:
            crossover = point["date"]
    assert compared["crossoverDate"] == crossover
    if all(point["lower80"] > 0 for point in compared["margin"]):
        assert compared["expectedMargin"] > 0
    if all(point["upper80"] < 0 for point in compared["margin"]):
        assert compared["expectedMargin"] < 0


def test_terms_scaled_apart_are_not_compared() -> None:
    assert head_to_head(term(1, 2, 3, apart=True), term(1, 2, 3, apart=True)) is None


def test_results_of_forecast_term_can_be_compared() -> None:
    a = forecast_term(term_series(wandering(52, seed=3)))
    b = forecast_term(term_series(wandering(52, seed=7), label="termB"))
    compared = compare(a, b)
    assert 0 < compared["winnerProbability"] < 100
    assert compared == compare(a, b)
    assert len(a.head_to_head_input.window_errors) == len(b.head_to_head_input.window_errors) == 10
