"""Shares of the track record and their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from services.jobs.domain.accuracy import (
    Accuracy,
    Measure,
    Period,
    SummedMeasure,
    Sums,
    TrackRecordReport,
    bin_of,
    report_of,
    share_of,
    trials_of,
)
from services.jobs.domain.scoring import Score, TermScore

MONDAYS = [date(2026, 1, 5), date(2026, 1, 12)]
FORECASTS = st.lists(
    st.integers(1, 60).flatmap(lambda trials: st.tuples(st.just(trials), st.integers(0, trials))), min_size=1
)


def sums_of(forecasts: Sequence[tuple[int, int]], said: float = 0.0) -> Sums:
    """The sums of forecasts with (trials, hits) each."""
    trials, hits = (np.array(each) for each in zip(*forecasts, strict=True))
    squares = ((trials**2).sum(), (trials * hits).sum(), (hits**2).sum())
    return Sums(len(forecasts), int(trials.sum()), hits.sum(), said * trials.sum(), *squares)


def term(
    right: bool = True, *, hits80: int = 3, hits95: int = 4, mase: float | None = 0.5, confidence: float | None = None
) -> TermScore:
    return TermScore(right, hits80, hits95, mae=2.0, mase=mase, confidence=confidence)


@given(FORECASTS)
def test_an_interval_contains_its_share_and_is_at_least_as_wide_as_with_independent_values(
    forecasts: list[tuple[int, int]],
) -> None:
    share = share_of(sums_of(forecasts))
    assert share is not None
    assert 0 <= share.low <= share.came <= share.high <= 1
    low, high = proportion_confint(sum(hits for _, hits in forecasts), share.count, method="wilson")
    assert share.low <= low + 1e-4
    assert share.high >= high - 1e-4


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_one_value_a_forecast_has_the_interval_of_wilson(winners: tuple[int, int]) -> None:
    count, right = winners
    share = share_of(sums_of([(1, 1)] * right + [(1, 0)] * (count - right)))
    assert share is not None
    low, high = proportion_confint(right, count, method="wilson")
    assert share.low == pytest.approx(low, abs=1e-4)
    assert share.high == pytest.approx(high, abs=1e-4)


def test_forecasts_that_hold_or_fail_as_a_whole_count_as_one_value_each() -> None:
    whole = share_of(sums_of([(24, 24)] * 30 + [(24, 0)] * 10))
    single = share_of(sums_of([(1, 1)] * 30 + [(1, 0)] * 10))
    assert whole is not None
    assert single is not None
    assert (whole.low, whole.high) == (single.low, single.high)
    assert (whole.count, whole.forecasts) == (960, 40)


@pytest.mark.parametrize("hits", [0, 24])
def test_one_forecast_says_little(hits: int) -> None:
    share = share_of(sums_of([(24, hits)]))
    assert share is not None
    assert share.high - share.low > 0.75


@pytest.mark.parametrize(("share", "forecasts"), [(0.8, 5), (0.8, 20), (0.95, 20), (0.95, 50), (0.5, 10)])
def test_the_interval_holds_the_true_share_also_of_dependent_values(share: float, forecasts: int) -> None:
    """Shares of forecasts vary (beta, intra-class correlation 0.2). Intervals for independent values hold 6 of 10."""
    randomness = np.random.default_rng(7)
    drawn = randomness.beta(4 * share, 4 * (1 - share), (1_000, forecasts))
    held = randomness.binomial(24, drawn)
    shares = [share_of(sums_of([(24, int(hits)) for hits in row])) for row in held]
    assert sum(each is not None and each.low <= share <= each.high for each in shares) >= 930
    naive = proportion_confint(held.sum(axis=1), 24 * forecasts, method="wilson")
    assert np.mean((naive[0] <= share) & (share <= naive[1])) < 0.75


def test_a_score_is_counted_by_measure() -> None:
    score = Score(6, True, term(confidence=72.0), term(right=False, hits80=5, mase=None, confidence=88.0))
    assert {each.measure: each[1:] for each in trials_of(score)} == {
        "interval-80": (12, 8, pytest.approx(9.6)),
        "interval-95": (12, 8, pytest.approx(11.4)),
        "winner": (1, True, 0.0),
        "direction": (2, 1, 0.0),
        "mae": (2, 4.0, 0.0),
        "mase": (1, 0.5, 0.0),
        "confidence": (2, 1, 1.6),
        "confidence-70": (1, 1, 0.72),
        "confidence-80": (1, 0, 0.88),
    }


def test_measures_are_in_the_order_in_which_their_rows_are_locked() -> None:
    names = [each.measure for each in trials_of(Score(6, True, term(confidence=9.0), term(confidence=50.0)))]
    assert names == sorted(names)


def test_ties_and_missing_confidence_are_not_counted() -> None:
    names = {each.measure for each in trials_of(Score(6, None, term(mase=None), term(mase=None)))}
    assert names == {"interval-80", "interval-95", "direction", "mae"}


@pytest.mark.parametrize(
    ("confidence", "start"),
    [(0.0, 0), (49.9, 0), (50.0, 50), (59.99, 50), (60.0, 60), (89.9, 80), (90.0, 90), (100.0, 90)],
)
def test_confidence_is_binned_by_ten_percent(confidence: float, start: int) -> None:
    assert bin_of(confidence) == start


def test_a_report_has_weeks_and_timeframes_in_order() -> None:
    places = [(monday, name) for monday in (None, *MONDAYS[::-1]) for name in (None, "all", "7d")]
    rows = [
        SummedMeasure(monday, name, Measure.DIRECTION, Sums(number, 2 * number, trials_squared=4 * number))
        for number, (monday, name) in enumerate(places, start=1)
    ]
    report = report_of(rows, ["10"])
    assert list(report.weeks) == MONDAYS
    assert [each.total.forecasts for each in (report.total, *report.weeks.values())] == [1, 7, 4]
    assert {name: each.forecasts for name, each in report.weeks[MONDAYS[0]].timeframes.items()} == {"7d": 9, "all": 8}
    assert list(report.total.timeframes) == ["7d", "all"]


def test_a_report_without_scores_is_empty() -> None:
    assert report_of([], []) == TrackRecordReport(Period(Accuracy(), {}), {}, ())


def test_probabilities_are_absent_where_forecasts_give_none() -> None:
    rows = [SummedMeasure(None, None, name, sums_of([(4, 0)])) for name in Measure]
    accuracy = report_of(rows, []).total.total
    assert accuracy.winner is not None
    assert accuracy.confidence is not None
    assert (accuracy.winner.said, accuracy.confidence.said) == (None, 0.0), "a confidence of 0 is one"
