"""Summaries of a given path."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.bundle.summaries import Path, summarise
from services.forecaster.engine.history import History
from services.forecaster.engine.intervals.prediction_intervals import Intervals
from tests.unit.forecaster.engine.series import MONDAY


def test_key_points_name_average_interval_range_and_extremes() -> None:
    history = History(np.array([90.0, 39.0, 41.0, 38.0, 42.0]), (MONDAY,), 1, TIMEFRAMES["12m"])
    intervals = Intervals(  # the last week begins after day 30, and would be the extreme of everything
        value=np.array([40.0, 44.0, 38.0, 42.0, 99.0]),
        lower80=np.array([30.0, 35.0, 20.0, 25.0, 5.0]),
        upper80=np.array([50.0, 60.0, 55.0, 52.0, 100.0]),
        lower95=np.zeros(5),
        upper95=np.full(5, 100.0),
    )
    path = Path(tuple(MONDAY + timedelta(weeks=week) for week in range(1, 6)), intervals)
    assert summarise(
        history, path, 30, confidence_in=lambda steps: 10 * steps, warn=lambda _, complete: [complete]
    ) == {
        "averageValue": 41.0,
        "confidence": 40.0,
        "keyPoints": [
            "Averages 41.0, 1.0 above the last 4 weeks",
            "80 % intervals lie within 20.0 to 60.0",
            "Highest on 2024-01-15 (44.0), lowest on 2024-01-22 (38.0)",
        ],
        "warnings": [True],
    }
