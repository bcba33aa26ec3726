"""Scores of forecasts by the definitions of the contract and of docs/decisions/scoring-*.md, with numpy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

import numpy as np

from tests.integration.jobs.conftest import Store


@dataclass(frozen=True)
class Scored:
    """One forecast as the definitions score it."""

    week: date
    timeframe: str
    engine_version: str
    inside80: int
    inside95: int
    values: int
    winner: bool | None
    directions: tuple[bool, bool]
    confidences: tuple[float | None, float | None]
    maes: tuple[float, float]
    mases: tuple[float | None, float | None]


_FORECASTS = """
SELECT old.timeframe, a.engine_version, score.scored_at, old.times AS old_times, old.values_a AS old_a,
       old.values_b AS old_b, new.times AS new_times, new.values_a AS new_a, new.values_b AS new_b, a.times,
       a.point_values AS point_a, a.lower80 AS lower80_a, a.upper80 AS upper80_a, a.lower95 AS lower95_a,
       a.upper95 AS upper95_a, a.direction AS direction_a, a.confidence AS confidence_a,
       b.point_values AS point_b, b.lower80 AS lower80_b, b.upper80 AS upper80_b, b.lower95 AS lower95_b,
       b.upper95 AS upper95_b, b.direction AS direction_b, b.confidence AS confidence_b
FROM forecast_records AS a
JOIN forecast_records AS b ON b.job_id = a.job_id AND b.lease_id = a.lease_id AND b.label = 'termB'
JOIN warmup_jobs AS job ON job.id = a.job_id
JOIN snapshots AS old USING (slug, timeframe, geo, data_hash)
JOIN comparisons AS comparison ON comparison.previous_snapshot_id = old.id
JOIN snapshots AS new ON new.id = comparison.current_snapshot_id
LEFT JOIN forecast_scores AS score ON score.record_a_id = a.id
WHERE a.label = 'termA'
"""


async def scored_forecasts(store: Store) -> AsyncIterator[Scored]:
    """Every forecast of a previous snapshot that can be scored."""
    for row in await store.execute(_FORECASTS):
        found = _score(row)
        assert (found is None) == (row["scored_at"] is None)
        if found is not None:
            yield found


def _score(row: dict[str, Any]) -> Scored | None:
    old = {time: np.array(pair) for time, *pair in zip(row["old_times"], row["old_a"], row["old_b"], strict=True)}
    new = {time: np.array(pair) for time, *pair in zip(row["new_times"], row["new_a"], row["new_b"], strict=True)}
    common = [time for time in old if time in new and old[time].all() and new[time].all()]
    if len(common) < 8:
        return None
    ratio = sum(old[time].sum() for time in common) / sum(new[time].sum() for time in common)
    actual = np.array([new[time] for time in row["times"]]) * ratio
    history = np.array([old[time] for time in sorted(old)])
    forecast = np.column_stack([row["point_a"], row["point_b"]])

    def inside(level: int) -> int:
        lower, upper = (np.column_stack([row[f"{end}{level}_{term}"] for term in "ab"]) for end in ("lower", "upper"))
        return int(((actual.round(4) >= lower) & (actual.round(4) <= upper)).sum())

    leads = [(means[1] - means[0]).round(4) for means in (forecast.mean(axis=0), actual.mean(axis=0))]
    levels, means = history[-len(actual) :].mean(axis=0), actual.mean(axis=0)
    bands = np.maximum(2, 0.05 * levels)
    came = np.where(np.abs(means - levels) <= bands, "stable", np.where(means > levels, "rising", "falling"))
    said = [row[f"direction_{term}"].replace("volatile", "stable") for term in "ab"]
    maes = np.abs(forecast - actual).mean(axis=0)
    steps = np.abs(np.diff(history, axis=0)).mean(axis=0)
    day = row["scored_at"].astimezone(UTC).date() if row["scored_at"] else date.min
    return Scored(
        week=day - timedelta(days=day.weekday()) if row["scored_at"] else day,
        timeframe=row["timeframe"],
        engine_version=row["engine_version"],
        inside80=inside(80),
        inside95=inside(95),
        values=actual.size,
        winner=bool(np.sign(leads[0]) == np.sign(leads[1])) if all(leads) else None,
        directions=(bool(came[0] == said[0]), bool(came[1] == said[1])),
        confidences=(row["confidence_a"], row["confidence_b"]),
        maes=(float(maes[0]), float(maes[1])),
        mases=tuple(float(mae / step) if step else None for mae, step in zip(maes, steps, strict=True)),  # type: ignore[arg-type] # two
    )
